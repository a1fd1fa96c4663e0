"""Bringing a database's schema up to date with Alembic."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 4_711_001
"""Number of the PostgreSQL advisory lock that lets one process migrate while the others wait."""


def configuration() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.set_main_option("path_separator", "os")
    return config


@cache
def _head() -> str | None:
    """The newest migration, read once in a process."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


def upgrade(engine: Engine) -> None:
    """Apply the missing migrations in one transaction; does nothing when there are none."""
    with engine.connect() as connection:
        if MigrationContext.configure(connection).get_current_revision() == _head():
            return
    config = configuration()
    with engine.execution_options(immediate=True).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
