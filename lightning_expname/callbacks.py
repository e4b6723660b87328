"""`ExpNameCallback` for `lightning.pytorch`."""

from __future__ import annotations

from lightning.pytorch import Callback

from .shells.callbacks import CallbackShell


class ExpNameCallback(CallbackShell, Callback):
    __doc__ = CallbackShell.__doc__
