"""A small real release: a tiny encoder exported once, an intent model trained on two dozen rows, three documents."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.releases.publish import Workshop, build_knowledge
from bot.releases.registry import Registry, write_json
from bot.routing.gate import Gate
from bot.settings import Settings
from bot.store.database import Database
from bot.store.documents import Library
from retrieval.embedder import OnnxEmbedder
from retrieval.fusion import Fusion
from retrieval.sources.building import DocumentBuilder
from tests.conftest import ROOT, Clock
from tests.understanding.conftest import dataset, nlu_file, quick_recipe, tiny_base, trained

__all__ = ["dataset", "nlu_file", "quick_recipe", "tiny_base", "trained"]


@pytest.fixture(scope="session")
def encoder_folder(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny encoder, exported; its fingerprint names every release made from it."""
    from retrieval.export import export_encoder

    folder = tmp_path_factory.mktemp("encoder")
    export_encoder(tiny_base, folder, quantise=False)
    return folder


@pytest.fixture
def registry(tmp_path: Path, clock: Clock) -> Registry:
    return Registry(tmp_path / "home" / "releases", clock)


@pytest.fixture
def plain(registry: Registry) -> Callable[[str], str]:
    """Makes a release whose parts are one small text file each; returns its id. Enough for what only moves files."""

    def make(content: str) -> str:
        parts = {}
        for kind in ("encoder", "intents", "knowledge", "router"):
            folder = registry.staging(kind)
            (folder / "content.txt").write_text(f"{kind}: {content}")
            parts[kind] = registry.add_part(kind, folder)
        return registry.create(parts, note=content).id

    return make


@pytest.fixture
def shop(
    tmp_path: Path, registry: Registry, clock: Clock, encoder_folder: Path, trained: Path, tiny_base: Path
) -> Iterator[Workshop]:
    """A workshop with three documents and its first release live."""
    settings = Settings(home=tmp_path / "home", data=tmp_path / "data", base_model=str(tiny_base))
    settings.data.mkdir()
    shutil.copyfile(ROOT / "data" / "policy.yml", settings.data / "policy.yml")
    database = Database.open(settings.store_url)
    library = Library(database, clock)
    for name, text in (
        ("delivery", "Express delivery costs £6.95 and comes the next working day."),
        ("returns", "You can return unused items within 60 days."),
        ("kettle", "Descale the kettle every two months with citric acid."),
    ):
        builder = DocumentBuilder()
        builder.heading(1, name.title())
        builder.paragraph(text)
        library.put(builder.document(name), source="test")
    made = Workshop(settings, registry, library, clock().date())
    first_release(made, encoder_folder, trained)
    yield made
    database.close()


def first_release(shop: Workshop, encoder_folder: Path, trained: Path) -> str:
    """Put the parts together and make them live; returns the release's id."""
    registry = shop.registry
    parts = {}
    for kind, source in (("encoder", encoder_folder), ("intents", trained)):
        folder = registry.staging(kind)
        shutil.copytree(source, folder, dirs_exist_ok=True)
        parts[kind] = registry.add_part(kind, folder)
    parts["knowledge"] = build_knowledge(shop, OnnxEmbedder.load(registry.part(parts["encoder"])))
    folder = registry.staging("router")
    shutil.copyfile(shop.settings.data / "policy.yml", folder / "policy.yml")
    write_json(folder / "gate.json", Gate().to_json())
    (folder / "fusion.json").write_text(json.dumps(Fusion().to_json()))
    parts["router"] = registry.add_part("router", folder)
    manifest = registry.create(parts, note="first")
    registry.promote(manifest.id, by="test", reason="first release")
    return manifest.id
