"""Building the encoder's part of a release: the retriever's encoder, tuned on what the company knows of its customers'
questions where that helps, those questions as it embeds them, and the reader. Belongs to training.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bot.errors import BadInput
from bot.releases.publish import Progress, Workshop, steps_of
from bot.releases.release import KNOWN, READER
from retrieval.crossencoder import FILES
from retrieval.datasets import Question, read_questions
from retrieval.documents import Passage
from retrieval.embedder import OnnxEmbedder
from retrieval.errors import UnreadableSource
from retrieval.known import KnownQuestions
from retrieval.passages import cut
from retrieval.reader import Reader


@dataclass(frozen=True, slots=True)
class Tuning:
    """What tuning the retriever gave: mean reciprocal rank, in [0, 1], of what answers the `labelled` questions, by the
    base encoder and by the one tuned on `learned` other ones. The better one is in the release."""

    learned: int
    labelled: int
    base: float
    tuned: float

    @property
    def helped(self) -> bool:
        return self.tuned > self.base


def build_encoder(shop: Workshop, *, seed: int, progress: Progress | None = None) -> tuple[str, dict[str, Any]]:
    """The retriever's encoder with the known questions as it embeds them, and the reader, if the company's folder has
    one; returns the part's name, and a report."""
    from retrieval.export import export_encoder

    folder = shop.registry.staging("encoder")
    export_encoder(shop.base, folder)
    known = _questions(*sorted((shop.settings.data / KNOWN).glob("*.jsonl")))
    passages = [passage for document in shop.library.current() for passage in cut(document)]
    tuning = _tuned(shop, folder, known, passages, seed=seed, progress=progress)
    report: dict[str, Any] = {"tuning": asdict(tuning)} if tuning else {}
    if known:
        embedded = KnownQuestions.of(known, _load(folder))
        (folder / KNOWN).mkdir()
        embedded.save(folder / KNOWN)
        lost = sum(1 for _ in embedded.among(passages).lost)
        report["known"] = {"questions": len(known), "answerable": sum(each.answerable for each in known), "lost": lost}
    trained = shop.settings.data / READER
    if Reader.load(trained).crossencoder is not None:
        (folder / READER).mkdir()
        for name in FILES:
            shutil.copyfile(trained / name, folder / READER / name)
    return shop.registry.add_part("encoder", folder), report


def base_encoder(shop: Workshop) -> OnnxEmbedder:
    """The base encoder as a retriever has it, not tuned on anything; a part of no release."""
    from retrieval.export import export_encoder

    folder = shop.registry.staging("base-encoder")
    try:
        export_encoder(shop.base, folder)
        return OnnxEmbedder.load(folder)
    finally:
        shutil.rmtree(folder)


def _tuned(
    shop: Workshop,
    folder: Path,
    known: tuple[Question, ...],
    passages: list[Passage],
    *,
    seed: int,
    progress: Progress | None,
) -> Tuning | None:
    """Tune the encoder in `folder` in place where that is better on the labelled questions; None with too few known
    ones."""
    from retrieval.export import export_encoder
    from retrieval.families import stated_pooling
    from retrieval.training.retriever import MIN_QUESTIONS, items_of, mean_reciprocal_rank, tune

    items = items_of(known, passages)
    if len(items) < MIN_QUESTIONS:
        return None
    files = (shop.validation, shop.training)
    labelled = [each for each in _questions(*(path for path in files if path.exists())) if each.answerable]
    model = tune(shop.base, items, passages, seed=seed, progress=steps_of(progress, "tuning the retriever"))
    tuned = folder.with_name(f"{folder.name}-tuned")
    export_encoder(model, tuned, pooling=stated_pooling(shop.base))
    base, other = (mean_reciprocal_rank(_load(each), labelled, passages) for each in (folder, tuned))
    result = Tuning(len(items), len(labelled), round(base, 4), round(other, 4))
    if result.helped:
        for path in tuned.iterdir():
            os.replace(path, folder / path.name)
    shutil.rmtree(tuned)
    return result


def _load(folder: Path) -> OnnxEmbedder:
    return OnnxEmbedder.load(folder, threads=len(os.sched_getaffinity(0)))


def _questions(*files: Path) -> tuple[Question, ...]:
    try:
        return tuple(question for path in files for question in read_questions(path))
    except UnreadableSource as error:
        raise BadInput(str(error)) from error
