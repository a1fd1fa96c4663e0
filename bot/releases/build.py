"""Building a challenger: every part anew, always from the base encoder; measured elsewhere, promoted elsewhere.

Belongs to training. The router's part is fitted on the validation rows, seen by a draft of the same release.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bot.errors import NotFound
from bot.releases.publish import Progress, Workshop, build_knowledge, steps_of
from bot.releases.registry import Manifest, write_json
from bot.releases.release import READER, load_release
from bot.releases.routers import FittedRouter, fit_router
from bot.routing.evaluation import Scenario, read_scenarios
from bot.routing.gate import Gate
from bot.understanding.entities.definitions import Spelling
from bot.understanding.examples.dataset import IntentDataset
from bot.understanding.tuning.extending import extend
from retrieval.crossencoder import FILES
from retrieval.embedder import OnnxEmbedder
from retrieval.fusion import Fusion
from retrieval.knowledge import Knowledge
from retrieval.reader import Reader
from retrieval.tuning import tune_fusion


def build_encoder(shop: Workshop) -> str:
    """The retriever's own copy of the base encoder, quantised, and the reader, if the company's folder has one;
    returns the part's name."""
    from retrieval.export import export_encoder

    folder = shop.registry.staging("encoder")
    export_encoder(shop.base, folder)
    trained = shop.settings.data / READER
    if Reader.load(trained).crossencoder is not None:
        (folder / READER).mkdir()
        for name in FILES:
            shutil.copyfile(trained / name, folder / READER / name)
    return shop.registry.add_part("encoder", folder)


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
        parts = {"encoder": build_encoder(shop)}
        encoder = OnnxEmbedder.load(shop.registry.part(parts["encoder"]))
        reuse = shop.registry.part(shop.registry.manifest(live).parts["knowledge"]) if live else None
        parts["knowledge"] = build_knowledge(shop, encoder, reuse=reuse, progress=progress)
        parts["intents"], trained = build_intents(shop, seed=seed, progress=progress)
        say("fitting the router", 0, 0)
        scenarios = read_scenarios(shop.validation) if shop.validation.exists() else ()
        training = training_file(shop)
        labelled = (*scenarios, *(read_scenarios(training) if training.exists() else ()))
        fusion = fit_fusion(shop.registry.part(parts["knowledge"]), encoder, labelled)
        parts["router"] = build_router(shop, FittedRouter(Gate()), fusion)
        draft = shop.registry.create(parts, note=note)
        fitted = fit_router_to(shop, draft.id, labelled)
        shop.registry.discard(draft.id)
        parts["router"] = build_router(shop, fitted, fusion)
        report = {"training": trained, "router": fitted.report}
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


def fit_fusion(knowledge: Path, encoder: OnnxEmbedder, scenarios: Sequence[Scenario]) -> Fusion:
    """The weight of dense beside keyword search that ranks the labelled rows' documents best."""
    answerable = [(each.text, each.documents) for each in scenarios if each.expect == "answer"]
    return tune_fusion(Knowledge.load(knowledge, encoder).retriever, answerable)


def training_file(shop: Workshop) -> Path:
    """Labelled questions for fitting alone, beside those that things are chosen on."""
    return shop.settings.data / "eval" / "questions.training.jsonl"


def fit_router_to(shop: Workshop, id: str, scenarios: Sequence[Scenario]) -> FittedRouter:
    """The router's learned parts, from labelled rows seen by a draft release."""
    return fit_router(load_release(shop.registry, id), scenarios, shop.settings.data, today=shop.today)
