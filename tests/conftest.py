"""Parts that many tests share: a clock that stands still, and a real database, SQLite or PostgreSQL."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot.store.conversations import Conversations
from bot.store.database import Database
from tests.chromium import browser, visit
from tests.far_side import FarSide

__all__ = ["browser", "visit"]

if TYPE_CHECKING:
    from tests.application import Application

ROOT = Path(__file__).parent.parent


class Clock:
    """Returns `moment` until `pass_` moves it."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def pass_(self, **time: float) -> None:
        self.moment += timedelta(**time)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that two workers end together."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server of this test run's own; skipped with the reason where there is none.

    Its files lie outside pytest's folder, which every pytest that starts closes to other users again.
    """
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin")) if Path("/usr/lib/postgresql").exists() else []
    if not programs:
        pytest.skip("no PostgreSQL server program under /usr/lib/postgresql (apt-get install postgresql)")
    if os.geteuid() == 0 and shutil.which("runuser") is None:
        pytest.skip("PostgreSQL does not run as root, and runuser is missing")
    with tempfile.TemporaryDirectory(prefix="firstline-postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o777)
        with _server(folder, programs[-1]):
            yield f"postgresql://firstline@/postgres?host={folder}"


@contextmanager
def _server(folder: Path, programs: Path) -> Iterator[None]:
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    data, socket = folder / "data", folder
    subprocess.run(
        [*as_user, programs / "initdb", "-D", data, "-U", "firstline", "-A", "trust", "-E", "UTF8"],
        check=True,
        capture_output=True,
        cwd="/",
    )
    options = f"-c listen_addresses='' -c unix_socket_directories={socket} -c fsync=off"
    control = [*as_user, programs / "pg_ctl", "-D", data, "-w", "-o", options, "-l", data / "log"]
    subprocess.run([*control, "start"], check=True, capture_output=True, cwd="/")
    try:
        yield
    finally:
        subprocess.run([*control, "stop", "-m", "immediate"], check=True, capture_output=True, cwd="/")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        opened = Database.open(f"sqlite:///{tmp_path / 'firstline.sqlite'}")
    else:
        opened = Database.open(_fresh(request.getfixturevalue("postgres"), tmp_path.name))
    yield opened
    opened.close()


def _fresh(server: str, name: str) -> str:
    import psycopg

    database = "t_" + "".join(c for c in name.lower() if c.isalnum())[-50:]
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{database}"')
        connection.execute(f'CREATE DATABASE "{database}"')
    return server.replace("/postgres?", f"/{database}?")


@pytest.fixture
def conversations(database: Database, clock: Clock) -> Conversations:
    return Conversations(database, clock, delivered=("webhook",))


@pytest.fixture
def application(tmp_path: Path, clock: Clock) -> Iterator[Application]:
    """The application with nothing but the loopback channels."""
    from tests.application import build

    made = build(tmp_path / "home", clock)
    yield made
    made.close()


@pytest.fixture
def far_side() -> Iterator[FarSide]:
    """The server that a channel delivers to."""
    playing = FarSide()
    yield playing
    playing.close()
