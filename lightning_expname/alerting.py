"""`ExpNameAlerts` for `lightning.pytorch`."""

from __future__ import annotations

from lightning.pytorch import Callback

from .shells.alerting import AlertsShell


class ExpNameAlerts(AlertsShell, Callback):
    __doc__ = AlertsShell.__doc__
