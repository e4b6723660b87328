"""The `main` section: the config that the program was started with, by Hydra or LightningCLI."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from .values import plain

_remembered: dict[str, Any] = {}


def remember_main(config: Mapping[str, Any]) -> None:
    """Takes the composed config of the program, as plain values, from whoever was told it."""
    forget_main()
    _remembered.update(config)


def forget_main() -> None:
    """The program of that config is over."""
    _remembered.clear()


def describe_main(trainer: Any) -> dict[str, Any]:
    """Hydra's composed config, or the CLI's config.

    Hydra's is as our callback was told it (interpolations resolved, but for those that lead to the
    environment or nowhere), else as Hydra saved it (interpolations as they are written).

    Empty when neither started the program. Nothing is imported: either is loaded already, or it
    did not start the program.
    """
    return _as_dict(_remembered) or hydra_config() or cli_config(trainer)


def hydra_config() -> dict[str, Any]:
    """The config of a `@hydra.main` program, as Hydra saved it before it called the program."""
    if "hydra" not in sys.modules:
        return {}
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import OmegaConf

    if not HydraConfig.initialized():
        return {}
    hydra = HydraConfig.get()
    saved = Path(hydra.runtime.output_dir, str(hydra.output_subdir), "config.yaml")
    config = OmegaConf.load(saved) if saved.is_file() else _composed(hydra)
    return _as_dict(OmegaConf.to_container(cast(Any, config), resolve=False))


def _composed(hydra: Any) -> Any:
    """Composed once more, where Hydra was told to save nothing (`hydra.output_subdir=null`)."""
    from hydra import compose

    return compose(hydra.job.config_name, overrides=list(hydra.overrides.task))


def cli_config(trainer: Any) -> dict[str, Any]:
    """The config that a LightningCLI parsed: its `SaveConfigCallback` holds it."""
    for callback in trainer.callbacks:
        names = [base.__name__ for base in type(callback).__mro__]
        config: Any = getattr(callback, "config", None)
        if "SaveConfigCallback" in names and hasattr(config, "as_dict"):
            return _as_dict(config.as_dict())
    return {}


def _as_dict(value: Any) -> dict[str, Any]:
    reduced = plain(value)
    return dict(reduced) if isinstance(reduced, dict) else {}
