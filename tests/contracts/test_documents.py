"""The README names what there is: every setting and every verb."""

from __future__ import annotations

import re
from dataclasses import fields

from bot.settings import PREFIX, Settings
from tests.conftest import ROOT
from tests.contracts import golden


def readme() -> str:
    return (ROOT / "README.md").read_text("utf-8")


def test_every_setting_is_named() -> None:
    text = readme()
    missing = [name for name in (PREFIX + each.name.upper() for each in fields(Settings)) if name not in text]
    assert missing == [], f"README.md does not name {', '.join(missing)}"


def test_every_verb_is_named() -> None:
    missing = [verb for verb in golden.verbs() if verb not in named_verbs(readme())]
    assert missing == [], f"README.md does not name {', '.join(missing)}"


def named_verbs(text: str) -> set[str]:
    """The verbs in code spans: `firstline up`, `chat`, and `faq import|export`, which names `faq` and both below it."""
    named = set()
    for span in re.findall(r"`(?:firstline )?([a-z][a-z |-]*)`", text):
        group, _, last = span.rpartition(" ")
        named |= {group, *(f"{group} {each}".strip() for each in last.split("|"))}
    return named


def test_no_setting_is_named_that_there_is_not() -> None:
    known = {PREFIX + each.name.upper() for each in fields(Settings)}
    assert set(re.findall(rf"\b{PREFIX}[A-Z_]+[A-Z]", readme())) - known == set()


def test_every_setting_is_read_somewhere() -> None:
    sources = [path.read_text("utf-8") for path in (ROOT / "bot").rglob("*.py") if path.name != "settings.py"]
    sources.append((ROOT / "bot" / "settings.py").read_text("utf-8").partition("    @property\n")[2])
    unread = [each.name for each in fields(Settings) if not any(_reads(source, each.name) for source in sources)]
    assert unread == []


def _reads(source: str, name: str) -> bool:
    return re.search(rf"(settings|self)\.{name}\b", source) is not None
