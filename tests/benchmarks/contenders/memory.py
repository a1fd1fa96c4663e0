"""Sizes of this process as the kernel counts them, in MB (10^6 bytes). Standard library only, Python 3.10.

`VmHWM` belongs to the program that runs; `getrusage` would tell the size of the parent that started it, if larger.
"""

from __future__ import annotations

from pathlib import Path

_KIB_A_MB = 1024 / 1e6


def peak_mb() -> float:
    """The largest resident size so far."""
    return _field("status", "VmHWM")


def resident_mb() -> float:
    """All pages in memory, those shared with other processes included."""
    return _field("smaps_rollup", "Rss")


def proportional_mb() -> float:
    """Pages in memory, shared ones divided by how many processes share them."""
    return _field("smaps_rollup", "Pss")


def _field(file: str, name: str) -> float:
    for line in Path("/proc/self", file).read_text().splitlines():
        if line.startswith(name + ":"):
            return round(int(line.split()[1]) * _KIB_A_MB, 1)
    raise OSError(f"/proc/self/{file} has no {name}; sizes are measured on Linux alone")
