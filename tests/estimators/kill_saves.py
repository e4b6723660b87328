"""Saves a second model over a first one, in children that are killed at every step of it.

Prints, for every step, whether the folder then holds the first or the second model, whole.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from sklearn.datasets import load_wine
from sklearn.tree import DecisionTreeClassifier

from lightning_expname import ExpNameClassifier
from lightning_expname.estimators import folder, saving

X, y = load_wine(return_X_y=True)


def fitted(depth: int) -> Any:
    inner = DecisionTreeClassifier(max_depth=depth)
    return ExpNameClassifier(inner, n_splits=2, random_state=0, track=False).fit(X, y)


def killing(function: Any, call: int) -> Any:
    """The function, but the n-th call of it kills the process before it does anything."""
    calls = []

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        calls.append(args)
        if len(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **kwargs)

    return wrapped


STEPS = [
    ("a fold is written", saving, "write_fold", 2),
    ("a hash is taken", saving, "sha256", 2),
    ("all is flushed", os, "fsync", 3),
    ("the old one is moved", os, "rename", 1),
    ("the new one is moved", os, "rename", 2),
    ("the old one is removed", shutil, "rmtree", 1),
]


def main(root: Path) -> None:
    first, second, place = fitted(1), fitted(3), root / "model"
    for step, module, name, call in STEPS:
        shutil.rmtree(root, ignore_errors=True)
        first.save(place)
        child = os.fork()
        if child == 0:
            setattr(module, name, killing(getattr(module, name), call))
            second.save(place)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), step
        found = ExpNameClassifier.load(place, track=False).predict_proba(X)
        whole = [m for m in (first, second) if (m.predict_proba(X) == found).all()]
        print(f"{step}: {'first' if whole == [first] else 'second'}")
        second.save(place)  # and the next save is as good as any
        assert not folder._aside(place).exists()
        after = ExpNameClassifier.load(place, track=False).predict_proba(X)
        assert (after == second.predict_proba(X)).all()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
