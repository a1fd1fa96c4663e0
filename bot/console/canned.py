"""Canned replies: the company's own from `data/canned_replies.yml`, else a few that suit any company."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import yaml

from bot.errors import BadSettings

FILE = "canned_replies.yml"
GENERAL = Path(__file__).parent / FILE


def canned_replies(data: Path, facts: Mapping[str, str]) -> list[dict[str, str]]:
    """`[{title, text}]` with `{name}`, `{agent}` and `{company}` filled in; `BadSettings` for a malformed file."""
    own = data / FILE
    path = own if own.exists() else GENERAL
    return [{"title": title, "text": _filled(text, facts)} for title, text in _read(path, path.stat().st_mtime_ns)]


@lru_cache(maxsize=4)
def _read(path: Path, changed_ns: int) -> tuple[tuple[str, str], ...]:
    """Read again when the file changed."""
    try:
        rows = yaml.safe_load(path.read_text(encoding="utf-8"))
        return tuple((str(row["title"]), str(row["text"]).strip()) for row in rows)
    except (yaml.YAMLError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path} must be a list of title and text: {error}") from error


def _filled(text: str, facts: Mapping[str, str]) -> str:
    for key, value in facts.items():
        text = text.replace(f"{{{key}}}", value)
    return text
