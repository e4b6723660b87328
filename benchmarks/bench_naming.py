"""How quick names are: formatted and read back, and introspected from a model of 10 000 modules.

Run `python benchmarks/bench_naming.py [repeats]`. The introspection is held against walking the
modules alone, which any reader of a model has to do.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from lightning_expname import format_name, parse_name
from lightning_expname.introspect.capture import capture_init

capture_init()

import torch
from rows import sizes, tell

from lightning_expname import collect_hparams

COUNT = 5_000
LEAVES = 9_998
FIELDS = {"d_model": 1024, "n_heads": 8, "n_layers": 4, "act": "gelu", "norm_first": True}


class Net(torch.nn.Module):
    """As many small modules as a large model has."""

    def __init__(self, depth: int = LEAVES, width: int = 2, act: str = "gelu") -> None:
        super().__init__()
        self.act = act
        self.layers = torch.nn.ModuleList(torch.nn.Linear(width, width) for _ in range(depth))


def seconds(run: Callable[[], object]) -> float:
    """Of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _many(one: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        for _ in range(COUNT):
            one()

    return run


def main() -> None:
    """Print each figure."""
    (repeats,) = sizes(repeats=9)
    name = format_name(FIELDS)
    for what, one in (
        ("names formatted", lambda: format_name(FIELDS)),
        ("names read back", lambda: parse_name(name)),
    ):
        run = _many(one)
        best = statistics.median(seconds(run) for _ in range(repeats))
        tell(what, COUNT / best, "/s", note=f"{len(FIELDS)} fields")
    net = Net()
    walked, collected = [], []
    for _ in range(repeats):
        walked.append(1000 * seconds(lambda: list(net.named_modules())))
        collected.append(1000 * seconds(lambda: collect_hparams(net)))
    tell(
        "hyper-parameters of a model of 10 000 modules",
        statistics.median(collected),
        "ms",
        note=f"walking its modules takes {statistics.median(walked):.0f} ms",
    )


if __name__ == "__main__":
    main()
