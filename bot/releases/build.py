"""Building a challenger: every part anew, always from the base encoder; measured elsewhere, promoted elsewhere.

Belongs to training. The router's part is fitted on the validation rows, seen by a draft of the same release.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bot.releases.publish import Progress, Workshop, build_knowledge, steps_of
from bot.releases.registry import Manifest, write_json
from bot.releases.release import load_release, with_gate
from bot.routing.evaluation import Scenario, answers, fit_thresholds, look_at, read_scenarios
from bot.routing.gate import Gate, fit_gate
from bot.understanding.dataset import IntentDataset
from retrieval.embedder import OnnxEmbedder


def build_encoder(shop: Workshop) -> str:
    """The retriever's own copy of the base encoder, quantised; returns the part's name."""
    from retrieval.export import export_encoder

    folder = shop.registry.staging("encoder")
    export_encoder(shop.base, folder)
    return shop.registry.add_part("encoder", folder)


def build_intents(shop: Workshop, *, seed: int, progress: Progress | None = None) -> tuple[str, dict[str, Any]]:
    """Fine-tune the intent model on `data/nlu`; returns the part's name and the training report."""
    from bot.understanding.training import train

    folder = shop.registry.staging("intents")
    dataset = IntentDataset.read(shop.settings.data / "nlu")
    trained = train(dataset, shop.base, folder, seed=seed, progress=steps_of(progress, "fine-tuning the intent model"))
    return shop.registry.add_part("intents", folder), asdict(trained)


def build_router(shop: Workshop, gate: Gate) -> str:
    """The router's part: the company's policy as it is now, and the fitted gate."""
    folder = shop.registry.staging("router")
    shutil.copyfile(shop.settings.data / "policy.yml", folder / "policy.yml")
    write_json(folder / "gate.json", gate.to_json())
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
        parts["router"] = build_router(shop, Gate())
        draft = shop.registry.create(parts, note=note)
        parts["router"] = build_router(shop, fit_router(shop, draft.id))
        return shop.registry.create(parts, note=note, report={"training": trained})


def fit_router(shop: Workshop, id: str) -> Gate:
    """Weights and thresholds of the gate, from the validation rows seen by a draft release."""
    scenarios: Sequence[Scenario] = read_scenarios(shop.validation) if shop.validation.exists() else ()
    release = load_release(shop.registry, id)
    seen = look_at(scenarios, lambda text: release.look(text, today=shop.today))
    gate = fit_gate([each.look.signals(each.scenario.text) for each in seen], [answers(each) for each in seen])
    return fit_thresholds(seen, release.policy, with_gate(release, gate).gate) if seen else gate
