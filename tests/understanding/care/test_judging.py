"""What cross-validation says of rows: on vectors made here, where the truth is known, and with a real tiny encoder."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

from bot.understanding.care.checking import check, judged
from bot.understanding.care.contradictions import doubt, suspects
from bot.understanding.care.corpus import Corpus
from bot.understanding.care.crossvalidation import FOLDS, assigned_folds, out_of_fold
from bot.understanding.care.encoder import base_encoder
from bot.understanding.care.findings import Finding
from bot.understanding.care.neighbours import nearest
from bot.understanding.care.overlap import jaccard, taken_for
from bot.understanding.entities.definitions import Spelling
from bot.understanding.space import Indices, Vectors
from retrieval.embedder import normalised

INTENTS, EACH, DIMENSION = 6, 30, 24


def cloud(seed: int = 3) -> tuple[Vectors, Indices]:
    """Unit vectors in `INTENTS` clusters that hardly touch, and their classes."""
    chance = np.random.default_rng(seed)
    centres = chance.normal(size=(INTENTS, DIMENSION))
    classes = np.repeat(np.arange(INTENTS, dtype=np.int32), EACH)
    return normalised(centres[classes] + 0.4 * chance.normal(size=(len(classes), DIMENSION))), classes


def corpus(folder: Path, texts: list[str], classes: Indices) -> Corpus:
    path = folder / "rows.jsonl"
    rows = [{"text": text, "intent": f"intent_{label}"} for text, label in zip(texts, classes.tolist(), strict=True)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return Corpus.read([path])


def judge(rows: Corpus, vectors: Vectors, found: tuple[Finding, ...] = ()) -> list[Finding]:
    return judged(rows, found, vectors, progress=lambda message, done, total: None)[0]


def words(count: int) -> list[str]:
    return [f"word{number} thing{number}" for number in range(count)]


def test_flipped_labels_are_found_and_their_own_intent_suggested(tmp_path: Path) -> None:
    vectors, classes = cloud()
    flipped = np.random.default_rng(1).choice(len(classes), 9, replace=False)
    given = classes.copy()
    given[flipped] = (classes[flipped] + 1) % INTENTS
    found = judge(corpus(tmp_path, words(len(classes)), given), vectors)
    moves = {each.rows[0].line - 1: each for each in found if each.kind == "contradicted"}
    assert set(moves) == set(flipped.tolist())
    assert all(each.fix and each.fix.intent == f"intent_{classes[row]}" for row, each in moves.items())
    assert all("likelier than" in each.says and "compare “word" in each.says for each in moves.values())


def test_clean_rows_are_left_alone(tmp_path: Path) -> None:
    vectors, classes = cloud()
    assert judge(corpus(tmp_path, words(len(classes)), classes), vectors) == []


def test_the_same_text_is_held_out_together_and_intents_are_spread() -> None:
    classes = np.repeat(np.arange(4, dtype=np.int32), 25)
    texts = [f"t{number // 2}" for number in range(100)]
    folds = assigned_folds(classes, texts, seed=5)
    assert all(folds[number] == folds[number + 1] for number in range(0, 100, 2))
    assert all(len(set(folds[classes == label].tolist())) == FOLDS for label in range(4))
    assert np.array_equal(folds, assigned_folds(classes, texts, seed=5))


def test_an_intent_in_one_fold_alone_has_no_chance_and_no_say() -> None:
    vectors, classes = cloud()
    classes = classes.copy()
    classes[0] = INTENTS
    chances = out_of_fold(vectors, classes, words(len(classes)))
    assert chances[0, INTENTS] == 0
    assert np.allclose(chances.sum(axis=1), 1)
    assert suspects(chances, classes)[0] == -1
    assert doubt(chances, classes).argmax() == 0


def test_a_conflict_is_settled_by_the_other_rows(tmp_path: Path) -> None:
    vectors, classes = cloud()
    texts = words(len(classes))
    texts[EACH] = texts[0]
    vectors[EACH] = vectors[0]
    rows = corpus(tmp_path, texts, classes)
    conflict = Finding("conflict", "matters", "under two", (rows.rows[0], rows.rows[EACH]))
    (settled,) = (each for each in judge(rows, vectors, (conflict,)) if each.kind == "conflict")
    assert settled.fix is not None
    assert (settled.fix.action, settled.fix.targets) == ("remove", (1,))
    assert "the other rows speak for intent_0" in settled.says
    assert not any(each.kind == "contradicted" for each in judge(rows, vectors, (conflict,)))
    between = vectors.copy()
    between[[0, EACH]] = normalised(vectors[classes == 0].mean(0)[None] + vectors[classes == 1].mean(0)[None])
    (open_,) = (each for each in judge(rows, between, (conflict,)) if each.kind == "conflict")
    assert open_.fix is None


def test_near_duplicates_need_cosine_and_words_and_the_same_intent(tmp_path: Path) -> None:
    vectors, classes = cloud()
    texts = words(len(classes))
    texts[0], texts[1] = "where is the parcel i paid for", "so where is the parcel i paid for"
    texts[2] = "quite other words here"
    for other in (1, 2, EACH):
        vectors[other] = vectors[0]
    texts[EACH] = "where is the parcel that i paid for"
    (near,) = (each for each in judge(corpus(tmp_path, texts, classes), vectors) if each.kind == "near_duplicate")
    assert [row.line for row in near.rows] == [1, 2]
    assert near.figures == {"cosine": pytest.approx(1.0, abs=1e-5), "token_overlap": pytest.approx(7 / 8)}


def test_intents_in_one_place_overlap(tmp_path: Path) -> None:
    vectors, classes = cloud()
    mixed = classes.copy()
    mixed[classes == 1] = np.where(np.arange(EACH) % 2, 0, 1)
    mixed[classes == 0] = np.where(np.arange(EACH) % 2, 0, 1)
    pairs = [each for each in judge(corpus(tmp_path, words(len(classes)), mixed), vectors) if each.kind == "overlap"]
    assert [each.subject for each in pairs] == ["intent_0 / intent_1"]
    assert pairs[0].severity == "matters"
    assert {row.intent for row in pairs[0].rows} == {"intent_0", "intent_1"}


def test_confusion_and_shared_words() -> None:
    told = np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]])
    assert np.allclose(taken_for(told, np.array([0, 0, 1], dtype=np.int32)), [[0.5, 0.5], [1, 0]])
    assert jaccard(frozenset("ab"), frozenset("bc")) == pytest.approx(1 / 3)
    assert jaccard(frozenset(), frozenset()) == 0


@pytest.mark.parametrize("count", [1, 2, 5, 2_500])
def test_neighbours_are_exact(count: int) -> None:
    vectors = normalised(np.random.default_rng(2).normal(size=(count, 8)))
    near = nearest(vectors, 3)
    k = min(3, count - 1)
    assert near.positions.shape == (count, k)
    for row in range(0, count, 400):
        cosines = vectors @ vectors[row]
        cosines[row] = -2
        assert np.allclose(near.cosines[row], np.sort(cosines)[::-1][:k], atol=1e-6)
        assert row not in near.positions[row]


def test_a_real_encoder_is_exported_once(tmp_path: Path, tiny_base: Path, nlu_file: Path) -> None:
    said: list[str] = []
    rows = Corpus.read([nlu_file])
    report = check(
        rows,
        Spelling(),
        lambda: base_encoder(tiny_base, tmp_path / "care"),
        progress=lambda message, done, total: said.append(message),
    )
    assert report.agreement is not None
    assert 0 < report.agreement <= 1
    assert list(dict.fromkeys(said))[-3:] == ["embedding rows", "finding neighbours", "cross-validating"]
    (folder,) = (tmp_path / "care").iterdir()
    made = (folder / "model.onnx").stat().st_mtime_ns
    time.sleep(0.01)
    base_encoder(tiny_base, tmp_path / "care")
    assert (folder / "model.onnx").stat().st_mtime_ns == made
