"""One tiny randomly initialised model of every family, saved as its authors would save it, with a tokenizer of its
family's kind that was trained on a few sentences."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

TOKENS = 300
"""Positions of every tiny model, the ones that its family leaves unused not counted."""

_SHAPE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "initializer_range": 0.2,
}
_BERT_TOKENS = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
_ROBERTA_TOKENS = {"cls": "<s>", "pad": "<pad>", "sep": "</s>", "unk": "<unk>", "mask": "<mask>"}


@dataclass(frozen=True, slots=True)
class Tiny:
    """How a family's tiny model is made: its configuration, and its tokenizer's kind and special tokens."""

    config: str
    tokenizer: str
    settings: dict[str, Any]
    train: Callable[[Iterable[str], dict[str, str]], Tokenizer]
    special: dict[str, str]


def save(family: str, folder: Path, texts: Iterable[str]) -> Path:
    """A transformers folder: config.json, model.safetensors, tokenizer.json and its settings; returns `folder`."""
    import torch
    import transformers

    made = FAMILIES[family]
    tokenizer = made.train(texts, made.special)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(_tokenizer_settings(made)), "utf-8")
    ids = {f"{name}_token_id": tokenizer.token_to_id(token) for name, token in made.special.items()}
    used = {name: id for name, id in ids.items() if name in ("pad_token_id", "cls_token_id", "sep_token_id")}
    used |= {"bos_token_id": ids["cls_token_id"], "eos_token_id": ids["sep_token_id"]}
    config = getattr(transformers, made.config)(vocab_size=tokenizer.get_vocab_size(), **made.settings, **used)
    torch.manual_seed(0)
    transformers.AutoModel.from_config(config).save_pretrained(folder)
    return folder


def _tokenizer_settings(made: Tiny) -> dict[str, Any]:
    named = {f"{name}_token": token for name, token in made.special.items()}
    return {"tokenizer_class": made.tokenizer, "model_max_length": TOKENS} | named


def _word_pieces(texts: Iterable[str], special: dict[str, str]) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token=special["unk"]))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=200, special_tokens=list(special.values()), show_progress=False)
    return _framed(tokenizer, texts, trainer, special)


def _byte_pairs(texts: Iterable[str], special: dict[str, str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    letters = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=list(special.values()), initial_alphabet=letters, show_progress=False
    )
    return _framed(tokenizer, texts, trainer, special)


def _unigrams(texts: Iterable[str], special: dict[str, str]) -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=150, special_tokens=list(special.values()), unk_token=special["unk"], show_progress=False
    )
    return _framed(tokenizer, texts, trainer, special)


def _framed(tokenizer: Tokenizer, texts: Iterable[str], trainer: Any, special: dict[str, str]) -> Tokenizer:
    tokenizer.train_from_iterator(texts, trainer)
    first, last = special["cls"], special["sep"]
    ends = [(token, tokenizer.token_to_id(token)) for token in (first, last)]
    tokenizer.post_processor = processors.TemplateProcessing(f"{first} $A {last}", special_tokens=ends)
    return tokenizer


FAMILIES = {
    "bert": Tiny(
        "BertConfig", "BertTokenizer", _SHAPE | {"max_position_embeddings": TOKENS}, _word_pieces, _BERT_TOKENS
    ),
    "distilbert": Tiny(
        "DistilBertConfig",
        "DistilBertTokenizer",
        {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64, "max_position_embeddings": TOKENS}
        | {"initializer_range": 0.2},
        _word_pieces,
        _BERT_TOKENS,
    ),
    "albert": Tiny(
        "AlbertConfig",
        "AlbertTokenizer",
        _SHAPE | {"embedding_size": 16, "max_position_embeddings": TOKENS},
        _unigrams,
        {"pad": "<pad>", "unk": "<unk>", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"},
    ),
    "mobilebert": Tiny(
        "MobileBertConfig",
        "MobileBertTokenizer",
        _SHAPE
        | {"embedding_size": 16, "intra_bottleneck_size": 16, "num_feedforward_networks": 2}
        # its normalisation does not normalise, so that weights as large as the others' would only add up
        | {"max_position_embeddings": TOKENS, "initializer_range": 0.05},
        _word_pieces,
        _BERT_TOKENS,
    ),
    "mpnet": Tiny(
        "MPNetConfig",
        "MPNetTokenizer",
        _SHAPE | {"max_position_embeddings": TOKENS + 2},
        _word_pieces,
        {"cls": "<s>", "pad": "<pad>", "sep": "</s>", "unk": "[UNK]", "mask": "<mask>"},
    ),
    "modernbert": Tiny(
        "ModernBertConfig",
        "PreTrainedTokenizerFast",
        _SHAPE | {"max_position_embeddings": TOKENS, "local_attention": 16, "global_attn_every_n_layers": 2},
        _byte_pairs,
        _BERT_TOKENS,
    ),
    "electra": Tiny(
        "ElectraConfig",
        "ElectraTokenizer",
        _SHAPE | {"embedding_size": 16, "max_position_embeddings": TOKENS},
        _word_pieces,
        _BERT_TOKENS,
    ),
    "roberta": Tiny(
        "RobertaConfig",
        "RobertaTokenizer",
        _SHAPE | {"max_position_embeddings": TOKENS + 2},
        _byte_pairs,
        _ROBERTA_TOKENS,
    ),
    "xlm-roberta": Tiny(
        "XLMRobertaConfig",
        "XLMRobertaTokenizer",
        _SHAPE | {"max_position_embeddings": TOKENS + 2},
        _unigrams,
        _ROBERTA_TOKENS,
    ),
}
