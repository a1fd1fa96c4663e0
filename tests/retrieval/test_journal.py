"""A build that was broken off goes on where it was."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from retrieval import knowledge as module
from retrieval.documents import Document
from retrieval.embedder import Vectors
from retrieval.journal import Journal
from retrieval.knowledge import build
from tests.retrieval.test_knowledge import WordEmbedder


class Ending(WordEmbedder):
    """Is killed, as it were, after so many texts."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._after = after

    def encode(self, texts: Sequence[str]) -> Vectors:
        if self.encoded >= self._after:
            raise KeyboardInterrupt
        return super().encode(texts)


def test_what_was_embedded_before_the_end_is_not_embedded_again(
    shop: list[Document], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    monkeypatch.setattr(module, "BLOCK", 4)
    journal = Journal(tmp_path / "journal", "words")
    with pytest.raises(KeyboardInterrupt):
        build(shop, Ending(6), tmp_path / "broken", journal=journal)
    kept = journal.read()
    assert len(kept) == 4
    whole, anew = WordEmbedder(), WordEmbedder()
    build(shop, whole, tmp_path / "whole")
    build(shop, anew, tmp_path / "anew", journal=journal)
    assert anew.encoded == whole.encoded - 4
    for name in ("vectors.npy", "owners.npy"):
        np.testing.assert_array_equal(np.load(tmp_path / "whole" / name), np.load(tmp_path / "anew" / name))
    journal.clear()
    assert journal.read() == {}


def test_a_damaged_block_and_that_of_another_encoder_are_passed_over(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "one")
    hashes = [bytes([number] * 32).hex() for number in range(3)]
    journal.add(hashes, np.eye(3, dtype=np.float32))
    assert sorted(journal.read()) == hashes
    assert Journal(tmp_path, "another").read() == {}
    (block,) = tmp_path.rglob("*.npz")
    block.write_bytes(block.read_bytes()[:-40])
    (block.parent / "x.npz").write_bytes(b"nothing")
    assert journal.read() == {}
