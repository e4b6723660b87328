"""The study's own run: one in W&B's group beside those of its trials, written once at the end."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

from ..facts import Facts
from ..naming import NamePolicy, Speech, derive_names
from ..observer import observed
from ..redaction import redact
from ..wandb_config import with_own
from ..wandb_session import open_run
from ..wandb_settings import NAME_MAX, init_arguments, new_id, with_defaults
from .best import TuneResult
from .outcome import study_json
from .plan import Plan
from .plots import save_plots
from .storage import Home

JOB_TYPE: Final = "study"
_SUMMARY: Final = "expname:summary"


@observed
def summarise(result: TuneResult, plan: Plan, home: Home) -> None:
    """Draws the study, and logs it to W&B if its trials were; the first worker at the end does."""
    if not _is_ours(result, plan, home):
        return
    plots = save_plots(result.study, result.path.parent) if plan.plots else []
    if plan.logger is not None and result.run is not None:
        _log(result, plan, home, plots)


def _is_ours(result: TuneResult, plan: Plan, home: Home) -> bool:
    """Whether the study is over and nobody else has summed up this budget."""
    key = f"{_SUMMARY}:{plan.n_trials}"
    with home.turn():
        if result.counts.get("running") or key in result.study.user_attrs:
            return False
        result.study.set_user_attr(key, os.getpid())
    return True


def _log(result: TuneResult, plan: Plan, home: Home, plots: list[Path]) -> None:
    import wandb

    arguments = _arguments(plan)
    config = with_own(study_json(result, plan, home), arguments.pop("config", {}))
    allow = plan.not_secret
    run = open_run(
        lambda: wandb.init(config=config, **arguments), arguments, continued=False, allow=allow
    )
    try:
        _fill(run, result, plots, allow)
    finally:
        run.finish()


def _arguments(plan: Plan) -> dict[str, Any]:
    """Of `wandb.init`: as the trials' loggers were told, in their project and group."""
    options = dict(plan.logger or {})
    arguments = init_arguments(
        root=plan.root,
        offline=bool(options.get("offline", False)),
        entity=options.get("entity"),
        group=options.get("group", plan.study),
        tags=options.get("tags"),
        job_type=JOB_TYPE,
        notes=options.get("notes"),
        extra=options.get("wandb_kwargs"),
        allow=plan.not_secret,
    )
    policy = NamePolicy.of(options.get("policy"))
    names = derive_names(Facts(plan.model, plan.dataset), policy, Speech())
    return {
        **arguments,
        "id": new_id(),
        "project": options.get("project") or names.project,
        "name": f"study-{plan.study}"[:NAME_MAX],
        "reinit": "create_new",
        "settings": with_defaults(arguments.get("settings")),
    }


def _fill(run: Any, result: TuneResult, plots: list[Path], allow: Collection[str]) -> None:
    """The history as points, the trials as a table, the plots as pictures."""
    import wandb

    trials = result.study.get_trials(deepcopy=False)
    names = sorted({name for trial in trials for name in trial.params})
    table = wandb.Table(columns=["number", "state", "value", *names])
    for trial in trials:
        values = [redact(trial.params.get(name), key=name, allow=allow) for name in names]
        table.add_data(trial.number, trial.state.name, trial.value, *values)
        if trial.state.name == "COMPLETE":
            run.log({"trial": trial.number, "value": trial.value})
    pictures = {path.stem: wandb.Image(str(path)) for path in plots if path.suffix == ".png"}
    run.log({"trials": table, **pictures})
    best = {"best_value": result.best_value, "best_trial": result.best_trial}
    run.summary.update({**best, **{f"n_{key}": count for key, count in result.counts.items()}})
