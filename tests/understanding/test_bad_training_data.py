"""What a company may hand to a training by mistake or in bad faith: refused with the remedy, or taken and reported."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import BadInput, TooLarge
from bot.understanding.artefact import IntentModel
from bot.understanding.entities.definitions import EntityDefinitions
from bot.understanding.examples import dataset as dataset_module
from bot.understanding.examples.dataset import IntentDataset
from bot.understanding.examples.doubts import same_name
from bot.understanding.examples.rows import Row
from bot.understanding.tuning.recipe import Recipe
from tests.commands.conftest import Firstline, firstline, shop
from tests.releases.conftest import encoder_folder, registry

__all__ = ["encoder_folder", "firstline", "registry", "shop"]

GOOD = "".join(f"hello there {n},greet\nwhere is order {n},order_status\n" for n in range(3))


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def nlu(*lines: str, intent: str = "a") -> str:
    return f"nlu:\n- intent: {intent}\n  examples: |\n" + "".join(f"    {line}\n" for line in lines)


def said(dataset: IntentDataset) -> str:
    return " | ".join(map(str, dataset.problems))


# Files


@pytest.mark.parametrize(
    ("name", "content", "place", "remedy"),
    [
        ("a.csv", GOOD, "a.csv, line 1", "write `text,intent` above the rows"),
        ("a.csv", "text|intent\nhi|greet\n", "line 1", "write `text,intent`"),
        ("a.csv", "text,text,intent\na,b,c\n", "line 1", "expected once"),
        ("a.csv", "text,intent\nhi,greet\n".encode("utf-16"), "a.csv", "UTF-16; save the file as UTF-8"),
        ("a.csv", b"text,intent\nhi,greet\nh\0i,greet\n", "line 3", "NUL byte"),
        ("a.csv", "text,intent\ncaf\xe9,greet\n".encode("latin-1"), "line 2", "save the file as UTF-8"),
        ("a.jsonl", b"\0" * 100, "line 1", "NUL byte"),
        ("a.jsonl", '{"text": "a", "text": "b", "intent": "c"}', "line 1", "a name stands twice"),
        ("a.jsonl", '{"text": "a", "intent": "c"}{"text": "a"}', "line 1", "not readable as JSON"),
        ("a.jsonl", "[" * 100_000, "line 1", "not readable as JSON"),
        ("a.yml", nlu("- hi") + nlu("- ho"), "line 5", "`nlu` stands twice"),
        ("a.yml", "nlu:\n- intent: a\n  examples: |\n    - a\n  examples: |\n    - b\n", "line 5", "`examples` stands"),
        ("a.yml", "nlu:\n- intent: a\n  synonym: b\n  examples: |\n    - a\n", "line 2", "expected one of"),
        ("a.yml", "nlu:\n- intent: a\n  examples: 5\n", "row 3", "'5' does not start with `-`"),
        ("a.yml", "nlu:\n- intent: a\n  examples:\n", "line 2", "lines `- …`"),
        ("a.yml", "nlu:\n- intent: a\n  examples:\n    b: c\n", "line 2", "lines `- …`"),
        ("a.yml", "nlu:\n- intent: [a]\n  examples: |\n    - b\n", "line 2", "expected its name"),
        ("a.yml", "nlu:\n- just text\n", "line 2", "expected one of"),
        ("a.yml", "nlu: hello\n", "a.yml", "a list under `nlu`"),
        ("a.yml", "hello\n", "a.yml", "got the text 'hello'"),
        ("a.yml", "", "a.yml", "got nothing"),
        ("a.yml", "nlu:\n- !!python/object/apply:os.system ['true']\n", "line 2", "remove it"),
        ("a.yml", "nlu:\n- intent: !custom a\n  examples: |\n    - b\n", "line 2", "remove it"),
        ("a.yml", nlu("- a") + "---\n" + nlu("- b"), "line 5", "one document a file"),
        ("a.yml", "nlu: " + "[" * 5_000, "line 1", "nested deeper"),
        ("a.yml", "nlu:\n\t- intent: a\n", "line 2", "not readable as UTF-8 YAML"),
        (
            "a.yml",
            "nlu:\n- regex: r\n  examples: |\n    - fine\n    - (unclosed\n",
            "line 5",
            "not a regular expression",
        ),
        ("a.yml", "? [a, b]\n: c\n", "line 1", "expected a word"),
    ],
)
def test_a_file_that_is_refused(tmp_path: Path, name: str, content: str | bytes, place: str, remedy: str) -> None:
    with pytest.raises(BadInput) as caught:
        IntentDataset.read(write(tmp_path, name, content))
    message = str(caught.value)
    assert name in message
    assert place in message
    assert remedy in message
    assert len(message) < 500


@pytest.mark.parametrize("kind", ["list", "merge"])
def test_a_yaml_bomb_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    """Ten levels of ten: 10^10 strings if the aliases were followed."""
    levels = ["x0: &x0 {k: v}" if kind == "merge" else "x0: &x0 [lol]"]
    for n in range(1, 11):
        inner = ", ".join([f"*x{n - 1}"] * 10)
        levels.append(f"x{n}: &x{n} " + (f"{{<<: [{inner}]}}" if kind == "merge" else f"[{inner}]"))
    bomb = "\n".join(levels) + "\nnlu:\n- intent: a\n  examples: *x10\n"
    started = time.perf_counter()
    with pytest.raises(BadInput, match=r"line 2: the alias \*x0 is not read"):
        IntentDataset.read(write(tmp_path, "bomb.yml", bomb))
    assert time.perf_counter() - started < 1.0


@pytest.mark.parametrize("mark", [";", "\t"])
def test_a_header_tells_the_delimiter(tmp_path: Path, mark: str) -> None:
    path = write(tmp_path, "a.csv", f"\ufefftext{mark}intent\nhello, you{mark}greet\n")
    assert IntentDataset.read(path).rows[0].text == "hello, you"


def test_swapped_columns_are_noticed(tmp_path: Path) -> None:
    rows = "".join(f"{'greet' if n % 2 else 'bye'},a sentence with the number {n}\n" for n in range(12))
    with pytest.raises(BadInput, match=r"12 different intents for 2 different texts.*exchange the two columns"):
        IntentDataset.read(write(tmp_path, "a.csv", "text,intent\n" + rows))
    assert len(IntentDataset.read(write(tmp_path, "b.csv", "intent,text\n" + rows)).labels) == 2


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    started = time.perf_counter()
    with pytest.raises(TooLarge, match=r"huge\.csv: 104857600 bytes, at most 26214400 are read; split the file"):
        IntentDataset.read(path)
    assert time.perf_counter() - started < 0.5


def test_many_large_files_are_too_large_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_module, "MAX_BYTES", 50)
    for number in range(3):
        write(tmp_path, f"{number}.csv", "text,intent\nhello,greet\n")
    with pytest.raises(TooLarge, match=r"more than 50 bytes up to 2\.csv; train on fewer rows"):
        IntentDataset.read(tmp_path)


# Folders


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    write(tmp_path, "notes.txt", "hi")
    write(tmp_path, ".hidden.csv", "text,intent\nhi,greet\n")
    with pytest.raises(BadInput, match=r"holds no file with rows; expected \.csv, \.jsonl, \.yaml, \.yml"):
        IntentDataset.read(tmp_path)


def test_links_are_followed_once(tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    folder.mkdir()
    write(folder, "a.csv", "text,intent\nhi,greet\n")
    (folder / "loop").symlink_to(folder)
    (tmp_path / "rows2").symlink_to(folder)
    assert len(IntentDataset.read(tmp_path / "rows2").rows) == 1


def test_a_link_that_leads_nowhere_or_to_itself(tmp_path: Path) -> None:
    (tmp_path / "self.csv").symlink_to(tmp_path / "self.csv")
    for path in (tmp_path, tmp_path / "self.csv"):
        with pytest.raises(BadInput, match=r"self\.csv"):
            IntentDataset.read(path)


def test_a_pipe_does_not_hang_the_training(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(BadInput, match=r"pipe\.csv: not a file that can be read"):
        IntentDataset.read(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which only root may")
@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_file_that_may_not_be_read(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "rows"
    folder.mkdir()
    path = write(folder, "a.csv", "text,intent\nhi,greet\n")
    (path if what == "file" else folder).chmod(0o600)
    with _somebody_else(tmp_path), pytest.raises(BadInput, match="cannot be read: Permission denied"):
        IntentDataset.read(path if what == "file" else folder)


@contextmanager
def _somebody_else(folder: Path) -> Iterator[None]:
    modes = {each: each.stat().st_mode for each in (folder, *folder.parents)}
    for each, mode in modes.items():
        if not mode & 0o001:
            each.chmod(mode | 0o005)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        for each, mode in modes.items():
            if not mode & 0o001:
                each.chmod(mode & 0o7777)


# Rows


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("- see [a](b", "never closes it"),
        ("- [a [b](x)](y)", "brackets inside brackets|never closes"),
        ("- [](x)", "never closes it"),
        ("- [a]()", "never closes it"),
        ("- [a](http://x.example)", "names the entity 'http'"),
        ("- [a](two words)", "names the entity 'two words'"),
        ('- [a]{"entity": "x", "value": null}', "expected a text or a number"),
        ('- [a]{"entity": ["x"]}', "names no entity"),
        ('- [a]{"entity": "x"', "never closes it"),
        ("no dash", "does not start with `-`"),
        ("- ", "the text is empty"),
        ("- 🙂🎉", "no letter or digit"),
        ("- ???", "no letter or digit"),
        ("- " + "x" * 10_000, "10000 characters, at most 4000"),
    ],
)
def test_a_row_that_is_left_out_and_reported(tmp_path: Path, line: str, problem: str) -> None:
    found = IntentDataset.read(write(tmp_path, "a.yml", nlu("- fine", line)))
    assert found.texts == ("fine",)
    assert len(found.problems) == 1
    assert str(found.problems[0]).startswith("a.yml, row 5: ")
    assert re.search(problem, said(found))


@pytest.mark.parametrize(
    "intent",
    [
        "ask price",
        "faq/price",
        "🙂",
        "../../etc",
        "-rf",
        "no",
        "2020-01-01",
        "1.10",
        "null things",
        "החזר",
        "退款",
        "x" * 200,
    ],
)
def test_odd_names_stay_what_they_are(tmp_path: Path, intent: str) -> None:
    found = IntentDataset.read(write(tmp_path, "a.yml", nlu("- hello", intent=json.dumps(intent, ensure_ascii=False))))
    assert found.labels == (intent,)
    assert IntentDataset.read(write(tmp_path, "b.yml", nlu("- hello", intent=intent))).labels == (intent,)


@pytest.mark.parametrize("intent", ["", "x" * 201, "a\nb", "a\u202eb", "\u200b"])
def test_names_that_are_none_are_reported(tmp_path: Path, intent: str) -> None:
    lines = [{"text": "fine", "intent": "ok"}, {"text": "hello", "intent": intent}]
    found = IntentDataset.read(write(tmp_path, "a.jsonl", "\n".join(map(json.dumps, lines))))
    assert found.labels == ("ok",)
    assert "a.jsonl, row 2: the intent" in said(found)


def test_an_intent_without_a_name_is_not_called_none(tmp_path: Path) -> None:
    found = IntentDataset.read(write(tmp_path, "a.yml", nlu("- fine") + nlu("- x", intent="")[5:]))
    assert found.labels == ("a",)
    assert "the intent is empty" in said(found)


def test_definitions_that_cannot_be_used_are_reported(tmp_path: Path) -> None:
    content = """
nlus: []
nlu:
- intent: a
  exmples: x
  examples: |
    - hi
- lookup: email
  examples: |
    - a@b.example
- regex: date
  examples: |
    - \\d+
- synonym: kettle
  examples: |
    - pot
- synonym: bowl
  examples: |
    - Pot
    -
- synonym:
  examples: |
    - x
- intent: b
  examples:
  - [nested]
  - text: fine
    metadata: {sentiment: neutral}
"""
    found = IntentDataset.read(write(tmp_path, "a.yml", content))
    assert found.texts == ("hi", "fine")
    assert found.synonyms == {"pot": "kettle"}
    for part in (
        "the key `nlus` is not read",
        "row 4: the key `exmples` is not read",
        "row 10: the lookup email is not used",
        "row 19: 'Pot' is a synonym of 'kettle' already, not of 'bowl' as well",
        "row 20: the synonym's text is empty",
        "row 23: the synonym's name is empty",
        "the example is a list",
    ):
        assert part in said(found)
    EntityDefinitions.of(found)


def test_synonyms_of_two_files_that_disagree(tmp_path: Path) -> None:
    for name, value in (("a.yml", "kettle"), ("b.yml", "bowl")):
        write(tmp_path, name, nlu("- hi") + f"- synonym: {value}\n  examples: |\n    - pot\n")
    assert "b.yml: 'pot' is a synonym of 'kettle' already, not of 'bowl'" in said(IntentDataset.read(tmp_path))


@settings(max_examples=80, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace"))))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    for name in ("any.yml", "any.csv", "any.jsonl"):
        for head in (b"", b"nlu:\n- intent: a\n  examples: |\n    - ", b"text,intent\n"):
            try:
                found = IntentDataset.read(write(folder, name, head + content))
            except BadInput:
                continue
            assert found.rows


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet='ab[](){}":,-# entityvalue\n', max_size=60))
def test_any_annotation_is_read_or_reported(tmp_path_factory: pytest.TempPathFactory, example: str) -> None:
    path = write(
        tmp_path_factory.getbasetemp(), "any.yml", nlu("- fine", *(f"- {line}" for line in example.split("\n")))
    )
    found = IntentDataset.read(path)
    assert len(found.rows) + len(found.problems) == len(example.split("\n")) + 1
    for row in found.rows:
        assert all(row.text[each.start : each.end] for each in row.entities)


# What is doubtful, and what no model can come of


def rows(**texts: list[str]) -> IntentDataset:
    return IntentDataset(tuple(Row(text, intent) for intent, listed in texts.items() for text in listed))


FIVE = ["one", "two", "three", "four", "five"]


@pytest.mark.parametrize(
    ("dataset", "doubt"),
    [
        (rows(Refund=FIVE, refund=[f"{each} b" for each in FIVE]), "differ in spelling alone .* 'Refund' and 'refund'"),
        (rows(card_arrival=FIVE, cardArrival=[f"{each} b" for each in FIVE]), "'cardArrival' and 'card_arrival'"),
        (rows(OOS=FIVE), "look like `out_of_scope`.*'OOS'"),
        (rows(a=["six"], b=FIVE), r"fewer than 5 rows; write more for each \(1\): 'a' \(1\)"),
        (rows(a=FIVE, b=["Two", *"vwxyz"]), r"texts under several intents; .* \(1\): 'two' under 'a', 'b'"),
        (rows(a=["word " * 46, *FIVE]), "texts of more than 45 words"),
    ],
)
def test_what_weakens_a_model_is_said(dataset: IntentDataset, doubt: str) -> None:
    assert len(dataset.doubts) == 1
    assert re.search(doubt, dataset.doubts[0])


def test_sound_rows_leave_no_doubt() -> None:
    both = rows(a=FIVE, b=[f"{each} b" for each in FIVE], out_of_scope=["x"] * 5, oos=["y"] * 5)
    assert both.doubts == ()
    both.require_trainable()


def test_names_are_the_same_whatever_their_form() -> None:
    assert same_name("Cafe\u0301 Order") == same_name("café_order") == same_name("caféOrder")
    assert same_name("🙂") != same_name("🎉")


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (rows(a=FIVE), "at least 2 intents, got 1: a"),
        (rows(out_of_scope=FIVE), "got 0: none besides 5 rows out of scope"),
        (rows(a=FIVE, b=FIVE, c=FIVE), "the 3 intents have the same texts, such as 'one'"),
        (rows(a=["hi"], b=["Hi", "HI "]), "the 2 intents have the same texts"),
    ],
)
def test_rows_that_no_model_can_come_of(dataset: IntentDataset, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        dataset.require_trainable()


def test_mostly_broken_rows_are_not_trained_on(tmp_path: Path) -> None:
    broken = "".join(f"well, hello {n},greet\n" for n in range(30))
    found = IntentDataset.read(write(tmp_path, "a.csv", "text,intent\n" + GOOD + broken))
    with pytest.raises(BadInput, match=r"30 rows cannot be used and only 6 can; repair .* a\.csv, row 8: 3 cells"):
        found.require_trainable()


# Training


def test_one_row_an_intent_trains_and_is_reported(tmp_path: Path, tiny_base: Path, quick_recipe: Recipe) -> None:
    from bot.understanding.tuning.training import train

    dataset = rows(greet=["hello"], order_status=["where is my order"], **{"../x": ["אין לי מושג"], "🙂": ["退款"]})
    report = train(dataset, tiny_base, tmp_path, recipe=quick_recipe)
    assert report.held_out_accuracy is None
    assert any("fewer than 5 rows" in problem for problem in report.problems)
    assert IntentModel.load(tmp_path).labels == ("../x", "greet", "order_status", "🙂")
    assert sorted(path.name for path in tmp_path.parent.iterdir() if path.name == "x") == []


@pytest.mark.parametrize("dataset", [rows(a=FIVE), rows(oos=FIVE), rows(a=FIVE, b=FIVE)])
def test_training_refuses_before_it_starts(tmp_path: Path, dataset: IntentDataset) -> None:
    from bot.understanding.tuning.training import train

    with pytest.raises(BadInput):
        train(dataset, tmp_path / "no base", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "content", "status", "message"),
    [
        ("a.csv", "text,intent\n" + GOOD + "x,y,z\n", 0, "left out: a.csv, row 8: 3 cells"),
        ("a.csv", "text,intent\n" + GOOD + "hi,Greet\n", 0, "doubtful: names of intents that differ in spelling"),
        ("a.csv", GOOD, 1, "a.csv, line 1: the header has"),
        ("a.csv", "text,intent\nhi,greet\n", 1, "at least 2 intents, got 1: greet"),
        ("a.yml", "nlu: &a\n- *a\n", 1, "a.yml, line 2: the alias *a is not read"),
        ("notes.txt", "hi", 1, "holds no file with rows"),
    ],
)
def test_the_command_says_what_is_wrong(
    firstline: Firstline, shop: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str,
    status: int, message: str, tiny_base: Path,
) -> None:  # fmt: skip
    import bot.commands.releases as verbs

    (tmp_path / "data" / "nlu").mkdir(exist_ok=True)
    write(tmp_path / "data" / "nlu", name, content)
    refused = BadInput("stopped before the training")
    monkeypatch.setattr(verbs, "ensure_base_model", _raising(refused))
    ran = firstline("train", FIRSTLINE_BASE_MODEL=str(tiny_base))
    assert message in ran.err
    assert "Traceback" not in ran.err
    assert ran.status == 1
    assert ("stopped before the training" in ran.err) == (status == 0)


def _raising(error: Exception) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail


def test_our_own_rows_are_sound() -> None:
    found = IntentDataset.read(Path(__file__).parents[2] / "data" / "nlu")
    found.require_trainable()
    assert (found.problems, found.doubts) == ((), ())
