"""What others build on: the verbs, their help, where data and talk go, and the exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.conftest import Firstline, firstline
from tests.conftest import ROOT
from tests.contracts import golden

__all__ = ["firstline"]


@pytest.mark.parametrize("verb", ["", *golden.verbs()])
def test_help_is_what_is_written_down(verb: str) -> None:
    written = golden.file_of(verb).read_text("utf-8") if golden.file_of(verb).exists() else ""
    assert golden.help_of(verb) == written, "`python -m tests.contracts.golden` writes it anew"


def test_no_help_of_a_verb_that_is_gone_is_left() -> None:
    assert {path.name for path in golden.FOLDER.iterdir()} == {golden.file_of(v).name for v in ("", *golden.verbs())}


@pytest.mark.parametrize("verb", golden.verbs())
def test_every_verb_says_what_it_does(verb: str) -> None:
    usage, said, *_ = golden.help_of(verb).strip().split("\n\n")
    assert usage.startswith(f"Usage: firstline {verb}")
    assert len(said.strip()) > 15


@pytest.mark.parametrize(
    ("arguments", "settings", "status", "said"),
    [
        (("documents", "list"), {}, 0, ""),
        (("users", "list", "--json"), {}, 0, ""),
        (("doctor", "--settings"), {}, 0, ""),
        (("documents", "show", "nothing"), {}, 1, "firstline: no document 'nothing'"),
        (("documents", "delete", "nothing"), {}, 1, "no document 'nothing'"),
        (("releases", "show"), {}, 1, "`firstline train` makes the first"),
        (("releases", "promote", "r-0000000000"), {}, 1, "no release 'r-0000000000'; there are: none"),
        (("releases", "rollback"), {}, 1, "no earlier release"),
        (("releases", "diff", "r-1", "r-2"), {}, 1, "no release 'r-1'"),
        (("faq", "import", "nowhere.csv"), {}, 1, "nowhere.csv cannot be read"),
        (("faq", "export", "/nowhere/faq.csv"), {}, 1, "/nowhere/faq.csv cannot be written"),
        (("ingest", "/nowhere"), {}, 1, "no document could be read"),
        (("evaluate", "routing", "--scenarios", "nowhere.jsonl"), {}, 1, "firstline: "),
        (("users", "remove", "nobody@x.example"), {}, 1, "nobody has the address"),
        (("users", "add", "maud", "--name", "Maud"), {}, 1, "e-mail address"),
        (("doctor",), {}, 1, "something has to be done first"),
        (("job", "99"), {}, 1, "no job 99"),
        (("nonsense",), {}, 2, "No such command 'nonsense'"),
        (("faq", "import"), {}, 2, "Missing argument"),
        (("users", "add", "a@b.example", "--name", "A", "--role", "king"), {}, 2, "king"),
        (("documents", "list", "--nonsense"), {}, 2, "No such option"),
        (("documents", "list"), {"FIRSTLINE_PROT": "1"}, 2, "did you mean FIRSTLINE_PORT?"),
        (("documents", "list"), {"FIRSTLINE_DATABASE_URL": "mysql://x/y"}, 2, "SQLite or PostgreSQL"),
        (("documents", "list"), {"FIRSTLINE_DATABASE_URL": "nonsense"}, 2, "looks like postgresql://"),
    ],
)
def test_the_exit_status_and_where_it_is_told(
    firstline: Firstline, arguments: tuple[str, ...], settings: dict[str, str], status: int, said: str
) -> None:
    done = firstline(*arguments, **settings)
    assert done.status == status, done.err
    assert said in done.err
    if status:
        assert done.out == ""


def test_json_stands_alone_on_stdout(firstline: Firstline) -> None:
    for verb in (("documents", "list"), ("releases", "list"), ("users", "list"), ("status",)):
        done = firstline(*verb, "--json")
        assert done.status == 0, done.err
        json.loads(done.out)
    findings = firstline("doctor", "--json")
    assert {each["check"] for each in json.loads(findings.out)} >= {"Python", "database"}


def test_a_process_of_its_own_ends_the_same_way(tmp_path: Path) -> None:
    """The table above runs inside the tests; this is what a shell sees."""
    environment = {"FIRSTLINE_HOME": str(tmp_path), "FIRSTLINE_PROT": "1", "PATH": os.defpath}
    command = [sys.executable, "-m", "bot.cli", "documents", "list"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    said = "firstline: unknown setting FIRSTLINE_PROT; did you mean FIRSTLINE_PORT?"
    assert " ".join(done.stderr.split()) == said
