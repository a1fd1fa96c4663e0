"""Retraining: build a challenger, hold it against what is live, promote it or say why not."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from bot.releases.build import build_challenger, build_extension
from bot.releases.comparison import Measured, Verdict, compare, measure
from bot.releases.hours import publish_hours
from bot.releases.publish import Progress, Workshop, publish_knowledge
from bot.releases.registry import Manifest, write_json
from bot.releases.release import load_release, smoke
from bot.routing.evaluation import read_scenarios


@dataclass(frozen=True, slots=True)
class Retrained:
    """What came of a retraining. `verdict.promote` says whether `release` is live now."""

    release: str
    champion: str
    verdict: Verdict
    figures: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def retrain(
    shop: Workshop,
    *,
    by: str,
    seed: int = 13,
    quick: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> Retrained:
    """Build, measure, promote or refuse. With `force` a refused challenger goes live, recorded as forced.

    `quick` keeps the live encoder and fits new heads over it (`understanding.tuning.extending`); else everything is
    anew. Documents that changed while it was built are published with it, so that going live never takes knowledge
    back; a quick one, which took over the knowledge that was live, always looks. Opening hours likewise, where
    something else went live meanwhile.
    """
    say = progress or (lambda message, done, total: None)
    champion = shop.registry.current_id()
    generation = shop.library.generation()
    if quick:
        challenger = build_extension(shop, progress=progress)
    else:
        challenger = build_challenger(shop, seed=seed, progress=progress)
    say("measuring the challenger", 0, 0)
    result = judge_challenger(shop, champion, challenger)
    keep_report(shop, challenger, result)
    if result.verdict.promote or force:
        overtaken = shop.registry.current_id() != champion
        reason = "first release" if champion is None else "passed the gate"
        forced = not result.verdict.promote
        shop.registry.promote(challenger.id, by=by, forced=forced, reason="forced" if forced else reason)
        if quick or shop.library.generation() != generation:
            manifest = publish_knowledge(shop, by=by, note="documents changed during the training")
            result = replace(result, release=manifest.id)
        if overtaken:
            result = replace(result, release=publish_hours(shop, by=by).id)
        say("live", 1, 1)
    return result


def judge_challenger(shop: Workshop, champion: str | None, challenger: Manifest) -> Retrained:
    """Measure the challenger, and the champion on the same rows; the first release has nothing to be held against."""
    loaded = load_release(shop.registry, challenger.id)
    smoke(loaded, shop.today)
    scenarios = read_scenarios(shop.test) if shop.test.exists() else ()
    if not scenarios:
        return Retrained(challenger.id, champion or "", Verdict(True), {})
    measured = measure(loaded, scenarios, shop.today)
    figures: dict[str, Any] = {"challenger": measured.figures()}
    verdict = Verdict(True)
    if champion is not None and champion != challenger.id:
        against: Measured = measure(load_release(shop.registry, champion), scenarios, shop.today)
        figures["champion"] = against.figures()
        verdict = compare(against, measured)
    return Retrained(challenger.id, champion or "", verdict, figures)


def keep_report(shop: Workshop, manifest: Manifest, result: Retrained) -> None:
    """Store the verdict in the challenger's manifest."""
    report = {**manifest.report, "gate": json.loads(json.dumps(result.to_json()))}
    write_json(shop.registry.folder / manifest.id / "manifest.json", asdict(replace(manifest, report=report)))
