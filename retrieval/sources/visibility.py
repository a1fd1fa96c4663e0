"""What a reader of an HTML page cannot see: hidden by attribute, by inline style, or by a rule of the page's own sheet.

Only what the page itself says is known; sheets that it loads from elsewhere are not fetched. Text is taken for hidden
where a browser with the default sheet would not show it: not displayed, transparent, without size, moved off the page,
or in the colour of what lies behind it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bs4 import BeautifulSoup
from bs4.element import Tag
from soupsieve import SelectorSyntaxError

from retrieval.sources.findings import Findings, shown

MAX_RULES = 300
"""Rules of a page's own sheets that are looked at; only those that could hide something count."""
NEAR = 24
"""Difference in a colour channel, of 255, below which text cannot be told from its ground."""
OFF_PAGE_PX = 500.0

WHITE = (255, 255, 255)
Colour = tuple[int, int, int]

_NAMED: Mapping[str, Colour] = {
    "white": WHITE,
    "snow": (255, 250, 250),
    "ivory": (255, 255, 240),
    "whitesmoke": (245, 245, 245),
    "black": (0, 0, 0),
    "red": (255, 0, 0),
    "blue": (0, 0, 255),
    "green": (0, 128, 0),
    "yellow": (255, 255, 0),
    "gray": (128, 128, 128),
    "grey": (128, 128, 128),
}
_TELLING = re.compile(
    r"display|visibility|opacity|font-size|width|height|left|right|top|text-indent|clip|transform|color|background|font"
)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_AT = re.compile(r"@([\w-]+)([^{};]*)(\{|;)")
_LENGTH = re.compile(r"(-?[\d.]+)\s*(px|em|rem|pt|%|vw|vh|)")
_TO_PX = {"": 1.0, "px": 1.0, "pt": 1.33, "em": 16.0, "rem": 16.0, "%": 0.16, "vw": 10.0, "vh": 8.0}


def drop_hidden(page: BeautifulSoup, findings: Findings | None = None) -> list[str]:
    """Take every hidden element out of the page; returns the texts that went with them, outermost first.

    The links that let a keyboard skip the menu are hidden on every page, and not told. Rules whose selector cannot be
    read hide nothing here; `findings` is told of them.
    """
    rules, unread = _rules_of(page)
    if unread and findings is not None:
        more = f" and {len(unread) - 1} more" if len(unread) > 1 else ""
        findings.note(f"a style rule could not be read, so text that it hides may be kept: {shown(unread[0])}{more}")
    dropped = []
    for element in page.find_all(True):
        if element.decomposed or element.name in ("html", "head", "title", "script", "style", "meta", "link"):
            continue
        if _is_hidden(element, rules):
            text = " ".join(element.get_text(" ").split())
            if text and not str(element.get("href") or "").startswith("#"):
                dropped.append(text)
            element.decompose()
    return dropped


def _is_hidden(element: Tag, rules: Mapping[int, dict[str, str]]) -> bool:
    if element.has_attr("hidden") or str(element.get("aria-hidden")).lower() == "true":
        return True
    style = _style(element, rules)
    return _not_shown(style) or _without_size(style) or _moved_away(style) or _as_its_ground(element, style, rules)


def _not_shown(style: Mapping[str, str]) -> bool:
    if style.get("display") == "none" or style.get("visibility") in ("hidden", "collapse"):
        return True
    if style.get("content-visibility") == "hidden" or re.search(
        r"scale\(\s*0(\.0*)?\s*[,)]", style.get("transform", "")
    ):
        return True
    opacity = re.fullmatch(r"([\d.]+)(%?)", style.get("opacity", "1"))
    return opacity is not None and _number(opacity[1]) / (100 if opacity[2] else 1) <= 0.05


def _without_size(style: Mapping[str, str]) -> bool:
    size = _px(style.get("font-size") or _first_length(style.get("font", "")))
    if size is not None and size <= 1:
        return True
    sides = [_px(style.get(name)) for name in ("width", "height", "max-width", "max-height")]
    clipped = "hidden" in style.get("overflow", "") or "clip" in style.get("overflow", "")
    if clipped and any(side is not None and side <= 1 for side in sides):
        return True
    return re.search(r"rect\(\s*[01]?(px)?[\s,]+[01]?(px)?[\s,]", style.get("clip", "")) is not None or bool(
        re.search(r"inset\(\s*(50|100)%|circle\(\s*0", style.get("clip-path", ""))
    )


def _moved_away(style: Mapping[str, str]) -> bool:
    indent = _px(style.get("text-indent"))
    if indent is not None and indent <= -OFF_PAGE_PX:
        return True
    places = [_px(style.get(name)) for name in ("left", "right", "top", "bottom", "margin-left", "margin-top")]
    return any(place is not None and place <= -OFF_PAGE_PX for place in places)


def _as_its_ground(element: Tag, style: Mapping[str, str], rules: Mapping[int, dict[str, str]]) -> bool:
    given = style.get("color") or str(element.get("color") or "")
    if not given:
        return False
    if given == "transparent" or re.fullmatch(r"rgba\([^)]*,\s*0?\.?0+\s*\)", given):
        return True
    colour, ground = _colour(given), _ground(element, rules)
    return colour is not None and ground is not None and _near(colour, ground)


def _ground(element: Tag, rules: Mapping[int, dict[str, str]]) -> Colour | None:
    """The colour behind an element, white where nothing sets one, None where it is not a plain colour."""
    for each in (element, *element.parents):
        style = _style(each, rules)
        given = style.get("background-color") or style.get("background") or str(each.get("bgcolor") or "")
        if given and given not in ("none", "transparent", "inherit", "initial"):
            return _colour(given)
        if "background-image" in style:
            return None
    return WHITE


def _style(element: Tag, rules: Mapping[int, dict[str, str]]) -> dict[str, str]:
    return rules.get(id(element), {}) | _declarations(str(element.get("style") or ""))


def _declarations(text: str) -> dict[str, str]:
    found = {}
    for each in _COMMENT.sub("", text).split(";"):
        name, colon, value = each.partition(":")
        if colon:
            found[name.strip().lower()] = value.replace("!important", "").strip().lower()
    return found


def _rules_of(page: BeautifulSoup) -> tuple[dict[int, dict[str, str]], list[str]]:
    """What the page's own sheets declare of each element that they could hide, by the element's identity; and the
    selectors that could not be read."""
    sheet = _COMMENT.sub("", "\n".join(each.get_text() for each in page.find_all("style")))
    styles: dict[int, dict[str, str]] = {}
    unread: list[str] = []
    looked_at = 0
    for selector, body in _RULE.findall(_unconditional(sheet)):
        declared = _declarations(body)
        if not _TELLING.search(" ".join(declared)) or ":" in selector.replace(":root", ""):
            continue
        looked_at += 1
        if looked_at > MAX_RULES:
            break
        try:
            chosen = page.select(selector.strip())
        except (SelectorSyntaxError, ValueError, NotImplementedError):
            unread.append(selector.strip())
            continue
        for element in chosen:
            styles.setdefault(id(element), {}).update(declared)
    return styles, unread


def _unconditional(sheet: str) -> str:
    """The sheet without what holds only on some devices; `@media screen`, `@layer` and `@supports` are opened."""
    kept, position = [], 0
    while (at := _AT.search(sheet, position)) is not None:
        kept.append(sheet[position : at.start()])
        if at[3] == ";":
            position = at.end()
            continue
        end = _closing_brace(sheet, at.end())
        if at[1].lower() in ("layer", "supports") or at[2].strip().lower() in ("screen", "all"):
            kept.append(sheet[at.end() : end])
        position = end + 1
    return "".join([*kept, sheet[position:]])


def _closing_brace(sheet: str, position: int) -> int:
    depth = 1
    for brace in re.finditer(r"[{}]", sheet[position:]):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return position + brace.start()
    return len(sheet)


def _colour(text: str) -> Colour | None:
    """`#fff`, `#ffffff`, `rgb(255, 255, 255)`, or one of a few names; the first colour that stands in the text."""
    match = re.search(r"#([0-9a-f]{6}|[0-9a-f]{3})\b", text)
    if match:
        digits = match[1] if len(match[1]) == 6 else "".join(2 * digit for digit in match[1])
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
    match = re.search(r"rgba?\(\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})", text)
    if match:
        return int(match[1]), int(match[2]), int(match[3])
    return next((_NAMED[word] for word in re.findall(r"[a-z]+", text) if word in _NAMED), None)


def _near(one: Colour, other: Colour) -> bool:
    return all(abs(a - b) < NEAR for a, b in zip(one, other, strict=True))


def _first_length(shorthand: str) -> str | None:
    match = re.search(r"[\d.]+(px|pt|em|rem|%)", shorthand)
    return match[0] if match else None


def _px(value: str | None) -> float | None:
    match = _LENGTH.fullmatch(value.strip()) if value else None
    return _number(match[1]) * _TO_PX[match[2]] if match else None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 1.0
