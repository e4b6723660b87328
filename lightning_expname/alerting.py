"""`ExpNameAlerts`: the alarm at the end of every training, test, prediction and tuning."""

from __future__ import annotations

from lightning.pytorch import Callback

from .alerts.training import TrainingAlerts


class ExpNameAlerts(TrainingAlerts, Callback):
    """Tells of every end: a Lightning callback, and `watch` for any other code.

    It works with and without `ExpNameLogger`. See `lightning_expname.alerts.Alerts` for the
    arguments, and for the same without Lightning.

    Example:
        >>> alerts = ExpNameAlerts()  # SLACK_WEBHOOK_URL, or SLACK_BOT_TOKEN and SLACK_CHANNEL
        >>> Trainer(logger=ExpNameLogger(), callbacks=[alerts])
        >>> with alerts.watch("tune", dataset="diabetes"):
        ...     tune(objective, n_trials=100, model="lgbm", dataset="diabetes")
    """
