"""`Plan`: what `tune` was asked for, checked, the same on every rank."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from ..errors import TuneError
from ..naming import place
from ..redaction import patterns
from ..shells.flavour import LIGHTNING
from .space import Space, canonical, compose, plain

HOME: Final = "hparams"
"""The directory, below the root, that tuned parameters lie in."""

Direction = Literal["maximize", "minimize"]
Isolation = Literal["none", "process"]


def home_of(root: Path, model: str, dataset: str, features: str | None = None) -> Path:
    """`hparams/{model}/{dataset}`, and `/{features}` for tabular data."""
    parts = (model, dataset, features)
    return root.joinpath(HOME, *(place(part) for part in parts if part is not None))


@dataclass(frozen=True)
class Plan:
    """One study as it was asked for.

    Attributes:
        study: its name, W&B's group too.
        model, dataset, features: what is tuned; features only for tabular data.
        direction: `maximize` or `minimize`.
        n_trials: how many trials the whole study has, of all workers together.
        space: the declared search space; None when the objective suggests for itself.
        fixed: parameters that every trial has.
        monitor: the logged metric by which trials are pruned.
        seed: of the sampler.
        root: the directory that `hparams/` lies in.
        logger: arguments for each trial's logger; None when trials are not logged.
        catch: exceptions that end a trial but not the study.
        retries: how often the trial of a killed worker is tried again.
        isolate: where trials run: here, or each in a process of its own.
        plots: whether the study is drawn at its end.
        flavour: the package that the objective's Trainer is of.
        has_pruner: whether a pruner was given that is to prune.
    """

    study: str
    model: str
    dataset: str
    n_trials: int
    features: str | None = None
    direction: Direction = "maximize"
    space: Space | None = None
    fixed: Mapping[str, Any] = field(default_factory=dict)
    monitor: str | None = None
    seed: int | None = None
    root: Path = Path()
    logger: Mapping[str, Any] | None = field(default_factory=dict)
    catch: tuple[type[Exception], ...] = ()
    retries: int = 3
    isolate: Isolation = "none"
    plots: bool = True
    flavour: str = LIGHTNING
    has_pruner: bool = False

    def __post_init__(self) -> None:
        for name in ("study", "model", "dataset"):
            text = getattr(self, name)
            if not isinstance(text, str) or not text.strip():
                raise TuneError(f"{name} is {text!r}; give its name, a text")
        for name in ("features", "monitor"):
            text = getattr(self, name)
            if text is not None and (not isinstance(text, str) or not text.strip()):
                raise TuneError(f"{name} is {text!r}; give its name, a text, or leave it out")
        _check_count("n_trials", self.n_trials, 1)
        _check_count("retries", self.retries, 0)
        _check_one_of("direction", self.direction, ("maximize", "minimize"))
        _check_one_of("isolate", self.isolate, ("none", "process"))
        if self.seed is not None:
            _check_count("seed", self.seed, 0)
        object.__setattr__(self, "fixed", plain("fixed", self.fixed))
        self.compose(dict.fromkeys(self.space.axes if self.space else ()))

    @property
    def home(self) -> Path:
        """The directory of the study: `hparams/{model}/{dataset}`."""
        return home_of(self.root, self.model, self.dataset, self.features)

    @property
    def best_path(self) -> Path:
        """Where the best parameters go."""
        return self.home / f"{self.n_trials}_trials" / "best_params.json"

    @property
    def not_secret(self) -> tuple[str, ...]:
        """What the user says is none, of the trials' loggers."""
        return patterns((self.logger or {}).get("not_secret"))

    def compose(self, suggested: Mapping[str, Any]) -> dict[str, Any]:
        """All parameters of a trial, from those that were suggested for it."""
        return compose(self.fixed, self.space, suggested)

    @property
    def digest(self) -> str:
        """Of what makes two studies comparable: direction, search space, fixed parameters."""
        said = [self.direction, self.space.to_json() if self.space else None, self.fixed]
        return hashlib.sha256(canonical(said).encode("utf-8")).hexdigest()[:12]


def exceptions_of(catch: Any) -> tuple[type[Exception], ...]:
    """What `tune(catch=...)` says: exceptions, one or several.

    Checked before the first failure, in the night, would be the first to need them.

    Raises:
        TuneError: something else than an exception is among them.
    """
    found = tuple(catch) if isinstance(catch, (tuple, list)) else (catch,)
    for one in found:
        if not (isinstance(one, type) and issubclass(one, Exception)):
            raise TuneError(
                f"catch has {one!r}; it names exceptions: catch=(ValueError, MemoryError)"
            )
    return found


def _check_count(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise TuneError(f"{name} is {value!r}; it is an int from {least} on")


def _check_one_of(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise TuneError(f"{name} is {value!r}; allowed: {', '.join(map(repr, allowed))}")


def logger_arguments(logger: Any) -> Mapping[str, Any] | None:
    """What `tune(logger=...)` says: None and True log with the defaults, False does not log.

    Raises:
        TuneError: it is neither these nor a mapping of `ExpNameLogger`'s arguments.
    """
    if logger is False:
        return None
    if logger is None or logger is True:
        return {}
    if not isinstance(logger, Mapping):
        raise TuneError(
            f"logger is a {type(logger).__name__}; every trial has a run of its own, so give the"
            " arguments of its logger: logger={'offline': True, 'entity': ...}, or False"
        )
    return dict(logger)
