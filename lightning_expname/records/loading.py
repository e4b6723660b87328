"""Loading a module from a run's checkpoint without running what else the file may hold."""

from __future__ import annotations

import contextlib
import inspect
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import RecordError
from .header import CheckpointHeader, read_header


def load_module(module: Any, path: Path, options: dict[str, Any]) -> Any:
    """`module.load_from_checkpoint`, weights and plain values only unless `options` say otherwise.

    Raises:
        RecordError: the file holds more than that; the message says what, and how to allow it.
    """
    loader = module.load_from_checkpoint
    if "weights_only" not in inspect.signature(loader).parameters:
        return _load_by_older(loader, path, dict(options))
    try:
        return loader(path, **{"weights_only": True, **options})
    except pickle.UnpicklingError as error:
        raise RecordError(_refusal(path, read_header(path), str(error))) from error


def _load_by_older(loader: Any, path: Path, options: dict[str, Any]) -> Any:
    """Lightning before 2.6 leaves it to torch what the file may say, so it is looked at before."""
    if not options.pop("weights_only", True):
        with _all_allowed():
            return loader(path, **options)
    header = read_header(path)
    if header.foreign or header.problem is not None:
        raise RecordError(_refusal(path, header, header.problem or ""))
    return loader(path, **options)


@contextlib.contextmanager
def _all_allowed() -> Iterator[None]:
    """torch from 2.6 on refuses what its caller does not allow, and older callers cannot.

    The variable is torch's own, for such callers (seen in 2.6 to 2.13).
    """
    name = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _refusal(path: Path, header: CheckpointHeader, why: str) -> str:
    named = ", ".join(header.foreign) or why.partition("\n")[0]
    return (
        f"{path} holds more than weights and plain values: {named}. Loading it would import or"
        " run that; if you trust the file, allow the classes with torch.serialization."
        "add_safe_globals, or pass weights_only=False"
    )
