"""The declarative search space: what a YAML file says, checked before the first trial.

n_heads: [4, 8]                                    one of these
n_layers: {low: 1, high: 6}                        a whole number: both bounds are whole
lr: {low: 1e-5, high: 1e-2, log: true}             a real number
optimizer: {weight_decay: {low: 0.0, high: 0.1}}   nested: `optimizer.weight_decay`
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from ..errors import TuneError

_BOUNDS: Final = frozenset({"low", "high"})
_RANGE_KEYS: Final = _BOUNDS | {"log", "step"}
_SCIENTIFIC: Final = re.compile(
    r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+|[-+]?[0-9]+[eE][-+][0-9]+"
)
"""A number, of a choice, that PyYAML reads as a text; `12e4567` may be a commit, and stays one."""

_FORMS: Final = "allowed: a list of choices, {low, high, log, step}, or a mapping of these"


class Suggests(Protocol):
    """What a space needs of a trial: Optuna's own three methods."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any: ...

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = ..., log: bool = ...
    ) -> int: ...

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = ..., log: bool = ...
    ) -> float: ...


@dataclass(frozen=True)
class Choices:
    """One of several values, each None, a bool, an int, a finite float or a text."""

    values: tuple[Any, ...]

    def suggest(self, trial: Suggests, name: str) -> Any:
        """One of the values."""
        return trial.suggest_categorical(name, list(self.values))

    def holds(self, value: Any) -> bool:
        """Whether `suggest` may give this value."""
        return any(type(value) is type(one) and value == one for one in self.values)

    def to_json(self) -> Any:
        """As in the YAML file."""
        return list(self.values)


@dataclass(frozen=True)
class Range:
    """A number from `low` to `high`, both included; whole if all of its numbers are."""

    low: int | float
    high: int | float
    log: bool = False
    step: int | float | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it gives an int."""
        return all(isinstance(one, int) for one in (self.low, self.high, self.step or 0))

    def suggest(self, trial: Suggests, name: str) -> int | float:
        """A number of the range."""
        if self.is_whole:
            low, high = int(self.low), int(self.high)
            return trial.suggest_int(name, low, high, step=int(self.step or 1), log=self.log)
        return trial.suggest_float(
            name, float(self.low), float(self.high), step=self.step, log=self.log
        )

    def holds(self, value: Any) -> bool:
        """Whether a value lies in the range and has its type."""
        kind = int if self.is_whole else float
        return type(value) is kind and self.low <= value <= self.high

    def to_json(self) -> Any:
        """As in the YAML file."""
        data = {"low": self.low, "high": self.high, "log": self.log or None, "step": self.step}
        return {key: value for key, value in data.items() if value is not None}


Axis = Choices | Range


@dataclass(frozen=True)
class Space:
    """A whole search space: dotted name to axis, in the order in which it was written.

    Example:
        >>> space = Space.parse({"n_heads": [4, 8], "optimizer": {"lr": {"low": 0.1, "high": 1.0}}})
        >>> list(space.axes)
        ['n_heads', 'optimizer.lr']
    """

    axes: Mapping[str, Axis] = field(default_factory=dict)

    @classmethod
    def parse(cls, written: Mapping[str, Any]) -> Space:
        """Reads the YAML form; OmegaConf's containers are mappings and lists too.

        Raises:
            TuneError: says where, what was got and what is allowed.
        """
        if not isinstance(written, Mapping) or not written:
            raise TuneError(f"search_space is {written!r}; give a mapping of name to range")
        axes: dict[str, Axis] = {}
        for name, axis in _walk(written, ""):
            if name in axes:
                raise TuneError(f"search_space: {name!r} is there twice")
            axes[name] = axis
        nest(axes)  # raises when one name is a part of another
        return cls(axes)

    def suggest(self, trial: Suggests) -> None:
        """Asks a trial for every axis."""
        for name, axis in self.axes.items():
            axis.suggest(trial, name)

    def to_json(self) -> dict[str, Any]:
        """Flat: dotted name to the YAML form of its axis."""
        return {name: axis.to_json() for name, axis in self.axes.items()}


def _walk(written: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Axis]]:
    for key, value in written.items():
        if not isinstance(key, str) or not all(key.split(".")):
            raise TuneError(f"search_space: {key!r} below {prefix or 'the top'!r} is no name")
        name = f"{prefix}{key}"
        if key == "_target_":
            raise TuneError(f"search_space: {name}: a search space builds no objects")
        if isinstance(value, Mapping) and not _BOUNDS & set(value):
            if not value:
                raise TuneError(f"search_space: {name} is empty; {_FORMS}")
            yield from _walk(value, f"{name}.")
        else:
            yield name, _axis(name, value)


def _axis(name: str, value: Any) -> Axis:
    if isinstance(value, Mapping):
        return _range(name, value)
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return _choices(name, value)
    raise TuneError(
        f"search_space: {name} is {value!r}; {_FORMS}. What does not vary belongs in fixed="
    )


def _choices(name: str, values: Sequence[Any]) -> Choices:
    found = tuple(plain(f"search_space: {name}", _as_written(value)) for value in values)
    if not found:
        raise TuneError(f"search_space: {name} has no choices; give at least one")
    for index, value in enumerate(found):
        if isinstance(value, (dict, list)):
            raise TuneError(
                f"search_space: {name}: the choice {value!r} is a {type(value).__name__}; choices"
                " are None, bool, int, float or text"
            )
        if value in found[:index]:  # 1 and True, too: Optuna takes equal choices for one
            raise TuneError(f"search_space: {name}: two choices equal {value!r}; keep one of them")
    return Choices(found)


def _as_written(value: Any) -> Any:
    """PyYAML reads `1e-5` as a text, where YAML 1.2 and OmegaConf read a number."""
    if not isinstance(value, str) or not _SCIENTIFIC.fullmatch(value):
        return value
    number = _read(value)
    return value if number is None else number


def _read(text: str) -> float | None:
    """The finite number that a text says, if it says one."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _range(name: str, written: Mapping[str, Any]) -> Range:
    extra, missing = set(written) - _RANGE_KEYS, _BOUNDS - set(written)
    if extra or missing:
        raise TuneError(
            f"search_space: {name} has {sorted(map(str, written))}; a range has low and high, and"
            " may have log and step"
        )
    log, step = written.get("log", False), written.get("step")
    if not isinstance(log, bool):
        raise TuneError(f"search_space: {name}: log is {log!r}; it is true or false")
    low, high = _number(name, "low", written["low"]), _number(name, "high", written["high"])
    found = Range(low, high, log, None if step is None else _number(name, "step", step))
    _check_range(name, found)
    return found


def _check_range(name: str, found: Range) -> None:
    if found.low > found.high:
        raise TuneError(f"search_space: {name}: low {found.low} is above high {found.high}")
    if found.log and found.low <= 0:
        raise TuneError(f"search_space: {name}: with log, low must be above 0; got {found.low}")
    if found.step is not None and found.step <= 0:
        raise TuneError(f"search_space: {name}: step must be above 0; got {found.step}")
    if found.log and found.step is not None:
        raise TuneError(f"search_space: {name}: log and step exclude each other; drop one")


def _number(name: str, key: str, value: Any) -> int | float:
    """A bound is a number in any spelling, also one that PyYAML reads as a text."""
    said = _read(value) if isinstance(value, str) else value
    number = plain(f"search_space: {name}: {key}", said)
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise TuneError(f"search_space: {name}: {key} is {value!r}; it is a finite number")
    return number


def plain(where: str, value: Any) -> Any:
    """A value as JSON holds it: numpy's scalars, tuples and OmegaConf's containers become plain.

    Raises:
        TuneError: JSON cannot hold it, or it is not finite.
    """
    if isinstance(value, Mapping):
        return {_text(where, key): plain(f"{where}.{key}", one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [plain(where, one) for one in value]
    if not isinstance(value, (bool, int, float, str, type(None))) and hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        raise TuneError(f"{where}: {value!r} is not finite")
    for kind in (bool, int, float, str):  # subclasses of theirs (np.float64) become plain too
        if isinstance(value, kind):
            return kind(value)
    if value is not None:
        raise TuneError(
            f"{where}: {value!r} is a {type(value).__name__}; allowed: what JSON holds (None, bool,"
            " int, float, text, and lists and mappings of these)"
        )
    return None


def _text(where: str, key: Any) -> str:
    if not isinstance(key, str):
        raise TuneError(f"{where}: the key {key!r} is a {type(key).__name__}; keys are texts")
    return str(key)


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted names as nested dicts, as the YAML file has them.

    Raises:
        TuneError: one name is the beginning of another.

    Example:
        >>> nest({"optimizer.lr": 0.1, "depth": 2})
        {'optimizer': {'lr': 0.1}, 'depth': 2}
    """
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        *path, last = name.split(".")
        home = nested
        for part in path:
            home = home.setdefault(part, {})
            if not isinstance(home, dict):
                raise TuneError(f"{name!r} lies below {part!r}, which is a parameter itself")
        if last in home:
            raise TuneError(f"{name!r} is there twice, or is a part of another name")
        home[last] = value
    return nested


def flat(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The inverse of `nest`; an empty mapping is a value."""
    found: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping) and value:
            found.update(flat(value, f"{prefix}{key}."))
        else:
            found[f"{prefix}{key}"] = value
    return found


def compose(
    fixed: Mapping[str, Any], space: Space | None, suggested: Mapping[str, Any]
) -> dict[str, Any]:
    """All parameters of a trial: the fixed ones, and those suggested.

    Names of a declared space nest as they do in its YAML file; names that an objective made up
    itself stay as they are.

    Raises:
        TuneError: a parameter is both fixed and suggested.
    """
    declared = space.axes if space else {}
    known = flat(fixed)
    for name in suggested:
        if name in known or name in fixed:
            raise TuneError(f"{name!r} is both fixed and suggested; take it out of one")
    nested = {name: value for name, value in suggested.items() if name in declared}
    own = {name: value for name, value in suggested.items() if name not in declared}
    return {**nest({**known, **nested}), **own}


def canonical(value: Any) -> str:
    """The text of a JSON value that digests are taken of."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
