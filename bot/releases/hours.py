"""Opening hours put live without a training: the live release with the company's hours, and nothing else changed.

Parts are immutable, so it is a release of its own, which differs in its router's `policy.yml` and is promoted like any
other: every process notices, the history and the audit log tell of it, and going back takes the hours back too. Hours
are no part of what the gate measures; all else that is new in the company's file waits for a training and its gate.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from bot.errors import BadInput, NotFound
from bot.releases.publish import Workshop
from bot.releases.registry import Manifest, write_text
from bot.routing.hours_file import WrittenHours, same_but_hours, with_hours, written_hours
from bot.routing.policy import read_policy

POLICY = "policy.yml"
NOTE = "opening hours"


def publish_hours(shop: Workshop, *, by: str, wait: bool = True) -> Manifest:
    """Give the live release the hours of the company's file; returns what is live then, which is what was where the
    hours are the same. `NotFound` before the first release, `BadInput` for a file that the policy's reader refuses, and
    without `wait` a `Conflict` (`busy`) while something else is built."""
    file = shop.settings.data / POLICY
    with shop.registry.lock(wait=wait):
        id = shop.registry.current_id()
        if id is None:
            raise NotFound("nothing is live yet, so the file's hours hold; run `firstline train` for a first release")
        live = shop.registry.manifest(id)
        router = shop.registry.part(live.parts["router"])
        before, wanted = _text(router / POLICY), _text(file)
        read_policy(wanted, str(file))
        if written_hours(before) == written_hours(wanted):
            return live
        after = wanted if same_but_hours(before, wanted) else with_hours(before, written_hours(wanted))
        folder = shop.registry.staging("router")
        shutil.copytree(router, folder, dirs_exist_ok=True)
        write_text(folder / POLICY, after)
        part = shop.registry.add_part("router", folder)
        manifest = shop.registry.create({**live.parts, "router": part}, note=NOTE, report=live.report)
        shop.registry.promote(manifest.id, by=by, reason=NOTE)
        return manifest


def live_hours(shop: Workshop) -> WrittenHours | None:
    """The hours of the live release as they are written in it; None before the first."""
    id = shop.registry.current_id()
    if id is None:
        return None
    return written_hours(_text(shop.registry.part(shop.registry.manifest(id).parts["router"]) / POLICY))


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not readable as YAML: {error}") from error
