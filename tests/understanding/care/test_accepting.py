"""Accepting a finding: only the intended lines change, in every way of writing rows, or nothing is written."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from bot.errors import BadInput, Conflict, NotFound, Refused
from bot.understanding.care import accepting
from bot.understanding.care.accepting import plan, write
from bot.understanding.care.corpus import Corpus, PlacedRow
from bot.understanding.care.findings import Finding, Fix, Report
from bot.understanding.examples.dataset import IntentDataset

YAML = """\
# Rows of the shop.  Kept by hand.
version: "3.1"

nlu:
  # where things are
  - intent: order_status
    examples: |
      - where is   my order [WF-204817](order_number)
      - has my [kettle](product) been sent

      - track it: now # not a comment
  - intent: start_return      # the other way
    examples: |
        - I want to send it back
        - return my [kettle](product)

  - synonym: kettle
    examples: |
      - ketle
"""
LISTED = """\
nlu:
- intent: greet
  examples:
  # the usual
  - text: |
      hello there
    metadata:
      sentiment: neutral
  # the short one
  - text: hi
- intent: bye
  examples:
  - ciao   # Italian
  - "so long: farewell"
"""


def rows_of(*paths: Path) -> tuple[PlacedRow, ...]:
    return Corpus.read(paths).rows


def finding(action: str, *rows: PlacedRow, targets: tuple[int, ...] = (0,), intent: str = "") -> Finding:
    return Finding("contradicted", "advice", "said", rows, fix=Fix(action, targets, intent))  # type: ignore[arg-type]


def report(*findings: Finding, paths: tuple[Path, ...] = ()) -> Report:
    known = paths or tuple({row.path for each in findings for row in each.rows})
    return Report(known, 0, 0, None, findings)


def accept(*findings: Finding, paths: tuple[Path, ...] = ()) -> None:
    write(plan(report(*findings, paths=paths), [each.id for each in findings]))


def changed_lines(before: bytes, after: bytes) -> list[str]:
    """Lines taken out and put in, endings included."""
    lines = (before.decode().splitlines(keepends=True), after.decode().splitlines(keepends=True))
    return [line for line in difflib.ndiff(*lines) if line[0] in "+-"]


def row_named(path: Path, start: str) -> PlacedRow:
    return next(row for row in rows_of(path) if row.text.startswith(start))


@pytest.fixture
def nlu(tmp_path: Path) -> Path:
    path = tmp_path / "nlu.yml"
    path.write_text(YAML, "utf-8")
    return path


def test_a_moved_row_keeps_its_annotations_and_nothing_else_changes(nlu: Path) -> None:
    before = nlu.read_bytes()
    accept(finding("move", row_named(nlu, "has my kettle"), intent="start_return"))
    assert changed_lines(before, nlu.read_bytes()) == [
        "-       - has my [kettle](product) been sent\n",
        "+         - has my [kettle](product) been sent\n",
    ]
    moved = row_named(nlu, "has my kettle")
    assert (moved.intent, [each.name for each in moved.entities]) == ("start_return", ["product"])
    assert IntentDataset.read(nlu).synonyms == {"ketle": "kettle"}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["", "no ending"])
def test_line_endings_stay_as_they_are(tmp_path: Path, newline: str, last: str) -> None:
    path = tmp_path / "nlu.yml"
    text = YAML.rpartition("  - synonym")[0].rstrip("\n") + ("" if last else "\n")
    path.write_bytes(text.replace("\n", newline).encode())
    accept(finding("move", row_named(path, "track it"), intent="start_return"))
    after = path.read_bytes().decode()
    assert after.endswith("- track it: now # not a comment" + ("" if last else newline))
    assert after.count("\n") == text.count("\n")
    assert after.count("\r") == (after.count("\n") if newline == "\r\n" else 0)
    accept(finding("remove", row_named(path, "track it")))
    assert path.read_bytes().decode() == text.replace("      - track it: now # not a comment\n", "").replace(
        "\n", newline
    )


def test_examples_in_lists_move_with_all_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "listed.yaml"
    path.write_text(LISTED, "utf-8")
    accept(finding("move", row_named(path, "so long"), intent="greet"))
    assert '  - text: hi\n  - text: "so long: farewell"\n' in path.read_text("utf-8")
    accept(finding("remove", row_named(path, "hello there")))
    left = path.read_text("utf-8")
    assert "  # the usual\n  # the short one\n  - text: hi\n" in left
    assert "sentiment" not in left
    assert [(row.text, row.intent) for row in rows_of(path)] == [
        ("hi", "greet"),
        ("so long: farewell", "greet"),
        ("ciao", "bye"),
    ]


def test_a_row_moves_to_the_file_that_has_its_intent(nlu: Path, tmp_path: Path) -> None:
    other = tmp_path / "more.yml"
    other.write_text(LISTED, "utf-8")
    moved = finding("move", row_named(nlu, "has my kettle"), intent="bye")
    changes = plan(report(moved, paths=(tmp_path,)), [moved.id])
    assert [change.path.name for change in changes] == ["more.yml", "nlu.yml"], "rows arrive before they leave"
    write(changes)
    assert '  - "has my [kettle](product) been sent"\n' in other.read_text("utf-8")
    assert row_named(other, "has my kettle").entities[0].value == "kettle"
    nowhere = finding("move", row_named(nlu, "track it"), intent="unheard_of")
    with pytest.raises(Refused, match="has examples of unheard_of"):
        accept(nowhere)


def test_csv_keeps_quoting_and_records_that_span_lines(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(
        b'\xef\xbb\xbfid,Text,category,note\r\n1,"Where, please?",a,x\r\n'
        b'2,"two\r\nlines","b","say ""hi"""\r\n3,hi,a,\r\n'
    )
    accept(finding("move", row_named(path, "two"), intent='odd, "name"'))
    assert path.read_bytes() == (
        b'\xef\xbb\xbfid,Text,category,note\r\n1,"Where, please?",a,x\r\n'
        b'2,"two\r\nlines","odd, ""name""","say ""hi"""\r\n3,hi,a,\r\n'
    )
    accept(finding("move", row_named(path, "hi"), intent="b"), finding("remove", row_named(path, "two")))
    assert path.read_bytes() == b'\xef\xbb\xbfid,Text,category,note\r\n1,"Where, please?",a,x\r\n3,hi,b,\r\n'


def test_json_lines_keep_the_order_and_spacing_of_fields(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{ "intent":"a",  "text": "say \\"intent\\": \\"a\\"" }\n\n{"text": "hi", "intent": "b"}', "utf-8")
    first = rows_of(path)[0]
    accept(finding("move", first, intent="ä"))
    assert path.read_text("utf-8") == (
        '{ "intent":"ä",  "text": "say \\"intent\\": \\"a\\"" }\n\n{"text": "hi", "intent": "b"}'
    )
    accept(finding("remove", row_named(path, "hi")))
    assert path.read_text("utf-8").count("\n") == 1


def test_lines_that_shifted_are_found_again(nlu: Path) -> None:
    row = row_named(nlu, "return my")
    nlu.write_text("# one more\n# and one\n" + nlu.read_text("utf-8"), "utf-8")
    accept(finding("remove", row))
    assert "return my [kettle]" not in nlu.read_text("utf-8")


def test_the_nearest_copy_goes_and_the_other_stays(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text,intent\nhi,a\nhello,a\nhi,a\n", "utf-8")
    copies = tuple(row for row in rows_of(path) if row.text == "hi")
    doubled = finding("remove", *copies, targets=(1,))
    accept(doubled)
    assert path.read_text("utf-8") == "text,intent\nhi,a\nhello,a\n"
    with pytest.raises(Conflict, match="no longer matches rows"):
        accept(doubled)


def test_what_cannot_be_applied_changes_nothing(nlu: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = nlu.read_bytes()
    good = finding("remove", row_named(nlu, "track it"))
    gone = finding("remove", PlacedRow(nlu, 8, "no such row", "order_status"))
    bare = Finding("overlap", "advice", "said", subject="a / b")
    for ids, error, said in (
        ([good.id, "duplicate-0000000000"], NotFound, "no finding 'duplicate-0000000000'"),
        ([good.id, gone.id], Conflict, "it has no “no such row” under order_status"),
        ([good.id, bare.id], Refused, "no suggestion that could be applied"),
    ):
        with pytest.raises(error, match=said):
            write(plan(report(good, gone, bare), ids))
        assert nlu.read_bytes() == before
    changes = plan(report(good), [good.id])
    nlu.write_bytes(before + b"# somebody else\n")
    with pytest.raises(Conflict, match="changed meanwhile"):
        write(changes)
    assert nlu.read_bytes() == before + b"# somebody else\n"
    assert [path.name for path in tmp_path.iterdir()] == ["nlu.yml"]

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", str(nlu))

    nlu.write_bytes(before)
    monkeypatch.setattr(accepting, "_write_flushed", full)
    with pytest.raises(BadInput, match="No space left"):
        write(changes)
    assert nlu.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("nlu:\n- intent: a\n  examples: [one, two]\n", "not an example on lines of its own"),
        ("nlu:\n- intent: a\n  examples: |\n    - one\n", "only example in its block"),
        ("nlu:\n- intent: a\n  examples: >\n    - one\n", "cannot be edited"),
        ("nlu:\n- intent: a\n  examples: |\n    - one\u2028    - two\n", "end of a line|cannot be edited"),
    ],
)
def test_yaml_that_has_no_line_to_edit_is_refused(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "nlu.yml"
    path.write_text(content, "utf-8")
    with pytest.raises(Refused, match=said):
        accept(finding("remove", rows_of(path)[0]))
    assert path.read_text("utf-8") == content


def test_a_link_stays_a_link_and_the_mode_is_kept(nlu: Path, tmp_path: Path) -> None:
    nlu.chmod(0o640)
    link = tmp_path / "here.yml"
    link.symlink_to(nlu)
    accept(finding("remove", row_named(link, "track it")))
    assert link.is_symlink()
    assert (nlu.stat().st_mode & 0o777, "track it" in nlu.read_text("utf-8")) == (0o640, False)


@pytest.mark.parametrize("second", ["link.csv", "../nlu/a.csv"])
def test_one_file_under_two_names_has_no_copies(tmp_path: Path, second: str) -> None:
    folder = tmp_path / "nlu"
    folder.mkdir()
    path, other = folder / "a.csv", folder / second
    path.write_text("text,intent\nhi,a\n", "utf-8")
    if not other.exists():
        other.symlink_to(path)
    assert Corpus.read((folder, path, other)).rows == (PlacedRow(path, 2, "hi", "a"),)
    named_twice = finding("remove", *rows_of(path), *rows_of(other), targets=(1,))
    with pytest.raises(Refused, match="are one file"):
        accept(named_twice, paths=(path, other))
    assert path.read_text("utf-8") == "text,intent\nhi,a\n"


def test_a_row_is_not_moved_to_another_name_of_its_file(nlu: Path, tmp_path: Path) -> None:
    (tmp_path / "a_link.yml").symlink_to(nlu)
    row = row_named(nlu, "track it")
    assert [path.name for path in accepting._files(report(finding("remove", row), paths=(nlu, tmp_path)))] == [nlu.name]


def test_the_diff_shows_before_and_after(nlu: Path) -> None:
    gone = finding("remove", row_named(nlu, "track it"))
    (change,) = plan(report(gone), [gone.id])
    assert "\n-      - track it: now # not a comment\n" in change.diff()
    assert change.diff().count("\n-") == 1
    assert nlu.read_text("utf-8") == YAML
