"""`ExpNameCLI`: LightningCLI whose runs name themselves without a line of config.

A stock LightningCLI works as well, with `class_path: lightning_expname.ExpNameLogger`.
"""

from __future__ import annotations

from typing import Any, Final

from lightning.pytorch.cli import LightningCLI

_LOGGER: Final = {"class_path": "lightning_expname.ExpNameLogger"}


class ExpNameCLI(LightningCLI):
    """LightningCLI with ExpNameLogger as the logger, unless config or command line name another.

    Args:
        model_class, datamodule_class: as LightningCLI's.
        trainer_defaults: as LightningCLI's; a `logger` here comes before ours.
        **kwargs: LightningCLI's others, which refuses those that it does not know.

    Example:
        >>> ExpNameCLI(LitNet, DigitsDataModule)  # in train.py

        python train.py fit --config config.yaml --trainer.logger.dataset digits
    """

    def __init__(
        self,
        model_class: Any = None,
        datamodule_class: Any = None,
        *,
        trainer_defaults: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        defaults = {"logger": _LOGGER, **(trainer_defaults or {})}
        super().__init__(model_class, datamodule_class, trainer_defaults=defaults, **kwargs)
