"""A tiny real model: a randomly initialised two-layer BERT with a word-piece tokenizer, trained on a few rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from bot.understanding.examples.dataset import IntentDataset
from bot.understanding.tuning.recipe import Recipe

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
NLU = """
version: "3.1"
nlu:
- intent: greet
  examples: |
    - hello
    - good morning
    - hi there
    - hey you
    - hello there
    - good evening
    - hi
    - hey hey
- intent: order_status
  examples: |
    - where is my order [WF-204817](order_number)
    - has my [kettle](product) been sent
    - track my order
    - when does my order come
    - where has my [toaster](product) got to
    - is my order on its way
    - order status please
    - where is the parcel
- intent: start_return
  examples: |
    - I want to send it back, [wrong size](reason)
    - return my [kettle](product)
    - can I send this back
    - it is the [wrong colour]{"entity": "reason", "value": "wrong colour"}, return please
    - how do I return it
    - send back the [toaster](product)
    - I would like to return this
    - return the order
- intent: out_of_scope
  examples: |
    - what is the weather
    - write me a poem
- synonym: kettle EK-200
  examples: |
    - ek-200
    - kettle
- lookup: product
  examples: |
    - kettle EK-200
    - toaster
- regex: voucher
  examples: |
    - WG-[A-Z0-9]{12}
"""


@pytest.fixture(scope="session")
def nlu_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("nlu") / "nlu.yml"
    path.write_text(NLU, "utf-8")
    return path


@pytest.fixture(scope="session")
def dataset(nlu_file: Path) -> IntentDataset:
    return IntentDataset.read(nlu_file)


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory, dataset: IntentDataset) -> Path:
    """A sentence-transformers folder that needs no download: 32 dimensions, the words of the rows."""
    import torch
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("base")
    words = sorted({word for text in dataset.texts for word in text.lower().replace(",", " ,").split()})
    letters = [prefix + letter for letter in "abcdefghijklmnopqrstuvwxyz0123456789-,.?!" for prefix in ("", "##")]
    vocabulary = {token: index for index, token in enumerate(dict.fromkeys([*SPECIAL, *words, *letters]))}
    _tokenizer(vocabulary).save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "BertTokenizer", "model_max_length": 300, "pad_token": "[PAD]", "unk_token": "[UNK]"}
    settings |= {"cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]", "do_lower_case": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=300,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def quick_recipe() -> Recipe:
    """Enough to fit two dozen rows: high rates, since nothing was pre-trained."""
    return Recipe(epochs=12, batch=8, encoder_rate=3e-3, head_rate=1e-2, keep_tuned=1.0, linear_share=0.3, name_rows=1)


@pytest.fixture(scope="session")
def trained(
    tmp_path_factory: pytest.TempPathFactory, dataset: IntentDataset, tiny_base: Path, quick_recipe: Recipe
) -> Path:
    """The folder of a model trained on the rows above."""
    from bot.understanding.tuning.training import train

    folder = tmp_path_factory.mktemp("intents")
    train(dataset, tiny_base, folder, recipe=quick_recipe)
    return folder


def _tokenizer(vocabulary: dict[str, int]) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=ends)
    return tokenizer
