"""Reading intent rows: three formats, and what is wrong with files."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import BadInput, TooLarge
from bot.messages import Entity
from bot.understanding.examples import dataset as dataset_module
from bot.understanding.examples.dataset import IntentDataset
from bot.understanding.examples.rasa_nlu import parse_annotations


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_rasa_yaml_gives_rows_entities_and_definitions(dataset: IntentDataset) -> None:
    assert dataset.labels == ("greet", "order_status", "start_return")
    assert dataset.out_of_scope == ("what is the weather", "write me a poem")
    assert dataset.synonyms == {"ek-200": "kettle EK-200", "kettle": "kettle EK-200"}
    assert dataset.regexes == (("voucher", "WG-[A-Z0-9]{12}"),)
    assert dataset.lookups == {"product": ("kettle EK-200", "toaster")}
    row = dataset.rows[dataset.texts.index("where is my order WF-204817")]
    assert row.entities == (Entity("order_number", "WF-204817", 18, 27),)
    assert not dataset.problems


@pytest.mark.parametrize(
    ("example", "text", "entities"),
    [
        ("plain (really) [sic]", "plain (really) [sic]", ()),
        ("my [kettle](product) broke", "my kettle broke", (Entity("product", "kettle", 3, 9),)),
        (
            '[big one]{"entity": "reason", "value": "wrong size"}!',
            "big one!",
            (Entity("reason", "wrong size", 0, 7),),
        ),
        ("[nyc](city:New York)", "nyc", (Entity("city", "New York", 0, 3),)),
        ("[a](x)[b](y)", "ab", (Entity("x", "a", 0, 1), Entity("y", "b", 1, 2))),
    ],
)
def test_annotations(example: str, text: str, entities: tuple[Entity, ...]) -> None:
    assert parse_annotations(example) == (text, entities)


def test_a_malformed_annotation_is_a_problem_with_its_line(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "n.yml",
        'nlu:\n- intent: a\n  examples: |\n    - fine\n    - my [x]{"value": "y"}\n    - [z]{oops}\n    -\n',
    )
    found = IntentDataset.read(path)
    assert found.texts == ("fine",)
    assert [problem.row for problem in found.problems] == [5, 6, 7]
    assert "names no entity" in str(found.problems[0])
    assert "empty" in str(found.problems[2])


@pytest.mark.parametrize("column", ["intent", "category", "label"])
def test_csv_and_jsonl_take_three_names_for_the_intent(tmp_path: Path, column: str) -> None:
    table = write(tmp_path, "a.csv", f'\ufefftext,{column}\n"Where, please?",order_status\n')
    lines = write(tmp_path, "b.jsonl", f'{{"text": "hi", "{column}": "greet"}}\n\n')
    both = IntentDataset.read(table, lines)
    assert list(zip(both.texts, both.intents, strict=True)) == [("Where, please?", "order_status"), ("hi", "greet")]


def test_unusable_rows_are_reported_with_their_number(tmp_path: Path) -> None:
    path = write(
        tmp_path, "a.csv", f"text,intent\nhello,greet\n,greet\nhey,\n{'x' * 4001},greet\na,b,c\nhi,gr\x07eet\n"
    )
    found = IntentDataset.read(path)
    assert found.texts == ("hello",)
    said = [str(problem) for problem in found.problems]
    assert len(said) == 5
    for line, number, part in zip(
        said, range(3, 8), ["text is empty", "intent is empty", "4001 characters", "3 cells", "not a name"], strict=True
    ):
        assert f"row {number}" in line
        assert part in line


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "text,topic\nhi,greet\n", "the header has"),
        ("a.csv", "", "the header has"),
        ("a.csv", "text,intent\n", "no usable row"),
        ("a.csv", b"text,intent\nhi,greet\ncaf\xe9,greet\n", "line 3: byte 0xe9 is not UTF-8"),
        ("a.csv", 'text,intent\n"hi,greet\n', "not readable as CSV"),
        ("a.jsonl", '{"text": "hi", "intent": "greet"}\n{"text": \n', "line 2: not readable as JSON"),
        ("a.jsonl", '["hi"]\n', "line 1: got list"),
        ("a.jsonl", '{"txt": "hi", "intent": "greet"}\n', "got the fields"),
        ("a.jsonl", '{"text": 5, "intent": "greet"}\n', "expected strings"),
        ("a.yml", "nlu: [", "not readable as UTF-8 YAML"),
        ("a.yml", "- a\n", "expected a mapping"),
        ("a.yml", "nlu:\n- story: x\n", "expected one of intent"),
        ("a.yml", "nlu:\n- intent: x\n", "has no `examples`"),
        ("a.yml", "nlu: !!python/object/apply:os.system ['true']\n", "not readable as UTF-8 YAML"),
        ("a.txt", "hi", "cannot tell the format"),
    ],
)
def test_malformed_files_are_named(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        IntentDataset.read(write(tmp_path, name, content))
    assert name in str(caught.value)


def test_missing_and_huge_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="no such file"):
        IntentDataset.read(tmp_path / "nothing.csv")
    monkeypatch.setattr(dataset_module, "MAX_FILE_BYTES", 10)
    with pytest.raises(TooLarge, match="at most 10"):
        IntentDataset.read(write(tmp_path, "a.csv", "text,intent\nhi,greet\n"))


def test_a_folder_is_read_whole(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "text,intent\nhi,greet\n")
    (tmp_path / "more").mkdir()
    write(
        tmp_path / "more", "b.yaml", "version: '3.1'\nnlu:\n- intent: bye\n  examples:\n  - text: so long\n  - ciao\n"
    )
    write(tmp_path, "notes.md", "not rows")
    assert IntentDataset.read(tmp_path).intents == ("greet", "bye", "bye")


def test_rows_without_an_intent_column_take_the_default(tmp_path: Path) -> None:
    path = write(tmp_path, "o.jsonl", '{"text": "tell me a joke"}\n')
    assert IntentDataset.read(path, default_intent="oos").out_of_scope == ("tell me a joke",)
