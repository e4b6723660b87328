"""The best parameters: written whole or not at all, read back strictly.

hparams/{model}/{dataset}/{n}_trials/best_params.json   what a training is given
hparams/{model}/{dataset}/{n}_trials/study.json         where it comes from
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import TuneError
from ..observer import warn_once
from .plan import home_of
from .space import canonical, flat, plain

if TYPE_CHECKING:
    from ..records import RunRecord

STUDY_VERSION: Final = 1
BEST: Final = "best_params.json"
STUDY: Final = "study.json"


@dataclass(frozen=True)
class TuneResult:
    """What `tune` gives back, the same on every rank.

    Attributes:
        best_params: of the best trial, the fixed ones included; nested as the search space is.
        best_value: what its objective returned.
        best_trial: its number.
        path: of `best_params.json`.
        counts: how many trials are complete, pruned, failed.
        run: the best trial's run: `id`, `run` and `record`; None when it was not logged.
        root: the directory that `hparams/` and `checkpoints/` lie in.
        study: Optuna's study; None on other ranks than 0.

    Example:
        >>> result = tune(objective, n_trials=20, model="Net", dataset="Digits")
        >>> result.best_params, result.record.checkpoint("best")
    """

    best_params: Mapping[str, Any]
    best_value: float
    best_trial: int
    path: Path
    counts: Mapping[str, int] = field(default_factory=dict)
    run: Mapping[str, Any] | None = None
    root: Path = Path()
    study: Any = field(default=None, compare=False, repr=False)

    @property
    def record(self) -> RunRecord:
        """The record of the best trial's run, which leads to its checkpoints.

        Raises:
            TuneError: the trial was not logged with `trial.logger()`.
            RecordError: the record is gone.
        """
        from ..records import read_record

        if self.run is None:
            raise TuneError(
                f"trial {self.best_trial} has no run: give its Trainer logger=trial.logger()"
            )
        return read_record(self.root / self.run["record"])

    def to_json(self) -> dict[str, Any]:
        """What the other ranks are told."""
        names = ("best_value", "best_trial", "counts", "run", "best_params")
        return {**{name: getattr(self, name) for name in names}, "path": str(self.path)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], root: Path) -> TuneResult:
        """The inverse of `to_json`, without the study."""
        return cls(**{**data, "path": Path(data["path"])}, root=root)


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Replaces a file at once; NaN and infinities are refused."""
    text = json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.parent / f".{uuid.uuid4().hex}.tmp"
    try:
        with staged.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(staged, path)
    finally:
        with contextlib.suppress(OSError):
            staged.unlink(missing_ok=True)


def digest_of(params: Mapping[str, Any]) -> str:
    """Tells whether a file of parameters is the one that a study wrote."""
    return hashlib.sha256(canonical(params).encode("utf-8")).hexdigest()[:12]


def load_best_params(
    path_or_model: str | os.PathLike[str],
    dataset: str | None = None,
    n_trials: int | None = None,
    root_dir: str | os.PathLike[str] = ".",
    *,
    features: str | None = None,
    allowed: Collection[str] | Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The parameters that a study found, to train with.

    Args:
        path_or_model: `best_params.json` or its directory; or the model's name.
        dataset: the training data's name, when a model's name was given.
        n_trials: of the study with so many trials; of the one with the most when None.
        root_dir: the directory that `hparams/` lies in.
        features: of tabular data, as `tune` was told.
        allowed: the names a training knows (its config, as a mapping, serves too): a parameter
            that it does not know is refused, where merging would silently add it.

    Raises:
        TuneError: there is no such study, or its names are not those that the study tuned.

    Example:
        >>> net = Net(**load_best_params("Net", "Digits"))
        >>> config = OmegaConf.merge(config, load_best_params("Net", "Digits", allowed=config))
    """
    path = _find(path_or_model, dataset, n_trials, Path(root_dir), features)
    params = plain(str(path), _read(path))
    if not isinstance(params, dict):
        raise TuneError(f"{path} holds a {type(params).__name__}; it holds names and values")
    _check_against_study(path, params)
    if allowed is not None:
        known = allowed if isinstance(allowed, Mapping) else nested_names(allowed)
        _refuse(path, "the training does not know", _unknown(params, known))
    return params


def nested_names(names: Collection[str]) -> dict[str, Any]:
    """Dotted names as a mapping that may be looked through."""
    found: dict[str, Any] = {}
    for name in names:
        home = found
        for part in name.split("."):
            home = home.setdefault(part, {})
    return found


def _unknown(params: Mapping[str, Any], known: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Names that a config does not have, however deep."""
    found: list[str] = []
    for key, value in params.items():
        if key not in known:
            found.append(f"{prefix}{key}")
        elif isinstance(value, Mapping) and isinstance(known[key], Mapping):
            found += _unknown(value, known[key], f"{prefix}{key}.")
    return found


def _find(
    where: str | os.PathLike[str],
    dataset: str | None,
    n_trials: int | None,
    root: Path,
    features: str | None,
) -> Path:
    if dataset is None:
        path = Path(where)
        path = path / BEST if path.is_dir() else path
        if not path.is_file():
            raise TuneError(
                f"{path} is no file of best parameters; give its path, or a model's name with"
                " dataset=..."
            )
        return path
    home = home_of(root, os.fspath(where), dataset, features)
    found = {count: path for path in home.glob(f"*_trials/{BEST}") if (count := _count(path))}
    wanted = max(found, default=None) if n_trials is None else n_trials
    if wanted not in found:
        listed = ", ".join(map(str, sorted(found))) or "none"
        raise TuneError(
            f"no best parameters of {n_trials or 'any'} trials in {home}; there: {listed}"
        )
    return found[wanted]


def _count(path: Path) -> int | None:
    text = path.parent.name.removesuffix("_trials")
    return int(text) if text.isdecimal() else None


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_constant)
    except (OSError, ValueError) as error:
        raise TuneError(f"{path}: cannot be read as parameters: {error}") from error


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is no value of a parameter")


def _check_against_study(path: Path, params: Mapping[str, Any]) -> None:
    """Names must be the study's; a changed value is the user's right, and said."""
    beside = path.parent / STUDY
    if not beside.is_file():
        return
    study = _read(beside)
    try:
        told, digest = {str(name) for name in study["names"]}, study["digest"]
    except (LookupError, TypeError) as error:
        raise TuneError(
            f"{beside} is damaged: it has no names of parameters or no digest. Run tune() again,"
            " which writes it anew; or remove it, and the names are not checked"
        ) from error
    names = set(flat(params))
    _refuse(path, f"{STUDY} beside it does not know", sorted(names - told))
    _refuse(path, f"{STUDY} beside it has, and this file lacks,", sorted(told - names))
    if digest_of(params) != digest:
        warn_once(f"{path} was changed since the study wrote it; its values are used as they are")


def _refuse(path: Path, why: str, names: Collection[str]) -> None:
    if names:
        raise TuneError(f"{path}: {why} {', '.join(map(repr, names))}; correct the name")
