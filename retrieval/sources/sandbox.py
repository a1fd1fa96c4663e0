"""Sources parsed in a child process with limits; a bad file fails alone, with its name and reason."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from retrieval.documents import Document
from retrieval.errors import UnreadableSource
from retrieval.records import document_from
from retrieval.sources.files import files_below
from retrieval.sources.findings import Findings
from retrieval.sources.registry import MAX_BYTES, default_id
from retrieval.sources.sitemap import Sitemap
from retrieval.sources.worker import CPU_S, MEMORY_BYTES

WALL_S = 180.0
"""Wall time for one source."""
MAX_REPLY = 64 * 2**20

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document and what was noticed beside it."""

    document: Document
    findings: Findings


class Sandbox:
    """One child process that parses source after source; it is started again after it was stopped.

    A context manager; not to be shared between threads.
    """

    def __init__(self, *, wall_s: float = WALL_S) -> None:
        self._wall_s = wall_s
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def parse(self, data: bytes, name: str, *, document_id: str | None = None, url: str = "") -> Document:
        """`registry.parse` in the child; `UnreadableSource` also where a limit was hit or the child died."""
        return self.read(data, name, document_id=document_id, url=url).document

    def read(self, data: bytes, name: str, *, document_id: str | None = None, url: str = "") -> Parsed:
        """`parse`, with the findings."""
        reply = self._ask("document", data, name, id=document_id or "", url=url)
        return Parsed(document_from(reply["document"]), Findings(**reply["findings"]))

    def sitemap(self, data: bytes, name: str) -> Sitemap:
        """`sitemap.parse` in the child."""
        found = self._ask("sitemap", data, name)["sitemap"]
        return Sitemap(tuple(found["pages"]), tuple(found["sitemaps"]))

    def _ask(self, kind: str, data: bytes, name: str, *, id: str = "", url: str = "") -> dict[str, Any]:
        if len(data) > MAX_BYTES:
            raise UnreadableSource(name, f"has {len(data):,} bytes, the limit is {MAX_BYTES:,}; split it")
        request = {"kind": kind, "name": name, "id": id, "url": url, "size": len(data)}
        stdin, stdout = self._pipes()
        try:
            stdin.write(json.dumps(request).encode() + b"\n" + data)
            stdin.flush()
            reply: dict[str, Any] = json.loads(_line(stdout, time.monotonic() + self._wall_s))
        except TimeoutError as error:
            self.close()
            raise UnreadableSource(name, f"took longer than {self._wall_s:g} s to parse") from error
        except (OSError, EOFError, ValueError) as error:
            raise UnreadableSource(name, self._death()) from error
        if "reason" in reply:
            raise UnreadableSource(name, str(reply["reason"]))
        return reply

    def close(self) -> None:
        """End the child process."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.communicate()

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._child is None or self._child.poll() is not None:
            self.close()
            self._child = _start()
        stdin, stdout = self._child.stdin, self._child.stdout
        if stdin is None or stdout is None:
            raise OSError("the parser process was started without pipes")
        return stdin, stdout

    def _death(self) -> str:
        child, self._child = self._child, None
        if child is None:
            return "the parser process is gone"
        if child.poll() is None:
            child.kill()
        try:
            child.communicate()
        except OSError:
            child.wait()
        if child.returncode == -signal.SIGXCPU:
            return f"took more than {CPU_S} s of CPU time to parse"
        return f"the parser died on it (exit {child.returncode}, memory limit {MEMORY_BYTES // 2**20} MiB)"


def read_folder(
    path: Path, progress: Progress | None = None
) -> tuple[tuple[Document, ...], tuple[UnreadableSource, ...]]:
    """Parse every file under a folder (hidden ones left out) in one child process.

    Ids are the paths below the folder without extension. `progress(done, total)` counts files.
    """
    files = files_below(path)
    documents: dict[str, Document] = {}
    failures: list[UnreadableSource] = []
    with Sandbox() as sandbox:
        for done, file in enumerate(files, start=1):
            name = file.relative_to(path).as_posix()
            id = default_id(name) if default_id(name) not in documents else default_id(name) + file.suffix
            try:
                documents[id] = sandbox.parse(_bytes(file), name, document_id=id)
            except UnreadableSource as failure:
                failures.append(failure)
            if progress is not None:
                progress(done, len(files))
    return tuple(documents.values()), tuple(failures)


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UnreadableSource(path.name, f"has {path.stat().st_size:,} bytes, the limit is {MAX_BYTES:,}")
        return path.read_bytes()
    except OSError as error:
        raise UnreadableSource(path.name, f"cannot be opened: {error.strerror}") from error


def _start() -> subprocess.Popen[bytes]:
    root = Path(__file__).resolve().parents[2]
    # a bare environment: the parser has no business with the settings and secrets of the server
    environment = {"PYTHONPATH": str(root), "PATH": os.defpath, "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "retrieval.sources.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        close_fds=True,
    )


def _line(stream: IO[bytes], deadline: float) -> bytes:
    """Bytes up to a line break; `TimeoutError` at the deadline, `EOFError` if the child ended."""
    received = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while not received.endswith(b"\n"):
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError
            piece = os.read(stream.fileno(), 2**16)
            if not piece:
                raise EOFError
            received += piece
            if len(received) > MAX_REPLY:
                raise EOFError
    return bytes(received)
