"""Taking documents in from files, folders, zips and sites: each source ends added, updated, unchanged or failed.

The path of one source: its bytes are read within limits, parsed in a bounded child, sifted for text that speaks to the
bot, and stored as a new version if anything changed. A source fails alone, with its reason.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Literal, get_args
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError

from bot.errors import Conflict, NotFound, Refused
from bot.ledger import Entry, Learnt, Ledger, Waiting
from bot.releases.merging import may_wait
from bot.releases.publish import Workshop, publish_knowledge
from bot.releases.registry import Manifest
from bot.store.documents import Library
from retrieval.audiences import Audience, narrower
from retrieval.documents import Document
from retrieval.errors import UnreadableSource
from retrieval.passages import cut
from retrieval.sources.fetching import Fetcher, Validators
from retrieval.sources.files import Piece, files_below, pieces_of, pieces_of_zip
from retrieval.sources.instructions import Held, without_instructions
from retrieval.sources.registry import MAX_ID, default_id
from retrieval.sources.sandbox import Parsed, Sandbox
from retrieval.sources.sites import Known, Limits, Page, Site

Progress = Callable[[str, int, int], None]
Outcome = Literal["added", "updated", "unchanged", "failed"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

EDITION = "2"
"""Says, with a file's hash or a page's validators, whether a source must be parsed again; counted up when parsers read
more than before."""
FLUSH_EVERY = 50
FLUSH_S = 5.0
"""Sources and seconds, at least, between two writings of the ledger, which is written whole."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one source: the document it is, how many passages that has, notes for people, and text held for
    review. `reason` says why one failed."""

    name: str
    outcome: Outcome
    document: str = ""
    passages: int = 0
    reason: str = ""
    notes: tuple[str, ...] = ()
    held: tuple[Held, ...] = ()


@dataclass(frozen=True, slots=True)
class Intake:
    """What came of an ingest, source by source, and what its limits left out."""

    sources: tuple[Taken, ...]
    remarks: tuple[str, ...] = ()

    @property
    def documents(self) -> tuple[str, ...]:
        """Ids of the documents in use now, each once."""
        return tuple(dict.fromkeys(each.document for each in self.sources if each.document))

    @property
    def failed(self) -> tuple[tuple[str, str], ...]:
        """(name, reason) of what could not be taken."""
        return tuple((each.name, each.reason) for each in self.sources if each.outcome == "failed")

    def count(self, outcome: Outcome) -> int:
        """How many sources ended this way."""
        return sum(each.outcome == outcome for each in self.sources)


@dataclass(frozen=True, slots=True)
class Options:
    """How sources are taken. `audience` holds for all of them that do not state a narrower one; None leaves it to them.
    `allow_private` admits sites on private addresses; `delay_s` and the rest of `limits` bound the reading of sites."""

    allow_private: bool = False
    limits: Limits = field(default_factory=Limits)
    audience: Audience | None = None


def take_sources(
    library: Library,
    sources: Iterable[str],
    *,
    ledger: Ledger | None = None,
    options: Options | None = None,
    progress: Progress | None = None,
) -> Intake:
    """Take files, folders, zips and sites (http and https addresses) into the library.

    With a ledger, what did not change since the last time is not read or parsed again. Of two sources with one id the
    second is left out, and told.
    """
    taking = _Taking(library, ledger, options or Options(), progress)
    with Sandbox() as sandbox:
        for source in sources:
            if is_address(source):
                taking.take_site(source, sandbox)
            else:
                path = Path(source)
                taking.take_pieces(pieces_of(path), sandbox, len(files_below(path)))
    return taking.done()


def take_upload(
    library: Library, name: str, data: bytes, *, ledger: Ledger | None = None, options: Options | None = None
) -> Intake:
    """The same for one uploaded file, which may be a zip. It replaces only what came from a file of the same name."""
    taking = _Taking(library, ledger, options or Options(), None)
    zipped = name.lower().endswith(".zip")
    pieces = pieces_of_zip(data, name) if zipped else iter([Piece(name, default_id(name), data)])
    with Sandbox() as sandbox:
        taking.take_pieces(_of_one_name(_told(pieces), library, ledger), sandbox, 0 if zipped else 1)
    return taking.done()


def approve(library: Library, ledger: Ledger, document: str, read: Collection[str]) -> Taken:
    """Take in what was held of a document, after a person has read the texts with the ids `read`.

    `NotFound` where nothing is held, `Conflict` where what is held now is not what was read.
    """
    waiting = ledger.waiting_of(document)
    if {text.id for text in waiting.texts} != set(read):
        raise Conflict(f"what is held of {document!r} is not what was shown; read it again, then approve it")
    version = _version(library, document)
    stored = library.put(waiting.document, source=waiting.source)
    ledger.record({}, frozenset(text.id for text in waiting.texts))
    ledger.let_go(document)
    outcome: Outcome = "added" if not version else "unchanged" if stored.version == version else "updated"
    return Taken(waiting.source, outcome, document, len(cut(stored)))


def publish(shop: Workshop, *, by: str, note: str) -> Manifest:
    """`publish_knowledge`, or nothing where a large release can wait for it (`bot.releases.merging`); the manifest that
    is live. Where the release cannot be written, `Refused` says so and the live one goes on serving."""
    live = shop.registry.current_id()
    if live is not None and may_wait(shop.registry, shop.library):
        return shop.registry.manifest(live)
    try:
        return publish_knowledge(shop, by=by, note=note)
    except (OSError, RuntimeError) as error:  # FAISS tells of a full disk with a RuntimeError
        with suppress(OSError), shop.registry.lock():
            shop.registry.staging("knowledge")
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error).split("\n")[0]
        raise Refused(
            f"the new release could not be written ({reason}); release {shop.registry.current_id()} keeps serving. "
            "What was read is stored and quoted over it; make room and run the same command again, so that it is merged"
        ) from error


def is_address(source: str) -> bool:
    """Whether a source is a site rather than a file."""
    return source.lower().startswith(("http://", "https://"))


class _Taking:
    """One ingest on its way: what is known, what was taken, what is to be remembered."""

    def __init__(self, library: Library, ledger: Ledger | None, options: Options, progress: Progress | None) -> None:
        self._library = library
        self._ledger = ledger
        self._options = options
        self._progress = progress
        self._learnt = ledger.read() if ledger else Learnt()
        listed = library.listing()
        self._urls = {each.id: each.url for each in listed}
        self._in_use = {each.id: each.version for each in listed}
        self._before = dict(self._in_use)
        self._taken: list[Taken] = []
        self._ids: set[str] = set()
        self._entries: dict[str, Entry] = {}
        self._remarks: list[str] = []
        self._flush_at = 0.0

    def done(self) -> Intake:
        """Write down what was learnt, and tell what was taken."""
        self._flush()
        return Intake(tuple(self._taken), tuple(self._remarks))

    def take_pieces(self, pieces: Iterator[Piece | UnreadableSource], sandbox: Sandbox, total: int) -> None:
        """Files, one after the other; what stops the reading of a whole zip is told as one more failure."""
        number = 0
        try:
            for number, piece in enumerate(_told(pieces), start=1):
                if isinstance(piece, UnreadableSource):
                    self._fail(piece.name, piece.reason)
                else:
                    self._take_piece(piece, sandbox)
                self._say("reading documents", number, max(total, number))
        finally:
            self._flush()

    def take_site(self, address: str, sandbox: Sandbox) -> None:
        """A site, page by page."""
        known = {
            key: Known(
                Validators(each.etag, each.last_modified),
                each.links + each.around,
                each.document,
                self._urls.get(each.document, ""),
            )
            for key, each in self._learnt.entries.items()
            if is_address(key) and self._stands(each) and each.edition == EDITION and self._options.audience is None
        }
        what = f"reading {urlsplit(address).hostname or address}"
        with Fetcher(allow_private=self._options.allow_private) as fetcher:
            try:
                site = Site(address, fetcher, sandbox, known=known, limits=self._options.limits)
            except ValueError as error:
                self._fail(address, f"is not an address: {error}")
                return
            for number, page in enumerate(site.pages(), start=1):
                self._take_page(page)
                self._say(what, number, number + site.waiting)
        if site.left.limit:
            self._remarks.append(
                f"{address}: stopped at the limit of {site.left.limit}; {site.left.waiting} addresses were not read"
            )
        if site.left.closed:
            self._remarks.append(f"{address}: {site.left.closed} addresses are closed to robots by robots.txt")
        self._flush()

    def _take_piece(self, piece: Piece, sandbox: Sandbox) -> None:
        digest = hashlib.sha256(f"{EDITION} {piece.name}\n".encode() + piece.data).hexdigest()
        key = f"file:{piece.id}"
        entry = self._learnt.entries.get(key)
        if piece.id in self._ids:
            self._fail(piece.name, f"would replace {piece.id!r}, read from another file just now; rename one of them")
        elif entry and entry.sha256 == digest and self._stands(entry) and self._options.audience is None:
            self._keep(entry, piece.name)
        else:
            try:
                parsed = sandbox.read(piece.data, piece.name, document_id=piece.id)
            except UnreadableSource as failure:
                self._fail(piece.name, failure.reason, key)
                return
            self._store(key, piece.name, parsed, Entry(piece.name, sha256=digest))

    def _take_page(self, page: Page) -> None:
        entry = self._learnt.entries.get(page.url)
        if page.unchanged and entry is not None:
            self._keep(entry, page.url)
        elif page.same_as:
            self._taken.append(Taken(page.url, "unchanged", notes=(f"the same page as {page.same_as}",)))
        elif page.parsed is None:
            still = entry is not None and self._in_use.get(entry.document)
            rest = f"; {entry.document!r} from it is still in use" if entry is not None and still else ""
            self._fail(page.url, page.reason + rest, page.url)
        else:
            id = entry.document if entry and entry.document else self._free(page.parsed.document.id, page.url)
            document = replace(page.parsed.document, id=id)
            validators = page.validators
            learnt = Entry(page.url, etag=validators.etag, last_modified=validators.last_modified, edition=EDITION)
            self._store(page.url, page.url, Parsed(document, page.parsed.findings), learnt)

    def _store(self, key: str, name: str, parsed: Parsed, learnt: Entry) -> None:
        """Sift, store and note one parsed source."""
        whole = parsed.document
        if self._options.audience is not None:
            whole = replace(whole, audience=narrower(whole.audience, self._options.audience))
        sifted, held = without_instructions(whole, self._learnt.approved)
        if held and self._ledger:
            self._ledger.hold(Waiting(whole, name, held))
        elif self._ledger:
            self._ledger.let_go(whole.id)
        if not sifted.blocks:
            reason = f"all of it reads like instructions to the bot; read it, then approve {whole.id!r}"
            self._taken.append(Taken(name, "failed", reason=reason, held=held))
            return
        try:
            stored = self._library.put(sifted, source=name)
        except (SQLAlchemyError, OSError) as error:
            self._fail(name, f"could not be stored ({_cause(error)}); make room and ingest it again")
            return
        passages = len(cut(stored))
        findings = parsed.findings
        notes = tuple(findings.notes) + (() if passages else ("no passage came of it",))
        self._taken.append(Taken(name, self._outcome(stored), stored.id, passages, notes=notes, held=held))
        self._ids.add(stored.id)
        self._in_use[stored.id] = stored.version
        self._entries[key] = replace(
            learnt,
            document=stored.id,
            version=stored.version,
            links=tuple(findings.links),
            around=tuple(findings.around),
            notes=notes,
            passages=passages,
        )
        if len(self._entries) >= FLUSH_EVERY and time.monotonic() >= self._flush_at:
            self._flush()

    def _outcome(self, stored: Document) -> Outcome:
        before = self._before.get(stored.id)
        if before is None:
            return "added"
        return "unchanged" if before == stored.version else "updated"

    def _keep(self, entry: Entry, name: str) -> None:
        held: tuple[Held, ...] = ()
        if self._ledger:
            with suppress(NotFound):
                held = self._ledger.waiting_of(entry.document).texts
        self._ids.add(entry.document)
        self._taken.append(Taken(name, "unchanged", entry.document, entry.passages, notes=entry.notes, held=held))

    def _fail(self, name: str, reason: str, key: str = "") -> None:
        self._taken.append(Taken(name, "failed", reason=reason))
        if key and key not in self._learnt.entries:
            self._entries[key] = Entry(name, reason=reason)

    def _stands(self, entry: Entry) -> bool:
        """Whether what an entry tells of is what is in use."""
        return entry.version > 0 and self._before.get(entry.document) == entry.version

    def _free(self, id: str, url: str) -> str:
        """The id, told apart by its address where another page has it."""
        others = {each.document for key, each in self._learnt.entries.items() if key != url and self._stands(each)}
        if id not in self._ids | others:
            return id
        return f"{id[: MAX_ID - 9]}-{hashlib.sha256(url.encode()).hexdigest()[:8]}"

    def _say(self, what: str, done: int, total: int) -> None:
        if self._progress:
            self._progress(what, done, total)

    def _flush(self) -> None:
        if self._ledger and self._entries:
            with suppress(OSError):  # a ledger that cannot be written makes the next ingest slower, nothing else
                self._ledger.record(self._entries)
            self._entries = {}
            self._flush_at = time.monotonic() + FLUSH_S


def _told(pieces: Iterator[Piece | UnreadableSource]) -> Iterator[Piece | UnreadableSource]:
    """The same, with what ends the reading as its last item."""
    try:
        yield from pieces
    except UnreadableSource as failure:
        yield failure


def _of_one_name(
    pieces: Iterator[Piece | UnreadableSource], library: Library, ledger: Ledger | None
) -> Iterator[Piece | UnreadableSource]:
    """The same, with a reason in place of each piece that would replace what came from a file of another name."""
    sources = {each.document.id: each.source for each in (ledger.waiting() if ledger else ())}
    sources |= {each.id: each.source for each in library.listing()}
    for piece in pieces:
        if isinstance(piece, Piece):
            came = sources.get(piece.id, piece.name)
            if PurePosixPath(came).name != PurePosixPath(piece.name).name:
                reason = f"would replace {piece.id!r}, which came from {came}; rename one of them"
                yield UnreadableSource(piece.name, reason)
                continue
            sources[piece.id] = piece.name
        yield piece


def _version(library: Library, document: str) -> int:
    return next((each.version for each in library.listing() if each.id == document), 0)


def _cause(error: Exception) -> str:
    """What the database or the system said, on one line."""
    cause = getattr(error, "orig", None) or error
    return str(getattr(cause, "strerror", None) or cause).split("\n")[0]
