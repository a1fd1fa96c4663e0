"""Which sentence encoders can be tuned and served, and whether a folder holds one, without running anything in it.

A folder is sentence-transformers' or plain transformers': `config.json`, `tokenizer.json`, `model.safetensors`, and
possibly `modules.json` with the pooling. Weights are looked at through their header; pickles are never opened.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from safetensors import SafetensorError, safe_open
from tokenizers import Tokenizer

from retrieval.errors import BadModel

Pooling = Literal["mean", "cls"]
Config = Mapping[str, Any]
Shapes = Mapping[str, tuple[int, ...]]

FAMILIES = {
    "bert": "BERT",
    "distilbert": "DistilBERT",
    "albert": "ALBERT",
    "mobilebert": "MobileBERT",
    "mpnet": "MPNet",
    "modernbert": "ModernBERT",
    "electra": "ELECTRA",
    "roberta": "RoBERTa",
    "xlm-roberta": "XLM-RoBERTa",
}
"""`model_type` of the families; TinyBERT and MiniLM are BERT."""

FEWEST_TOKENS = 64
"""An encoder has to read a whole utterance."""

WEIGHTS = "model.safetensors"
_CONFIG, _TOKENIZER, _MODULES = "config.json", "tokenizer.json", "modules.json"
_COUNT_FROM_PADDING = frozenset({"mpnet", "roberta", "xlm-roberta"})
_MODULE_KINDS = frozenset({"Transformer", "Pooling", "Normalize"})
_PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_LAYER = re.compile(r"\blayers?\.(\d+)\.")
_POINTER = b"version https://git-lfs"


@dataclass(frozen=True, slots=True)
class Encoder:
    """A folder that holds a usable encoder. `dimension` is the length of its vectors, `tokens` the most it reads,
    special ones among them; `parameters` counts all numbers in the weights' file."""

    folder: Path
    family: str
    parameters: int
    dimension: int
    tokens: int
    pooling: Pooling


def read_encoder(folder: Path) -> Encoder:
    """What kind of encoder lies in `folder`; `BadModel` says why it cannot be used, and what to do."""
    _require(folder, _CONFIG)
    config = _json(folder / _CONFIG)
    family = _family(folder, config)
    _require_no_code(folder)
    _require(folder, _TOKENIZER, WEIGHTS)
    shapes = _shapes(folder / WEIGHTS)
    _require_fit(folder, config, shapes)
    tokens = most_tokens(config)
    if tokens < FEWEST_TOKENS:
        raise BadModel(f"{folder} reads {tokens} tokens at most; take an encoder that reads {FEWEST_TOKENS} or more")
    parameters = sum(_product(shape) for shape in shapes.values())
    dimension = int(config.get("hidden_size") or config.get("dim") or 768)
    return Encoder(folder, family, parameters, dimension, tokens, stated_pooling(folder))


def most_tokens(config: Config) -> int:
    """The longest text a model of this configuration reads. MPNet and RoBERTa count positions from the padding id."""
    positions = int(config.get("max_position_embeddings") or 512)
    if config.get("model_type") not in _COUNT_FROM_PADDING:
        return positions
    padding = config.get("pad_token_id")
    return positions - 1 - (1 if padding is None else int(padding))


def stated_pooling(folder: Path) -> Pooling:
    """How a folder pools tokens to a sentence: what its pooling module says, else the mean. `BadModel` for a module
    that would have to be served and cannot."""
    stated = folder / _pooling_folder(folder) / _CONFIG
    if not stated.exists():
        return "mean"
    settings = _json(stated)
    asked = {
        name.removeprefix("pooling_mode_") for name in settings if name.startswith("pooling_mode_") and settings[name]
    }
    asked |= {settings["pooling_mode"]} if isinstance(settings.get("pooling_mode"), str) else set()
    if asked in ({"mean_tokens"}, {"mean"}):
        return "mean"
    if asked in ({"cls_token"}, {"cls"}):
        return "cls"
    raise BadModel(
        f"{stated} asks for {' and '.join(sorted(asked)) or 'no known'} pooling; mean and cls can be served, so take "
        "an encoder that was trained with one of them"
    )


def _pooling_folder(folder: Path) -> str:
    if not (folder / _MODULES).exists():
        return "1_Pooling"
    modules = _json(folder / _MODULES, kind=list)
    try:
        listed = [(str(each["type"]).rsplit(".", 1)[-1], str(each.get("path", ""))) for each in modules]
    except (KeyError, TypeError, AttributeError) as error:
        raise BadModel(
            f"{folder / _MODULES} is not a list of modules with type and path; copy the folder anew"
        ) from error
    if others := [kind for kind, _ in listed if kind not in _MODULE_KINDS]:
        raise BadModel(
            f"{folder} ends in modules that are not served: {', '.join(others)}; take an encoder of a transformer and "
            "a pooling alone"
        )
    places = dict(listed)
    if places.get("Transformer", ""):
        raise BadModel(
            f"{folder} keeps its transformer in {places['Transformer']}; load it with sentence-transformers and save "
            "it again, which lays the files flat"
        )
    pooling = places.get("Pooling", "")
    if "Pooling" in places and not (pooling and (folder / pooling / _CONFIG).is_file()):
        raise BadModel(
            f"{folder} lacks {pooling or 'the pooling folder'}/{_CONFIG}, which modules.json names; copy it too"
        )
    return pooling or "1_Pooling"


def _require(folder: Path, *names: str) -> None:
    if not folder.is_dir():
        raise BadModel(f"{folder} is not a folder; give the folder that holds the encoder's config.json")
    missing = [name for name in (_CONFIG, _TOKENIZER, WEIGHTS) if not (folder / name).is_file()]
    if not set(missing) & set(names):
        return
    if dangling := [name for name in missing if (folder / name).is_symlink()]:
        raise BadModel(f"{folder}: {', '.join(dangling)} leads to a file that is not there; copy it with `cp -L`")
    pickled = sorted(path.name for path in folder.iterdir() if path.suffix in _PICKLED)
    if missing == [WEIGHTS] and pickled:
        raise BadModel(
            f"{folder} has its weights as a pickle ({pickled[0]}), which could run code when it is read; convert it to "
            f"{WEIGHTS} where you trust it: AutoModel.from_pretrained(…).save_pretrained(…)"
        )
    if missing == [WEIGHTS] and (folder / f"{WEIGHTS}.index.json").exists():
        raise BadModel(f"{folder} has its weights in several files; save it in one, as small encoders are")
    raise BadModel(
        f"{folder} is not a model folder: it lacks {', '.join(missing)}; give a sentence encoder's folder, saved by "
        "sentence-transformers or transformers with a fast tokenizer"
    )


def _family(folder: Path, config: Config) -> str:
    kind = config.get("model_type")
    shown = f"{kind} ({', '.join(map(str, config.get('architectures') or ['no architecture']))})"
    remedy = f"take an encoder of these families: {', '.join(FAMILIES.values())}"
    if not isinstance(kind, str):
        raise BadModel(f"{folder} is not a sentence encoder: its config.json names no model_type; {remedy}")
    if config.get("is_encoder_decoder"):
        raise BadModel(f"{folder} is not a sentence encoder: {shown} is an encoder–decoder; {remedy}")
    if config.get("is_decoder") or "CausalLM" in shown or "LMHeadModel" in shown:
        raise BadModel(f"{folder} is not a sentence encoder: {shown} is a decoder; {remedy}")
    if config.get("auto_map"):
        raise BadModel(f"{folder} needs code of its own to be loaded (auto_map), and none is run; {remedy}")
    if kind not in FAMILIES:
        raise BadModel(f"{folder} is not a sentence encoder that can be used: got {shown}; {remedy}")
    if config.get("quantization_config"):
        raise BadModel(f"{folder} has quantised weights, which cannot be tuned; take the full ones")
    return FAMILIES[kind]


def _require_no_code(folder: Path) -> None:
    settings = folder / "tokenizer_config.json"
    if settings.is_file() and _json(settings).get("auto_map"):
        raise BadModel(
            f"{folder} needs code of its own for its tokenizer (auto_map), and none is run; take an encoder with a "
            "plain tokenizer.json"
        )


def _shapes(weights: Path) -> Shapes:
    try:
        with weights.open("rb") as file:
            if file.read(len(_POINTER)) == _POINTER:
                raise BadModel(f"{weights} is a Git LFS pointer, not the weights; run `git lfs pull` where it is from")
        with safe_open(weights, framework="numpy") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError) as error:
        raise BadModel(f"{weights} is damaged or cut short ({error}); copy or download it anew") from error


def _require_fit(folder: Path, config: Config, shapes: Shapes) -> None:
    """That weights, configuration and tokenizer belong together: what is missing would be filled with chance."""
    words = next(
        (s for n, s in shapes.items() if n.endswith(("word_embeddings.weight", "tok_embeddings.weight"))), None
    )
    weights, apart = folder / WEIGHTS, "the files are not of one model, so copy all of them from one place"
    rows = config.get("vocab_size", words[0] if words else None)
    if words is None or words[0] != rows:
        raise BadModel(f"{weights} has {words[0] if words else 'no'} word embeddings, config.json says {rows}; {apart}")
    numbers = {int(match[1]) for name in shapes if (match := _LAYER.search(name))}
    layers = config.get("num_hidden_layers") or config.get("n_layers") or len(numbers)
    if config["model_type"] != "albert" and numbers != set(range(layers)):
        raise BadModel(f"{weights} has {len(numbers)} layers, config.json says {layers}; {apart}")
    tokens = _vocabulary(folder / _TOKENIZER)
    if tokens > words[0]:
        raise BadModel(f"{folder / _TOKENIZER} has {tokens} tokens, the weights have {words[0]}; {apart}")


def _vocabulary(path: Path) -> int:
    try:
        tokenizer = Tokenizer.from_str(path.read_text("utf-8"))
    except Exception as error:  # tokenizers raises bare Exception
        raise BadModel(f"{path} is not a tokenizer file: {error}; copy it anew") from error
    return max(tokenizer.get_vocab().values(), default=-1) + 1


def _json(path: Path, kind: type = dict) -> Any:
    try:
        read = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadModel(f"{path} cannot be read as JSON: {error}; copy it anew") from error
    if not isinstance(read, kind):
        raise BadModel(f"{path} holds a {type(read).__name__}, expected a {kind.__name__}; copy it anew")
    return read


def _product(shape: tuple[int, ...]) -> int:
    product = 1
    for length in shape:
        product *= length
    return product
