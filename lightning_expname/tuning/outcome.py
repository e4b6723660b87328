"""What a study has found so far, on disk after every trial."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import TuneError
from ..observer import warn_once
from ..redaction import redact
from .best import STUDY, STUDY_VERSION, TuneResult, digest_of, write_json
from .budget import RUN
from .plan import Plan
from .space import flat, plain
from .storage import Home
from .tally import ERROR, Tally


class NoTrialError(TuneError):
    """A study has no complete trial."""


def result_of(tally: Tally, plan: Plan) -> TuneResult:
    """The study's result, as it was last read.

    Raises:
        TuneError: no trial was completed; the message says how they ended.
    """
    best, counts = tally.best, tally.counts
    if best is None:
        errors = [one.user_attrs[ERROR] for one in tally.trials if ERROR in one.user_attrs]
        last = f"; the last error: {errors[-1]}" if errors else ""
        said = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
        raise NoTrialError(
            f"study {plan.study!r} has no complete trial: {said or 'none'}{last}. For more of its"
            " trials give a larger n_trials=, for a new study another study_name="
        )
    return TuneResult(
        best_params=plain("best_params", plan.compose(best.params)),
        best_value=float(best.value),
        best_trial=best.number,
        path=plan.best_path,
        counts=counts,
        run=best.user_attrs.get(RUN),
        root=plan.root,
        study=tally.study,
    )


def write_outcome(tally: Tally, plan: Plan, home: Home) -> None:
    """Writes `best_params.json` and `study.json`, if there is a best trial yet.

    Several workers may do so: under their turn, the last one has seen the most.
    """
    with home.turn():
        if tally.read().best is None:
            return
        result = result_of(tally, plan)
        _warn_of_another(result.path, plan.study)
        write_json(result.path, result.best_params)
        write_json(result.path.parent / STUDY, study_json(result, plan, home))


def is_written(result: TuneResult, plan: Plan) -> bool:
    """Whether the files are of this study and its best trial; a value changed by hand stays."""
    told = _told(result.path)
    mine = (plan.study, digest_of(result.best_params))
    return result.path.is_file() and (told.get("study"), told.get("digest")) == mine


def _told(path: Path) -> dict[str, Any]:
    """What `study.json` beside best parameters says; nothing when it cannot be read."""
    try:
        told = json.loads((path.parent / STUDY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _warn_of_another(path: Path, study: str) -> None:
    """Studies of one model, dataset and number of trials share a folder."""
    told = _told(path).get("study", study)
    if told != study:
        warn_once(
            f"{path} held the best parameters of study {told!r}; they are now those of {study!r}."
            " To keep both, give another root_dir= or n_trials="
        )


def study_json(result: TuneResult, plan: Plan, home: Home) -> dict[str, Any]:
    """Where the best parameters come from."""
    best = {"trial": result.best_trial, "value": result.best_value, "run": result.run}
    return {
        "study_version": STUDY_VERSION,
        "study": plan.study,
        "model": plan.model,
        "dataset": plan.dataset,
        "features": plan.features,
        "direction": plan.direction,
        "monitor": plan.monitor,
        "n_trials": plan.n_trials,
        "trials": dict(result.counts),
        "best": best,
        "names": sorted(flat(result.best_params)),
        "digest": digest_of(result.best_params),
        "search_space": redact(plan.space.to_json(), allow=plan.not_secret) if plan.space else None,
        "fixed": redact(dict(plan.fixed), allow=plan.not_secret),
        "seed": plan.seed,
        "storage": home.text,
        "versions": _versions(),
    }


def _versions() -> dict[str, str]:
    loaded = {name: sys.modules.get(name) for name in ("optuna", "lightning", "torch", "wandb")}
    found = {name: str(getattr(one, "__version__", "")) for name, one in loaded.items() if one}
    return {"lightning_expname": __version__, "python": sys.version.split()[0], **found}
