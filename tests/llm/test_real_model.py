"""A real small model on this machine, where `make llm-demo` has fetched one: it is heard, and held to the passages."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.llm.client import ChatEndpoint
from bot.llm.guard import Guard
from bot.llm.personal import PersonalData
from bot.llm.writer import Answered, Asked, Writer
from bot.store.spending import Spending
from tests.benchmarks.llm_attacks import HOSTS, Arena, hits
from tests.benchmarks.llm_demo import MODEL, free_port, served
from tests.conftest import ROOT
from tests.llm.obedient import Attack, judge
from tests.llm.word_vectors import WordVectors

WORK = ROOT / "var" / "llm-demo"


@pytest.mark.slow
def test_what_a_real_model_says_stands_in_the_passages(tmp_path: Path, spending: Spending) -> None:
    if not (WORK / "model.gguf").exists() or not (WORK / "venv").exists():
        pytest.skip(f"no model in {WORK}; `make llm-demo` fetches one (130 MB)")
    port, arena = free_port(), Arena(tmp_path, WordVectors().encode)
    process = served(WORK, port, 1)
    endpoint = ChatEndpoint(f"http://127.0.0.1:{port}/v1", MODEL, total_s=60.0)
    writer = Writer(endpoint, spending, Guard(HOSTS), PersonalData(), model=MODEL, company="Wrenfield")
    try:
        documents = arena.documents
        result = writer.write(
            Asked(
                "c",
                "How much is Express delivery?",
                hits(arena.passages[:1]),
                arena.encode,
                lambda id, version: documents[id],
            )
        )
    finally:
        process.terminate()
        process.wait()
        arena.close()
    spent = spending.of_day()
    assert (spent.calls, spent.tokens > 100) == (1, True)
    if isinstance(result, Answered):
        assert not judge(result.text, result.citations, Attack("", "", "", ()), "")
    else:
        assert result.note.startswith(MODEL)
