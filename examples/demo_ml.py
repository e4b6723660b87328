"""Boosters and a pipeline that name themselves, tested, found and loaded again.

Trains on scikit-learn's bundled data, W&B offline: two equal trainings (the second becomes `-r2`),
one on chosen features, a pipeline; then a test whose run is linked to its training, and the way
back from a record to the model.

    python examples/demo_ml.py [--root DIRECTORY]
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import numpy as np
from lightgbm import LGBMClassifier
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lightning_expname import ExpNameClassifier, RunRecord
from lightning_expname.records import read_record

CHOSEN = ["worst area", "worst concave points", "mean texture"]


def train(estimator: Any, data: Any, X: Any, y: Any, root: Path, features: Any = None) -> RunRecord:
    """One training of five folds; all that names it is what it is given."""
    model = ExpNameClassifier(
        estimator,
        dataset=data,
        features=features,
        early_stopping=20 if isinstance(estimator, LGBMClassifier) else None,
        random_state=0,
        root_dir=root,
        offline=True,
    )
    record: RunRecord = model.fit(X, y).record_
    return record


def show(records: list[RunRecord]) -> None:
    """What W&B shows, and where the models lie."""
    table = Table("W&B project", "W&B run", "accuracy", "saved model")
    for record in records:
        table.add_row(record.project, record.run, f"{record.score:.4f}", f"{record.best}/")
    Console(width=170).print(table)


def main() -> None:
    """Trains, tests, finds, loads."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path("demo_ml_runs"), help="where files go")
    root: Path = parser.parse_args().root
    os.environ.setdefault("WANDB_SILENT", "true")
    data = load_breast_cancer(as_frame=True)
    X, X_test, y, y_test = train_test_split(data.data, data.target, random_state=0)
    booster = LGBMClassifier(n_estimators=200, verbose=-1)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    records = [
        train(booster, data, X, y, root),
        train(booster, data, X, y, root),
        train(booster, data, X, y, root, CHOSEN),
        train(pipeline, data, X, y, root),
    ]
    show(records)
    found = [read_record(path) for path in sorted((root / "save_model").rglob("num_folds*.json"))]
    best = max((one for one in found if one.kind == "ml"), key=lambda one: one.score or 0.0)
    model = best.load(ExpNameClassifier)
    print(f"best run         {best.run} of {best.project}")
    print(f"its model        {best.checkpoint('best')}")
    print(f"test accuracy    {model.score(X_test, y_test):.4f}")
    again = ExpNameClassifier.load(best.path, track=False)
    assert np.array_equal(again.predict_proba(X_test), model.predict_proba(X_test))


if __name__ == "__main__":
    main()
