"""What the wrapper costs beside a hand-written loop, and scikit-learn's, over the same folds.

Run `python benchmarks/bench_folds.py [--seconds 45] [--rounds 3]` on an idle machine. LightGBM with
one thread, as many trees as make the loop take `--seconds`. Every way has its turn in every round,
in an order that rotates; a ratio is the median of the rounds' ratios to what it is held against.

    loop             fit, early-stopping metric on the held-out fold, predict, score
    wrapper          the same, tracked and saved (W&B offline): limit 1.05 of the loop
    wrapper n_jobs=2 two folds at a time: has to beat the loop
    cross_validate   scikit-learn's, which looks at the held-out fold at the end only
    untracked        the wrapper with track=False, which does as cross_validate: held against it
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from lightgbm import LGBMClassifier
from rows import tell
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.metrics import accuracy_score
from sklearn.model_selection import StratifiedKFold, cross_validate

from lightning_expname import ExpNameClassifier

FOLDS = 5
ROWS = 40_000
LIMITS = {"wrapper": 1.05, "wrapper n_jobs=2": 1.0}
CALIBRATION = 60  # trees of the one fold that says how long a tree takes
SPLITTER = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
Way = Callable[[], list[float]]


def by_hand(inner: Any, X: Any, y: Any) -> list[float]:
    """What a user writes."""
    scores = []
    for train, held_out in SPLITTER.split(X, y):
        model = clone(inner)
        model.fit(X[train], y[train], eval_X=(X[held_out],), eval_y=(y[held_out],))
        scores.append(accuracy_score(y[held_out], model.predict(X[held_out])))
    return scores


def by_scikit_learn(inner: Any, X: Any, y: Any) -> list[float]:
    """The folds' scores by `cross_validate`, which keeps the estimators too."""
    found = cross_validate(inner, X, y, cv=SPLITTER, scoring="accuracy", return_estimator=True)
    scores: list[float] = found["test_score"].tolist()
    return scores


def wrapped(inner: Any, X: Any, y: Any, **options: Any) -> list[float]:
    """The same by the wrapper."""
    clf = ExpNameClassifier(
        inner, n_splits=FOLDS, dataset="made", random_state=0, offline=True, **options
    )
    scores: list[float] = clf.fit(X, y).fold_scores_.tolist()
    return scores


def sized(X: Any, y: Any, seconds: float) -> Any:
    """A booster with which the loop takes about so long."""
    inner = LGBMClassifier(
        n_estimators=CALIBRATION, num_leaves=63, n_jobs=1, random_state=0, verbose=-1
    )
    start = time.perf_counter()
    train, held_out = next(SPLITTER.split(X, y))
    inner.fit(X[train], y[train], eval_X=(X[held_out],), eval_y=(y[held_out],))
    one = (time.perf_counter() - start) / CALIBRATION
    return clone(inner).set_params(n_estimators=max(2, round(seconds / FOLDS / one)))


def measured(ways: dict[str, Way], rounds: int) -> dict[str, list[float]]:
    """Seconds of every way in every round."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    names = list(ways)
    for turn in range(rounds):
        scores = {}
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            start = time.perf_counter()
            scores[name] = ways[name]()
            times[name].append(time.perf_counter() - start)
        assert all(np.allclose(one, scores["loop"]) for one in scores.values()), scores
    return times


def ratio(times: dict[str, list[float]], name: str, beside: str) -> float:
    """The median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(times[name], times[beside], strict=True))


def main() -> None:
    """Print the times, the ratios, and whether the limits hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=45.0, help="that the loop is to take")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    os.environ.setdefault("WANDB_SILENT", "true")
    X, y = make_classification(ROWS, 40, n_informative=20, random_state=0)
    inner = sized(X, y, asked.seconds)
    with tempfile.TemporaryDirectory() as root:
        wrapped(clone(inner).set_params(n_estimators=2), X[:2000], y[:2000], root_dir=root)
        ways: dict[str, Way] = {
            "loop": lambda: by_hand(inner, X, y),
            "wrapper": lambda: wrapped(inner, X, y, root_dir=root),
            "wrapper n_jobs=2": lambda: wrapped(inner, X, y, root_dir=root, n_jobs=2),
            "cross_validate": lambda: by_scikit_learn(inner, X, y),
            "untracked": lambda: wrapped(inner, X, y, track=False),
        }
        times = measured(ways, asked.rounds)
    for name, values in times.items():
        beside = "cross_validate" if name == "untracked" else "loop"
        note = f"{beside}; {statistics.median(values):.1f} s, {inner.n_estimators} trees"
        goal = LIMITS.get(name)
        tell(f"folds: {name}", ratio(times, name, beside), "x", most=goal, note=note)


if __name__ == "__main__":
    main()
