"""The manifest of a saved model: what its folder holds, with a digest of itself."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ..errors import EstimatorError
from .folder import MANIFEST

MANIFEST_VERSION: Final = 1
_DIGEST: Final = "digest"


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Writes it with its digest."""
    read_back = json.loads(json.dumps(manifest))  # keys that are no texts become texts
    whole = {**manifest, _DIGEST: _digest(read_back)}
    text = json.dumps(whole, ensure_ascii=False, indent=1)
    # half a character of a column's name becomes JSON's own escape of it
    (folder / MANIFEST).write_text(text, encoding="utf-8", errors="backslashreplace")


def read_manifest(folder: Path) -> dict[str, Any]:
    """Reads it, and checks that it is what was written.

    Raises:
        EstimatorError: there is none, it is of a later version, or it was changed.
    """
    try:
        manifest: Any = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise EstimatorError(f"{folder} is no saved model: {error}") from error
    version = manifest.get("manifest_version") if isinstance(manifest, dict) else None
    if not isinstance(version, int):
        raise EstimatorError(f"{folder / MANIFEST} is no manifest (it has no manifest_version)")
    if version > MANIFEST_VERSION:
        raise EstimatorError(
            f"{folder}: manifest_version {version}, but this lightning_expname reads up to"
            f" {MANIFEST_VERSION}; upgrade it"
        )
    if manifest.get(_DIGEST) != _digest(manifest):
        raise EstimatorError(
            f"{folder / MANIFEST} is not what was saved (its digest differs): it was damaged or"
            " edited; save the model again, or take the folder from where it is whole"
        )
    return dict(manifest)


@contextlib.contextmanager
def understood(folder: Path) -> Iterator[None]:
    """What a forged manifest makes of the block is an error that names the file.

    Raises:
        EstimatorError: something was missing or of another type.
    """
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise EstimatorError(
            f"{folder / MANIFEST} does not describe a saved model ({type(error).__name__}: {error})"
        ) from error


def _digest(manifest: Mapping[str, Any]) -> str:
    said = {key: value for key, value in manifest.items() if key != _DIGEST}
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()
