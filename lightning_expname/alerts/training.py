"""Alerts for Lightning's trainings, whichever flavour: the hooks, without its base class."""

from __future__ import annotations

import contextlib
import os
import time
import weakref
from collections.abc import Callable
from typing import Any, Final

from ..observer import observed, warn_once
from ..records import RunRecord
from .center import Alerts
from .outcome import outcome_of
from .ranks import Place, process_start, share_of
from .run_alert import open_run
from .scopes import Scope

_MODES: Final = {"fit": "train"}
_UPDATE_SECONDS: Final = 2.0
_HIDDEN_CAUSE: Final = "an error, which another callback's on_exception hid by its own"


class TrainingAlerts(Alerts):
    """`Alerts` with the hooks of a Lightning callback; `ExpNameAlerts` adds the base class."""

    _passing = Alerts._passing | {
        *("_scope", "_trainer", "_works", "_updated", "_curve", "_module_log")
    }

    def _renew(self) -> None:
        super()._renew()
        self._scope: Scope | None = None
        self._trainer: weakref.ref[Any] | None = None
        self._works = False
        self._updated = 0.0
        self._curve: list[tuple[float, float]] = []

    @property
    def log(self) -> Any:
        """The module's `log`, which Lightning gives to every callback.

        It does so before anything is set up (`_attach_model_logging_functions`, seen in 2.2 to
        2.6), and no hook comes earlier: a process that is killed while it loads its data must be
        told of as well. Should that change, `setup` begins.
        """
        return self.__dict__.get("_module_log")

    @log.setter
    def log(self, function: Any) -> None:
        self.__dict__["_module_log"] = function
        self._meet(function)

    @observed
    def _meet(self, log: Any) -> None:
        module: Any = getattr(log, "__self__", None)
        with contextlib.suppress(RuntimeError):  # a module without a trainer says so
            self._leave_behind(module.trainer)
            self._open(module.trainer, module)

    @observed
    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:  # noqa: ARG002  # a hook
        """A mode begins, in each of its processes."""
        self._open(trainer, pl_module)

    def _open(self, trainer: Any, module: Any) -> None:
        self._enter_process()
        if trainer.fast_dev_run or trainer.state.fn is None or self._scope is not None:
            return
        if self._is_told_already(trainer):
            return
        self._trainer = weakref.ref(trainer)
        self._works, self._curve = False, []
        mode = _mode_of(trainer)
        place = _place_of(trainer, mode, self._nth, self._audience)
        self._scope = self.begin(mode, place=place, starts=False, model=_model_of(module))

    def _leave_behind(self, trainer: Any) -> None:
        """What is open still when another mode begins: a hook of somebody else's kept its end.

        A training within a training is not told of: the outer one still runs.
        """
        before = self._trainer() if self._trainer is not None else None
        runs_on = getattr(getattr(before, "state", None), "status", None) == "running"
        if self._scope is not None and (before is trainer or not runs_on):
            scope, self._scope = self._scope, None
            self.update(scope, reason=_HIDDEN_CAUSE)
            self.end(scope, "failed")

    def _is_anothers(self, trainer: Any) -> bool:
        """Whether what is open belongs to another Trainer, within which this one runs."""
        owner = self._trainer() if self._trainer is not None else None
        return self._scope is not None and owner is not trainer

    def _is_told_already(self, trainer: Any) -> bool:
        """Whether an earlier callback tells the same people of the same ends."""
        for one in trainer.callbacks:
            if one is self or self._senders:
                return False
            is_same = isinstance(one, TrainingAlerts) and one._slack == self._slack
            if is_same and set(self._events) <= set(one._events):
                warn_once("two ExpNameAlerts of one Trainer tell the same; the second is silent")
                return True
        return False

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Everything that names the run is known."""
        self._start(trainer, pl_module)

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        """A validation of its own is a mode; the one within a training, or the check, is not."""
        if trainer.state.fn == "validate":
            self._start(trainer, pl_module)

    def on_test_start(self, trainer: Any, pl_module: Any) -> None:
        """Everything that names the run is known."""
        self._start(trainer, pl_module)

    def on_predict_start(self, trainer: Any, pl_module: Any) -> None:
        """Everything that names the run is known."""
        self._start(trainer, pl_module)

    @observed
    def _start(self, trainer: Any, module: Any) -> None:
        if self._scope is None or self._works or self._is_anothers(trainer):
            return
        self._works = True
        self._note(trainer, module)
        self.started(self._scope)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """The curve has one more point, and what a kill would say is newer."""
        self._follow(trainer, pl_module)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """What a kill would say is newer."""
        self._follow(trainer, pl_module)

    @observed
    def _follow(self, trainer: Any, module: Any) -> None:
        if self._scope is None or trainer.sanity_checking or self._is_anothers(trainer):
            return
        self._add_point(trainer)
        if time.monotonic() - self._updated >= _UPDATE_SECONDS:
            self._note(trainer, module)

    def _add_point(self, trainer: Any) -> None:
        """The monitored metric after this epoch; a later value of the same epoch replaces it."""
        monitor = getattr(trainer.checkpoint_callback, "monitor", None)
        value = trainer.callback_metrics.get(monitor) if monitor else None
        if value is None:
            return
        epoch = float(trainer.current_epoch)
        if self._curve and self._curve[-1][0] == epoch:
            self._curve.pop()
        self._curve.append((epoch, float(value)))

    def _note(self, trainer: Any, module: Any, **more: Any) -> None:
        assert self._scope is not None
        self._updated = time.monotonic()
        record = _record_of(trainer)
        facts = {**_facts_of(trainer, record), **more}
        if record is None:
            facts["model"] = _model_of(module)
        if record is not None and self._scope.message.within is None:
            self._scope.thread = record.id
        writes = record is not None and record.path is not None and trainer.is_global_zero
        path = str(record.path) if record is not None and writes else None
        self.update(self._scope, record=path, **facts)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """A bad end, or an interrupted one; also before anything was set up."""
        self._finish(trainer, pl_module, exception)

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:  # noqa: ARG002  # a hook
        """A good end; of a mode that did no work (the search for a rate), nothing is told."""
        self._finish(trainer, pl_module, None)

    @observed
    def _finish(self, trainer: Any, module: Any, exception: BaseException | None) -> None:
        if exception is not None and self._scope is None:
            self._open(trainer, module)
        if self._scope is None or self._is_anothers(trainer):
            return
        with contextlib.suppress(Exception):  # half set up, there is little to note
            self._note(trainer, module, curve=tuple(self._curve))
        scope, self._scope = self._scope, None
        if exception is not None:
            self.end(scope, outcome_of(exception), exception)
        elif self._works:
            self.end(scope, "finished")
        else:
            self.drop(scope)

    def _run(self) -> Any | None:
        """The trainer's own W&B run, which `wandb.run` may not be."""
        trainer = self._trainer() if self._trainer is not None else None
        loggers = trainer.loggers if trainer is not None and trainer.is_global_zero else []
        runs = [getattr(one, "_experiment", None) for one in loggers]
        return next((run for run in runs if hasattr(run, "alert")), None) or open_run()


def _mode_of(trainer: Any) -> str:
    name = str(getattr(trainer.state.fn, "value", trainer.state.fn))
    return _MODES.get(name, name)


def _place_of(trainer: Any, mode: str, nth: Callable[[str], int], told: str) -> Place:
    """Its own claims for each launch; several machines meet in the training's directory.

    The first rank may test alone, after all have trained: that counts for nobody.
    """
    world = int(trainer.world_size)
    if world <= 1:
        return Place()
    several = int(getattr(trainer, "num_nodes", 1)) > 1
    folder = os.path.join(trainer.default_root_dir, ".expname", "alerts") if several else None
    share = share_of(mode, nth(mode), os.environ, told=told)
    return Place(int(trainer.global_rank), world, share, process_start(), folder)


def _record_of(trainer: Any) -> RunRecord | None:
    records = (getattr(logger, "record", None) for logger in trainer.loggers)
    return next((one for one in records if isinstance(one, RunRecord)), None)


def _model_of(module: Any) -> str | None:
    with contextlib.suppress(Exception):
        from ..introspect.hparams import describe_module

        return describe_module(module).model
    return type(module).__name__ if module is not None else None


def _facts_of(trainer: Any, record: RunRecord | None) -> dict[str, Any]:
    """What the run and the checkpoints say; only what is known."""
    facts: dict[str, Any] = _checkpoint_facts(trainer.checkpoint_callback)
    if record is not None:
        names = ("run", "project", "model", "dataset", "url")
        facts |= {name: getattr(record, name) for name in names}
        if facts.get("score") is None:
            facts |= {"score": record.score, "monitor": record.monitor}
    else:
        facts |= {"url": _url_of(trainer)}
    return {name: value for name, value in facts.items() if value is not None}


def _checkpoint_facts(checkpoint: Any) -> dict[str, Any]:
    if checkpoint is None:
        return {}
    score = getattr(checkpoint, "best_model_score", None)
    paths = [getattr(checkpoint, f"{which}_model_path", "") for which in ("best", "last")]
    return {
        "score": None if score is None else float(score),
        "monitor": getattr(checkpoint, "monitor", None),
        "checkpoint": next((str(path) for path in paths if path), None),
    }


def _url_of(trainer: Any) -> str | None:
    runs = [getattr(logger, "_experiment", None) for logger in trainer.loggers]
    urls = [getattr(run, "url", None) for run in runs]
    return next((url for url in urls if isinstance(url, str) and url), None)
