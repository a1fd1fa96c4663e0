"""The child process that parses: `python -m retrieval.sources.worker`, one request after the other on stdin.

A request is one line of JSON (`kind`, `name`, `id`, `url`, `size`) and `size` bytes; the reply is one line of JSON: a
document with its findings, the addresses of a sitemap, or a reason. Limits on memory and CPU time hold for the process,
and an audit hook refuses sockets, other programs and writing. That stops accidents and simple attacks; whoever must
withstand more runs the worker in a container.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from dataclasses import asdict
from typing import Any, BinaryIO

from retrieval.errors import UnreadableSource
from retrieval.sources.findings import Findings

MEMORY_BYTES = 2 * 2**30
CPU_S = 60
"""CPU seconds for one source."""

_REFUSED = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.system", "os.remove", "os.rename")


def main() -> None:
    """Serve until stdin ends."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    from retrieval.sources import registry, sitemap  # imported before the limits and the hook are set

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.addaudithook(_refuse)
    while line := sys.stdin.buffer.readline():
        request = json.loads(line)
        data = _read(sys.stdin.buffer, request["size"])
        _allow_cpu()
        try:
            if request["kind"] == "sitemap":
                reply: dict[str, Any] = {"sitemap": asdict(sitemap.parse(data, request["name"]))}
            else:
                findings = Findings()
                id = request["id"] or None
                document = registry.parse(data, request["name"], document_id=id, url=request["url"], findings=findings)
                reply = {"document": asdict(document), "findings": asdict(findings)}
        except UnreadableSource as error:
            reply = {"reason": error.reason}
        except Exception as error:  # a parser's slip on one source must not end the folder
            reply = {"reason": f"cannot be parsed ({type(error).__name__}: {error})"}
        replies.write(json.dumps(reply).encode() + b"\n")
        replies.flush()


def _read(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise SystemExit(1)
    return data


def _allow_cpu() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + 1 + CPU_S
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event.startswith(_REFUSED):
        raise PermissionError(f"a parser tried {event}")
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        raise PermissionError("a parser tried to write a file")


if __name__ == "__main__":
    main()
