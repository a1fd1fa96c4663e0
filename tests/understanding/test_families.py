"""Every family of base model is recognised, tuned, exported, and served as torch computes it; the rest is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from bot.errors import BadInput
from bot.understanding.classifier import IntentClassifier
from bot.understanding.examples.dataset import IntentDataset
from bot.understanding.tuning.finetuning import _set_dropout, fine_tune, load_base
from bot.understanding.tuning.recipe import Recipe
from bot.understanding.tuning.training import train
from bot.understanding.weights import ensure_base
from retrieval import export
from retrieval.embedder import OnnxEmbedder
from retrieval.errors import BadModel
from retrieval.export import export_encoder, read_tokenizer
from retrieval.families import FAMILIES, Encoder, read_encoder
from tests.understanding import tiny_families
from tests.understanding.tiny_families import TOKENS

UNLIKE = ("order", "Where is my ORDER, WF-204817? I asked on Monday already!", "", "hallo é 🙂", "send it back " * 400)
"""One batch of texts of very unequal length, the last longer than any of the tiny models reads."""


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory, dataset: IntentDataset) -> Callable[[str], Path]:
    """The folder of a family's tiny model, made at first use."""
    root = tmp_path_factory.mktemp("bases")

    def base(family: str) -> Path:
        folder = root / family
        return folder if folder.exists() else tiny_families.save(family, folder, dataset.texts * 3)

    return base


@pytest.fixture
def bert(bases: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of the tiny BERT, for a test to damage."""
    return Path(shutil.copytree(bases("bert"), tmp_path / "bert"))


@pytest.fixture(scope="module")
def short_recipe() -> Recipe:
    return Recipe(epochs=1, batch=8, encoder_rate=3e-3, head_rate=1e-2, keep_tuned=1.0, linear_share=0.3, name_rows=1)


def torch_vectors(folder: Path, texts: tuple[str, ...]) -> Any:
    """Unit mean-pooled vectors, one text at a time, as transformers computes them from the folder's tokenizer.json."""
    import torch
    from transformers import AutoModel

    model = AutoModel.from_pretrained(folder, local_files_only=True).float().eval()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(256)
    rows = []
    for text in texts:
        ids = torch.tensor([tokenizer.encode(text).ids])
        with torch.inference_mode():
            tokens = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0]
        rows.append(torch.nn.functional.normalize(tokens.mean(0), dim=0).numpy())
    return np.stack(rows)


def change(path: Path, **values: Any) -> None:
    """Change keys of a JSON file; None takes one away."""
    stored = json.loads(path.read_text()) | values
    path.write_text(json.dumps({key: value for key, value in stored.items() if value is not None}))


def test_every_family_has_a_tiny_model() -> None:
    assert set(tiny_families.FAMILIES) == set(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_folder_is_recognised(bases: Callable[[str], Path], family: str) -> None:
    folder = bases(family)
    found = read_encoder(folder)
    assert found == Encoder(folder, FAMILIES[family], found.parameters, 32, TOKENS, "mean")
    assert 10_000 < found.parameters < 50_000


@pytest.mark.parametrize("quantise", [False, True], ids=["full", "int8"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_served_graph_gives_the_vectors_of_torch(
    bases: Callable[[str], Path], tmp_path: Path, family: str, quantise: bool
) -> None:
    """Unequal lengths in one batch, texts beyond the local windows of attention, positions counted from padding."""
    report = export_encoder(bases(family), tmp_path, quantise=quantise)
    embedder = OnnxEmbedder.load(tmp_path)
    together, alone = embedder.encode(UNLIKE), np.concatenate([embedder.encode([text]) for text in UNLIKE])
    cosines = (together * torch_vectors(bases(family), UNLIKE)).sum(axis=1)
    assert report.quantised == quantise
    assert cosines.min() > (0.99 if quantise else 0.9999)
    # a batch shares one scale of int8 activations
    np.testing.assert_allclose((together * alone).sum(axis=1), 1.0, atol=5e-3 if quantise else 1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_intent_model_is_trained_and_served(
    bases: Callable[[str], Path], dataset: IntentDataset, short_recipe: Recipe, tmp_path: Path, family: str
) -> None:
    report = train(dataset, bases(family), tmp_path, recipe=short_recipe)
    classifier = IntentClassifier.load(tmp_path)
    assert (report.rows, report.intents) == (24, 3)
    (said,) = classifier.classify(["Where is my ORDER, WF-204817?"])
    assert said.nearest[0].cosine > 0.5
    assert classifier.classify(["where is my order " * 200])[0].intent in dataset.labels


@pytest.mark.parametrize("family", FAMILIES)
def test_tuning_moves_every_layer_and_no_word(
    bases: Callable[[str], Path], dataset: IntentDataset, short_recipe: Recipe, family: str
) -> None:
    texts = [row.text for row in dataset.in_scope]
    classes = [dataset.labels.index(row.intent) for row in dataset.in_scope]
    tuned = fine_tune(bases(family), texts, classes, replace(short_recipe, weight_decay=0.0), seed=1, on_step=int)
    before = dict(load_base(bases(family), short_recipe)[0].model.named_parameters())
    moved = {name for name, now in tuned.encoder.named_parameters() if not bool((now == before[name]).all())}
    assert not [name for name in moved if name.startswith("embeddings.")]
    kept = set(before) - moved
    # bias of the keys cancels out of the softmax; the pooler belongs to pre-training
    assert not [
        name for name in kept if not name.startswith(("embeddings.", "pooler.")) and "k" not in name.split(".")[-2]
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_dropout_spares_the_weights_of_attention(bases: Callable[[str], Path], family: str) -> None:
    import torch

    model = load_base(bases(family), Recipe(epochs=1))
    _set_dropout(model, 0.25)
    shares = {name: each.p for name, each in model.named_modules() if isinstance(each, torch.nn.Dropout)}
    spared = {name for name, share in shares.items() if share == 0.0}
    assert all("att" in name for name in spared)
    assert {share for name, share in shares.items() if name not in spared} == {0.25}
    numbers = [each.attention_dropout for each in model.modules() if hasattr(each, "Wqkv")]
    # two layers; ALBERT has one that it uses twice, and ModernBERT keeps the share as a number
    assert len(spared) + len(numbers) == (1 if family == "albert" else 2)
    assert set(numbers) <= {0.0}


@pytest.mark.parametrize("family", FAMILIES)
def test_training_and_serving_tokenise_as_the_file_says(bases: Callable[[str], Path], family: str) -> None:
    """The tokenizer classes of transformers build ALBERT's and XLM-RoBERTa's rules anew, without what the file adds."""
    folder = bases(family)
    stated, read = Tokenizer.from_file(str(folder / "tokenizer.json")), read_tokenizer(folder)
    tuned = load_base(folder, Recipe(epochs=1)).tokenizer
    for text in UNLIKE[:4]:
        assert read(text)["input_ids"] == tuned(text)["input_ids"] == stated.encode(text).ids
    assert {read.mask_token_id, *stated.encode("x").ids[:: len(stated.encode("x").ids) - 1]} <= set(
        read.all_special_ids
    )
    padded = read(["order", "where is my order"], padding=True)
    assert [sum(mask) < len(mask) for mask in padded["attention_mask"]] == [True, False]


@pytest.mark.parametrize("family", ["albert", "modernbert"])
def test_three_files_are_enough(bases: Callable[[str], Path], tmp_path: Path, family: str) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        shutil.copy(bases(family) / name, bare)
    export_encoder(bare, tmp_path / "out", quantise=False)
    expected = torch_vectors(bases(family), UNLIKE)
    np.testing.assert_allclose(OnnxEmbedder.load(tmp_path / "out").encode(UNLIKE), expected, atol=1e-4)
    assert load_base(bare, Recipe(epochs=1)).get_embedding_dimension() == 32


def test_half_precision_weights_are_tuned_in_full(bert: Path, dataset: IntentDataset, short_recipe: Recipe) -> None:
    import torch
    from transformers import AutoModel

    AutoModel.from_pretrained(bert).to(torch.bfloat16).save_pretrained(bert)
    assert read_encoder(bert).dimension == 32
    model = load_base(bert, short_recipe)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_a_folder_that_lowers_case_is_served_so(bert: Path, tmp_path: Path) -> None:
    stored = json.loads((bert / "tokenizer.json").read_text())
    stored["normalizer"]["lowercase"] = False
    (bert / "tokenizer.json").write_text(json.dumps(stored))
    assert read_tokenizer(bert).tokenize("ORDER") == ["[UNK]"]
    (bert / "sentence_bert_config.json").write_text('{"max_seq_length": 128, "do_lower_case": true}')
    export_encoder(bert, tmp_path / "out", quantise=False)
    upper, lower = OnnxEmbedder.load(tmp_path / "out").encode(["ORDER", "order"])
    np.testing.assert_allclose(upper, lower)


def test_serving_reads_no_more_than_the_encoder_can(bases: Callable[[str], Path], tmp_path: Path) -> None:
    export_encoder(bases("mpnet"), tmp_path, quantise=False)
    embedder = OnnxEmbedder.load(tmp_path, max_tokens=4_000)
    assert embedder.fingerprint.endswith(f"/{TOKENS}")
    assert np.isfinite(embedder.encode(["send it back " * 2_000])).all()
    change(tmp_path / "config.json", max_tokens="many")
    with pytest.raises(BadModel, match="does not say how much"):
        OnnxEmbedder.load(tmp_path)


@pytest.mark.filterwarnings("ignore")  # what the exporter warns of is its own affair
@pytest.mark.parametrize("names", [("input_ids", "attention_mask"), ("input_ids", "attention_mask", "token_type_ids")])
def test_graphs_of_others_are_served_too(bases: Callable[[str], Path], tmp_path: Path, names: tuple[str, ...]) -> None:
    """Token vectors come out, are pooled here, and the token types go in where the graph asks for them."""
    import torch
    from transformers import AutoModel

    class Tokens(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = AutoModel.from_pretrained(bases("bert")).eval()

        def forward(self, *given: torch.Tensor) -> Any:
            return self.model(**dict(zip(names, given, strict=True))).last_hidden_state

    free = {name: {0: "texts", 1: "tokens"} for name in (*names, "last_hidden_state")}
    given = tuple(torch.ones((2, 6), dtype=torch.int64) for _ in names)
    torch.onnx.export(
        Tokens(),
        given,
        str(tmp_path / "model.onnx"),
        input_names=list(names),
        output_names=["last_hidden_state"],
        dynamic_axes=free,
        dynamo=False,
    )
    shutil.copy(bases("bert") / "tokenizer.json", tmp_path)
    np.testing.assert_allclose(
        OnnxEmbedder.load(tmp_path).encode(UNLIKE), torch_vectors(bases("bert"), UNLIKE), atol=1e-4
    )


def test_int8_that_would_damage_the_vectors_is_not_kept(
    bases: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tiny model's int8 is faithful, so the bar is raised above what any can reach."""
    monkeypatch.setattr(export, "WORTH_QUANTISING", 1.1)
    report = export_encoder(bases("bert"), tmp_path)
    assert not report.quantised
    assert report.cosine_min > 0.9999
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "model.onnx", "tokenizer.json"]


def sentence_folder(
    folder: Path, kinds: tuple[str, ...] = ("Transformer", "Pooling", "Normalize"), **pooling: Any
) -> Path:
    """Make a transformers folder one of sentence-transformers."""
    places = {"Transformer": "", "Pooling": "1_Pooling"}
    modules = [
        {
            "idx": n,
            "name": str(n),
            "path": places.get(kind, f"{n}_{kind}"),
            "type": f"sentence_transformers.models.{kind}",
        }
        for n, kind in enumerate(kinds)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    stated = {"word_embedding_dimension": 32} | (pooling or {"pooling_mode_mean_tokens": True})
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(stated))
    return folder


@pytest.mark.parametrize(
    ("stated", "pooling"),
    [
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}, "mean"),
        ({"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}, "cls"),
        ({"pooling_mode": "cls"}, "cls"),
    ],
)
def test_a_sentence_transformers_folder_says_how_it_pools(bert: Path, stated: dict[str, Any], pooling: str) -> None:
    sentence_folder(bert, **stated)
    assert read_encoder(bert).pooling == pooling
    assert load_base(bert, Recipe(epochs=1))[1].pooling_mode == pooling


def without(*names: str) -> Callable[[Path], None]:
    return lambda folder: [(folder / name).unlink() for name in names] and None


def configured(**values: Any) -> Callable[[Path], None]:
    return lambda folder: change(folder / "config.json", **values)


def cut_short(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def in_shards(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    (folder / "model.safetensors.index.json").write_text("{}")


def pointed_to(folder: Path) -> None:
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")


def dangling(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to(folder / "blobs" / "gone")


def written(name: str, text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(text) and None


def of_another(folder: Path) -> None:
    stored = json.loads((folder / "tokenizer.json").read_text())
    stored["model"]["vocab"]["beyond"] = 9_999
    (folder / "tokenizer.json").write_text(json.dumps(stored))


BROKEN = {
    "no config": (without("config.json"), r"lacks config\.json; give a sentence encoder's folder"),
    "no tokenizer": (without("tokenizer.json"), r"lacks tokenizer\.json; give .* with a fast tokenizer"),
    "no weights": (without("model.safetensors"), r"lacks model\.safetensors; give"),
    "nothing": (
        without("config.json", "tokenizer.json", "model.safetensors"),
        "lacks config.json, tokenizer.json, model",
    ),
    "config is no JSON": (written("config.json", "{"), r"config\.json cannot be read as JSON: .*; copy it anew"),
    "config is a list": (written("config.json", "[]"), r"holds a list, expected a dict; copy it anew"),
    "no model type": (configured(model_type=None), "names no model_type; take an encoder of these families: BERT"),
    "T5": (
        configured(model_type="t5", is_encoder_decoder=True, architectures=["T5Model"]),
        r"t5 \(T5Model\) is an encoder–decoder; take",
    ),
    "GPT-2": (
        configured(model_type="gpt2", architectures=["GPT2LMHeadModel"]),
        r"gpt2 \(GPT2LMHeadModel\) is a decoder; take",
    ),
    "BERT as decoder": (configured(is_decoder=True), "is a decoder; take"),
    "CLIP": (configured(model_type="clip"), "got clip .*; take an encoder of these families: .*ModernBERT"),
    "code of its own": (configured(auto_map={"AutoModel": "modeling.X"}), r"code of its own .*\(auto_map\).*; take"),
    "tokenizer's own code": (
        written("tokenizer_config.json", '{"auto_map": {"AutoTokenizer": ["tok.X", null]}}'),
        r"for its tokenizer \(auto_map\).*; take an encoder with a plain tokenizer\.json",
    ),
    "quantised": (configured(quantization_config={"bits": 4}), "quantised weights, which cannot be tuned; take"),
    "cut short": (cut_short, r"model\.safetensors is damaged or cut short .*; copy or download it anew"),
    "garbage": (written("model.safetensors", "x" * 200), "is damaged or cut short"),
    "empty": (lambda folder: (folder / "model.safetensors").write_bytes(b"") and None, "is damaged or cut short"),
    "pickled": (pickled, r"as a pickle \(pytorch_model\.bin\).*; convert it to model\.safetensors"),
    "in shards": (in_shards, "weights in several files; save it in one"),
    "LFS pointer": (pointed_to, "is a Git LFS pointer, not the weights; run `git lfs pull`"),
    "dangling link": (dangling, r"model\.safetensors leads to a file that is not there; copy it with `cp -L`"),
    "tokenizer is garbage": (written("tokenizer.json", "{}"), r"is not a tokenizer file: .*; copy it anew"),
    "more layers": (configured(num_hidden_layers=6), r"has 2 layers, config\.json says 6; the files are not of one"),
    "more words": (
        configured(vocab_size=30_522),
        r"word embeddings, config\.json says 30522; the files are not of one",
    ),
    "another tokenizer": (of_another, "has 10000 tokens, the weights have .*; the files are not of one model"),
    "few positions": (configured(max_position_embeddings=32), "reads 32 tokens at most; take an encoder that reads 64"),
    "a Dense module": (
        lambda folder: sentence_folder(folder, ("Transformer", "Pooling", "Dense")) and None,
        "modules that are not served: Dense; take",
    ),
    "max pooling": (
        lambda folder: sentence_folder(folder, pooling_mode_max_tokens=True) and None,
        "asks for max_tokens pooling; mean and cls can be served",
    ),
    "pooling's file gone": (
        lambda folder: (sentence_folder(folder) / "1_Pooling" / "config.json").unlink(),
        r"lacks 1_Pooling/config\.json, which modules\.json names; copy it too",
    ),
    "modules are no list": (written("modules.json", "{}"), "holds a dict, expected a list; copy it anew"),
    "modules without types": (written("modules.json", "[1]"), "is not a list of modules with type and path; copy"),
    "transformer elsewhere": (
        written("modules.json", '[{"type": "x.Transformer", "path": "0_Transformer"}]'),
        "keeps its transformer in 0_Transformer; load it",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_no_usable_model_is_refused_with_a_remedy(
    bert: Path, tmp_path: Path, dataset: IntentDataset, case: str
) -> None:
    damage, said = BROKEN[case]
    damage(bert)
    with pytest.raises(BadInput, match=f"(?s)FIRSTLINE_BASE_MODEL: .*{said}"):
        ensure_base(tmp_path / "base", source=str(bert))
    with pytest.raises(BadInput, match=f"(?s){said}"):
        train(dataset, bert, tmp_path / "intents")
    with pytest.raises(BadModel, match=f"(?s){said}"):
        export_encoder(bert, tmp_path / "encoder")


def test_a_file_and_a_place_that_is_not_there_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for name in ("file", "nowhere"):
        with pytest.raises(BadInput, match="is not a folder; give the folder"):
            ensure_base(tmp_path / "base", source=str(tmp_path / name))
