"""What the wrapper costs beside a hand-written loop over the same folds.

Run `python benchmarks/bench_folds.py [rows] [trees] [repeats]`. Both alternate in one process,
tracked and saved (W&B offline); the ratio is of the medians. `n_jobs=2` trains two folds at a
time, every booster with half of the threads.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from lightgbm import LGBMClassifier
from sklearn.datasets import make_classification
from sklearn.metrics import accuracy_score
from sklearn.model_selection import StratifiedKFold

from lightning_expname import ExpNameClassifier

FOLDS = 5
LIMIT = 1.05


def by_hand(inner: Any, X: Any, y: Any) -> list[float]:
    """What a user writes: fit, predict the held-out rows, score."""
    scores = []
    for train, held_out in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(X, y):
        model = LGBMClassifier(**inner.get_params()).set_params(random_state=0)
        model.fit(X[train], y[train], eval_X=(X[held_out],), eval_y=(y[held_out],))
        scores.append(accuracy_score(y[held_out], model.predict(X[held_out])))
    return scores


def wrapped(inner: Any, X: Any, y: Any, root: str, n_jobs: int | None) -> list[float]:
    """The same, tracked and saved."""
    clf = ExpNameClassifier(
        inner,
        n_splits=FOLDS,
        dataset="made",
        random_state=0,
        root_dir=root,
        offline=True,
        n_jobs=n_jobs,
    )
    scores: list[float] = clf.fit(X, y).fold_scores_.tolist()
    return scores


def seconds(call: Callable[[], list[float]]) -> tuple[float, list[float]]:
    """How long a call takes, and what it gives."""
    start = time.perf_counter()
    found = call()
    return time.perf_counter() - start, found


def main() -> None:
    """Print the three times and both ratios."""
    rows, trees, repeats = ([int(one) for one in sys.argv[1:]] + [60_000, 250, 1])[:3]
    os.environ.setdefault("WANDB_SILENT", "true")
    X, y = make_classification(rows, 40, n_informative=20, random_state=0)
    inner = LGBMClassifier(n_estimators=trees, num_leaves=63, verbose=-1)
    times: dict[str, list[float]] = {"loop": [], "wrapper": [], "wrapper n_jobs=2": []}
    with tempfile.TemporaryDirectory() as root:
        wrapped(inner, X[:2000], y[:2000], root, None)  # imports, W&B's process
        for _ in range(repeats):
            loop, scores = seconds(lambda: by_hand(inner, X, y))
            one, same = seconds(lambda: wrapped(inner, X, y, root, None))
            two, _ = seconds(lambda: wrapped(inner, X, y, root, 2))
            assert np.allclose(scores, same)
            for name, value in zip(times, (loop, one, two), strict=True):
                times[name].append(value)
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, value in medians.items():
        print(f"{name:18s} {value:7.2f} s   x{value / medians['loop']:.3f}")
    ratio = medians["wrapper"] / medians["loop"]
    print("ok" if ratio <= LIMIT and medians["wrapper n_jobs=2"] < medians["loop"] else "above")


if __name__ == "__main__":
    main()
