"""`ExpNameAlerts` for `lightning.pytorch`."""

from __future__ import annotations

from lightning.pytorch import Callback

from .shells.alerting import AlertsShell
from .shells.flavour import LIGHTNING


class ExpNameAlerts(AlertsShell, Callback):
    """Tells of every end of a training, test or prediction, and by `watch` of any other code."""

    flavour = LIGHTNING
