"""What `capture_init` costs: building small modules with and without it.

Run `python benchmarks/bench_capture.py [repeats]`. Both variants alternate within one process,
so that a busy machine slows both; the ratio is of the medians, and of the minima.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable

import torch
from rows import sizes, tell

from lightning_expname.introspect.capture import capture_init, uncapture_init

MODULES = 5_000
LIMIT = 1.05


class Block(torch.nn.Module):
    """A small module as users write them."""

    def __init__(self, dim: int = 8, hidden: int = 16, dropout: float = 0.1) -> None:
        super().__init__()
        self.inner = torch.nn.Linear(dim, hidden)
        self.outer = torch.nn.Linear(hidden, dim)
        self.rate = dropout


BUILDERS: dict[str, Callable[[], object]] = {
    "nn.Linear(8, 8)": lambda: torch.nn.Linear(8, 8),
    "Block of two Linears": lambda: Block(8),
    "nn.Conv2d(3, 8, 3)": lambda: torch.nn.Conv2d(3, 8, 3),
    "nn.Identity()": lambda: torch.nn.Identity(),
}


def seconds(build: Callable[[], object], count: int) -> float:
    """The time that `count` constructions take."""
    start = time.perf_counter()
    for _ in range(count):
        build()
    return time.perf_counter() - start


def paired(build: Callable[[], object], repeats: int, chunk: int = 250) -> tuple[float, float]:
    """(ratio of medians, ratio of minima) of short alternating chunks of `MODULES` in all."""
    plain: list[float] = []
    captured: list[float] = []
    for _ in range(repeats * MODULES // chunk):
        uncapture_init()
        plain.append(seconds(build, chunk))
        capture_init()
        captured.append(seconds(build, chunk))
    uncapture_init()
    medians = statistics.median(captured) / statistics.median(plain)
    return medians, min(captured) / min(plain)


def main() -> None:
    """Print one line for each builder."""
    (repeats,) = sizes(repeats=5)
    gc.disable()
    for name, build in BUILDERS.items():
        paired(build, 1)  # warm
        medians, minima = paired(build, repeats)
        what = f"constructors recorded: {name}"
        tell(what, medians, "x", most=LIMIT, note=f"not recorded; minima x{minima:.3f}")


if __name__ == "__main__":
    main()
