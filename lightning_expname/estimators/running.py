"""All folds, one after the other or several at a time, with a bar for who watches."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

from joblib import effective_n_jobs
from sklearn.utils.parallel import Parallel, delayed

from .folds import Fold, fit_fold
from .problem import Problem


def run_folds(
    problem: Problem,
    n_jobs: int | None,
    *,
    progress: bool | None,
    tracks: bool,
    follow: Any = None,
) -> list[Fold]:
    """Trains every fold.

    Args:
        n_jobs: folds at a time, in processes of joblib's; None is one, without any process.
        progress: whether to show a bar; None: on a terminal, when the training is tracked.
        tracks: whether the training is tracked.
        follow: its `fold(fold, count)` is told of each as it ends, and may raise.
    """
    shows = (tracks and sys.stderr.isatty()) if progress is None else progress
    folds = _folds(problem, n_jobs)
    if follow is not None:
        folds = _followed(folds, len(problem.splits), follow)
    return list(_shown(folds, len(problem.splits)) if shows else folds)


def _folds(problem: Problem, n_jobs: int | None) -> Iterable[Fold]:
    splits = problem.splits
    if effective_n_jobs(n_jobs) == 1:
        return (fit_fold(problem.plan, problem.X, problem.y, *pair) for pair in splits)
    parallel: Any = Parallel(n_jobs=n_jobs, return_as="generator")
    tasks = (delayed(fit_fold)(problem.plan, problem.X, problem.y, *pair) for pair in splits)
    found: Iterable[Fold] = parallel(tasks)
    return found


def _followed(folds: Iterable[Fold], count: int, follow: Any) -> Iterator[Fold]:
    for fold in folds:
        follow.fold(fold, count)
        yield fold


def _shown(folds: Iterable[Fold], count: int) -> Iterator[Fold]:
    from tqdm.auto import tqdm

    bar: Any = tqdm(folds, total=count, desc="folds", unit="fold")
    for fold in bar:
        name, score = next(iter(fold.scores.items()))
        bar.set_postfix({name: f"{score:.4f}"})
        yield fold
