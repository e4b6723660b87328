"""Watches constructors of modules, so that nobody has to call `save_hyperparameters()`.

`capture_init` wraps `torch.nn.Module.__init__`; from then on every module keeps, under one key of
its `__dict__`, an opaque record of the arguments that it was built with. The record is light and
never holds a tensor or a module; it stays out of `state_dict`, `repr` and TorchScript, survives
`deepcopy`, `pickle` and a spawned process, and pickles as plain dicts, so that `torch.save(model)`
gives a file that loads where this package is not installed.
"""

from __future__ import annotations

import functools
import os
import sys
from types import FrameType
from typing import Any, Final

import torch

from .construction import unwatch_construction, watch_construction
from .frames import ROUTES, observe
from .leaves import LEAVES
from .record import RECORD_KEY, InitRecord
from .snapshots import ATOMS

SWITCH: Final = "LIGHTNING_EXPNAME_CAPTURE"
"""The environment variable that, set to 0, keeps `install_by_default` from doing anything."""

_is_compiling = torch.compiler.is_compiling
_frame_at = sys._getframe
_original = torch.nn.Module.__init__
_installed = False
_active = False


def capture_init() -> None:
    """Record the constructor arguments of every `torch.nn.Module` built from now on.

    Doing it twice is doing it once. A failure while recording is swallowed: the model is built
    as if nobody watched. Nothing happens inside a `torch.compile`d region.

    Example:
        >>> capture_init()
        >>> collect_hparams(torch.nn.Linear(8, 2))["out_features"]
        2
    """
    global _active, _installed, _original
    _active = True
    current = torch.nn.Module.__init__
    # Somebody else may have wrapped our wrapper: wrapping theirs again would call us in a circle.
    if current is not _watched and (not _installed or current is _original):
        _original = current
        torch.nn.Module.__init__ = _watched  # type: ignore[method-assign]
    _installed = True
    watch_construction()


def uncapture_init() -> None:
    """Undo `capture_init`; records that modules already carry stay readable."""
    global _active, _installed
    _active = False
    unwatch_construction()
    if torch.nn.Module.__init__ is _watched:  # else somebody wrapped us, and we pass through
        torch.nn.Module.__init__ = _original  # type: ignore[method-assign]
        _installed = False


def install_by_default() -> None:
    """`capture_init`, unless the environment has `LIGHTNING_EXPNAME_CAPTURE=0`."""
    if os.environ.get(SWITCH, "1").strip().lower() not in ("0", "false", "no", "off"):
        capture_init()


@functools.wraps(_original)
def _watched(self: torch.nn.Module, *args: Any, **kwargs: Any) -> None:
    if not kwargs and not args:  # nearly always, and an empty * and ** are not free
        _original(self)
    else:
        _original(self, *args, **kwargs)
    try:
        cls = type(self)
        if cls in LEAVES:  # first: most modules are, and the compiler can follow it
            return
        # By this very function: the compiler folds it to a constant and drops what follows.
        if _is_compiling() or not _active:
            return
        frame = _frame_at(1)
        route = ROUTES.get(cls)
        # Nearly every module: the class's own constructor called us, with plain values only.
        # Written out here, because this runs for every module and even a call would show.
        own: Any = frame
        if route is not None and route.is_closed and frame.f_code is not route.code:
            own = frame.f_back  # a convolution: its base class called us
        if route is not None and own.f_code is route.code:
            local = own.f_locals
            values = route.pick(local)
            seen = route.seen
            if seen is None:
                is_plain = ATOMS.issuperset(map(type, values))
            else:  # a hash costs a quarter of asking for the types
                is_plain = hash(values) in seen or route.learn(values)
            if route.factories and own.f_back.f_code in route.factories:
                is_plain = False  # its call is kept as well
            if is_plain and local[route.self_name] is self:
                self.__dict__[RECORD_KEY] = InitRecord(route, values, own.f_lasti)
                return
    except Exception:  # a deleted parameter, no hash...: what the short way does not know
        pass
    _observe_safely(self, _frame_at(1))


def _observe_safely(module: torch.nn.Module, frame: FrameType) -> None:
    try:
        observe(module, frame)
    except Exception:  # an observer never harms what it observes
        return
