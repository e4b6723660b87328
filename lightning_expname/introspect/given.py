"""Follows a module's constructor arguments, into the modules and configs it was given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import torch

from ..facts import ABSENT, Absent, Hparam, Kind, Owner, Plain
from .arguments import arguments_of_reference
from .classify import EMPTY, classify
from .reading import Reading
from .signatures import Parameter, config_parameters, parameters_of
from .snapshots import ConfigSnapshot, Missing, ModuleRef, Opaque, Text, stand_in
from .trainer_arguments import passes_to_trainer
from .values import describe, typed_plain

Role = Literal["model", "activation", "part"]

_PART_WORDS: Final = frozenset({"loss", "losses", "criterion", "criteria", "metric", "metrics"})
"""Words within an argument's name (`valid_loss`) that say it judges the model, and is none."""
_PARTS: Final = ("torch.nn.modules.loss", "torch.nn.modules.container", "torch.nn.modules.dropout")
_FACTORY: Final = "_HAS_DEFAULT_FACTORY_CLASS"  # how dataclasses mark `default_factory`
_MAX_DEPTH: Final = 16


@dataclass(frozen=True)
class Row:
    """One argument on its way to a `Hparam`.

    Attributes:
        path: argument names from the outermost module inwards; the last one is its own name.
        root: how many leading names of the path belong to no module of the model.
        value: the snapshot of the value.
    """

    path: tuple[str, ...]
    root: int
    value: Any
    parameter: Parameter
    owner: Owner

    @property
    def depth(self) -> int:
        """1 for a direct argument of the model, more for one of a nested module or config."""
        return len(self.path) - self.root

    def to_hparam(self, name: str) -> Hparam:
        """The hyper-parameter, under the name that it is spoken by."""
        value, kind = reduced(self.value, self.parameter)
        default, (*under, own) = _default_of(self.parameter), self.path[self.root :]
        return Hparam(name, value, kind, self.owner, default, tuple(under), own)


def role_of(given: ModuleRef, name: str) -> Role:
    """Whether a given module is a model, an activation (spoken as a word) or neither."""
    bases = given.cls.__mro__ if given.cls is not None else ()
    home = given.cls.__module__ if given.cls is not None else ""
    if home == "torch.nn.modules.activation" and given.class_name != "MultiheadAttention":
        return "activation"
    if given.class_name == "Identity" and home == "torch.nn.modules.linear":
        return "activation"
    is_metric = any(base.__module__.partition(".")[0] == "torchmetrics" for base in bases)
    is_loss = any(base.__module__ == "torch.nn.modules.loss" for base in bases)
    is_named_loss = given.class_name.endswith(("Loss", "Criterion"))
    judges = not _PART_WORDS.isdisjoint(name.lower().split("_"))
    is_part = is_metric or is_loss or is_named_loss or judges or home in _PARTS
    return "part" if is_part else "model"


def given_models(reading: Reading) -> list[tuple[tuple[str, ...], ModuleRef]]:
    """(path, reference) of every model among a module's own arguments."""
    return [
        (path, found)
        for name, value in reading.own.items()
        for path, found in _references((name,), value)
        if role_of(found, name) == "model"
    ]


def _references(
    path: tuple[str, ...], value: Any, depth: int = 0
) -> Iterator[tuple[tuple[str, ...], ModuleRef]]:
    if isinstance(value, ModuleRef):
        yield path, value
    elif depth < _MAX_DEPTH:
        for key, item in _items(value):
            yield from _references((*path, key), item, depth + 1)


def _items(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, ConfigSnapshot):
        return list(value.items.items())
    if type(value) is dict:
        return list(value.items())
    if type(value) in (list, tuple):
        return [(str(position), item) for position, item in enumerate(value)]
    return []


class Follower:
    """Collects the rows of a module and of the modules that it was given."""

    def __init__(self, owner: Owner, root: int) -> None:
        self.rows: list[Row] = []
        self.unrecovered: list[str] = []
        self.guessed: list[str] = []
        self.factories: list[tuple[tuple[str, ...], Reading]] = []
        self.unwatched = False  # whether a module that lacks an argument was built unseen
        self._owner = owner
        self._speaker = owner
        self._root = root

    def follow(
        self,
        reading: Reading,
        path: tuple[str, ...] = (),
        live: torch.nn.Module | None = None,
        *,
        skip_models: bool = False,
    ) -> None:
        """Add the arguments of one module.

        Args:
            reading: its arguments.
            path: the names of the arguments that lead to it.
            live: the module itself, when it is at hand.
            skip_models: leave out the models it was given.
        """
        declared = parameters_of(reading.cls)
        self.unwatched |= bool(reading.unrecovered) and not reading.watched
        self.unrecovered += [".".join((*path[self._root :], name)) for name in reading.unrecovered]
        self.guessed += [".".join((*path[self._root :], name)) for name in reading.guessed]
        self.factories += [(path, reading)] if reading.factory is not None else []
        speaker = self._speaker  # of the argument that leads here
        for name, value in reading.own.items():
            parameter = declared.get(name, Parameter(name))
            aside = name in reading.undecided or passes_to_trainer(reading.cls, name, declared)
            self._speaker = "module" if aside else speaker
            self._add((*path, name), value, parameter, live, skip_models)
        self._speaker = speaker
        for name, value in reading.inherited.items():
            if not list(_references((name,), value)):
                parameter = declared.get(name, Parameter(name))
                row_path = (*path, "inherited", name)
                self.rows.append(Row(row_path, self._root, value, parameter, "inherited"))

    def _add(
        self,
        path: tuple[str, ...],
        value: Any,
        parameter: Parameter,
        live: torch.nn.Module | None,
        skip_models: bool,
    ) -> None:
        if isinstance(value, ModuleRef):
            self.add_module(path, value, live, skip_models)
        elif isinstance(value, ConfigSnapshot) or (type(value) is dict and value):
            cls = value.cls if isinstance(value, ConfigSnapshot) else None
            declared = config_parameters(cls)
            for key, item in _items(value):
                inner = declared.get(key, Parameter(key))
                self._add((*path, key), item, inner, live, skip_models)
        elif list(_references(path, value)):
            for inner_path, given in _references(path, value):
                self.add_module(inner_path, given, live, skip_models)
        else:
            self.rows.append(Row(path, self._root, value, parameter, self._speaker))

    def add_module(
        self, path: tuple[str, ...], given: ModuleRef, live: torch.nn.Module | None, skip: bool
    ) -> None:
        role = role_of(given, path[-1])
        if role == "model":
            if not skip and len(path) <= _MAX_DEPTH:
                reading, child = arguments_of_reference(given, live, path[-1])
                self.follow(reading, path, child)
            return
        kind: Kind = "categorical" if role == "activation" else "other"
        text = Text(kind, given.class_name)
        self.rows.append(Row(path, self._root, text, Parameter(path[-1]), self._speaker))


def reduced(value: Any, parameter: Parameter) -> tuple[Plain, Kind]:
    """The plain value and the kind of a snapshot."""
    if (told := stand_in(value)) is not None:
        return told, value.kind if isinstance(value, Text) else "other"
    if has_marker(value):
        return describe(value), "other"
    kind = classify(value, parameter.annotation, parameter.default)
    return typed_plain(value, parameter.annotation, parameter.default), kind


def has_marker(value: Any) -> bool:
    """Whether a snapshot holds something that was not kept as it was passed."""
    if isinstance(value, (Opaque, Missing, ModuleRef, Text, ConfigSnapshot)):
        return True
    return any(has_marker(item) for _, item in _items(value))


def _default_of(parameter: Parameter) -> Plain | Absent:
    default = parameter.default
    if default is EMPTY or type(default).__name__ == _FACTORY:
        return ABSENT
    return typed_plain(default, parameter.annotation, default)


def spoken(rows: Sequence[Row]) -> tuple[Hparam, ...]:
    """The hyper-parameters under their shortest names that cannot be mistaken for each other.

    A name stands alone (`dim`) unless two rows share it; then the one that is the model's direct
    argument keeps it, and the others are qualified by as many argument names as it takes
    (`encoder.dim`).
    """
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.path[-1], []).append(row)
    names: dict[int, str] = {}
    for group in groups.values():
        names.update(_names_of_group(group))
    taken = Counter(names.values())
    hparams: dict[str, Hparam] = {}
    for row in rows:
        name = names[id(row)]
        name = ".".join(row.path) if taken[name] > 1 else name
        hparams.setdefault(name, row.to_hparam(name))
    return tuple(hparams.values())


def _names_of_group(group: list[Row]) -> Mapping[int, str]:
    chief = _chief(group)
    others = [row for row in group if row is not chief]
    names = {id(row): _qualified(row, others) for row in others}
    return names if chief is None else {**names, id(chief): chief.path[-1]}


def _chief(group: list[Row]) -> Row | None:
    candidates = [row for row in group if row.owner == "model"] or group
    if len(candidates) > 1:
        candidates = [row for row in candidates if row.depth == 1]
    return candidates[0] if len(candidates) == 1 else None


def _qualified(row: Row, group: Sequence[Row]) -> str:
    for length in range(2, len(row.path) + 1):
        suffix = row.path[-length:]
        if suffix[0].isdigit():  # a place in a list (`blocks.0.dim`) says nothing by itself
            continue
        if sum(other.path[-length:] == suffix for other in group) == 1:
            return ".".join(suffix)
    return ".".join(row.path)


def with_owner(rows: Sequence[Row], prefix: str) -> list[Row]:
    """The same rows below one more name, which is only spoken when names clash."""
    return [replace(row, path=(prefix, *row.path), root=row.root + 1) for row in rows]
