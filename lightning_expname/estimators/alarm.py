"""The alarm at the end of a training, test or prediction of the ML side."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ..errors import EstimatorError
from .tracked import TrackedRun


class Alarm:
    """What an alert will say of a run; silent where nobody asked for alerts."""

    def __init__(self, watched: Any, run: TrackedRun) -> None:
        self._watched, self._run = watched, run

    def knows_run(self) -> None:
        """The run's page, record and W&B run: the alert goes through it, a kill is noted in it."""
        if self._watched is not None:
            record, experiment = self._run.record, self._run.experiment
            path = None if record.path is None else str(record.path)
            self._watched.update(url=record.url, record=path, experiment=experiment)

    def knows_result(self) -> None:
        """The score, and where the model lies."""
        record = self._run.record
        if self._watched is not None:
            saved = record.best and record.path and str(record.root / record.best)
            self._watched.update(score=record.score, monitor=record.monitor, checkpoint=saved)


def check_alerts(alerts: Any) -> None:
    """Before anything is trained.

    Raises:
        EstimatorError: not an `Alerts`, nor None.
    """
    if alerts is not None and not hasattr(alerts, "watch"):
        raise EstimatorError(
            f"alerts is {alerts!r:.80}; give an ExpNameAlerts, or a lightning_expname.alerts.Alerts"
        )


@contextlib.contextmanager
def alarm(alerts: Any, run: TrackedRun) -> Iterator[Alarm]:
    """Alerts of how the block ends; `alerts` is an `ExpNameAlerts` or `Alerts`, or None."""
    if alerts is None:
        yield Alarm(None, run)
        return
    record = run.record
    with alerts.watch(
        run.mode,
        run=record.run,
        project=record.project,
        model=record.model,
        dataset=record.dataset,
    ) as watched:
        yield Alarm(watched, run)
