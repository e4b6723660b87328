"""Where LightningCLI's config goes: beside the run's record, once the run has one.

LightningCLI saves its config when the setup hooks run, into a directory that all runs of a logger
share, and refuses to train when it finds one there: the second run of any configuration. A run
gets its names later, when training starts, so the saving waits until then. A subclass of
`SaveConfigCallback` with a `setup` of its own is left alone, and so is whoever saves elsewhere.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

from .observer import observed
from .redaction import redact

_WAITS: Final = "_expname_waits"
_CLI_MODULES: Final = ("lightning.pytorch.cli", "pytorch_lightning.cli")


def config_savers(trainer: Any) -> list[Any]:
    """LightningCLI's own callbacks that hold and save its config; none without a LightningCLI."""
    return [one for one in trainer.callbacks if isinstance(one, _saver_classes())]


def _saver_classes() -> tuple[Any, ...]:
    """Lightning's class, of each flavour whose module, which is heavy, was loaded."""
    modules = (sys.modules.get(name) for name in _CLI_MODULES)
    found = (getattr(module, "SaveConfigCallback", None) for module in modules)
    return tuple(one for one in found if one is not None)


def postpone_config(trainer: Any) -> None:
    """Keeps the config from being saved in the setup hooks; `save_config` does it later."""
    for saver in config_savers(trainer):
        is_plain = any(type(saver).setup is one.setup for one in _saver_classes())
        if is_plain and saver.save_to_log_dir and not saver.already_saved:
            setattr(saver, _WAITS, True)
            saver.already_saved = True


@observed
def save_config(trainer: Any, module: Any, record: Path, allow: Collection[str] = ()) -> None:
    """Saves what was postponed as `{stem}.config.yaml` beside the record; on rank 0 alone.

    Args:
        trainer: whose callbacks were postponed.
        module: the LightningModule, for users' own `save_config`.
        record: the record's path; a run that is resumed keeps the configs of its earlier starts.
        allow: keys whose values are no secrets, see `redact`.
    """
    for saver in config_savers(trainer):
        if not getattr(saver, _WAITS, False):
            continue
        setattr(saver, _WAITS, False)
        if trainer.is_global_zero:
            _save(saver, _free_path(record, saver), allow)
            saver.save_config(trainer, module, trainer.state.fn)


def _save(saver: Any, path: Path, allow: Collection[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"skip_none": False, "overwrite": saver.overwrite, "multifile": saver.multifile}
    told = _without_secrets(saver.config, allow)
    if told != saver.config:  # a number that became a text is no valid value any more
        options["skip_check"] = True
    saver.parser.save(told, str(path), **options)


def _without_secrets(config: Any, allow: Collection[str]) -> Any:
    """A copy of jsonargparse's namespace; the callback itself trains with what it was given."""
    told = config.clone()
    for key, value in config.items():
        told[key] = _hidden(value, key, allow)
    return told


def _hidden(value: Any, key: str, allow: Collection[str]) -> Any:
    if isinstance(value, list):  # of callbacks, each a namespace of its own
        return [_hidden(item, key, allow) for item in value]
    if hasattr(value, "clone") and hasattr(value, "items"):
        return _without_secrets(value, allow)
    return redact(value, key=key, allow=allow)


def _free_path(record: Path, saver: Any) -> Path:
    if saver.overwrite:
        return next(_paths(record, saver))
    return next(path for path in _paths(record, saver) if not path.exists())


def _paths(record: Path, saver: Any) -> Iterator[Path]:
    """`stem.config.yaml`, `stem.config-2.yaml`...; a config of many files has folders for that."""
    filename = Path(saver.config_filename)
    for number in itertools.count(1):
        again = "" if number == 1 else f"-{number}"
        if saver.multifile:  # its parts keep their own names, which all runs share
            yield record.with_name(f"{record.stem}.config{again}") / filename.name
        else:
            yield record.with_name(f"{record.stem}.{filename.stem}{again}{filename.suffix}")
