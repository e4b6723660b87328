"""`tune`: one study, on one device, on all of them, or on many machines, by the same call."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from ..errors import TuneError
from ..observer import warn_once
from ..shells.flavour import LIGHTNING
from .best import TuneResult
from .budget import Reseed, default_sampler
from .channel import Channel, connect, leading, leave_no_orphan
from .follow import follow
from .isolate import end_after_one, given_worker, is_one_trials_process, run_isolated
from .lead import Leader, Objective, stopping_on_sigterm
from .outcome import NoTrialError, is_written, result_of, write_outcome
from .plan import Direction, Isolation, Plan, exceptions_of, logger_arguments
from .progress import Progress
from .space import Space
from .storage import Home, open_home
from .summary import summarise
from .tally import Tally

_DIGEST = "expname:digest"
_WRITTEN = "expname:plan"
_LOSSES = frozenset({"loss", "error", "mse", "rmse", "mae", "perplexity", "ppl"})


def tune(
    objective: Objective,
    *,
    n_trials: int,
    model: str,
    dataset: str,
    direction: Direction = "maximize",
    search_space: Mapping[str, Any] | None = None,
    fixed: Mapping[str, Any] | None = None,
    monitor: str | None = None,
    storage: Any = None,
    sampler: Any = None,
    pruner: Any = None,
    seed: int | None = None,
    study_name: str | None = None,
    features: str | None = None,
    isolate: Isolation = "none",
    root_dir: str | os.PathLike[str] = ".",
    logger: Mapping[str, Any] | bool | None = None,
    alerts: Any = None,
    catch: type[Exception] | Sequence[type[Exception]] = (),
    retries: int = 3,
    progress: bool = True,
    plots: bool = True,
    _flavour: str = LIGHTNING,
) -> TuneResult:
    """Finds good hyper-parameters with Optuna; every trial a named run, nothing lost.

    A collective: under `ddp`, torchrun or SLURM every rank calls it at the same place of the
    script, and it returns the same on all of them. A study that was interrupted is taken up by
    the same call, and the same call elsewhere adds a worker to it.

    Args:
        objective: takes a trial and returns a number. It builds module and Trainer from
            `trial.params` or `trial.suggest_int(...)`, and gives the Trainer
            `logger=trial.logger()` and `callbacks=trial.callbacks()`.
        n_trials: how many trials the study has, of all workers and all calls together.
        model, dataset: their names: of the W&B project and of the folders.
        direction: what is good.
        search_space: what to try: `{"n_heads": [4, 8], "lr": {"low": 1e-5, "high": 1e-2, "log":
            True}}`; None when the objective suggests for itself.
        fixed: parameters of every trial; they are among the best parameters too.
        monitor: the logged metric by which the pruner stops a trial, at each validation.
        storage: None for a Journal beside the results; `"memory"`; a path; a database's URL; a
            storage of Optuna.
        sampler, pruner: of Optuna; TPE and the median pruner when None.
        seed: of the sampler, when `sampler` is None.
        study_name: `{model}-{dataset}` when None; W&B's group.
        features: of tabular data: a folder below the dataset.
        isolate: `"process"` runs each trial in a process of its own.
        root_dir: where `hparams/` and `checkpoints/` go.
        logger: arguments for each trial's ExpNameLogger (`{"offline": True}`); False: no runs.
        alerts: an `ExpNameAlerts`: one message at the end or at a failure, none per trial.
        catch: exceptions of the objective that fail a trial, and not the study. A trial that
            returns NaN or an infinity does so always.
        retries: how often the trial of a killed worker is tried again.
        progress: shows a bar on a terminal.
        plots: draws history, importances and parallel coordinates beside the results, with what
            is installed of matplotlib (PNG) and plotly (HTML).

    Returns:
        The best parameters, value and trial; `study` on rank 0.

    Raises:
        TuneError: an argument is not usable, the study was made with another search space, or no
            trial was completed.

    Example:
        >>> result = tune(
        ...     objective, n_trials=20, model="Net", dataset="Digits", monitor="val_acc",
        ...     search_space={"depth": [2, 4], "lr": {"low": 1e-4, "high": 1e-1, "log": True}},
        ... )
        >>> Net(**result.best_params)
    """
    if not callable(objective):
        raise TuneError(f"objective is a {type(objective).__name__}; give a function of a trial")
    plan = Plan(
        study=study_name or "-".join(map(str, filter(None, (model, dataset, features)))),
        model=model,
        dataset=dataset,
        features=features,
        n_trials=n_trials,
        direction=direction,
        space=None if search_space is None else Space.parse(search_space),
        fixed=fixed or {},
        monitor=monitor,
        seed=seed,
        root=Path(root_dir).absolute(),  # an objective may change the directory
        logger=logger_arguments(logger),
        catch=exceptions_of(catch),
        retries=retries,
        isolate=isolate,
        plots=plots,
        flavour=_flavour,
        has_pruner=pruner is not None and type(pruner).__name__ != "NopPruner",
    )
    require_optuna()
    check_parts(sampler, pruner)
    warn_of_direction(plan)
    channel = connect()
    if not channel.is_leader:
        return follow(objective, plan, channel)

    def lead() -> TuneResult:
        return _lead(objective, plan, channel, storage, sampler, pruner, progress)

    if given_worker(plan) is not None:
        _run_given_trial(lead, channel)
    with leading(channel, "result"), _watched(alerts, plan):
        result = lead()
        channel.publish("result", result.to_json())
    return result


def require_optuna() -> None:
    """Says what to install when Optuna is missing."""
    try:
        import optuna  # noqa: F401
    except ImportError as error:
        raise TuneError(
            "tune() needs Optuna, which is not installed: pip install lightning-expname[tune]"
        ) from error


def check_parts(sampler: Any, pruner: Any) -> None:
    """Refuses what Optuna would stumble over in the middle of a trial.

    Raises:
        TuneError: one is not Optuna's.
    """
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

    parts: tuple[tuple[str, Any, type], ...] = (
        ("sampler", sampler, BaseSampler),
        ("pruner", pruner, BasePruner),
    )
    for name, given, kind in parts:
        if given is None or isinstance(given, kind):
            continue
        if isinstance(given, type):
            raise TuneError(f"{name} is the class {given.__name__}; call it: {given.__name__}()")
        raise TuneError(
            f"{name} is a {type(given).__name__}; give one of optuna.{name}s, or leave it out"
        )


def warn_of_direction(plan: Plan) -> None:
    """A loss that is maximised finds the worst parameters, and looks like a study."""
    monitor = (plan.monitor or "").lower()
    parts = re.split(r"[^a-z0-9]+", monitor)
    if plan.direction == "maximize" and not _LOSSES.isdisjoint(parts) and parts[0] != "neg":
        warn_once(
            f"tune(monitor={plan.monitor!r}) is maximised, and its name says that less is better;"
            " if so, give direction='minimize'"
        )


def _lead(
    objective: Objective,
    plan: Plan,
    channel: Channel,
    storage: Any,
    sampler: Any,
    pruner: Any,
    progress: bool,
) -> TuneResult:
    home = open_home(storage, plan)
    study = open_study(plan, home, sampler, pruner)
    tally = Tally(study, plan.direction)
    leader = Leader(objective, plan, channel, tally, home)
    only = given_worker(plan)
    with (
        stopping_on_sigterm(),
        Progress(tally, plan, shown=progress and not is_one_trials_process()) as bar,
    ):
        if plan.isolate == "process" and only is None:
            run_isolated(tally, plan, home, bar)
        else:
            leader.run(_reseed(plan, sampler), bar, only)
    result = result_of(tally.read(), plan)
    if only is None:
        if not is_written(result, plan):  # no trial was needed, which would have written it
            write_outcome(tally, plan, home)
        summarise(result, plan, home)
    return result


def _run_given_trial(run: Callable[[], TuneResult], channel: Channel) -> NoReturn:
    """In a process of one trial: runs it, tells its ranks that it is over, and ends."""
    leave_no_orphan()
    error: Exception | None = None
    try:
        run()
    except NoTrialError:
        pass  # none is complete yet; the process that counts them says so at the end
    except Exception as failure:
        error = failure
    channel.publish("result", {"error": "over"})
    end_after_one(error)


def open_study(plan: Plan, home: Home, sampler: Any, pruner: Any) -> Any:
    """Creates the study, or takes it up.

    Raises:
        TuneError: it was made with another direction, search space or fixed parameters.
    """
    import optuna

    with home.turn():
        study = optuna.create_study(
            study_name=plan.study,
            storage=home.storage,
            sampler=sampler or default_sampler(plan.seed),
            pruner=pruner,
            direction=plan.direction,
            load_if_exists=True,
        )
        digest = study.user_attrs.get(_DIGEST)
        if digest is None:
            study.set_user_attr(_WRITTEN, _written(plan))
            study.set_user_attr(_DIGEST, plan.digest)
        elif digest != plan.digest:
            raise TuneError(
                f"study {plan.study!r} in {home.text} was made with"
                f" {study.user_attrs.get(_WRITTEN)}, and now you ask for {_written(plan)}; its"
                " trials would not be comparable. Give another study_name="
            )
    return study


def _written(plan: Plan) -> dict[str, Any]:
    space = plan.space.to_json() if plan.space else None
    return {"direction": plan.direction, "search_space": space, "fixed": dict(plan.fixed)}


def _reseed(plan: Plan, sampler: Any) -> Reseed:
    """Random numbers that depend on the trial: workers of one seed, or resumed, do not repeat."""
    seed = plan.seed

    def reseed(study: Any, number: int) -> None:
        if seed is not None and sampler is None:
            study.sampler = default_sampler(seed * 1_000_003 + number)

    return reseed


@contextlib.contextmanager
def _watched(alerts: Any, plan: Plan) -> Iterator[None]:
    """One message at the end of the study, or at its failure."""
    if alerts is None or is_one_trials_process():
        yield
        return
    with alerts.watch("tune", model=plan.model, dataset=plan.dataset, run=plan.study):
        yield
