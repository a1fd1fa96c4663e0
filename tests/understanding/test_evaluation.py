"""What `evaluate intents` measures, refuses and says, with a tiny real model."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bot.errors import BadInput
from bot.understanding.measuring.evaluation import Evaluation, evaluate_intents, mean_report, spread
from bot.understanding.measuring.results import IntentReport
from tests.commands.conftest import Firstline, firstline

__all__ = ["firstline"]

CONTRACT = (
    *("accuracy", "macro_f1", "ece", "train_rows", "test_rows", "intents", "train_s", "predict_ms_p50"),
    *("predict_ms_p95", "parameters", "model_bytes", "oos_auroc", "oos_fpr95", "oos_recall_at_5pct_frr"),
    *("oos_recall_at_threshold", "in_scope_accuracy_at_threshold"),
)
TEST_ROWS = [
    ("hello", "greet"),
    ("where is my new order then?", "order_status"),
    ("has the toaster been sent", "order_status"),
    ("can I return the kettle please", "start_return"),
    ("أين طلبي", "order_status"),
    ("我的订单在哪里 🙂", "order_status"),
    ("", "greet"),
    ("where is my order " * 600, "order_status"),
    ("bring me to the moon", "grüße/你好 <b>1</b>"),
    ("write a poem about the sea", "oos"),
]


@pytest.fixture(scope="module")
def test_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "test.jsonl"
    path.write_text("\n".join(json.dumps({"text": text, "intent": intent}) for text, intent in TEST_ROWS), "utf-8")
    return path


@pytest.fixture(scope="module")
def oos_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("strangers") / "oos.csv"
    path.write_text("text\ntell me a joke\nstock tips\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def told() -> list[tuple[str, int, int]]:
    return []


@pytest.fixture(scope="module")
def found(
    tiny_base: Path, nlu_file: Path, test_file: Path, oos_file: Path, told: list[tuple[str, int, int]]
) -> Evaluation:
    return evaluate_intents(
        [nlu_file], test_file, oos_file, base=tiny_base, progress=lambda *step: told.append(step), seeds=2
    )


def test_the_keys_of_the_contract_come_first(found: Evaluation) -> None:
    figures = json.loads(json.dumps(found.to_json()))
    assert tuple(figures)[: len(CONTRACT)] == CONTRACT
    assert all(isinstance(figures[name], int | float) for name in CONTRACT)
    assert (figures["train_rows"], figures["test_rows"], figures["intents"], figures["oos_rows"]) == (24, 7, 3, 3)
    assert (figures["seeds"], figures["conditions"]["test_file"]) == ([13, 14], "test.jsonl")
    assert {each["intent"] for each in figures["per_intent"]} == {row[1] for row in TEST_ROWS} - {"oos"}
    assert {each["name"] for each in figures["slices"]} >= {"few_typos", "keywords", "long_email", "up_to_5_words"}
    assert set(figures["weak_slices"]) <= {each["name"] for each in figures["slices"]}


def test_intervals_and_spreads_belong_to_figures(found: Evaluation) -> None:
    figures = found.figures()
    for name, (low, high) in found.intervals.items():
        assert 0.0 <= low <= figures[name] + 1e-9
        assert figures[name] - 1e-9 <= high <= 1.0
        assert (figures[f"{name}_low"], figures[f"{name}_high"]) == (low, high)
    assert figures["accuracy_sd"] >= 0.0
    assert not {"train_rows_sd", "seeds_sd"} & set(figures)


def test_what_takes_long_says_how_far_it_is(found: Evaluation, told: list[tuple[str, int, int]]) -> None:
    ended = [message for message, done, total in told if done == total]
    assert ended == ["training with seed 13", "slices", "training with seed 14"]


def test_what_a_reader_should_know_is_noted(found: Evaluation) -> None:
    notes = " / ".join(found.notes)
    assert "test files: 2 entries left out, the first: test.jsonl, row 7: the text is empty" in notes
    assert "1 test rows have intents without a training row (grüße/你好 <b>1</b>); they are counted as wrong" in notes
    assert "1 of 7 test rows stand among the training rows" in notes


def test_rows_and_predictions_stay_together(found: Evaluation) -> None:
    run = found.measured
    assert len(run.texts) == len(run.truth) == len(run.known) == 7
    assert run.strangers == ("write a poem about the sea", "tell me a joke", "stock tips")
    assert sum(pair.rows for pair in found.confused) == run.right.count(False)
    for pair in found.confused:
        assert {run.truth[row] for row in pair.examples} == {pair.truth}
        assert {run.known[row].intent for row in pair.examples} == {pair.predicted}


def test_without_strangers_and_slices_the_rest_is_measured(tiny_base: Path, nlu_file: Path, tmp_path: Path) -> None:
    one_intent = tmp_path / "one.csv"
    one_intent.write_text("text,category\nhey there,greet\nhello you,greet\n", "utf-8")
    found = evaluate_intents([nlu_file], one_intent, base=tiny_base, slices=False)
    figures = found.to_json()
    assert (figures["oos_auroc"], figures["slices"], figures["weak_slices"], figures["seeds"]) == (None, [], [], [13])
    assert set(found.intervals) == {"accuracy", "macro_f1"}
    assert "accuracy_sd" not in figures
    assert "2 of 3 intents have no test row (order_status, start_return)" in found.notes


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("text,intent\nhello,salutation\n", "none of its intents occurs in the training rows: it has salutation, they"),
        ("text,intent\nhello,Order Status\n", "'Order Status' is spelled 'order_status' there"),
        ("text,intent\nhello,oos\nbye,out_of_scope\n", "all of its 2 rows are out of scope"),
        ("text,intent\n,greet\n   ,greet\n", "no usable row.*the text is empty"),
        (f"text,intent\n{'x' * 10_000},greet\n", "no usable row.*10000 characters"),
        ("text,intent\nhello,\n", "no usable row.*the intent is empty"),
        ("text,intent\nhello,\x07bell\n", "no usable row.*is not a name"),
        ("", "the header has"),
    ],
)
def test_a_test_file_that_measures_nothing_is_refused(
    tiny_base: Path, nlu_file: Path, tmp_path: Path, rows: str, said: str
) -> None:
    test_file = tmp_path / "rows.csv"
    test_file.write_text(rows, "utf-8")
    with pytest.raises(BadInput, match=said):
        evaluate_intents([nlu_file], test_file, base=tiny_base)


def test_training_rows_of_one_intent_are_refused(tiny_base: Path, test_file: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.csv"
    alone.write_text("text,intent\nhello,greet\nhi,greet\n", "utf-8")
    with pytest.raises(BadInput, match="at least 2 intents, got 1: greet"):
        evaluate_intents([alone], test_file, base=tiny_base)


def reports(*accuracies: float) -> Sequence[IntentReport]:
    one = IntentReport(0.0, 0.5, 0.1, 10, 5, 2, 1.0, 2.0, 3.0, 1_000, 2_001)
    return [replace(one, accuracy=each, model_bytes=2_000 + row) for row, each in enumerate(accuracies)]


def test_means_and_spreads_over_trainings() -> None:
    both = mean_report(reports(0.8, 0.9))
    assert (both.accuracy, both.macro_f1, both.train_rows, both.model_bytes) == (pytest.approx(0.85), 0.5, 10, 2_000)
    assert both.oos_auroc is None
    spreads = spread(reports(0.8, 0.9))
    assert spreads["accuracy"] == pytest.approx(math.sqrt(0.005))
    assert spreads["macro_f1"] == 0.0
    assert spread(reports(0.8)) == {}
    assert mean_report(reports(0.8)) == reports(0.8)[0]


def test_the_verb_writes_figures_and_a_page(
    firstline: Firstline, tiny_base: Path, nlu_file: Path, test_file: Path, oos_file: Path, tmp_path: Path
) -> None:
    figures, page = tmp_path / "figures.json", tmp_path / "report.html"
    given = ("evaluate", "intents", "--train", str(nlu_file), "--test", str(test_file), "--oos", str(oos_file))
    done = firstline(*given, "--json", str(figures), "--html", str(page), FIRSTLINE_BASE_MODEL=str(tiny_base))
    assert done.status == 0, done.err
    assert tuple(json.loads(figures.read_text("utf-8")))[: len(CONTRACT)] == CONTRACT
    assert page.read_text("utf-8").startswith("<!doctype html>")
    assert "accuracy_low" in done.out
    assert "long_email" in done.out
    assert "test files: 2 entries left out" in done.err
    assert f"report written to {page}" in done.err
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["figures.json", "report.html"]


def test_the_verb_speaks_json_alone_on_stdout(
    firstline: Firstline, tiny_base: Path, nlu_file: Path, test_file: Path
) -> None:
    given = ("evaluate", "intents", "--train", str(nlu_file), "--test", str(test_file), "--no-slices", "--json", "-")
    done = firstline(*given, FIRSTLINE_BASE_MODEL=str(tiny_base))
    assert done.status == 0, done.err
    assert json.loads(done.out)["slices"] == []


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (("--html", "/nowhere/report.html"), 1, "/nowhere/report.html cannot be written"),
        (("--json", "/"), 1, "/ cannot be written"),
        (("--seeds", "0"), 2, "Invalid value for '--seeds'"),
    ],
)
def test_what_cannot_be_done_is_said_before_the_training(
    firstline: Firstline, nlu_file: Path, test_file: Path, options: tuple[str, ...], status: int, said: str
) -> None:
    done = firstline("evaluate", "intents", "--train", str(nlu_file), "--test", str(test_file), *options)
    assert (done.status, done.out) == (status, "")
    assert said in done.err
