"""Which sets of words are alike, without comparing each with each: MinHash signatures in bands.

Broder, 1997, "On the resemblance and containment of documents"; bands as in Leskovec, Rajaraman and Ullman, "Mining of
Massive Datasets", chapter 3. Candidates are then compared exactly, so a pair that is reported is alike, and one that is
missed is missed by chance: about 1 in 2,000 at a Jaccard similarity of 0.6.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

BANDS, ROWS = 32, 3
CROWD = 60
"""Members of one bucket that are compared with each other; in a larger one each meets the first CROWD."""
_PRIME = np.uint64(2**31 - 1)
_DRAWN = np.random.default_rng(13).integers(1, 2**31 - 1, size=(2, BANDS * ROWS, 1), dtype=np.uint64)


def jaccard(one: Collection[str], other: Collection[str]) -> float:
    """Shared words by all words of two sets, in [0, 1]; 0 where both are empty."""
    a, b = frozenset(one), frozenset(other)
    return len(a & b) / len(a | b) if a | b else 0.0


def alike(sets: Sequence[frozenset[str]], least: float) -> Iterator[tuple[int, int, float]]:
    """Pairs (i, j, similarity) with i < j whose Jaccard similarity is at least `least`; each once, in no order.

    Empty sets are like nothing.
    """
    compared: set[tuple[int, int]] = set()
    for bucket in _buckets(sets):
        for place, second in enumerate(bucket):
            for first in bucket[: min(place, CROWD)]:
                pair = (min(first, second), max(first, second))
                if pair in compared:
                    continue
                compared.add(pair)
                similarity = jaccard(sets[pair[0]], sets[pair[1]])
                if similarity >= least:
                    yield *pair, similarity


def _buckets(sets: Sequence[frozenset[str]]) -> Iterator[list[int]]:
    signatures = {number: _signature(words) for number, words in enumerate(sets) if words}
    for band in range(BANDS):
        buckets: defaultdict[bytes, list[int]] = defaultdict(list)
        for number, signature in signatures.items():
            buckets[signature[band * ROWS : (band + 1) * ROWS].tobytes()].append(number)
        yield from (bucket for bucket in buckets.values() if len(bucket) > 1)


def _signature(words: frozenset[str]) -> NDArray[np.uint64]:
    values = (np.array([_hash(word) for word in words], dtype=np.uint64) % _PRIME)[None]
    least: NDArray[np.uint64] = ((_DRAWN[0] * values + _DRAWN[1]) % _PRIME).min(axis=1)
    return least


@lru_cache(maxsize=2**17)
def _hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=4).digest(), "big")
