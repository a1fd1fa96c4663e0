"""A new user's first hour, on everything real: the demo company, a trained model, web, worker and Rasa.

Trains once (a minute or two) into a home of its own; skipped where the base model cannot be fetched.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from bot.dialogue import install
from bot.errors import FirstlineError
from bot.settings import Settings
from bot.understanding.weights import ensure_base
from tests.conftest import ROOT
from tests.dialogue.conftest import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_100)]


@dataclass(frozen=True)
class Firstline:
    """A running Firstline: its address and the environment of its command line."""

    url: str
    environment: dict[str, str]
    rasa: bool

    def cli(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "bot.cli", *words]
        return subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)

    def say(self, sender: str, text: str, payload: str | None = None) -> list[dict[str, Any]]:
        body = {"sender": sender, "message": text} | ({"payload": payload} if payload else {})
        answer = httpx2.post(f"{self.url}/webhooks/rest/webhook", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        said: list[dict[str, Any]] = answer.json()
        return said


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firstline]:
    home = tmp_path_factory.mktemp("home")
    _base_model(home)
    port = free_port()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("FIRSTLINE_")} | {
        "FIRSTLINE_HOME": str(home),
        "FIRSTLINE_PORT": str(port),
        "FIRSTLINE_RASA_PORT": str(free_port()),
        "FIRSTLINE_RASA_VENV": str(ROOT / ".venv-rasa"),
    }
    has_rasa = install.is_installed(Settings(rasa_venv=ROOT / ".venv-rasa"))
    if not has_rasa:  # `up` would install it; these tests leave that to `make run`
        environment["FIRSTLINE_RASA_VENV"] = "/dev/null/venv"
    log = open(home / "up.log", "wb")  # noqa: SIM115  closed below
    process = subprocess.Popen(
        [sys.executable, "-m", "bot.cli", "up"], cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
    )
    site = Firstline(f"http://127.0.0.1:{port}", environment, has_rasa)
    try:
        _wait(site, process, home / "up.log")
        yield site
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(40)
        log.close()


def _base_model(home: Path) -> None:
    kept = ROOT / "var" / "base" / "all-MiniLM-L6-v2"
    try:
        if (kept / "config.json").exists():
            (home / "base").mkdir()
            (home / "base" / "all-MiniLM-L6-v2").symlink_to(kept)
        else:
            ensure_base(home / "base" / "all-MiniLM-L6-v2")
    except FirstlineError as error:
        pytest.skip(f"the base model cannot be had: {error}")


def _wait(site: Firstline, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 800
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()[-3_000:]
        try:
            if httpx2.get(f"{site.url}/readyz", timeout=2).status_code == 200:
                return
        except httpx2.HTTPError:
            time.sleep(0.5)
    raise AssertionError(log.read_text()[-3_000:])


def _flows(site: Firstline) -> None:
    """Wait until the dialogue engine takes flows."""
    if not site.rasa:
        pytest.skip(".venv-rasa is not installed (python -m bot.dialogue.install, or make run)")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        said = site.say(uuid.uuid4().hex, "Where is my order?", "/order_status")
        if said[0]["custom"]["route"] == "flow":
            return
        time.sleep(2)
    raise AssertionError("the dialogue engine did not start")


def test_a_question_is_answered_with_a_quote_that_stands_in_the_cited_version(running: Firstline) -> None:
    said = running.say("ask", "How much is express delivery?")
    custom = said[0]["custom"]
    assert custom["route"] == "answer"
    assert "£6.95" in said[0]["text"]
    for citation in custom["citations"]:
        page = httpx2.get(running.url + citation["url"], timeout=10)
        assert page.status_code == 200
        assert "quote" in page.text
        assert set(citation) >= {"document", "version", "heading", "start", "end", "quote", "url"}


def test_without_an_answer_a_human_is_fetched_and_the_customer_is_told(running: Firstline) -> None:
    said = running.say("lost", "my solicitor will be in touch about the sofa")
    assert said[0]["custom"]["route"] == "human"
    assert said[0]["custom"]["rule"] == "reserved:legal"
    assert said[0]["text"]
    assert running.say("lost", "are you there") == []


def test_a_return_runs_to_its_end_with_a_question_in_the_middle(running: Firstline) -> None:
    _flows(running)
    sender = uuid.uuid4().hex
    assert "order number" in running.say(sender, "I want to send something back")[0]["text"]
    middle = running.say(sender, "How long does a gift card last?")
    assert middle[0]["custom"]["rule"] == "question-in-flow"
    assert "36 months" in middle[0]["text"]
    assert "order number" in middle[-1]["text"]
    running.say(sender, "WF-204310")
    offered = running.say(sender, "owen.pritchard@inbox.example")
    assert offered[-1]["buttons"][0]["title"] == "Wrenfield Forever skillet 26 cm"
    running.say(sender, "the chopping board")
    running.say(sender, "changed mind", '/inform{"reason": "changed mind"}')
    done = running.say(sender, "yes", "/affirm")
    assert "RT-" in done[-1]["text"], done


def test_changing_ones_mind_in_the_middle(running: Firstline) -> None:
    _flows(running)
    sender = uuid.uuid4().hex
    running.say(sender, "please cancel my order WF-204902")
    assert "leave it there" in running.say(sender, "actually, never mind")[0]["text"]


def test_a_new_faq_row_is_quotable_at_once_and_a_rollback_takes_it_back(running: Firstline, tmp_path: Path) -> None:
    question = "Do you sharpen knives in the showroom on Thursdays?"
    file = tmp_path / "fresh.csv"
    file.write_text(f'question,answer,topic\n{question},"Yes, on Thursdays from 11:00, for £4 a knife.",Showroom\n')
    imported = running.cli("faq", "import", str(file))
    assert imported.returncode == 0, imported.stderr
    deadline = time.monotonic() + 5
    while (said := running.say(uuid.uuid4().hex, question))[0]["custom"]["route"] != "answer":
        assert time.monotonic() < deadline, said
        time.sleep(0.3)
    assert "£4 a knife" in said[0]["text"]
    live = json.loads(running.cli("releases", "list", "--json").stdout)
    back = running.cli("releases", "rollback")
    assert back.returncode == 0, back.stderr
    after = json.loads(running.cli("releases", "list", "--json").stdout)
    assert [each["id"] for each in live if each["live"]] != [each["id"] for each in after if each["live"]]


def test_a_deleted_document_is_not_quoted_once_the_call_returned(running: Firstline) -> None:
    assert running.cli("documents", "delete", "two-step-phishing").returncode == 0
    said = running.say(uuid.uuid4().hex, "What are recovery codes for two-step sign-in?")
    cited = [citation["document"] for citation in said[0]["custom"]["citations"]]
    assert "two-step-phishing" not in cited


def test_a_bad_faq_file_is_refused_with_its_rows_and_changes_nothing(running: Firstline, tmp_path: Path) -> None:
    before = running.cli("releases", "list", "--json").stdout
    file = tmp_path / "bad.csv"
    file.write_text("question,answer\nOpen on Sunday?,Yes\nOpen on Sunday?,No\n,empty\n")
    refused = running.cli("faq", "import", str(file))
    assert refused.returncode == 1
    assert "row 3" in refused.stderr
    assert running.cli("releases", "list", "--json").stdout == before


def test_the_evaluations_run_on_the_demo(running: Firstline, tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    rows = str(ROOT / "data" / "eval" / "questions.validation.jsonl")
    assert running.cli("evaluate", "routing", "--scenarios", rows, "--json", str(out)).returncode == 0
    figures = json.loads(out.read_text())
    wanted = {"accuracy", "must_escalate_recall", "false_escalation_rate", "coverage_at_5pct_wrong", "per_route"}
    assert wanted <= set(figures)
    assert figures["must_escalate_recall"] > 0.7
    assert figures["accuracy"] > 0.4


def test_a_second_up_says_that_it_runs_already(running: Firstline) -> None:
    again = running.cli("up")
    assert again.returncode == 0
    assert "running already" in again.stderr
