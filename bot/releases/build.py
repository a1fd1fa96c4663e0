"""Building a challenger: every part anew, always from the base encoder; measured elsewhere, promoted elsewhere.

Belongs to training. The router's part is fitted on the validation rows, seen by a draft of the same release.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bot.errors import NotFound
from bot.releases.encoders import build_encoder
from bot.releases.outcomes import Outcome, counts, learned, seen_by
from bot.releases.publish import Progress, Workshop, build_knowledge, steps_of
from bot.releases.registry import Manifest, write_json
from bot.releases.release import KNOWN, load_release
from bot.releases.routers import FittedRouter, fit_router
from bot.routing.evaluation import Scenario, read_scenarios
from bot.routing.gate import Gate
from bot.understanding.entities.definitions import Spelling
from bot.understanding.examples.dataset import IntentDataset
from bot.understanding.tuning.extending import extend
from retrieval.embedder import OnnxEmbedder
from retrieval.fusion import Fusion
from retrieval.knowledge import Knowledge
from retrieval.known import KnownQuestions
from retrieval.tuning import tune_fusion


def build_intents(shop: Workshop, *, seed: int, progress: Progress | None = None) -> tuple[str, dict[str, Any]]:
    """Fine-tune the intent model on `data/nlu`; returns the part's name and the training report."""
    from bot.understanding.tuning.training import train

    folder = shop.registry.staging("intents")
    settings = shop.settings
    dataset = IntentDataset.read(settings.data / "nlu")
    spelling = Spelling(settings.order_pattern, settings.order_format, settings.phone_region)
    step = steps_of(progress, "fine-tuning the intent model")
    trained = train(dataset, shop.base, folder, seed=seed, progress=step, spelling=spelling)
    return shop.registry.add_part("intents", folder), asdict(trained)


def extend_intents(shop: Workshop, live: str) -> tuple[str, dict[str, Any]]:
    """The live part `live` with heads fitted to `data/nlu` as it is now, its encoder as it was."""
    folder = shop.registry.staging("intents")
    dataset = IntentDataset.read(shop.settings.data / "nlu")
    settings = shop.settings
    spelling = Spelling(settings.order_pattern, settings.order_format, settings.phone_region)
    extended = extend(shop.registry.part(live), dataset, folder, spelling=spelling)
    return shop.registry.add_part("intents", folder), asdict(extended)


def build_router(shop: Workshop, fitted: FittedRouter, fusion: Fusion) -> str:
    """The router's part: the company's policy as it is now, the fitted gate, the recognition of concerns where there
    are examples of them, and the fusion of the two searches."""
    folder = shop.registry.staging("router")
    shutil.copyfile(shop.settings.data / "policy.yml", folder / "policy.yml")
    write_json(folder / "gate.json", fitted.gate.to_json())
    if fitted.concerns is not None:
        fitted.concerns.save(folder)
    write_json(folder / "fusion.json", fusion.to_json())
    return shop.registry.add_part("router", folder)


def build_challenger(
    shop: Workshop, *, seed: int = 13, note: str = "retrain", progress: Progress | None = None
) -> Manifest:
    """Build every part anew and fit the gate on the validation rows; the result is not live."""
    say = progress or (lambda message, done, total: None)
    with shop.registry.lock():
        live = shop.registry.current_id()
        say("reading documents", 0, 0)
        encoder_part, retriever = build_encoder(shop, seed=seed, progress=progress)
        parts = {"encoder": encoder_part}
        encoder = OnnxEmbedder.load(shop.registry.part(parts["encoder"]))
        reuse = shop.registry.part(shop.registry.manifest(live).parts["knowledge"]) if live else None
        parts["knowledge"] = build_knowledge(shop, encoder, reuse=reuse, progress=progress)
        parts["intents"], trained = build_intents(shop, seed=seed, progress=progress)
        say("fitting the router", 0, 0)
        scenarios = read_scenarios(shop.validation) if shop.validation.exists() else ()
        labelled = (*scenarios, *(read_scenarios(shop.training) if shop.training.exists() else ()))
        known = KnownQuestions.load(shop.registry.part(parts["encoder"]) / KNOWN)
        fusion = fit_fusion(shop.registry.part(parts["knowledge"]), encoder, labelled, known)
        parts["router"] = build_router(shop, FittedRouter(Gate()), fusion)
        draft = shop.registry.create(parts, note=note)
        fitted = fit_router_to(shop, draft.id, labelled, learned(shop, labelled))
        shop.registry.discard(draft.id)
        parts["router"] = build_router(shop, fitted, fusion)
        report = {"training": trained, "router": fitted.report, "retriever": retriever}
        return shop.registry.create(parts, note=note, report=report)


def build_extension(shop: Workshop, *, note: str = "quick", progress: Progress | None = None) -> Manifest:
    """The live release with its intent model extended to today's rows and nothing else anew; not live yet.

    `NotFound` before the first release.
    """
    say = progress or (lambda message, done, total: None)
    with shop.registry.lock():
        live = shop.registry.current_id()
        if live is None:
            raise NotFound("nothing is live yet, so there is nothing to extend; run `firstline train`")
        manifest = shop.registry.manifest(live)
        say("fitting heads to the new rows", 0, 0)
        intents, extended = extend_intents(shop, manifest.parts["intents"])
        report = {**manifest.report, "extension": extended}
        return shop.registry.create({**manifest.parts, "intents": intents}, note=note, report=report)


def fit_fusion(
    knowledge: Path, encoder: OnnxEmbedder, scenarios: Sequence[Scenario], known: KnownQuestions | None
) -> Fusion:
    """The weight of dense beside keyword search that ranks the labelled rows' documents best."""
    answerable = [(each.text, each.documents) for each in scenarios if each.expect == "answer"]
    return tune_fusion(Knowledge.load(knowledge, encoder, known=known).retriever, answerable)


def fit_router_to(
    shop: Workshop, id: str, scenarios: Sequence[Scenario], outcomes: Sequence[Outcome] = ()
) -> FittedRouter:
    """The router's learned parts, from labelled rows and from outcomes of answers, seen by a draft release."""
    draft = load_release(shop.registry, id)
    also = seen_by(draft, outcomes, shop.today)
    fitted = fit_router(draft, scenarios, shop.settings.data, today=shop.today, also=also)
    return replace(fitted, report={**fitted.report, "outcomes": counts(outcomes, also)})
