"""Alerts for Lightning's trainings, whichever flavour: the hooks, without its base class."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from ..observer import observed, warn_once
from ..records import RunRecord
from .calls import calls_under_way, is_launchers_own, is_of_teardown, is_search
from .center import Alerts
from .outcome import outcome_of
from .ranks import Place, process_start, share_of
from .scopes import Scope

_MODES: Final = {"fit": "train"}
_UPDATE_SECONDS: Final = 2.0
_UNTOLD: Final = (
    "an error of which this callback was not told: another's on_exception failed before, or the"
    " Trainer's callbacks were replaced"
)


@dataclass
class _Mode:
    """What one Trainer is at, from its set-up to its end; threads may each have one of their own.

    Attributes:
        trainer: whose it is.
        scope: what the alarm knows of it.
        thread: the one that it runs in.
        works: whether it has come to its first step; it may have none to take.
        updated: when the watchdog was told last, as `time.monotonic` counts.
        curve: points (epoch, value) of the monitored metric.
        within: calls of the same Trainer that are under way within this one.
    """

    trainer: weakref.ref[Any]
    scope: Scope
    thread: int
    works: bool = False
    updated: float = 0.0
    curve: list[tuple[float, float]] = field(default_factory=list)
    within: int = 0

    @property
    def is_due(self) -> bool:
        """Whether the watchdog was told long enough ago."""
        return time.monotonic() - self.updated >= _UPDATE_SECONDS


class TrainingAlerts(Alerts):
    """`Alerts` with the hooks of a Lightning callback; `ExpNameAlerts` adds the base class."""

    _passing = Alerts._passing | {"_modes", "_finished", "_module_log", "log_dict"}

    def _renew(self) -> None:
        super()._renew()
        self._modes: list[_Mode] = []
        self._finished: weakref.WeakKeyDictionary[Any, float] = weakref.WeakKeyDictionary()
        self._rest()

    def _mode(self, trainer: Any) -> _Mode | None:
        """What this Trainer is at; None for one of which nothing is told."""
        return next((one for one in [*self._modes] if one.trainer() is trainer), None)

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
        if (mode := self._mode(trainer)) is not None:
            self._settle(mode.scope, int(trainer.global_rank))

    def _settle(self, scope: Scope, rank: int) -> None:
        """A process that `ddp_spawn` or `ddp_fork` started knows its rank from here on."""
        if scope.place.rank != rank:
            scope.place = dataclasses.replace(scope.place, rank=rank)
            self.update(scope, rank=rank)

    def _open(self, trainer: Any, module: Any, *, place: Place | None = None, **facts: Any) -> None:
        """A training within a training, in the same thread, is not told of: the outer one runs."""
        self._enter_process()
        thread = threading.get_ident()
        if trainer.fast_dev_run or trainer.state.fn is None or self._mode(trainer) is not None:
            return
        if any(one.thread == thread for one in [*self._modes]) or self._is_told_already(trainer):
            return
        mode = _mode_of(trainer)
        place = place or _place_of(trainer, mode, self._nth, self._audience)
        scope = self.begin(mode, place=place, starts=False, model=_model_of(module), **facts)
        if scope is not None:  # it could not begin, and has said so
            self._modes.append(_Mode(weakref.ref(trainer), scope, thread))

    def _leave_behind(self, trainer: Any) -> None:
        """What is open still when another mode begins, though its Trainer is at it no longer."""
        thread = threading.get_ident()
        for mode in [*self._modes]:
            its = mode.trainer()
            if its is trainer and calls_under_way(its) > 1:
                mode.within += 1
            elif its in (trainer, None) or (mode.thread == thread and not calls_under_way(its)):
                self._modes.remove(mode)
                self.update(mode.scope, reason=_UNTOLD)
                self.end(mode.scope, "failed")

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
        mode = self._mode(trainer)
        if mode is None or mode.works:
            return
        mode.works = True
        self._note(mode, trainer, module)
        self.started(mode.scope)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002  # a hook
        """The curve has one more point; the checkpoint of it is saved after this."""
        self._add_point(trainer)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002  # a hook
        """The curve has one more point; the checkpoint of it is saved after this."""
        self._add_point(trainer)

    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: Any) -> None:  # noqa: ARG002
        """A checkpoint is about to be written."""
        if self._mode(trainer) is not None:
            self._wake()

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """What a kill would say is newer."""
        self._catch_up(trainer, pl_module)

    def on_train_batch_start(self, trainer: Any, pl_module: Any, *given: Any) -> None:  # noqa: ARG002
        """What a kill would say is newer; Lightning passes over this while there is nothing new."""
        self._catch_up(trainer, pl_module)

    @observed
    def _add_point(self, trainer: Any) -> None:
        """The monitored metric after this epoch; a later value of the same epoch replaces it."""
        mode = self._mode(trainer)
        if mode is None or trainer.sanity_checking:
            return
        self._wake()
        monitor = getattr(trainer.checkpoint_callback, "monitor", None)
        value = trainer.callback_metrics.get(monitor) if monitor else None
        if value is None:
            return
        epoch = float(trainer.current_epoch)
        if mode.curve and mode.curve[-1][0] == epoch:
            mode.curve.pop()
        mode.curve.append((epoch, float(value)))

    @observed
    def _catch_up(self, trainer: Any, module: Any) -> None:
        """Tells the watchdog what is new: what checkpoint callbacks saved after our last hook.

        Lightning has them come last.
        """
        mode = self._mode(trainer)
        if mode is not None and mode.is_due:
            self._note(mode, trainer, module)
            self._rest()

    def _wake(self) -> None:
        """Something is new, and the next batch is to tell it."""
        if self._owns_batch_hook:
            vars(self).pop("on_train_batch_start", None)

    def _rest(self) -> None:
        """Lightning passes over a hook that cannot be called, see `rest_idle_hooks`."""
        if self._owns_batch_hook:
            vars(self)["on_train_batch_start"] = None

    @property
    def _owns_batch_hook(self) -> bool:
        """Whether it is not a subclass's own, which is called at every batch."""
        return type(self).on_train_batch_start is TrainingAlerts.on_train_batch_start

    def _note(self, mode: _Mode, trainer: Any, module: Any, **more: Any) -> None:
        mode.updated = time.monotonic()
        record = _record_of(trainer)
        facts = {**_facts_of(trainer, record), **more}
        if record is None:
            facts["model"] = _model_of(module)
        if record is not None and mode.scope.message.within is None:
            mode.scope.thread = record.id
        writes = record is not None and record.path is not None and trainer.is_global_zero
        path = str(record.path) if record is not None and writes else None
        self.update(mode.scope, record=path, experiment=_experiment_of(trainer), **facts)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """A bad end, or an interrupted one; also before anything was set up."""
        self._finish(trainer, pl_module, exception)

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:  # noqa: ARG002  # a hook
        """A good end; of the search for a rate or a batch size, nothing is told."""
        self._finish(trainer, pl_module, None)

    @observed
    def _finish(self, trainer: Any, module: Any, exception: BaseException | None) -> None:
        if exception is not None and self._mode(trainer) is None:
            self._open_late(trainer, module, exception)
        mode = self._mode(trainer)
        if mode is None:
            return
        if mode.within:  # the end of a call within it
            mode.within -= 1
            return
        with contextlib.suppress(Exception):  # half set up, there is little to note
            self._note(mode, trainer, module, curve=tuple(mode.curve))
        self._modes.remove(mode)
        self._end_of(mode, trainer, exception)

    def _open_late(self, trainer: Any, module: Any, exception: BaseException) -> None:
        """Of a mode that failed before it was set up, or after it was told of."""
        began = self._finished.pop(trainer, None) if is_of_teardown(exception) else None
        place = Place() if is_launchers_own(trainer, exception) else None
        self._open(trainer, module, place=place, began=began)

    def _end_of(self, mode: _Mode, trainer: Any, exception: BaseException | None) -> None:
        if exception is not None:
            self.end(mode.scope, outcome_of(exception), exception, once=True)
        elif not mode.works and is_search():
            self.drop(mode.scope)
        else:
            self._finished[trainer] = mode.scope.message.began or time.time()
            self.end(mode.scope, "finished")


def _experiment_of(trainer: Any) -> Any | None:
    """The trainer's own W&B run, which `wandb.run` may not be."""
    loggers = trainer.loggers if trainer.is_global_zero else []
    runs = [getattr(one, "_experiment", None) for one in loggers]
    return next((run for run in runs if hasattr(run, "alert")), None)


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
