"""The comparison of finding and reading, on small sets with a small real encoder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from retrieval.datasets import Question
from retrieval.documents import Document
from retrieval.embedder import OnnxEmbedder, Vectors
from tests.benchmarks import knowledge
from tests.benchmarks.knowledge_ranking import SYSTEMS, paired, places, worth
from tests.benchmarks.knowledge_sets import QuestionSet, articles_set, is_reported, ranking_set
from tests.benchmarks.knowledge_table import report
from tests.benchmarks.vector_cache import CachedEmbedder
from tests.retrieval.conftest import embedder, model_folder, shop, tiny_bert

__all__ = ["embedder", "model_folder", "shop", "tiny_bert"]

UNDER = {
    "cores": 2,
    "cpu": "a processor",
    "training_cores": [0],
    "load_1_min": 0.5,
    "at": "2026-05-04",
    "commit": "",
    "python": "3.11",
    "versions": {},
}


class Counting:
    """An encoder that counts the texts it is given."""

    def __init__(self, embedder: OnnxEmbedder) -> None:
        self._embedder = embedder
        self.texts = 0

    @property
    def dimension(self) -> int:
        return self._embedder.dimension

    @property
    def fingerprint(self) -> str:
        return self._embedder.fingerprint

    def encode(self, texts: list[str]) -> Vectors:
        self.texts += len(texts)
        return self._embedder.encode(texts)


def test_a_text_is_embedded_once_also_in_the_next_run(embedder: OnnxEmbedder, tmp_path: Path) -> None:
    counting = Counting(embedder)
    first = CachedEmbedder(counting, tmp_path).encode(["delivery", "returns", "delivery"])
    assert counting.texts == 2
    again = CachedEmbedder(counting, tmp_path).encode(["returns", "kettle"])
    assert counting.texts == 3
    assert np.array_equal(first[1], again[0])
    assert np.allclose(first[[0, 2]], embedder.encode(["delivery"]), atol=1e-6)
    assert CachedEmbedder(counting, tmp_path).encode([]).shape == (0, embedder.dimension)


def test_halves_are_even_and_do_not_move() -> None:
    reported = [is_reported(f"question-{number}") for number in range(1000)]
    assert 450 < sum(reported) < 550
    assert [is_reported(id) for id in ("a", "b", "c", "aws000")] == [True, True, False, True]


def test_values_of_places() -> None:
    assert worth("hit@3", [1, 3, 4, 0]) == [1.0, 1.0, 0.0, 0.0]
    assert worth("mrr@3", [1, 3, 4, 0]) == [1.0, pytest.approx(1 / 3), 0.0, 0.0]


def test_an_interval_holds_the_difference_and_leaves_out_zero_where_it_is_clear() -> None:
    low, high = paired([1.0] * 80 + [0.0] * 20, [0.0] * 100)
    assert 0.7 < low < 0.8 < high < 0.9
    assert paired([1.0, 0.0] * 50, [1.0, 0.0] * 50) == (0.0, 0.0)


def test_finding_is_measured_for_all_three(shop: list[Document], embedder: OnnxEmbedder, tmp_path: Path) -> None:
    questions = [
        Question("1", "descale with citric acid", True, (), ("kettle",)),
        Question("2", "a zebra crossing", True, (), ("nowhere",)),
    ]
    data = QuestionSet("wixqa_sample", shop, questions, [False, True])
    found = places(knowledge.known(data, CachedEmbedder(embedder, tmp_path)), data)
    assert set(found) == set(SYSTEMS)
    assert found["bm25"] == [1, 0]
    assert all(len(each) == 2 and each[1] == 0 for each in found.values())


@pytest.fixture
def squad(tmp_path: Path) -> Path:
    articles = []
    for number in range(15):
        text = f"The kettle {number} was made in 19{number + 10}. It costs £{number + 3} to return. It is free to pay."
        questions = [
            {
                "id": f"{number}a",
                "question": f"When was kettle {number} made?",
                "answers": [{"text": f"19{number + 10}"}],
            },
            {"id": f"{number}b", "question": f"Who sold kettle {number}?", "answers": [], "is_impossible": True},
        ]
        for question in questions:
            for answer in question["answers"]:  # type: ignore[attr-defined]
                answer["answer_start"] = text.index(answer["text"])
        articles.append({"title": f"Kettle_{number}", "paragraphs": [{"context": text, "qas": questions}]})
    folder = tmp_path / "squad2_cs224n"
    folder.mkdir()
    (folder / "dev-v2.0.json").write_text(json.dumps({"data": articles}))
    return tmp_path


def test_articles_are_split_whole(squad: Path) -> None:
    data = articles_set("squad2_cs224n", squad / "squad2_cs224n" / "dev-v2.0.json")
    assert sum(data.reported) == 4  # two articles of two questions
    assert all(data.reported[row] == data.reported[row + 1] for row in range(0, 30, 2))


def test_reading_and_abstaining_are_measured(squad: Path, embedder: OnnxEmbedder, tmp_path: Path) -> None:
    path = squad / "squad2_cs224n" / "dev-v2.0.json"
    cached = CachedEmbedder(embedder, tmp_path / "vectors")
    data = articles_set("squad2_cs224n", path)
    (row,) = knowledge.abstaining(data, cached)
    assert row["count"] == 4
    assert all(0 <= row[system] <= 1 for system in SYSTEMS)
    read = knowledge.reading(QuestionSet("xquad_en", data.documents, data.questions, data.reported), cached)
    assert {each["measure"] for each in read} == {
        "one sentence",
        "two sentences",
        "two sentences of all paragraphs",
    }
    two = next(each for each in read if each["measure"] == "two sentences" and each["questions"] == "all")
    assert two["count"] == 15
    assert two["ours"] >= 0.9


def test_the_table_says_what_was_reached() -> None:
    row = {"measure": "hit@3", "questions": "report", "count": 76, "bm25": 0.9, "dense": 0.8}
    rows = [{**row, "ours": ours, "lead_bm25": (-0.01, 0.1), "lead_dense": (0.1, 0.2)} for ours in (0.99, 0.5)]
    text = report({"wixqa_sample": {"documents": 173, "questions": 160, "rows": rows}}, UNDER)
    assert "0.981 reached" in text
    assert "0.981 **missed**" in text
    assert "−0.010 to +0.100" in text
    assert "wixqa_sample 173 documents, 160 questions" in text


def test_a_missing_set_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], model_folder: Path) -> None:
    arguments = ["--only", "wixqa_sample", "--datasets", str(tmp_path), "--encoder", str(model_folder)]
    assert knowledge.main([*arguments, "--vectors", str(tmp_path / "vectors")]) == 1
    assert f"{tmp_path / 'wixqa_sample'} is not there" in capsys.readouterr().err
    with pytest.raises(knowledge.BadInput, match="--datasets"):
        ranking_set("wixqa_sample", tmp_path / "wixqa_sample", "corpus.jsonl")
