"""Every run names itself, and every name finds its checkpoint.

Public names load on their first use: this package is imported by every pytest run and every
`Trainer` of an environment, and most of those did not ask for torch or W&B from us.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .alerting import ExpNameAlerts
    from .callbacks import ExpNameCallback
    from .checkpoint import ExpNameCheckpoint
    from .errors import (
        AlertError,
        EstimatorError,
        ExpNameError,
        FlavourError,
        HparamError,
        LookupFailedError,
        NameSyntaxError,
        QueryError,
        RecordError,
        ResumeError,
        TemplateError,
        TuneError,
    )
    from .estimators import ExpNameClassifier, ExpNameRegressor, FoldsObjective
    from .introspect.capture import capture_init, uncapture_init
    from .introspect.hparams import collect_hparams
    from .logger import ExpNameLogger
    from .lookup import find_runs, resolve_run
    from .naming import NAME_VERSION, NamePolicy, Names, format_name, parse_name
    from .records import RunRecord
    from .tuning import SyncTrial, TuneResult, lightgbm_stepwise, load_best_params, tune
else:
    # Hidden from the type checker: a visible module `__getattr__` makes it accept any misspelling.
    _HOMES = {
        "AlertError": ".errors",
        "EstimatorError": ".errors",
        "ExpNameAlerts": ".alerting",
        "ExpNameCallback": ".callbacks",
        "ExpNameCheckpoint": ".checkpoint",
        "ExpNameClassifier": ".estimators",
        "ExpNameError": ".errors",
        "ExpNameLogger": ".logger",
        "ExpNameRegressor": ".estimators",
        "FlavourError": ".errors",
        "FoldsObjective": ".estimators",
        "HparamError": ".errors",
        "LookupFailedError": ".errors",
        "NAME_VERSION": ".naming",
        "NamePolicy": ".naming",
        "NameSyntaxError": ".errors",
        "Names": ".naming",
        "QueryError": ".errors",
        "RecordError": ".errors",
        "ResumeError": ".errors",
        "RunRecord": ".records",
        "SyncTrial": ".tuning",
        "TemplateError": ".errors",
        "TuneError": ".errors",
        "TuneResult": ".tuning",
        "capture_init": ".introspect.capture",
        "collect_hparams": ".introspect.hparams",
        "find_runs": ".lookup",
        "format_name": ".naming",
        "lightgbm_stepwise": ".tuning",
        "load_best_params": ".tuning",
        "parse_name": ".naming",
        "resolve_run": ".lookup",
        "tune": ".tuning",
        "uncapture_init": ".introspect.capture",
    }

    def __getattr__(name):
        from importlib import import_module

        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_HOMES[name], __name__), name)
        globals()[name] = value  # found without this function from now on
        return value

    def __dir__():
        return sorted({*globals(), *_HOMES})


__all__ = [
    "NAME_VERSION",
    "AlertError",
    "EstimatorError",
    "ExpNameAlerts",
    "ExpNameCallback",
    "ExpNameCheckpoint",
    "ExpNameClassifier",
    "ExpNameError",
    "ExpNameLogger",
    "ExpNameRegressor",
    "FlavourError",
    "FoldsObjective",
    "HparamError",
    "LookupFailedError",
    "NamePolicy",
    "NameSyntaxError",
    "Names",
    "QueryError",
    "RecordError",
    "ResumeError",
    "RunRecord",
    "SyncTrial",
    "TemplateError",
    "TuneError",
    "TuneResult",
    "capture_init",
    "collect_hparams",
    "find_runs",
    "format_name",
    "lightgbm_stepwise",
    "load_best_params",
    "parse_name",
    "resolve_run",
    "tune",
    "uncapture_init",
]
