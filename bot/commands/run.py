"""Verbs that run and look after the processes: up, chat, status, doctor."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
import uuid
from typing import Annotated

import httpx2
import typer

from bot.commands.common import Bench, now, open_bench, out, table, talk
from bot.dialogue import install
from bot.doctor import Finding, examine
from bot.errors import BadInput, Refused
from bot.llm.connect import spending_of
from bot.settings import Settings
from bot.store.jobs import Jobs
from bot.store.outbox import Outbox
from bot.store.people import People
from bot.supervisor import Program, Supervisor, web, worker

JSON = Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")]


def register(app: typer.Typer) -> None:
    for verb in (up, chat, status, doctor):
        app.command()(verb)


def up() -> None:
    """Train the first release if there is none, start web, worker and dialogue engine, and keep them running."""
    began = time.monotonic()
    bench = open_bench()
    settings = bench.settings
    if _answers(settings):
        talk(f"Firstline is running already at {settings.address}")
        return
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if bench.registry.current_id() is None:
        _train_first(stop)
    token = People(bench.database, now).setup_token()
    bench.database.close()
    supervisor = Supervisor(talk)
    logs = settings.home / "logs"
    supervisor.run(web(logs))
    supervisor.run(worker(logs))
    engine = threading.Thread(target=_start_engine, args=(settings, supervisor), daemon=True)
    engine.start()
    _wait_until_ready(settings, stop)
    talk(_welcome(settings, token, time.monotonic() - began))
    stop.wait()
    talk("stopping")
    supervisor.stop()


def _train_first(stop: threading.Event) -> None:
    """Make the first release in a process of its own, which takes training's memory with it when it ends."""
    training = subprocess.Popen([sys.executable, "-m", "bot.cli", "train"])
    while training.poll() is None:
        if stop.wait(0.2):
            training.terminate()
            training.wait()
            raise Refused("stopped during the first training; `firstline up` begins it again")
    if training.returncode != 0:
        raise Refused("the first release could not be made; what is said above names the reason")


def _start_engine(settings: Settings, supervisor: Supervisor) -> None:
    try:
        install.ensure(settings, talk)
    except Exception as error:
        talk(f"the dialogue engine is not installed, flows hand over to a human: {error}")
        return
    supervisor.run(
        Program(
            "rasa",
            install.rasa_command(settings),
            install.rasa_environment(settings),
            settings.home / "logs" / "rasa.log",
            install.PROJECT,
        )
    )


def _answers(settings: Settings) -> bool:
    try:
        return httpx2.get(f"http://{settings.host}:{settings.port}/healthz", timeout=1.0).status_code == 200
    except httpx2.HTTPError:
        return False


def _wait_until_ready(settings: Settings, stop: threading.Event, timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not stop.is_set() and time.monotonic() < deadline:
        try:
            if httpx2.get(f"http://{settings.host}:{settings.port}/readyz", timeout=1.0).status_code == 200:
                return
        except httpx2.HTTPError:
            pass
        stop.wait(0.1)
    if not stop.is_set():
        talk(f"the web process is not ready after {timeout_s:.0f} s; {settings.home / 'logs' / 'web.log'} says why")


def _welcome(settings: Settings, token: str | None, seconds: float) -> str:
    lines = [
        "",
        f"Firstline is up after {seconds:.0f} s.",
        f"  Shop with the chat   {settings.address}/",
        f"  Desk                 {settings.address}/desk/",
    ]
    if token is not None:
        lines.append(f"  Set the desk up      {settings.address}/desk/setup?token={token}   (once)")
    lines += [f"  Logs                 {settings.home / 'logs'}", "Ctrl+C stops everything.", ""]
    return "\n".join(lines)


def chat(
    sender: Annotated[str, typer.Option(help="Name of the conversation; a new one otherwise.")] = "",
) -> None:
    """Talk to the running Firstline in the terminal; an empty line ends."""
    settings = Settings.load().with_secrets()
    name = sender or f"terminal-{uuid.uuid4().hex[:8]}"
    headers = {"Authorization": f"Bearer {settings.rest_token}"} if settings.rest_token else {}
    address = f"http://{settings.host}:{settings.port}/webhooks/rest/webhook"
    while text := _prompt():
        try:
            answer = httpx2.post(address, json={"sender": name, "message": text}, headers=headers, timeout=30.0)
        except httpx2.HTTPError as error:
            raise Refused(f"{settings.address} does not answer; start it with `firstline up`") from error
        if answer.status_code != 200:
            talk(answer.json()["error"]["message"])
            continue
        for message in answer.json():
            _print_reply(message)


def _prompt() -> str:
    if sys.stdin.isatty():
        sys.stderr.write("you> ")
        sys.stderr.flush()
    return sys.stdin.readline().strip()


def _print_reply(message: dict[str, object]) -> None:
    sys.stdout.write(f"bot> {message['text']}\n")
    for button in message.get("buttons") or []:  # type: ignore[attr-defined]
        sys.stdout.write(f"     [{button['title']}]\n")
    custom = message.get("custom") or {}
    for citation in custom.get("citations", []):  # type: ignore[attr-defined]
        sys.stdout.write(f"     — {citation['document']}, version {citation['version']}: {citation['heading']}\n")


def status(as_json: JSON = False) -> None:
    """Processes, live release, queue, deliveries, jobs, and what is degraded."""
    bench = open_bench()
    settings = bench.settings
    ready = _get(f"http://{settings.host}:{settings.port}/readyz")
    engine = _get(f"{settings.rasa_url}/version")
    jobs = Jobs(bench.database, now).listing(5)
    shown = {
        "web": "up" if ready else "down",
        "dialogue_engine": "up" if engine else "down (flows hand over to a human)",
        "release": bench.registry.current_id(),
        "documents": len(bench.library.listing()),
        "deliveries": Outbox(bench.database).counts(),
        "large_model": _large_model(bench),
        "jobs": [{"id": job.id, "kind": job.kind, "state": job.state, "message": job.message} for job in jobs],
    }
    if as_json:
        out(shown)
    else:
        table("Status", ("", ""), list(shown.items()))


def _large_model(bench: Bench) -> dict[str, object] | str:
    """What the large model has used today, of how much, and what it cost in the company's currency."""
    if not bench.settings.llm_url:
        return "off"
    spending = spending_of(bench.settings, bench.database, now)
    today = spending.of_day()
    return {
        "model": bench.settings.llm_model,
        "calls_today": today.calls,
        "tokens_today": today.tokens,
        "tokens_a_day": spending.limits.day,
        "cost_today": today.micros / 1_000_000,
        "outcomes": dict(today.outcomes),
        "cut_off": today.cut_off,
    }


def _get(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=1.0).status_code == 200
    except httpx2.HTTPError:
        return False


def doctor(
    as_json: JSON = False,
    settings_only: Annotated[bool, typer.Option("--settings", help="List every setting.")] = False,
) -> None:
    """What is missing or unsafe here, and the remedy; exit 1 if something has to be done."""
    if settings_only:
        from dataclasses import fields

        rows = [(f"FIRSTLINE_{f.name.upper()}", str(f.default), f.metadata["help"]) for f in fields(Settings)]
        table("Settings", ("environment variable", "default", "what it is"), list(rows))
        return
    findings = examine(Settings.load())
    if as_json:
        out([{"check": each.check, "ok": each.ok, "found": each.found, "remedy": each.remedy} for each in findings])
    else:
        _print_findings(findings)
    if any(each.needed and not each.ok for each in findings):
        raise BadInput("something has to be done first; see the remedies above")


def _print_findings(findings: tuple[Finding, ...]) -> None:
    for each in findings:
        mark = "✓" if each.ok else "✗" if each.needed else "–"
        talk(f"{mark} {each.check}: {each.found}")
        if not each.ok:
            talk(f"    {each.remedy}")
