"""What a tracked estimator does beside learning: its training's run, and those of its tests."""

from __future__ import annotations

import contextlib
import sys
import threading
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..facts import Facts
from ..introspect.dataset import UNKNOWN
from ..observer import observed, warn_once
from ..records import RunRecord
from ..records.record import Status
from .alarm import alarm, check_alerts
from .charts import log_artifact, log_results
from .data_names import dataset_name
from .describing import describe_data, describe_training, environment
from .families import family_of
from .problem import Problem
from .reports import append_report
from .scoring import describe as describe_metrics
from .splitting import describe as describe_splits
from .tracked import Options, TrackedRun

_MAX_CLASSES: Final = 100


class Training:
    """The run of one `fit`: the wrapper shows its names and its record from the start."""

    def __init__(self, run: TrackedRun) -> None:
        self.run = run
        self._model: Any = None

    def follows(self, model: Any) -> None:
        """Gives the wrapper its names and, whenever it changes, its record."""
        self._model = model
        model.names_, model.record_ = self.run.names, self.run.record

    @observed
    def tell_trial(self) -> None:
        """Tells a study's trial of its run, and the run of its trial."""
        follow = getattr(self._model, "_follow", None)
        if follow is not None:
            record = self.run.record
            self.run.is_trial = True
            self.run.configure({"trial": follow.trial.to_json()})
            follow.started({"id": record.id, "run": record.run, "record": record.record})

    @observed
    def log_results(self) -> None:
        """What the folds say, to W&B, and what is known now to its config."""
        fitted = _last_step(self._model.estimators_[0])
        resolved = family_of(fitted).resolved(fitted)
        self.run.configure({"resolved": resolved} if resolved else {})
        log_results(self.run, self._model)

    @observed
    def saved(self) -> None:
        """Notes where the model lies now, and the score, on record, report and W&B's run."""
        model, results = self._model, self._model.results_
        self.run.record = model.record_
        score = float(results.metrics[results.main].mean())
        self.run.update(score=_told(score), monitor=results.main)
        folder = self.run.record.best
        if folder is not None:
            self.run.summarise({"checkpoint": folder})
        if folder is not None and model.log_model and self.run.experiment is not None:
            log_artifact(self.run, self.run.options.root / folder)
        _report(self.run, results.summary, len(results.out_of_fold))

    def end(self, status: Status) -> None:
        """How it ended."""
        self.run.end(status)
        if self._model is not None:
            self._model.record_ = self.run.record


class Session:
    """The runs of one fitted estimator in this process."""

    def __init__(self, options: Options, facts: Facts, alerts: Any) -> None:
        self.options, self.facts, self._alerts = options, facts, alerts
        self._trained: RunRecord | None = None
        self._runs: dict[str, TrackedRun] = {}
        self._lock = threading.RLock()

    @classmethod
    def of(cls, model: Any, X: Any, problem: Problem) -> Session:
        """For a training that is about to start.

        Raises:
            TemplateError: `policy` is not valid.
            EstimatorError: `alerts` are none.
        """
        options = Options.of(model)
        check_alerts(model.alerts)
        sections = {
            "data": describe_data(problem.X, problem.y, problem.classes),
            "cv": describe_splits(problem.splitter, problem.splits),
            "metrics": describe_metrics(problem.plan.metrics),
            "training": _training_parameters(model, problem),
        }
        facts = describe_training(
            estimator=model.estimator,
            model=model.model,
            dataset=_named_data(model.dataset, X),
            features=problem.features,
            num_folds=len(problem.splits),
            seed=problem.seed,
            sections=sections,
        )
        return cls(options, facts, model.alerts)

    @classmethod
    def of_loaded(cls, model: Any) -> Session:
        """For tests and predictions of a model that was trained before."""
        record = model.record_
        facts = Facts(
            model=record.model,
            dataset=record.dataset,
            fields={"features": model.features_.name, "num_folds": len(model.estimators_)},
            config={"environment": environment()},
        )
        session = cls(Options.of(model), facts, model.alerts)
        session._trained = record
        return session

    @contextlib.contextmanager
    def training(self) -> Iterator[Training]:
        """The training's run; how the block ends is how the run ended."""
        run = TrackedRun(self.options, self.facts, "train")
        training = Training(run)
        status: Status = "failed"
        try:
            with alarm(self._alerts, run) as alarmed:  # it goes out while W&B's run is open
                run.start(self.facts.config)
                alarmed.knows_run()
                yield training
                alarmed.knows_result()
            status = "finished"
        except BaseException as error:
            status = _status_of(error)
            raise
        finally:
            training.end(status)
            self._trained = run.record

    @contextlib.contextmanager
    def watching(self, mode: str) -> Iterator[None]:
        """A test or a prediction: the first one of this model starts its run, and alerts."""
        with self._lock:
            is_first = mode not in self._runs
            run = self._started(mode)
        try:
            with alarm(self._alerts if is_first else None, run) as alarmed:
                alarmed.knows_run()
                yield
                alarmed.knows_result()
        except BaseException as error:
            self._runs.pop(mode, None)
            run.end("interrupted" if isinstance(error, KeyboardInterrupt) else "failed")
            raise

    def _started(self, mode: str) -> TrackedRun:
        if mode not in self._runs:
            trained = self._trained
            ordinal = 1 if trained is None else trained.ordinal
            run = TrackedRun(self.options, self.facts, mode, ordinal)
            link = {} if trained is None else _link(trained)
            run.update(config={**run.record.config, **link})
            run.start({**self.facts.config, **link, "expname": link})
            self._runs[mode] = run
            # At the end of the process W&B finishes its runs itself, maybe before us.
            weakref.finalize(self, _close_all, self._runs).atexit = False
        return self._runs[mode]

    @observed
    def log_test(self, metrics: Mapping[str, float], rows: int) -> None:
        """Scores on a test set: a row of W&B's history, the record, the report."""
        with self._lock:
            run = self._runs["test"]
            named = {f"test_{name}": value for name, value in metrics.items()}
            run.log({**named, "rows": rows})
            run.summarise({**named, "rows": rows})
            main = next(iter(metrics))
            run.update(score=_told(metrics[main]), monitor=main, status="finished")
            _report(run, metrics, rows)

    @observed
    def log_prediction(self, predicted: NDArray[Any]) -> None:
        """That so many rows were predicted, and what."""
        with self._lock:
            run = self._runs["predict"]
            found = _distribution(predicted)
            run.log({"rows": len(predicted)})
            run.summarise({"rows": len(predicted), **found})
            run.update(status="finished")

    def close(self) -> None:
        """Finishes the runs of tests and predictions."""
        with self._lock:
            _close_all(self._runs)


def _told(score: float) -> float | None:
    return None if np.isnan(score) else score


def _status_of(error: BaseException) -> Status:
    """How a training that raised has ended; Optuna is loaded if it was what raised."""
    optuna = sys.modules.get("optuna")
    if optuna is not None and isinstance(error, optuna.TrialPruned):
        return "pruned"
    return "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"


def _distribution(predicted: NDArray[Any]) -> dict[str, Any]:
    """How often every class was predicted, or the mean of the values."""
    if predicted.dtype.kind == "f":
        return {"predicted_mean": float(predicted.mean())}
    values, counts = np.unique(predicted.astype(str), return_counts=True)
    often = np.argsort(-counts, kind="stable")[:_MAX_CLASSES]
    return {"predicted": {str(values[one]): int(counts[one]) for one in often}}


def _close_all(runs: dict[str, TrackedRun]) -> None:
    while runs:
        runs.popitem()[1].close()


def _link(trained: RunRecord) -> dict[str, Any]:
    return {"trained": {"id": trained.id, "run": trained.run, "record": trained.record}}


def _named_data(dataset: Any, X: Any) -> str:
    name = dataset_name(dataset, X)
    if name is None:
        warn_once(
            f"the data has no name of its own, so it is called {UNKNOWN!r}; pass dataset=..., or"
            " set X.attrs['dataset']",
            key="unnamed dataset",
        )
    return name or UNKNOWN


def _training_parameters(model: Any, problem: Problem) -> dict[str, Any]:
    given = problem.plan.fit
    return {
        "random_state": problem.seed,
        "early_stopping": model.early_stopping,
        "n_jobs": model.n_jobs,
        "importance": model.importance,
        "fit_arguments": sorted(given),
    }


def _last_step(estimator: Any) -> Any:
    return estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator


def _report(run: TrackedRun, metrics: Mapping[str, float], rows: int) -> None:
    try:
        append_report(Path(run.options.root), run.record, run.facts, metrics, rows)
    except OSError as error:
        warn_once(f"no line was added to result_reports: {error}", key="report")
