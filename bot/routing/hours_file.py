"""The opening hours as `policy.yml` has them written, and edited in place: only what changed, every comment kept.

A YAML library that writes the file anew drops comments and re-indents, so PyYAML only tells where values stand, as in
`bot.understanding.care.yaml_lines`. An edit counts only if the file then reads as wanted, and all else as before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from bot.errors import BadInput, Refused
from bot.handoff.hours import DAYS
from bot.routing.policy import read_policy
from bot.understanding.examples.yaml_nodes import read_yaml

CLOSED = "closed"
SECTIONS = ("holidays", "special")
"""The parts of the hours that hold dates: closed days with their names, and days with hours of their own."""

_COMMENT = re.compile(r"(?m)(?:^|\s)#")
_LINE = re.compile(r", line (\d+)[:,]")


@dataclass(frozen=True, slots=True)
class WrittenHours:
    """Opening hours as texts, whether they make sense or not. `week` maps every day to hours or `closed`, `holidays`
    dates to names (empty where there is none), `special` dates to hours."""

    timezone: str
    week: Mapping[str, str]
    holidays: Mapping[str, str] = field(default_factory=dict)
    special: Mapping[str, str] = field(default_factory=dict)

    def facts(self) -> dict[str, str]:
        """Everything by its name in a form, such as `mon`, `timezone` and `holidays/2026-12-25`."""
        dated = {f"{section}/{day}": value for section in SECTIONS for day, value in getattr(self, section).items()}
        return {"timezone": self.timezone, **self.week, **dated}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a policy is not read, in the reader's words, and the name (`WrittenHours.facts`) of the value that it is
    about; empty where that is none of the hours."""

    says: str
    fact: str


@dataclass(frozen=True, slots=True)
class _Item:
    """A date in a list or mapping of them: `text[start:end]` is what an edit replaces."""

    day: str
    name: str
    start: int
    end: int


def written_hours(text: str, file: str = "policy.yml") -> WrittenHours:
    """The hours as they are written in a policy; `BadInput` where the file is no YAML."""
    raw = read_yaml(text, file)
    found = raw.get("hours") if isinstance(raw, Mapping) else None
    hours: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    week = {day: _text(hours.get(day)) or CLOSED for day in DAYS}
    return WrittenHours(
        _text(hours.get("timezone")) or "UTC", week, _dated(hours.get("holidays")), _dated(hours.get("special"))
    )


def with_hours(text: str, wanted: WrittenHours, file: str = "policy.yml") -> str:
    """The file with these hours, every other line as it was; `Refused` where it is written in a way that this cannot
    edit, `BadInput` where it is no YAML. Whether the hours make sense is for `problem_of` to say."""
    before = written_hours(text, file)
    if before == wanted:
        return text
    usual = "\r\n" if "\r\n" in text else "\n"
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    node = _value(root, "hours")
    if node is None:
        changed = (
            text + ("" if not text or text.endswith("\n") else usual) + f"{usual}hours:{_block(wanted, usual)}{usual}"
        )
    elif isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        changed = _applied(text, _edits(text, node, before, wanted, usual))
    else:
        changed = _applied(text, [_whole(text, node, _block(wanted, usual))])
    if not _reads(changed, text, wanted, file):
        raise Refused(f"{file} would not read as expected after the edit; nothing was written, edit it by hand")
    return changed


def problem_of(text: str, file: str = "policy.yml") -> Problem | None:
    """What the reader of every policy has against this one; None where it is taken."""
    try:
        read_policy(text, file)
    except BadInput as error:
        said = _LINE.search(str(error))
        return Problem(str(error), _fact_on(text, int(said[1]), file) if said else "")
    return None


def _fact_on(text: str, line: int, file: str) -> str:
    """The name of the part of the hours that stands on a line (1-based); empty for any other line."""
    raw = read_yaml(text, file)
    hours = raw.get("hours") if isinstance(raw, Mapping) else None
    for name, value in hours.items() if isinstance(hours, Mapping) else ():
        inner = value.items() if isinstance(value, Mapping) else [(each, each) for each in _list(value)]
        dated = [(f"{name}/{day}", each) for day, each in inner]
        for fact, node in [*dated, (name, value)]:
            if getattr(node, "line", 0) == line:
                return str(fact)
    return ""


def _edits(
    text: str, node: yaml.MappingNode, before: WrittenHours, wanted: WrittenHours, usual: str
) -> list[tuple[int, int, str]]:
    """(from, to, instead) in characters."""
    entries = {key.value: (key, value) for key, value in node.value}
    indent = " " * node.value[0][0].start_mark.column
    was, now = before.facts(), wanted.facts()
    edits = []
    after = node.value[0]
    for name in ("timezone", *DAYS):
        if name in entries:
            after = entries[name]
            if was[name] != now[name]:
                edits.append(_replaced(after[1], _scalar(now[name])))
        elif was[name] != now[name]:
            edits.append(_inserted(text, _end(after[1]), f"{indent}{name}: {_scalar(now[name])}", usual))
    for section in SECTIONS:
        old, new = getattr(before, section), getattr(wanted, section)
        if old == new:
            continue
        if section in entries:
            edits += _section_edits(text, section, entries[section], old, new, usual)
        else:
            block = f"{indent}{section}:{_dates(section, new, indent + '  ', usual)}"
            edits.append(_inserted(text, _end(node), block, usual))
    return edits


def _section_edits(
    text: str,
    section: str,
    entry: tuple[yaml.Node, yaml.Node],
    old: Mapping[str, str],
    new: Mapping[str, str],
    usual: str,
) -> list[tuple[int, int, str]]:
    """The dates of one section: item by item where they stand on lines of their own, else all together."""
    key, node = entry
    named = section == "special" or any(new.values()) or isinstance(node, yaml.MappingNode)
    items = _items(text, node)
    if not items:
        content = _dates(section, new, " " * (key.start_mark.column + 2), usual, named=named) if new else " {}"
        return [_whole(text, node, content)]
    edits = []
    column = items[0].start - (text.rfind("\n", 0, items[0].start) + 1)
    for item in items:
        if item.day not in new:
            begins = text.rfind("\n", 0, item.start) + 1
            edits.append((begins, _line_end(text, item.end), ""))
        elif item.name != new[item.day] or named != isinstance(node, yaml.MappingNode):
            edits.append((item.start, item.end, _written(item.day, new[item.day], named)))
    for day in sorted(new.keys() - old.keys()):
        line = " " * column + _written(day, new[day], named)
        earlier = [item for item in items if item.day < day]
        if earlier:
            edits.append(_inserted(text, earlier[-1].end, line, usual))
        else:
            begins = text.rfind("\n", 0, items[0].start) + 1
            edits.append((begins, begins, line + usual))
    return edits


def _items(text: str, node: yaml.Node) -> list[_Item]:
    """The dates of a block list or mapping; none where it is written in brackets."""
    if not isinstance(node, yaml.CollectionNode) or node.flow_style:
        return []
    if isinstance(node, yaml.MappingNode):
        return [
            _Item(key.value, _plain(value), key.start_mark.index, max(_end(value), key.end_mark.index + 1))
            for key, value in node.value
        ]
    dashes = [text.rfind("-", 0, each.start_mark.index) for each in node.value]
    return [_Item(_plain(each), "", dash, _end(each)) for each, dash in zip(node.value, dashes, strict=True)]


def _whole(text: str, node: yaml.Node, content: str) -> tuple[int, int, str]:
    """A value replaced altogether; `content` begins with what stands behind the colon."""
    start, end = node.start_mark.index, _end(node)
    if _COMMENT.search(text[start:end]):
        line = node.start_mark.line + 1
        raise Refused(f"the value on line {line} has comments inside it, which this edit would lose; edit it by hand")
    while start and text[start - 1] in " \t\r\n":
        start -= 1
    return start, end, content


def _replaced(node: yaml.Node, written: str) -> tuple[int, int, str]:
    start, end = node.start_mark.index, _end(node)
    return start, end, written if end > start else f" {written}"


def _inserted(text: str, behind: int, line: str, usual: str) -> tuple[int, int, str]:
    """A line put in behind the line that the character `behind` is on."""
    place = _line_end(text, behind)
    return (place, place, line + usual) if place and text[place - 1] == "\n" else (place, place, usual + line)


def _line_end(text: str, behind: int) -> int:
    """Where the line after that of `behind` begins, or the text ends."""
    found = text.find("\n", behind)
    return len(text) if found < 0 else found + 1


def _applied(text: str, edits: list[tuple[int, int, str]]) -> str:
    """All edits, later places first; those of one place in the order given."""
    for _, (start, end, instead) in sorted(enumerate(edits), key=lambda each: (each[1][0], each[1][1], each[0]))[::-1]:
        text = text[:start] + instead + text[end:]
    return text


def _reads(changed: str, text: str, wanted: WrittenHours, file: str) -> bool:
    """Whether an edited file reads as wanted, and all but the hours as it did."""
    try:
        rest = [_but_hours(read_yaml(each, file)) for each in (changed, text)]
        return written_hours(changed, file) == wanted and rest[0] == rest[1]
    except BadInput:
        return False


def _but_hours(raw: Any) -> Any:
    return {key: value for key, value in raw.items() if key != "hours"} if isinstance(raw, Mapping) else raw or {}


def same_but_hours(one: str, other: str) -> bool:
    """Whether two policies say the same about everything else."""
    return bool(_but_hours(read_yaml(one, "one")) == _but_hours(read_yaml(other, "other")))


def _block(hours: WrittenHours, usual: str) -> str:
    """The hours as lines to stand behind `hours:`."""
    days = [f"  {day}: {_scalar(hours.week[day])}" for day in DAYS if hours.week[day] != CLOSED]
    dated = [
        f"  {section}:{_dates(section, getattr(hours, section), '    ', usual)}"
        for section in SECTIONS
        if getattr(hours, section)
    ]
    return usual + usual.join([f"  timezone: {_scalar(hours.timezone)}", *days, *dated])


def _dates(section: str, dates: Mapping[str, str], indent: str, usual: str, *, named: bool | None = None) -> str:
    """Dates as they stand behind the colon of their section: a list in brackets, or a line each where they have names
    or hours."""
    if named is None:
        named = section == "special" or any(dates.values())
    if not named:
        return f" [{', '.join(json.dumps(day) for day in sorted(dates))}]"
    return "".join(f"{usual}{indent}{_written(day, dates[day], True)}" for day in sorted(dates))


def _written(day: str, value: str, named: bool) -> str:
    return f"{json.dumps(day)}: {_scalar(value)}" if named else f"- {json.dumps(day)}"


def _scalar(value: str) -> str:
    """A text as YAML reads it back."""
    if re.fullmatch(r"[A-Za-z][A-Za-z_]+(?:/[A-Za-z_+-]+)*", value) and value.lower() != "null":
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return "".join(each if each.isprintable() else f"\\U{ord(each):08x}" for each in quoted)


def _end(node: yaml.Node) -> int:
    """Behind the last character of a value; the mark of a block collection stands behind the blank lines after it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return max(map(_end, last)) if isinstance(last, tuple) else _end(last)
    return int(node.end_mark.index)


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _plain(node: yaml.Node) -> str:
    return node.value if isinstance(node, yaml.ScalarNode) and (node.style or node.value not in ("~", "null")) else ""


def _text(value: Any) -> str:
    return "" if value is None or getattr(value, "plain_null", False) else str(value)


def _dated(value: Any) -> dict[str, str]:
    if isinstance(value, Mapping):
        return {str(day): _text(each) for day, each in value.items()}
    return {str(day): "" for day in _list(value)}


def _list(value: Any) -> Iterator[Any]:
    return iter(value if isinstance(value, list) else ())
