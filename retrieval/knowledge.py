"""The knowledge snapshot: a folder with documents, passages, vectors and indexes, and what is asked of it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np

from retrieval.audiences import Audience
from retrieval.documents import Abstention, Answer, Document, Hit, Passage
from retrieval.embedder import Embedder, Vectors
from retrieval.errors import BadSnapshot
from retrieval.fusion import Fusion
from retrieval.index import FaissFiles, IndexStore, PassageIndex, Rows
from retrieval.journal import BLOCK, Journal
from retrieval.keywords import KeywordIndex
from retrieval.known import KnownQuestions
from retrieval.objections import objection
from retrieval.passages import cut
from retrieval.reader import Reader
from retrieval.records import read_documents, read_passages, write_lines
from retrieval.retriever import Query, Retriever, indexed_text, vectors_of
from retrieval.sentence_vectors import SentenceVectors, sentence_texts

FORMAT = 1
SENTENCE_LIMIT = 20_000
"""Passages up to which a snapshot also stores the vectors of their sentences, so that the first reading is quick."""
BATCH = 256
"""Texts embedded between two calls of `progress`."""

VERSIONS = "versions.json"

Progress = Callable[[int, int], None]
IsCurrent = Callable[[str, int], bool]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a snapshot holds, as `knowledge.json` stores it. `vectors` are searched, `sentences` read; `embedded` of
    both were computed by this build, the rest taken over. `index` is the kind of its `IndexStore`, `index_sha256` the
    mark of its index there; `seconds` is the
    wall time of the build. What only the build knows (`BUILD_FACTS`) is not stored, so the same documents give the
    same files."""

    format: int
    documents: int
    passages: int
    vectors: int
    sentences: int
    dimension: int
    embedder: str
    index_sha256: str
    embedded: int = 0
    seconds: float = 0.0
    index: str = FaissFiles.kind


BUILD_FACTS = ("embedded", "seconds")


def build(
    documents: Iterable[Document],
    embedder: Embedder,
    folder: Path,
    *,
    reuse: Path | None = None,
    sentence_limit: int = SENTENCE_LIMIT,
    progress: Progress | None = None,
    store: IndexStore | None = None,
    journal: Journal | None = None,
) -> Manifest:
    """Cut, embed and index the documents into `folder` (made if missing; it must not be served yet).

    `store` keeps the index of the vectors, the folder itself by default. `reuse` is an earlier snapshot: vectors of
    texts it already embedded with the same encoder are taken over, as are those that an interrupted build left in the
    `journal`.
    `progress(done, total)` counts texts. `knowledge.json` is written last: a folder without it is not a snapshot.
    """
    began = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    kept, kept_in = tuple(documents), store or FaissFiles()
    passages = tuple(passage for document in kept for passage in cut(document))
    texts, owners = vectors_of(passages)
    stored = passages if len(passages) <= sentence_limit else ()
    everything = [*texts, *(text for passage in stored for text in sentence_texts(passage))]
    known = (_known(reuse, embedder) if reuse else {}) | (journal.read() if journal else {})
    rows, embedded = _embed(everything, embedder, known, progress, journal)
    write_lines(folder / "documents.jsonl", kept)
    write_lines(folder / "passages.jsonl", passages)
    np.save(folder / "vectors.npy", rows, allow_pickle=False)
    np.save(folder / "owners.npy", owners, allow_pickle=False)
    (folder / "texts.json").write_text(json.dumps([_hash(text) for text in everything]), "utf-8")
    KeywordIndex.build([indexed_text(passage) for passage in passages]).save(folder)
    manifest = Manifest(
        format=FORMAT,
        documents=len(kept),
        passages=len(passages),
        vectors=len(texts),
        sentences=len(everything) - len(texts),
        embedded=embedded,
        dimension=embedder.dimension,
        embedder=embedder.fingerprint,
        index=kept_in.kind,
        index_sha256=kept_in.build(rows[: len(texts)], folder),
        seconds=round(time.monotonic() - began, 3),
    )
    (folder / VERSIONS).write_text(json.dumps({document.id: document.version for document in kept}), "utf-8")
    facts = {name: value for name, value in asdict(manifest).items() if name not in BUILD_FACTS}
    (folder / "knowledge.json").write_text(json.dumps(facts, indent=1), "utf-8")
    return manifest


class Knowledge:
    """A loaded snapshot. Immutable and safe to share between threads."""

    def __init__(
        self,
        documents: Sequence[Document],
        retriever: Retriever,
        sentences: SentenceVectors,
        reader: Reader,
        manifest: Manifest,
    ) -> None:
        self.retriever = retriever
        self.reader = reader
        self.manifest = manifest
        self.sentences = sentences
        self._documents = {(document.id, document.version): document for document in documents}
        self.versions = {document.id: document.version for document in documents}
        self.restricted = any(document.audience != "public" for document in documents)

    @classmethod
    def load(
        cls,
        folder: Path,
        embedder: Embedder,
        *,
        fusion: Fusion | None = None,
        reader: Reader | None = None,
        store: IndexStore | None = None,
        known: KnownQuestions | None = None,
    ) -> Knowledge:
        """Load a snapshot; `BadSnapshot` if it is incomplete, altered, was embedded with another encoder, or has its
        index in another store. `known` questions, embedded with this encoder, lead to its passages."""
        manifest = read_manifest(folder)
        if manifest.embedder != embedder.fingerprint:
            raise BadSnapshot(
                f"{folder} was embedded with {manifest.embedder[:12]}…, the encoder given is "
                f"{embedder.fingerprint[:12]}…; build the knowledge again"
            )
        documents = read_documents(folder / "documents.jsonl")
        passages = read_passages(folder / "passages.jsonl")
        owners = _array(folder / "owners.npy")
        keywords = KeywordIndex.load(folder)
        index = _index(folder, manifest, store or FaissFiles())
        _agree(folder, manifest, documents, passages, owners, keywords, index)
        meant = {(document.id, document.version): document.audience for document in documents}
        audiences = [meant[passage.document, passage.version] for passage in passages]
        retriever = Retriever(passages, owners, index, keywords, embedder, fusion, audiences=audiences, known=known)
        sentences = SentenceVectors(embedder, passages, _stored_sentences(folder, manifest))
        return cls(documents, retriever, sentences, reader or Reader(), manifest)

    def over(self, retriever: Retriever, documents: Sequence[Document]) -> Knowledge:
        """This knowledge over another retriever and other documents; vectors of sentences and the reader are shared."""
        return Knowledge(documents, retriever, self.sentences, self.reader, self.manifest)

    def query(self, text: str, history: str = "", audience: Audience = "public") -> Query:
        """A question made ready: embed it once, then `search` and `answer` with it.

        `audience` is on whose behalf it is asked: what they may not see is neither searched nor quoted.
        """
        return self.retriever.query(text, history, audience)

    def search(self, text: str | Query, k: int = 10, history: str = "") -> list[Hit]:
        """The best k passages for a question, best first. `history` is what the customer said before."""
        return self.retriever.search(text, k, history)

    def answer(
        self,
        text: str | Query,
        hits: Sequence[Hit] | None = None,
        history: str = "",
        *,
        is_current: IsCurrent | None = None,
        today: date | None = None,
    ) -> Answer | Abstention:
        """Quote what answers the question, or say why not.

        `hits` saves the search where the caller has made it. `is_current(document, version)` is asked before a
        passage is read: what it refuses is never quoted. An answer that fits is still held back where another
        document says otherwise, and where its page has lapsed by `today` (`retrieval.objections`).
        """
        query = self.query(text, history) if isinstance(text, str) else text
        found = list(hits) if hits is not None else self.retriever.search(query, 10)
        if is_current is not None:
            found = [hit for hit in found if is_current(hit.passage.document, hit.passage.version)]
        answer = self.reader.read(query, found, self.sentences, self.document)
        if isinstance(answer, Abstention):
            return answer
        return objection(answer, query, found, self.sentences, self.document, today) or answer

    def best_answer(self, text: str, history: str = "") -> Answer | None:
        """The best answer with its confidence, whether or not `answer` would give it; None if nothing was found."""
        query = self.retriever.query(text, history)
        reading = self.reader.find(query, self.retriever.search(query, 10), self.sentences)
        return self.reader.draft(reading, self.document) if reading is not None else None

    def document(self, id: str, version: int) -> Document:
        """The stored version of a document; `KeyError` if this snapshot does not hold it."""
        return self._documents[id, version]

    def documents(self) -> tuple[Document, ...]:
        """Every document of the snapshot, in the order it was built from."""
        return tuple(self._documents.values())


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a snapshot; `BadSnapshot` if the folder is not one."""
    try:
        manifest = Manifest(**json.loads((folder / "knowledge.json").read_text("utf-8")))
    except OSError as error:
        raise BadSnapshot(f"{folder} has no readable knowledge.json; build the knowledge into it first") from error
    except (ValueError, TypeError) as error:
        raise BadSnapshot(f"{folder / 'knowledge.json'} is not a manifest: {error}") from error
    if manifest.format != FORMAT:
        raise BadSnapshot(f"{folder} has format {manifest.format}, this version reads {FORMAT}; build it again")
    return manifest


def read_versions(folder: Path) -> dict[str, int]:
    """The version of every document that a snapshot holds, without loading it."""
    try:
        return {str(id): int(version) for id, version in json.loads((folder / VERSIONS).read_text("utf-8")).items()}
    except FileNotFoundError:
        return {document.id: document.version for document in read_documents(folder / "documents.jsonl")}
    except (OSError, ValueError, AttributeError) as error:
        raise BadSnapshot(f"{folder / VERSIONS} cannot be read ({error}); build the knowledge again") from error


def _embed(
    texts: Sequence[str],
    embedder: Embedder,
    known: dict[str, Vectors],
    progress: Progress | None,
    journal: Journal | None = None,
) -> tuple[Vectors, int]:
    """Vectors of shape (len(texts), dimension), and how many of them were computed."""
    vectors = np.zeros((len(texts), embedder.dimension), dtype=np.float32)
    missing = []
    for row, text in enumerate(texts):
        found = known.get(_hash(text))
        if found is None:
            missing.append(row)
        else:
            vectors[row] = found
    for first in range(0, len(missing), BATCH):
        rows = missing[first : first + BATCH]
        vectors[rows] = embedder.encode([texts[row] for row in rows])
        if journal is not None and (first + len(rows)) % BLOCK == 0:
            block = missing[first + len(rows) - BLOCK : first + len(rows)]
            journal.add([_hash(texts[row]) for row in block], vectors[block])
        if progress is not None:
            progress(len(texts) - len(missing) + first + len(rows), len(texts))
    return vectors, len(missing)


def _known(folder: Path, embedder: Embedder) -> dict[str, Vectors]:
    """Vectors of an earlier snapshot by text hash; none where that snapshot cannot be used."""
    try:
        if read_manifest(folder).embedder != embedder.fingerprint:
            return {}
        vectors = _array(folder / "vectors.npy")
        hashes = json.loads((folder / "texts.json").read_text("utf-8"))
    except (BadSnapshot, OSError, ValueError):
        return {}
    return dict(zip(hashes, vectors, strict=True)) if len(hashes) == len(vectors) else {}


def _stored_sentences(folder: Path, manifest: Manifest) -> Vectors | None:
    if not manifest.sentences:
        return None
    rows = _array(folder / "vectors.npy")
    if rows.shape != (manifest.vectors + manifest.sentences, manifest.dimension):
        raise BadSnapshot(f"{folder}: vectors.npy has shape {rows.shape}, not what knowledge.json states; build again")
    return np.ascontiguousarray(rows[manifest.vectors :], dtype=np.float32)


def _index(folder: Path, manifest: Manifest, store: IndexStore) -> PassageIndex:
    if manifest.index != store.kind:
        raise BadSnapshot(
            f"{folder} has its index in {manifest.index}, this process looks for it in {store.kind}; "
            "build the knowledge again, or set the index as it was"
        )
    return store.load(folder, manifest.index_sha256)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _array(path: Path) -> Rows:
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except (OSError, ValueError) as error:
        raise BadSnapshot(f"{path} cannot be read ({error}); build the knowledge again") from error


def _agree(
    folder: Path,
    manifest: Manifest,
    documents: Sequence[Document],
    passages: Sequence[Passage],
    owners: Rows,
    keywords: KeywordIndex,
    index: PassageIndex,
) -> None:
    """`BadSnapshot` unless the parts belong together and every passage stands in its document."""
    counted = {"documents": len(documents), "passages": len(passages), "vectors": len(index)}
    stated = {name: getattr(manifest, name) for name in counted}
    if counted != stated or len(owners) != len(index) or len(keywords) != len(passages):
        raise BadSnapshot(f"{folder} states {stated} but holds {counted}; build the knowledge again")
    if len(owners) and not 0 <= owners.min() <= owners.max() < len(passages):
        raise BadSnapshot(f"{folder}: owners.npy names passages that do not exist; build the knowledge again")
    texts = {(document.id, document.version): document.text for document in documents}
    for passage in passages:
        if texts.get((passage.document, passage.version), "")[passage.start : passage.end] != passage.text:
            raise BadSnapshot(f"{folder}: passage {passage.id} does not stand in its document; build it again")
