"""What `ExpNameAlerts` does: the alarm, under a Trainer of its own flavour."""

from __future__ import annotations

from typing import Any

from ..alerts.training import TrainingAlerts
from .flavour import Shell, require_flavour, rest_idle_hooks


class AlertsShell(Shell, TrainingAlerts):
    """Tells of every end: a Lightning callback, and `watch` for any other code.

    It works with and without `ExpNameLogger`. See `lightning_expname.alerts.Alerts` for the
    arguments, and for the same without Lightning.

    Example:
        >>> alerts = ExpNameAlerts()  # SLACK_WEBHOOK_URL, or SLACK_BOT_TOKEN and SLACK_CHANNEL
        >>> Trainer(logger=ExpNameLogger(), callbacks=[alerts])
        >>> with alerts.watch("tune", dataset="diabetes"):
        ...     tune(objective, n_trials=100, model="lgbm", dataset="diabetes")
    """

    def _renew(self) -> None:
        super()._renew()
        rest_idle_hooks(self)

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """A mode begins, in each of its processes."""
        require_flavour(self, trainer)
        super().setup(trainer, pl_module, stage)
