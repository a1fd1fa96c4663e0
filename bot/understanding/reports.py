"""What every written report shares: one style, put into each page, and templates that escape what comes from data.

A report is one HTML file that fetches nothing, so that it can be mailed and kept.
"""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def environment(folder: Path) -> Environment:
    """Templates of a folder; `{% include "reports.css" %}` in their `<style>` is the style of all reports."""
    return Environment(
        loader=FileSystemLoader([folder, Path(__file__).parent]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
