"""The comparison of intent models: its data, its figures, and a run of the light contenders on a handful of rows."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bot.errors import BadInput
from bot.settings import Settings
from bot.understanding.measuring.evaluation import evaluate_intents
from tests.benchmarks import comparing, conditions, intent_sets, published, side_by_side
from tests.benchmarks.contenders import diet, job, memory
from tests.benchmarks.contenders.temperature import fitted_sharpness, probabilities
from tests.benchmarks.figures import spread
from tests.benchmarks.intent_sets import read_set
from tests.benchmarks.processes import CONTENDERS, OURS, ROOT, Failed
from tests.benchmarks.tables import markdown
from tests.understanding.conftest import dataset, nlu_file, tiny_base

__all__ = ["dataset", "nlu_file", "tiny_base"]

REAL = ROOT.parent / "shared" / "datasets"
DIET = CONTENDERS[-1]
GREETINGS = ("hello", "good morning", "hi there", "hey you", "hello there", "good evening", "hi", "hey hey")
ORDERS = ("where is my order", "track my order", "has it been sent", "order status please", "when does it come")
RETURNS = ("send it back", "return my kettle", "how do I return it", "return the order", "return this please")


@pytest.fixture
def datasets(tmp_path: Path) -> Path:
    """Small files that have all the real ones' faults."""
    folder = tmp_path / "datasets"
    small, few = folder / "banking77", folder / "banking77" / "fewshot"
    oos = folder / "banking77_oos"
    few.mkdir(parents=True)
    oos.mkdir()
    rows = [(text, name) for name, texts in zip("gor", (GREETINGS, ORDERS, RETURNS), strict=True) for text in texts]
    few.joinpath("train_10.jsonl").write_text(_lines(rows))
    small.joinpath("test.csv").write_text(
        "text,category\nHello you,g\nHI THERE!,g\nWhere is it?,o\ntrack it,o\nReturn it,r\nsend this back,r\n"
    )
    oos.joinpath("train.jsonl").write_text(_lines([*rows, ("", "g")]))
    oos.joinpath("test.jsonl").write_text(_lines([("hey you!", "g"), ("hey there", "g"), ("track this", "o")]))
    near = [("", "oos"), ("track this", "oos"), ("Hello", "oos"), ("pay by card", "oos"), ("change it", "oos")]
    oos.joinpath("id-oos_test.jsonl").write_text(_lines(near))
    oos.joinpath("ood-oos_test.jsonl").write_text(_lines([("tell a joke", "oos"), ("who won", "oos")] * 6))
    return folder


def _lines(rows: list[tuple[str, str]]) -> str:
    return "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows)


def test_rows_that_stand_in_the_training_file_are_known(datasets: Path) -> None:
    data = read_set("banking77_10shot", datasets)
    assert [data.test[row][0] for row in data.seen] == ["hi there!"]
    assert data.intents == ("g", "o", "r")
    assert any("lower case" in note for note in data.notes)
    assert set(data.strangers) == {"far"}


def test_empty_rows_and_those_of_two_files_are_dropped_and_counted(datasets: Path) -> None:
    data = read_set("banking77_oos", datasets)
    assert data.test == (("hey there", "g"), ("track this", "o"))
    assert data.strangers["near"] == ("pay by card", "change it")
    assert not data.seen
    assert sorted(data.notes) == [
        "id-oos_test.jsonl: 1 unusable dropped",
        "id-oos_test.jsonl: 2 of 4 rows dropped that stand in the training or test rows",
        "test.jsonl: 1 of 3 rows dropped that stand in train.jsonl",
        "train.jsonl: 1 unusable dropped",
    ]


def test_a_limited_set_keeps_its_positions(datasets: Path) -> None:
    data = read_set("banking77_10shot", datasets).limited(2)
    assert {intent for _, intent in data.test} == {"g", "o"}
    assert [data.test[row][0] for row in data.seen] == ["hi there!"]


def test_missing_data_says_where_else_it_may_lie(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"test\.csv is missing; `--datasets FOLDER`"):
        read_set("banking77", tmp_path)
    with pytest.raises(BadInput, match="no intent set is called 'banking78'"):
        read_set("banking78", tmp_path)


@pytest.mark.skipif(not REAL.is_dir(), reason=f"the public data sets are not in {REAL}")
def test_the_public_sets_are_what_the_literature_counts() -> None:
    counts = {}
    for name in intent_sets.SETS:
        data = read_set(name, REAL)
        rows = (len(data.train), len(data.test), len(data.intents), len(data.seen))
        counts[name] = (*rows, *map(len, data.strangers.values()))
    assert counts == {
        "banking77": (10_003, 3_080, 77, 25, 998),
        "banking77_8622": (8_622, 3_080, 77, 16, 998),
        "banking77_10shot": (770, 3_080, 77, 2, 1_000),
        "banking77_5shot": (385, 3_080, 77, 1, 1_000),
        "clinc150": (15_100, 4_500, 150, 19, 1_000),
        "banking77_oos": (5_903, 1_989, 50, 0, 1_073, 999),
    }


def test_the_light_contender_runs_and_the_rest_says_why_not(
    datasets: Path, tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FIRSTLINE_BASE_MODEL", str(tiny_base))
    monkeypatch.setenv("FIRSTLINE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FIRSTLINE_RASA_VENV", str(tmp_path / "absent"))
    files = ["--json", str(tmp_path / "out.json"), "--markdown", str(tmp_path / "out.md")]
    sets = ["--sets", "banking77_10shot,clinc150", "--datasets", str(datasets)]
    assert side_by_side.main([*sets, "--only", "tfidf,diet", *files]) == 0
    table = (tmp_path / "out.md").read_text()
    assert capsys.readouterr().out.strip() == table.strip()
    found = json.loads((tmp_path / "out.json").read_text())
    (figures,) = found["sets"]["banking77_10shot"]["contenders"]["TF-IDF + linear SVM"]
    assert figures["accuracy"] >= 0.5
    assert figures["unseen_rows"] == 5
    assert 0.0 <= figures["ece"] <= 1.0
    assert figures["oos"]["far"]["auroc"] > 0.5
    assert 20 < figures["proportional_mb"] <= figures["resident_mb"] <= figures["train_peak_mb"] * 1.5
    assert figures["ms_p50"] <= figures["ms_p95"]
    assert min(figures[each] for each in ("disk_mb", "rows_per_s", "train_s", "train_cpu_s")) > 0
    assert [reason.split(":")[0] for reason in found["skipped"]] == [
        "Rasa 3.6.21, DIET on banking77_10shot",
        "clinc150",
    ]
    assert "`.venv/bin/python -m bot.dialogue.install`" in found["skipped"][0]
    assert found["skipped"][1] in table


def test_our_table_is_not_measured_twice_and_says_what_evaluate_says(
    datasets: Path, tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTLINE_BASE_MODEL", str(tiny_base))
    monkeypatch.setenv("FIRSTLINE_HOME", str(tmp_path / "home"))
    table = tmp_path / "table.md"
    command = ["--ours-only", "--sets", "banking77_oos", "--datasets", str(datasets), "--markdown", str(table)]
    assert side_by_side.main(command) == 0
    first = table.read_text()
    assert "banking77_oos, near" in first
    results = tmp_path / "home" / "benchmarks" / "intents.jsonl"
    results.write_text(results.read_text() + '{"key": "torn')
    monkeypatch.setattr(published, "measure", _never)
    assert side_by_side.main(command) == 0
    assert table.read_text() == first
    (record,) = published.read_records(results)

    place = datasets / "banking77_oos"
    test = tmp_path / "test.jsonl"
    test.write_text(_lines([("hey there", "g"), ("track this", "o"), ("pay by card", "oos"), ("change it", "oos")]))
    report = evaluate_intents([place / "train.jsonl"], test, base=tiny_base, slices=False).report
    served = record["served"]
    assert (served["accuracy"], served["macro_f1"]) == pytest.approx((report.accuracy, report.macro_f1))
    assert served["ece"] == pytest.approx(report.ece, abs=1e-3)
    assert served["oos"]["near"]["auroc"] == pytest.approx(report.oos_auroc)
    assert served["oos"]["near"]["fpr95"] == pytest.approx(report.oos_fpr95)
    assert record["full"]["accuracy"] == pytest.approx(served["accuracy"], abs=0.5)
    assert served["extend_s"] > 0
    (place / "ood-oos_test.jsonl").write_text(_lines([("who won", "oos")]))
    changed = published.key_of(read_set("banking77_oos", datasets), tiny_base)
    assert changed != record["key"]


def _never(*parts: object) -> dict[str, dict[str, object]]:
    raise Failed("measured again")


def test_a_contender_that_fails_is_told_of_and_the_others_go_on(
    datasets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "measure", _never)
    asked = comparing.Asked(["banking77_10shot"], [OURS], seeds=2, datasets=datasets)
    found = comparing.compare(asked, Settings(), tmp_path / "work")
    assert found.skipped == [f"banking77_10shot, seed {seed}: measured again" for seed in (13, 14)]


def test_diet_on_many_rows_waits_to_be_asked_for(datasets: Path) -> None:
    data = read_set("banking77_10shot", datasets)
    asked = comparing.Asked(["banking77"], [DIET])
    assert asked.too_long(DIET, data) == ""
    many = replace(data, train=data.train * 200)
    assert "add --with-diet" in asked.too_long(DIET, many)
    assert asked.too_long(OURS, many) == ""
    assert replace(asked, with_diet=True).too_long(DIET, many) == ""


@pytest.mark.parametrize("wrong", [["--sets", "banking78"], ["--only", "ours,svm"], ["--seeds", "0"], ["--sets", ","]])
def test_wrong_usage_is_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        side_by_side.main(wrong)
    assert stopped.value.code == 2
    assert "expected" in capsys.readouterr().err


def test_a_temperature_is_found_again() -> None:
    generator = np.random.default_rng(3)
    margins = generator.normal(size=(4_000, 5))
    classes = np.array([generator.choice(5, p=row) for row in probabilities(3.0 * margins)])
    assert fitted_sharpness(margins, classes) == pytest.approx(3.0, rel=0.1)


def test_sizes_are_those_of_this_process() -> None:
    before = memory.resident_mb()
    held = np.ones(50_000_000 // 8)
    assert held.sum() > 0
    assert 40 < memory.resident_mb() - before < 80
    assert memory.peak_mb() >= memory.resident_mb() - 1


def test_rasa_reads_texts_as_texts() -> None:
    written = diet.training_data(["see [this](place)\nplease", "hi"], ["ask/faq", "g"])
    assert [each["intent"] for each in written["nlu"]] == ["ask_faq", "g"]
    assert written["nlu"][0]["examples"] == "- see (this)(place) please\n"


def test_rasas_fallback_is_no_intent() -> None:
    ranking = [{"name": "nlu_fallback", "confidence": 0.7}, {"name": "g", "confidence": 0.25}]
    assert diet.answer_of({"intent_ranking": ranking}) == job.Answer("g", 0.25, 0.75)
    assert diet.answer_of({}) == job.Answer("", 0.0, 1.0)


@pytest.mark.parametrize("module", ["__main__", "job", "memory", "diet"])
def test_what_rasas_environment_reads_is_python_310(module: str) -> None:
    source = (ROOT / "tests" / "benchmarks" / "contenders" / f"{module}.py").read_text()
    ast.parse(source, feature_version=(3, 10))


def test_results_depend_on_the_code_that_trains_and_answers() -> None:
    files = {path.relative_to(ROOT).as_posix() for path in conditions.code_files(conditions.ENTRANCES)}
    needed = {"bot/understanding/tuning/finetuning.py", "bot/understanding/classifier.py", "retrieval/export.py"}
    assert needed | {"bot/understanding/understand.py", "tests/benchmarks/contenders/ours.py"} <= files
    assert "bot/understanding/tone.py" not in files


def test_numbers_are_said_with_their_spread() -> None:
    assert spread([0.5], ".1f", 100) == "50.0"
    assert spread([0.5, 0.7], "+.1f", 100) == "+60.0 ± 14.1"
    assert spread([], ".1f") == "–"
    assert markdown(["a", "b"], [["x|y", "1"]]).splitlines() == ["| a    |   b |", "|------|----:|", "| x\\|y |   1 |"]
