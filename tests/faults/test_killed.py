"""Whatever is killed, an acknowledged message is answered exactly once; and the harness would notice if it were not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.store.database import Database
from bot.store.documents import Library
from tests.faults.harness import torment, violations
from tests.keyword_release import fill

MESSAGES = 72
KILLS = 9


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database file with the library filled."""
    made = tmp_path / "firstline.sqlite"
    database = Database.open(f"sqlite:///{made}")
    fill(Library(database, lambda: datetime.now(UTC)))
    database.close()
    return made


def test_killed_at_many_points_every_acknowledged_message_is_answered_exactly_once(path: Path) -> None:
    tormented = torment(path, messages=MESSAGES, kills=KILLS, seed=20_261_121)
    assert len(tormented.acknowledged) == MESSAGES
    assert tormented.interrupted >= KILLS // 2
    assert violations(path, tormented.acknowledged) == []


def test_the_harness_notices_a_build_without_the_checks(path: Path) -> None:
    """Lease check and `answered_seq` check are out, and the primary key of `turns`, the third guard, as well."""
    database = Database.open(f"sqlite:///{path}")
    for statement in (
        "CREATE TABLE loose AS SELECT * FROM turns",
        "DROP TABLE turns",
        "ALTER TABLE loose RENAME TO turns",
    ):
        database.write(lambda connection, statement=statement: connection.execute(text(statement)))  # type: ignore[misc]
    database.close()
    acknowledged = torment(path, messages=MESSAGES, kills=2, seed=7, options=("--unguarded",)).acknowledged
    assert any("turns" in each for each in violations(path, acknowledged))


def test_a_lost_message_and_a_missing_turn_are_noticed(path: Path) -> None:
    acknowledged = torment(path, messages=6, kills=0, seed=1).acknowledged
    assert violations(path, acknowledged) == []
    assert violations(path, acknowledged | {70}) == ["message 70 was acknowledged and is lost"]
    database = Database.open(f"sqlite:///{path}")
    database.write(lambda connection: connection.execute(text("DELETE FROM turns WHERE message_seq = 1")))
    database.close()
    assert len(violations(path, acknowledged)) >= 2
