"""`ExpNameCallback` for `lightning.pytorch`."""

from __future__ import annotations

from lightning.pytorch import Callback

from .shells.callbacks import CallbackShell
from .shells.flavour import LIGHTNING


class ExpNameCallback(CallbackShell, Callback):
    """Tells the logger's run of start, save, failure and end; comes with the logger by itself."""

    flavour = LIGHTNING
