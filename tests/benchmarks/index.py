"""Searching many vectors: recall against exact search, time on one core, memory, and what building took.

python -m tests.benchmarks.index --vectors 1000000 [--queries 200] [--results tests/benchmarks/index-results.md]

The vectors are synthetic: `vectors / 100` centres drawn on the sphere, around each of them about a hundred unit vectors
(Gaussian noise of 0.9 of the centre's length), questions drawn in the same way; seeded, and written to a temporary file
slice by slice. Exact neighbours are computed with numpy over all vectors. Searches are made one question at a time, in
a process of its own that holds nothing but the index and is bound to one core. Filters keep rows at random.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from retrieval.embedder import Vectors
from retrieval.index import FLAT_LIMIT, GRAPH_BREADTH, GRAPH_LINKS, FaissIndex
from tests.benchmarks.serving import conditions
from tests.benchmarks.tables import markdown, write_text

SEED = 13
DIMENSION = 384
SLICE = 50_000
NOISE = 0.9
K = 10
SHARES = (1.0, 0.5, 0.05, 0.005)
RESULTS = Path(__file__).with_name("index-results.md")


def around(centres: Vectors, count: int, seed: tuple[int, ...]) -> Vectors:
    """Unit vectors, each near a centre drawn at random: float32 of shape (count, DIMENSION)."""
    chance = np.random.default_rng(seed)
    noise = chance.standard_normal((count, DIMENSION), dtype=np.float32) * np.float32(NOISE / np.sqrt(DIMENSION))
    made = centres[chance.integers(0, len(centres), count)] + noise
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), dtype=np.float32)


def centres_for(vectors: int) -> Vectors:
    drawn = np.random.default_rng(SEED).standard_normal((max(vectors // 100, 10), DIMENSION), dtype=np.float32)
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), dtype=np.float32)


def write_vectors(path: Path, count: int) -> Vectors:
    """The vectors as a memory map."""
    made = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(count, DIMENSION))
    centres = centres_for(count)
    for number, first in enumerate(range(0, count, SLICE)):
        last = min(first + SLICE, count)
        made[first:last] = around(centres, last - first, (SEED, 1, number))
    made.flush()
    return np.load(path, mmap_mode="r")  # type: ignore[no-any-return]


def kept(count: int, share: float) -> Any:
    """Which rows a filter keeps; None for all."""
    return None if share == 1.0 else np.random.default_rng((SEED, int(share * 1_000))).random(count) < share


def exact(vectors: Vectors, asked: Vectors, mask: Any) -> list[set[int]]:
    """The K nearest rows of each question, by comparing them all."""
    near: list[list[tuple[float, int]]] = [[] for _ in asked]
    for first in range(0, len(vectors), SLICE):
        cosines = asked @ np.asarray(vectors[first : first + SLICE]).T
        if mask is not None:
            cosines[:, ~mask[first : first + SLICE]] = -2
        best = np.argpartition(-cosines, K, axis=1)[:, :K]
        for row, columns in enumerate(best):
            near[row] += [(float(cosines[row, column]), first + int(column)) for column in columns]
    return [{number for _, number in sorted(found, reverse=True)[:K]} for found in near]


def searched(folder: Path, sha256: str, count: int, queries: int) -> dict[str, Any]:
    """In a process of its own, on one core: rows found and milliseconds taken, by share; and resident memory."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    began = time.monotonic()
    index = FaissIndex.load(folder / "index.faiss", sha256)
    found: dict[str, Any] = {"load_s": time.monotonic() - began, "resident_mb": _resident_mb()}
    asked = around(centres_for(count), queries, (SEED, 2))
    for share in SHARES:
        mask, rows, took, used = kept(count, share), [], [], []
        for number in range(-5, queries):
            wall, cpu = time.perf_counter(), time.thread_time()
            _, near = index.search(asked[number % queries][None], K, mask)
            if number >= 0:
                took.append((time.perf_counter() - wall) * 1_000)
                used.append((time.thread_time() - cpu) * 1_000)
                rows.append(near[0].tolist())
        found[str(share)] = {"rows": rows, "ms": took, "cpu_ms": used}
    return found


def _resident_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1_024


def measured(count: int, queries: int, folder: Path) -> dict[str, Any]:
    """Build once, then search in another process and compare."""
    told = print if sys.stderr.isatty() else lambda *words: print(*words, file=sys.stderr, flush=True)
    vectors = write_vectors(folder / "vectors.npy", count)
    told(f"{count:,} vectors written, building …")
    wall, cpu = time.monotonic(), time.process_time()
    index = FaissIndex.build(vectors)
    figures: dict[str, Any] = {"build_s": time.monotonic() - wall, "build_cpu_s": time.process_time() - cpu}
    sha256 = index.save(folder / "index.faiss")
    del index
    figures["file_mb"] = (folder / "index.faiss").stat().st_size / 2**20
    told(f"built in {figures['build_s']:.0f} s, searching …")
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.benchmarks.index", "--vectors", str(count), "--queries", str(queries)]
    done = subprocess.run(
        [*command, "--search", str(folder), sha256], env=environment, check=True, capture_output=True, text=True
    )
    found = json.loads(done.stdout)
    figures |= {name: found[name] for name in ("load_s", "resident_mb")}
    asked = around(centres_for(count), queries, (SEED, 2))
    for share in SHARES:
        nearest = exact(vectors, asked, kept(count, share))
        rows = found[str(share)]["rows"]
        recall = float(np.mean([len(near & set(row)) / K for near, row in zip(nearest, rows, strict=True)]))
        times = {
            f"{name}_{rank}": float(np.percentile(found[str(share)][name], int(rank[1:])))
            for name in ("ms", "cpu_ms")
            for rank in ("p50", "p95")
        }
        figures[str(share)] = {"recall_at_10": recall, **times}
    return figures


def report(count: int, queries: int, figures: dict[str, Any], at: dict[str, Any]) -> str:
    rows = [
        (
            "all" if share == 1.0 else f"{share:.1%}",
            f"{figures[str(share)]['recall_at_10']:.4f}",
            *(f"{figures[str(share)][name]:.2f}" for name in ("ms_p50", "ms_p95", "cpu_ms_p50", "cpu_ms_p95")),
        )
        for share in SHARES
    ]
    kind = "compared one by one" if count <= FLAT_LIMIT else f"HNSW, {GRAPH_LINKS} links, breadth {GRAPH_BREADTH}, fp16"
    return "\n".join(
        (
            "# Searching many vectors",
            "",
            f"Written by `python -m tests.benchmarks.index --vectors {count}`; how the vectors are made stands at its",
            "head. Wall times include waiting for a core that other programs use; CPU times do not.",
            "",
            f"{count:,} × {DIMENSION} ({kind}), {queries} questions, one at a time on one core. Built in "
            f"{figures['build_s']:.0f} s ({figures['build_cpu_s']:.0f} s of CPU time); {figures['file_mb']:.0f} MB on "
            f"disk, loaded in {figures['load_s']:.1f} s; resident {figures['resident_mb']:.0f} MB, program included.",
            "",
            f"{at['cores']} cores of {at['cpu']}, load {at['load_1_min']} at the start, Python {at['python']}.",
            "",
            markdown(("rows searched", "recall@10", "ms p50", "ms p95", "CPU ms p50", "CPU ms p95"), rows),
            "",
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--search", nargs=2, metavar=("FOLDER", "SHA256"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.search:
        json.dump(searched(Path(given.search[0]), given.search[1], given.vectors, given.queries), sys.stdout)
        return
    at = conditions()
    with tempfile.TemporaryDirectory() as scratch:
        figures = measured(given.vectors, given.queries, Path(scratch))
    write_text(given.results, report(given.vectors, given.queries, figures, at))
    json.dump({"vectors": given.vectors, "figures": figures, "conditions": at}, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
