"""A real encoder for the tests: a randomly initialised two-layer BERT, exported once a session."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from retrieval.documents import Document
from retrieval.embedder import OnnxEmbedder
from retrieval.sources.building import DocumentBuilder

os.environ.setdefault("OMP_NUM_THREADS", "1")
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

LISTED = """
[PAD] [UNK] [CLS] [SEP] [MASK] the a of to in and is are for you your we our it on at by with from not no can how what
when where why do does my i me order orders return returns refund refunds delivery express standard saturday cost costs
price free days working day kettle ember descale gift card cards pay payment payments password reset sign account
points nest showroom open opens closed monday tuesday box lid parcel courier warranty guarantee years two three five
"""
WORDS = LISTED.split()


@pytest.fixture(scope="session")
def tiny_bert() -> tuple[object, object]:
    """A pair (transformers model, fast tokenizer) with random weights and a vocabulary of letters and few words."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    letters = [chr(code) for code in range(33, 127)] + ["£", "–", "é"]
    vocabulary = list(dict.fromkeys([*WORDS, *letters, *(f"##{letter}" for letter in letters)]))
    numbers = {word: number for number, word in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordPiece(numbers, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    torch.manual_seed(7)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    model = BertModel(BertConfig(vocab_size=len(vocabulary), max_position_embeddings=300, **shape)).eval()
    special = {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]"}
    return model, PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special)


@pytest.fixture(scope="session")
def model_folder(tiny_bert: tuple[object, object], tmp_path_factory: pytest.TempPathFactory) -> Path:
    from retrieval.export import export_encoder

    folder = tmp_path_factory.mktemp("encoder")
    export_encoder(tiny_bert, folder, quantise=False)
    return folder


@pytest.fixture(scope="session")
def embedder(model_folder: Path) -> OnnxEmbedder:
    return OnnxEmbedder.load(model_folder)


@pytest.fixture
def shop() -> list[Document]:
    """Three small documents and a FAQ, as a shop would have them."""
    delivery = DocumentBuilder()
    delivery.heading(1, "Delivery prices")
    delivery.heading(2, "Express")
    delivery.paragraph("Express delivery costs £6.95. It comes the next working day if you order before 16:00.")
    delivery.heading(2, "Standard")
    delivery.paragraph("Standard delivery costs £3.95 and takes 2–4 working days, e.g. from Monday to Thursday.")
    returns = DocumentBuilder()
    returns.heading(1, "Returns")
    returns.paragraph("You can return unused items within 60 days. To return a parcel:")
    returns.items(["Open your account.", "Choose the order.", "Show the QR code at the shop."], first=1)
    kettle = DocumentBuilder()
    kettle.heading(1, "Ember kettle")
    kettle.paragraph("Descale the kettle every two months with citric acid.")
    faq = DocumentBuilder()
    faq.heading(1, "Frequently asked questions")
    faq.faq("How long is a gift card valid?", "A gift card is valid for 36 months.", "Gift cards")
    faq.faq("How do I reset my password?", "Choose “Forgotten password” on the sign-in page.", "Account")
    return [
        delivery.document("delivery", url="https://shop.example/help/delivery"),
        returns.document("returns"),
        kettle.document("kettle"),
        faq.document("faq"),
    ]
