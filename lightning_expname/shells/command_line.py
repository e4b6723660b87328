"""What `ExpNameCLI` does: it puts our logger into LightningCLI's defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from .flavour import logger_path, require_classes

if TYPE_CHECKING:  # both flavours have the same methods
    from lightning.pytorch.cli import LightningCLI
else:
    LightningCLI = object


class CommandLineShell(LightningCLI):
    """LightningCLI with ExpNameLogger as the logger, unless config or command line name another.

    Args:
        model_class, datamodule_class: as LightningCLI's.
        trainer_defaults: as LightningCLI's; a `logger` here comes before ours.
        **kwargs: LightningCLI's others, which refuses those that it does not know.

    Raises:
        FlavourError: a class is of Lightning's other package; the message is the line to change.

    Example:
        >>> ExpNameCLI(LitNet, DigitsDataModule)  # in train.py

        python train.py fit --config config.yaml --trainer.logger.dataset digits
    """

    flavour: ClassVar[str]

    def __init__(
        self,
        model_class: Any = None,
        datamodule_class: Any = None,
        *,
        trainer_defaults: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        require_classes(self.flavour, model_class, datamodule_class, kwargs.get("trainer_class"))
        logger = {"class_path": logger_path(self.flavour)}
        defaults = {"logger": logger, **(trainer_defaults or {})}
        super().__init__(model_class, datamodule_class, trainer_defaults=defaults, **kwargs)
