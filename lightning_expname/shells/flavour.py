"""The two packages that Lightning comes in, whose classes must not be mixed.

`lightning.pytorch` and `pytorch_lightning` hold the same code twice, as different classes: a
Trainer of one takes no callback of the other for what it is, and fails much later or not at all.
"""

from __future__ import annotations

import sys
import weakref
from importlib import import_module
from types import FrameType
from typing import TYPE_CHECKING, Any, ClassVar, Final

from ..errors import FlavourError

if TYPE_CHECKING:
    from typing import TypeGuard

    from lightning.pytorch import Callback
    from lightning.pytorch.callbacks import ModelCheckpoint

LIGHTNING: Final = "lightning.pytorch"
PYTORCH_LIGHTNING: Final = "pytorch_lightning"

_IMPORTS: Final = {
    LIGHTNING: "lightning_expname",
    PYTORCH_LIGHTNING: "lightning_expname.pytorch_lightning",
}

_PACKAGES: Final = tuple(f"{flavour}." for flavour in _IMPORTS)
_IMPORTING: Final = frozenset({"abc", "importlib", "lightning_expname"})
_OTHER: Final = {LIGHTNING: PYTORCH_LIGHTNING, PYTORCH_LIGHTNING: LIGHTNING}


class Shell:
    """What is given to a Trainer, and so is of its flavour.

    LightningCLI checks what a config names before there is a Trainer, and would only say that
    ours is no subclass of its own; so a class says so itself when it comes to be.
    """

    flavour: ClassVar[str]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        path = _named_by_config(sys._getframe(1)) if "flavour" in vars(cls) else None
        if path is not None:
            _require_command_line(cls.flavour, path.rpartition(".")[2])


live_loggers: weakref.WeakSet[Any] = weakref.WeakSet()
"""Ours, of both flavours, as long as somebody holds them."""


def flavour_of(trainer: Any) -> str | None:
    """Which package's Trainer this is; None when it is neither's."""
    return _flavour_of_class(type(trainer), "Trainer")


def _flavour_of_class(given: type, *names: str) -> str | None:
    for cls in given.__mro__:
        if cls.__name__ in names:
            for flavour in _IMPORTS:
                if cls.__module__.startswith(f"{flavour}."):
                    return flavour
    return None


def require_classes(flavour: str, *given: Any) -> None:
    """Refuses a module, a datamodule or a Trainer class of the other flavour.

    Raises:
        FlavourError: the message is the line to change.
    """
    for one in given:
        names = ("LightningModule", "LightningDataModule", "Trainer")
        found = _flavour_of_class(one, *names) if isinstance(one, type) else None
        if found is not None and found != flavour:
            raise FlavourError(
                f"this ExpNameCLI is for {flavour}, and {one.__name__} is of {found}: write"
                f" `from {_IMPORTS[found]}.lightning_cli import ExpNameCLI`, or take"
                f" {one.__name__}'s base class from {flavour}"
            )


def require_flavour(shell: Any, trainer: Any, name: str | None = None) -> None:
    """Refuses a Trainer of the other flavour.

    Args:
        shell: what was given to the Trainer.
        trainer: the Trainer.
        name: what the user imported; the shell's class when None.

    Raises:
        FlavourError: the message is the line to change.
    """
    found, name = flavour_of(trainer), name or type(shell).__name__
    if found is not None and found != shell.flavour:
        raise FlavourError(
            f"{name} is for the Trainer of {shell.flavour}, and this Trainer is of {found}: write"
            f" `from {_IMPORTS[found]} import {name}`, or `from {shell.flavour} import Trainer`"
        )


def _named_by_config(frame: FrameType | None) -> str | None:
    """The `class_path` for which jsonargparse imports this; None when somebody's code does.

    `jsonargparse._util.import_object(name)` (seen in 4.28 to 4.53) is the first caller that is
    neither of the package nor of the import itself. Should it move, users see its own message.

    Raises:
        AttributeError: it has its class, and only looks for the shortest path to that: ours of the
            same name in another module is another, and need not come to be.
    """
    while frame is not None:
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if package not in _IMPORTING:
            function = frame.f_code.co_name if package == "jsonargparse" else ""
            if function == "get_import_path":  # tries shorter paths to the class that it has
                raise AttributeError("the class of this name is another flavour's")
            return str(frame.f_locals.get("name")) if function == "import_object" else None
        frame = frame.f_back
    return None


def _require_command_line(flavour: str, name: str) -> None:
    """Refuses a config of the other flavour's LightningCLI, where that is the only one loaded."""
    other = _OTHER[flavour]
    if f"{other}.cli" in sys.modules and f"{flavour}.cli" not in sys.modules:
        raise FlavourError(
            f"{name} is for the LightningCLI of {flavour}, and this one is of {other}: write"
            f" `class_path: {_IMPORTS[other]}.{name}`, or"
            f" `from {flavour}.cli import LightningCLI`"
        )


def logger_path(flavour: str) -> str:
    """What a config calls the logger of a flavour."""
    return f"{_IMPORTS[flavour]}.ExpNameLogger"


def classes_of(flavour: str) -> Any:
    """The module that the classes of a flavour are imported from."""
    return import_module(_IMPORTS[flavour])


_IDLE: Final = (
    *("on_train_batch_start", "on_train_batch_end"),
    *("on_validation_batch_start", "on_validation_batch_end"),
    *("on_test_batch_start", "on_test_batch_end"),
    *("on_predict_batch_start", "on_predict_batch_end"),
    *("on_before_zero_grad", "on_before_backward", "on_after_backward"),
    "on_before_optimizer_step",
)
"""Hooks of every batch, for which our callbacks have nothing to do."""


def rest_idle_hooks(callback: Any) -> None:
    """Lets Lightning pass over the hooks of every batch that a callback only inherits.

    It does so where a hook cannot be called (`_call_callback_hooks`, seen in 2.2 to 2.6), which
    saves 11 microseconds a step, 1 % of a small one. What a user's subclass defines stays.
    """
    cls = type(callback)
    for name in _IDLE:
        owner = next((one for one in cls.__mro__ if name in vars(one)), None)
        if owner is not None and owner.__module__.startswith(_PACKAGES):
            vars(callback)[name] = None


def new_callback(flavour: str) -> Callback:
    """The callback that goes with the loggers of a flavour."""
    callback: Callback = classes_of(flavour).ExpNameCallback()
    rest_idle_hooks(callback)
    return callback


def live_callbacks(flavour: str) -> list[Callback]:
    """The callback that Lightning adds to a Trainer, while a logger of that flavour is alive."""
    return [new_callback(flavour)] if any(one.flavour == flavour for one in live_loggers) else []


def is_checkpoint(callback: Any) -> TypeGuard[ModelCheckpoint]:
    """Whether this is a ModelCheckpoint of either flavour."""
    return any(
        cls.__name__ == "ModelCheckpoint" and cls.__module__.startswith(tuple(_IMPORTS))
        for cls in type(callback).__mro__
    )
