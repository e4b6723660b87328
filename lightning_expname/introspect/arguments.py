"""The constructor arguments of a live module, from the best source that there is."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, Final

import torch

from .classify import EMPTY, declared_types
from .leaves import record_of
from .reading import Reading, read
from .signatures import Parameter, own_parameters
from .snapshots import ModuleRef, Opaque, reference, snapshot, unwrapped

_ABSENT: Final = object()
_PRIMITIVES: Final = (int, float, bool, str, type(None), enum.Enum)


def arguments_of(module: torch.nn.Module) -> Reading:
    """What the module was built with.

    Sources in order: its record; what `save_hyperparameters` kept, for names that the record
    lacks; attributes of the parameters' names, where there is no record or the argument could not
    be kept. Never for a parameter that had been reassigned: its attribute holds the new value.
    """
    inner = unwrapped(module)
    cls = type(inner)
    if cls.__module__.startswith("torch.jit"):  # a compiled module has no constructor of its own
        return Reading(cls)
    reading = read(record_of(inner), cls)
    if reading is None:
        reading = Reading(cls, watched=False)
        _add_saved(inner, reading)
        _add_attributes(inner, reading)
    else:
        _add_saved(inner, reading)
        _fill_opaque(inner, reading)
    return reading


def is_watched(module: torch.nn.Module) -> bool:
    """Whether the module's construction left a record."""
    return record_of(unwrapped(module)) is not None


def arguments_of_reference(
    given: ModuleRef, parent: torch.nn.Module | None, name: str
) -> tuple[Reading, torch.nn.Module | None]:
    """The arguments of a module that another one was given, and that module if it is alive.

    A module that was built before anybody watched has no record; it is looked for among the
    children of the module that took it.
    """
    live = _live_child(parent, name, given) if parent is not None else None
    reading = read(given.record, given.cls)
    if live is not None and (reading is None or type(unwrapped(live)) is given.cls):
        return arguments_of(live), unwrapped(live)
    return reading if reading is not None else Reading(given.cls, watched=False), None


def _live_child(parent: torch.nn.Module, name: str, given: ModuleRef) -> torch.nn.Module | None:
    children = _children(parent)
    named = children.get(name, children.get(f"_{name}"))
    if named is not None and type(unwrapped(named)) is given.cls:
        return named
    if given.record is not None:
        return None
    alike = [child for child in children.values() if type(unwrapped(child)) is given.cls]
    return alike[0] if len(alike) == 1 else None


def _children(module: torch.nn.Module) -> dict[str, torch.nn.Module]:
    children = vars(module).get("_modules") or {}
    return {name: child for name, child in children.items() if child is not None}


def _add_saved(module: torch.nn.Module, reading: Reading) -> None:
    saved = vars(module).get("_hparams")  # Lightning's; the property would create it
    if not isinstance(saved, Mapping):
        return
    declared = own_parameters(type(module)) if is_watched(module) else saved
    known = {*reading.own, *reading.inherited, *reading.unrecovered}
    for name, value in saved.items():
        if isinstance(name, str) and not name.startswith("_") and name not in known:
            reading.own[name] = snapshot(value)
            if name not in declared:  # the author's note (`hparams["cls"]`), nobody's argument
                reading.undecided.append(name)


def _add_attributes(module: torch.nn.Module, reading: Reading) -> None:
    found: dict[str, Any] = {}
    for name, parameter in own_parameters(type(module)).items():
        value = reading.own.pop(name, _ABSENT)
        is_guess = value is _ABSENT
        value = _attribute(module, name) if is_guess else value
        if isinstance(value, ModuleRef) and not _may_be_module(parameter):
            value = _ABSENT  # self.dropout = nn.Dropout(dropout)
        if value is _ABSENT:
            reading.unrecovered.append(name)
        else:
            found[name] = value
            reading.guessed += [name] if is_guess else []
    reading.own = {**found, **reading.own}  # in the order of the signature


def _may_be_module(parameter: Parameter) -> bool:
    declared = declared_types(parameter.annotation) or frozenset()
    is_plain = declared and all(kind in (int, float, bool, str, "literal") for kind in declared)
    return not is_plain and (parameter.default is EMPTY or parameter.default is None)


def _fill_opaque(module: torch.nn.Module, reading: Reading) -> None:
    for name, value in reading.own.items():
        if isinstance(value, Opaque):
            attribute = _attribute(module, name)
            is_usable = attribute is not _ABSENT and not isinstance(attribute, ModuleRef)
            reading.own[name] = attribute if is_usable else value


def _attribute(module: torch.nn.Module, name: str) -> Any:
    """A plain attribute of the parameter's name; through `vars`, as a property may do anything."""
    for candidate in (name, f"_{name}"):
        value = vars(module).get(candidate, _ABSENT)
        if isinstance(value, _PRIMITIVES):
            return value
        child = _children(module).get(candidate)
        if child is not None:
            return reference(child)
    return _ABSENT
