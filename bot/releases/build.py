"""Building the parts of a release from the company's data, and putting them together.

publish_knowledge    the library's documents as a new release, the other parts unchanged: seconds, no training
build_challenger     everything anew, always from the base encoder; measured, not promoted
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from bot.errors import BadInput, NotFound
from bot.releases.registry import Manifest, Registry, write_json
from bot.releases.release import load_release, with_gate
from bot.routing.evaluation import Scenario, answers, fit_thresholds, look_at, read_scenarios
from bot.routing.gate import Gate, fit_gate
from bot.settings import Settings
from bot.store.documents import Library
from bot.understanding.dataset import IntentDataset
from retrieval import knowledge
from retrieval.embedder import OnnxEmbedder

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many steps are done, and of how many (0: not known)."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where and from what releases are built."""

    settings: Settings
    registry: Registry
    library: Library
    today: date

    @property
    def base(self) -> Path:
        """Folder of the base encoder's weights."""
        named = self.settings.base_model
        return Path(named) if named else self.settings.home / "base" / "all-MiniLM-L6-v2"

    @property
    def validation(self) -> Path:
        """Rows that thresholds are fitted on."""
        return self.settings.data / "eval" / "questions.validation.jsonl"

    @property
    def test(self) -> Path:
        """Rows that the gate and the reports read."""
        return self.settings.data / "eval" / "questions.test.jsonl"


def publish_knowledge(shop: Workshop, *, by: str, note: str = "") -> Manifest:
    """Publish the library as it is now, with the other parts of the live release; returns what went live.

    Vectors of unchanged passages are taken over. `NotFound` before the first release.
    """
    with shop.registry.lock():
        id = shop.registry.current_id()
        if id is None:
            raise NotFound("nothing is live yet, so there is nothing to add knowledge to; run `firstline train`")
        live = shop.registry.manifest(id)
        parts = dict(live.parts)
        encoder = OnnxEmbedder.load(shop.registry.part(parts["encoder"]))
        parts["knowledge"] = build_knowledge(shop, encoder, reuse=shop.registry.part(parts["knowledge"]))
        manifest = shop.registry.create(parts, note=note or "knowledge", report=live.report)
        if manifest.id != id:
            shop.registry.promote(manifest.id, by=by, reason=note or "knowledge")
        return manifest


def build_knowledge(
    shop: Workshop, encoder: OnnxEmbedder, *, reuse: Path | None = None, progress: Progress | None = None
) -> str:
    """The knowledge part of all documents in use; returns its name."""
    documents = shop.library.current()
    if not documents:
        raise BadInput("the library is empty; `firstline ingest data/docs` fills it")
    folder = shop.registry.staging("knowledge")
    knowledge.build(documents, encoder, folder, reuse=reuse, progress=_steps(progress, "embedding passages"))
    return shop.registry.add_part("knowledge", folder)


def build_encoder(shop: Workshop) -> str:
    """The retriever's own copy of the base encoder, quantised; returns the part's name."""
    from retrieval.export import export_encoder

    folder = shop.registry.staging("encoder")
    export_encoder(shop.base, folder)
    return shop.registry.add_part("encoder", folder)


def build_intents(shop: Workshop, *, seed: int, progress: Progress | None = None) -> tuple[str, dict[str, Any]]:
    """Fine-tune the intent model on `data/nlu`; returns the part's name and the training report."""
    from dataclasses import asdict

    from bot.understanding.training import train

    folder = shop.registry.staging("intents")
    dataset = IntentDataset.read(shop.settings.data / "nlu")
    trained = train(dataset, shop.base, folder, seed=seed, progress=_steps(progress, "fine-tuning the intent model"))
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


def _steps(progress: Progress | None, what: str) -> Callable[[int, int], None] | None:
    if progress is None:
        return None
    return lambda done, total: progress(what, done, total)


def part_facts(folder: Path, name: str) -> dict[str, Any]:
    """A JSON file of a part, or nothing where the part has none."""
    path = folder / name
    return dict(json.loads(path.read_text())) if path.exists() else {}
