"""Every error that this package raises on purpose, under one base class."""

from __future__ import annotations


class ExpNameError(Exception):
    """Base of every error raised by lightning_expname.

    A message says what was got, what is allowed, and what to do next.
    """


class NameSyntaxError(ExpNameError, ValueError):
    """A text is not a name of the grammar, or a value cannot be written in it."""


class TemplateError(ExpNameError, ValueError):
    """A template of `NamePolicy` names an unknown field or lacks a needed one."""


class FlavourError(ExpNameError, TypeError):
    """`lightning.pytorch` and `pytorch_lightning` are mixed."""


class HparamError(ExpNameError, ValueError):
    """`include`, `exclude` or `aliases` do not fit the hyper-parameters at hand."""


class RecordError(ExpNameError):
    """A run's record cannot be read, written or claimed."""


class TuneError(ExpNameError, ValueError):
    """A search space, a study or its stored parameters cannot be used."""


class AlertError(ExpNameError, ValueError):
    """Alerts were asked for what there is none of: an unknown event, a limit below one."""


class EstimatorError(ExpNameError, ValueError):
    """An estimator, its columns or its saved model do not fit what was asked of them."""


class ResumeError(ExpNameError):
    """`resume="must"`, and the checkpoint's run cannot be continued."""


class QueryError(ExpNameError, ValueError):
    """A condition of `find_runs` cannot be read."""


class LookupFailedError(ExpNameError, LookupError):
    """A reference leads to no run, or to several."""
