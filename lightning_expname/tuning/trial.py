"""`SyncTrial`: one trial as the objective sees it, the same on every rank."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import TuneError
from ..shells.flavour import LIGHTNING, PYTORCH_LIGHTNING, classes_of
from .channel import Channel
from .plan import Plan
from .runs import own_run
from .space import plain
from .spoken import trial_name

if TYPE_CHECKING:
    from lightning.pytorch import Callback

    from ..logger import ExpNameLogger


_PRUNING: Final = {
    LIGHTNING: "lightning_expname.tuning.lightning_pruning",
    PYTORCH_LIGHTNING: "lightning_expname.pytorch_lightning",
}
"""Where each flavour's `TrialPruning` is; imported late, with the flavour."""


@dataclass(frozen=True)
class Report:
    """What the pruning callback noted at one validation; `pruned`: and it asked to stop."""

    step: int
    value: float
    pruned: bool


class SyncTrial:
    """What an objective is given: `suggest_*`, `params`, `logger()`, `callbacks()`.

    On rank 0 it asks Optuna; on the other ranks it waits for what rank 0 was told. An objective
    must therefore suggest the same names on all ranks, and before `fit`.

    Attributes:
        number: of the trial, from 0.

    Example:
        >>> def objective(trial):
        ...     net = Net(depth=trial.suggest_int("depth", 1, 4))
        ...     trainer = Trainer(logger=trial.logger(), callbacks=trial.callbacks())
        ...     trainer.fit(LitNet(net), train_loader, val_loader)
        ...     return trainer.callback_metrics["val_acc"].item()
    """

    def __init__(
        self,
        plan: Plan,
        channel: Channel | None,
        sequence: int,
        number: int,
        *,
        asks: Any = None,
        notes: Path | None = None,
    ) -> None:
        self.number = number
        self.plan = plan
        self._channel = channel
        self._sequence = sequence
        self._asks = asks  # Optuna's own trial, on rank 0
        self._notes = notes  # the file in which the training process reports, maybe another one
        self._suggested: dict[str, Any] = {}
        self._pid = os.getpid()
        self._loggers: list[ExpNameLogger] = []
        self._watches = False

    @property
    def params(self) -> dict[str, Any]:
        """The fixed parameters and those suggested so far; nested as the declared space is."""
        return self.plan.compose(self._suggested)

    @property
    def suggested(self) -> dict[str, Any]:
        """What was suggested so far, by its dotted name."""
        return dict(self._suggested)

    @property
    def name(self) -> str:
        """The W&B run's name: `trial007-n_heads8-act.gelu`."""
        return trial_name(self.number, self._suggested)

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """A float from `low` to `high`, as Optuna's own method."""
        found: float = self._suggest("float", name, low, high, step=step, log=log)
        return found

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """An int from `low` to `high`, both included, as Optuna's own method."""
        found: int = self._suggest("int", name, low, high, step=step, log=log)
        return found

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """One of the choices, as Optuna's own method."""
        plain = [one.item() if hasattr(one, "item") else one for one in choices]  # numpy's
        return self._suggest("categorical", name, plain)

    def _suggest(self, kind: str, name: str, *args: Any, **kwargs: Any) -> Any:
        self.plan.compose({name: None})  # raises when the name is fixed
        if self._asks is None:
            value = self._receive(f"p/{name}")
        else:
            value = getattr(self._asks, f"suggest_{kind}")(name, *args, **kwargs)
            value = value.item() if hasattr(value, "item") else value
            self._publish(f"p/{name}", value)
        self._suggested[name] = value
        return value

    def report(self, value: float, step: int) -> None:
        """Tells the pruner an intermediate value, where no Lightning callback does it."""
        if self._asks is not None:
            self._asks.report(float(value), step)

    def should_prune(self) -> bool:
        """Whether the trial is not worth going on, told to all ranks; then raise TrialPruned."""
        self._asked = getattr(self, "_asked", 0) + 1
        if self._asks is None:
            return bool(self._receive(f"prune/{self._asked}"))
        answer = bool(self._asks.should_prune())
        self._publish(f"prune/{self._asked}", answer)
        return answer

    def set_user_attr(self, key: str, value: Any) -> None:
        """Keeps a value of JSON with the trial, as Optuna's own method; rank 0's counts.

        Raises:
            TuneError: JSON cannot hold it.
        """
        kept = plain(f"set_user_attr({key!r})", value)
        if self._asks is not None:
            self._asks.set_user_attr(key, kept)

    def logger(self, **overrides: Any) -> ExpNameLogger | bool:
        """This trial's own logger: a W&B run in the study's group, named after the trial.

        Call it when all parameters are suggested: the int and categorical ones are its name.

        Args:
            **overrides: further arguments of `ExpNameLogger`.

        Returns:
            The logger; False, which a Trainer takes too, under `tune(logger=False)`.
        """
        self._together("logger")
        if self.plan.logger is None:
            return False
        options: dict[str, Any] = {
            "model": self.plan.model,
            "dataset": self.plan.dataset,
            "root_dir": self.plan.root,
            "group": self.plan.study,
            "job_type": "tune",
            "name": self.name,
            "resume": "never",
            **self.plan.logger,
            **overrides,
        }
        options["wandb_kwargs"] = {**own_run(), **(options.get("wandb_kwargs") or {})}
        logger: ExpNameLogger = classes_of(self.plan.flavour).ExpNameLogger(**options)
        logger.log_hyperparams({"trial": self.to_json()})
        self._loggers.append(logger)
        return logger

    def callbacks(self) -> list[Callback]:
        """The callback that prunes; none without `tune(monitor=...)`."""
        self._together("callbacks")
        if self.plan.monitor is None:
            return []
        self._watches = True
        module = import_module(_PRUNING[self.plan.flavour])
        return [module.TrialPruning(self, self.plan.monitor)]

    def to_json(self) -> dict[str, Any]:
        """The section `trial` of the run's config."""
        said = {"study": self.plan.study, "number": self.number, "params": self.params}
        return {**said, "direction": self.plan.direction, "monitor": self.plan.monitor}

    def _together(self, what: str) -> None:
        """Followers go on only when the leader was here too: it may have failed before."""
        self._asked_for = getattr(self, "_asked_for", 0) + 1
        if self._asks is None:
            self._receive(f"{what}/{self._asked_for}")
        else:
            self._publish(f"{what}/{self._asked_for}", True)

    def _publish(self, key: str, value: Any) -> None:
        if self._channel is not None:
            self._channel.publish(f"{self._sequence}/{key}", value)

    def _receive(self, key: str) -> Any:
        if self._channel is None:
            raise TuneError("suggest parameters before fit: its spawned processes cannot ask")
        trial = str(self._sequence)
        return self._channel.receive(f"{trial}/{key}", unless=f"{trial}/end")

    @property
    def loggers(self) -> list[ExpNameLogger]:
        """The loggers that the objective asked for."""
        return list(self._loggers)

    @property
    def is_elsewhere(self) -> bool:
        """Whether this is a copy in a process that a launcher spawned or forked."""
        return os.getpid() != self._pid

    def decide(self, value: float, step: int) -> bool:
        """Reports a validation and asks the pruner; on rank 0 of the training only."""
        if self._asks is None:
            return False
        if self.is_elsewhere:
            _renew_connections(self._asks)
        self._asks.report(value, step)
        pruned = bool(self._asks.should_prune())
        self.note({"step": step, "value": value, "pruned": pruned})
        return pruned

    def note(self, row: dict[str, Any]) -> None:
        """Leaves a line for the leader, which may be another process."""
        if self._notes is not None:
            with self._notes.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")

    def noted(self) -> list[dict[str, Any]]:
        """The lines that the training process left."""
        if self._notes is None or not self._notes.is_file():
            return []
        text = self._notes.read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    @property
    def reports(self) -> list[Report]:
        """What the pruning callback saw."""
        return [Report(**row) for row in self.noted() if "step" in row]

    @property
    def watches_in_vain(self) -> bool:
        """Whether `monitor` was given and nothing ever reported it."""
        return self.plan.monitor is not None and not self._watches

    def __getstate__(self) -> dict[str, Any]:
        """Goes to spawned processes inside the callback; they cannot use the channel."""
        return {**self.__dict__, "_channel": None, "_loggers": []}


def _renew_connections(asks: Any) -> None:
    """A forked process must not speak through its parent's database connections."""
    engine = getattr(getattr(asks.study, "_storage", None), "engine", None)
    backend = getattr(getattr(asks.study, "_storage", None), "_backend", None)
    engine = engine or getattr(backend, "engine", None)
    if engine is not None and getattr(asks, "_expname_pid", None) != os.getpid():
        engine.dispose(close=False)  # SQLAlchemy: "Using Connection Pools with Multiprocessing"
        asks._expname_pid = os.getpid()
