"""Reads a record: who passed which argument, and which of them can be trusted."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import source
from .classify import EMPTY, classify
from .factories import FactoryCall
from .frames import InitFrame, Plan, class_of, frames_of
from .record import RECORD_VERSION, InitRecord
from .signatures import Parameter, class_at, parameters_of_code, path_of
from .snapshots import ATOMS, ConfigSnapshot, Missing, ModuleRef, Opaque, Text
from .values import MAX_TEXT, describe, plain


@dataclass
class Reading:
    """The arguments of one module, in the order of the signatures.

    Attributes:
        cls: the module's class; None when it comes from a pickle and is not loaded.
        own: what the outermost constructor takes, `**kwargs` flattened, defaults included.
        inherited: other arguments of base-class constructors: what the author passes on.
        unrecovered: names (dotted within a dict or config) whose passed value is not known.
        undecided: names of `own` that a factory added: no decision of whoever called it.
        guessed: names of `own` that were taken from attributes, without any record.
        watched: whether the module's construction left a record.
        factory: the call of the factory that built the module, when one did.
    """

    cls: type | None = None
    own: dict[str, Any] = field(default_factory=dict)
    inherited: dict[str, Any] = field(default_factory=dict)
    unrecovered: list[str] = field(default_factory=list)
    guessed: list[str] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)
    watched: bool = True
    factory: FactoryCall | None = None


def read(record: object, cls: type | None = None) -> Reading | None:
    """The reading of a record or of its plain form; None when it is neither."""
    try:
        if isinstance(record, InitRecord):
            return _Resolver(record).reading
        if isinstance(record, dict) and record.get("version") == RECORD_VERSION:
            return _from_plain(record, cls)
    except Exception:  # a record that cannot be read is no record
        return None
    return None


class _Resolver:
    """Walks from the outermost constructor inwards, and follows what was passed on."""

    def __init__(self, record: InitRecord) -> None:
        self.reading = Reading(class_of(record))
        self._seen: set[str] = set()
        frames = frames_of(record)[::-1]
        self._is_certain = frames[0].is_certain
        # `def __init__(self, *args, **kwargs)` (nn.LSTM) has the base's parameters for its own.
        self._declares = bool(frames[0].plan.names)
        self.reading.undecided = sorted(frames[0].undecided)
        self.reading.factory = frames[0].factory
        self._outermost(frames[0])
        for outer, inner in itertools.pairwise(frames):
            self._inner(outer, inner)
        self._add_rest()

    def _outermost(self, frame: InitFrame) -> None:
        self._open_keywords = frame.plan.varkw is not None
        self._open_args = frame.plan.varargs is not None
        self._args, self._args_name = frame.args, frame.plan.varargs
        self._kwargs = dict(frame.kwargs or {})
        for name, value in self._trusted(frame):
            self.reading.own[name] = value
        self._set_apart(frame.plan)
        if self._is_certain:
            self.reading.own.update(self._kwargs)
            self._seen |= set(self._kwargs)
            self._kwargs = {}

    def _set_apart(self, plan: Plan) -> None:
        """`M(4, n=8)` of `def __init__(self, n, /, **kw)`: the second is `kw.n`."""
        for name in (*plan.names, plan.varargs):
            if name in self._kwargs:
                self.reading.own[f"{plan.varkw}.{name}"] = self._kwargs.pop(name)

    def _inner(self, outer: InitFrame, inner: InitFrame) -> None:
        handed = source.forwarding(outer.plan.code, outer.last)
        if handed is not None:
            self._open_keywords = self._open_keywords and handed.passes_kwargs
            self._open_args = self._open_args and handed.offset is not None
        declared = parameters_of_code(self.reading.cls, inner.plan.code)
        given = self._given_by_position(inner, handed)
        fixed = handed.fixed if handed is not None else frozenset()
        for name, value in self._trusted(inner):
            is_given = name in given or name in self._kwargs
            belongs = is_given or self._could_be_given(value, declared.get(name))
            self._kwargs.pop(name, None)
            if belongs and not is_given and self._declares:
                self.reading.undecided.append(name)
            owner = self.reading.own if belongs and name not in fixed else self.reading.inherited
            owner[name] = value
        self._open_keywords = self._open_keywords and inner.plan.varkw is not None
        self._open_args = self._open_args and inner.plan.varargs is not None

    def _could_be_given(self, value: object, parameter: Parameter | None) -> bool:
        """Whether it was left at a default which the caller could have changed."""
        if parameter is None or parameter.default is EMPTY:
            return False
        is_open = self._open_keywords or (self._open_args and parameter.is_positional)
        return is_open and _same(value, parameter.default)

    def _given_by_position(
        self, inner: InitFrame, handed: source.Forwarding | None
    ) -> frozenset[str]:
        """The inner names that were given through the outer `*args`; the rest of these stay."""
        if not (self._open_args and self._args):
            return frozenset()
        names = inner.plan.positional
        offsets = range(len(names)) if handed is None else (handed.offset or 0,)
        fits = [offset for offset in offsets if self._fits(inner, offset)]
        if len(fits) != 1:
            return frozenset()
        given = names[fits[0] : fits[0] + len(self._args)]
        self._args, self._args_name = self._args[len(given) :], inner.plan.varargs
        return frozenset(given)

    def _fits(self, inner: InitFrame, offset: int) -> bool:
        seen = inner.values[offset : len(inner.plan.positional)] + inner.args
        return len(seen) >= len(self._args) and all(map(_same, seen, self._args))

    def _add_rest(self) -> None:
        if self._args and self._args_name is not None:
            self.reading.own.setdefault(self._args_name, self._args)
        for name, value in self._kwargs.items():
            if name not in self._seen:
                self.reading.own[name] = value

    def _trusted(self, frame: InitFrame) -> Iterator[tuple[str, Any]]:
        """(name, value) of what was not reassigned; the rest is noted as unrecovered."""
        code, last = frame.plan.code, frame.last
        changed = self._changed(frame)
        self._drop_entries(frame.plan, changed)
        for name, value in zip(frame.plan.names, frame.values, strict=True):
            if name in self._seen:
                continue
            self._seen.add(name)
            if frame.is_certain:
                yield name, value
                continue
            is_lost = isinstance(value, Missing) or name in changed.whole
            if is_lost or not source.is_original(code, last, name, value):
                self._lose(name)
            else:
                yield name, self._without_entries(name, value, changed)

    def _changed(self, frame: InitFrame) -> source.Taints:
        values = (*frame.values, *frame.args, *(frame.kwargs or {}).values())
        is_immutable = ATOMS.issuperset(map(type, values)) and frame.plan.varkw is None
        if frame.is_certain:
            return source.Taints()
        return source.Taints() if is_immutable else source.taints(frame.plan.code, frame.last)

    def _lose(self, name: str) -> None:
        if self._is_certain:  # then it is none of the caller's arguments: all of these are known
            return
        self._kwargs.pop(name, None)
        self.reading.unrecovered.append(name)

    def _drop_entries(self, plan: Plan, changed: source.Taints) -> None:
        """What the author put into `**kwargs` is not the caller's; what was taken out is lost."""
        varkw = plan.varkw
        if varkw in changed.whole:
            self._kwargs.clear()
        for root, key in changed.entries:
            if root == varkw:
                self._kwargs.pop(key, None)
        for root, key in sorted(changed.popped):
            if root == varkw and key in plan.names:
                self._kwargs.pop(key, None)
                self._lose(f"{varkw}.{key}")
            elif root == varkw and key not in self._seen:
                self._seen.add(key)
                self._lose(key)

    def _without_entries(self, name: str, value: Any, changed: source.Taints) -> Any:
        lost = {key for root, key in changed.entries | changed.popped if root == name}
        if not lost:
            return value
        self.reading.unrecovered += [f"{name}.{key}" for key in sorted(lost)]
        if isinstance(value, ConfigSnapshot):
            kept = {key: item for key, item in value.items.items() if key not in lost}
            return ConfigSnapshot(value.cls, kept)
        if isinstance(value, dict):
            return {key: item for key, item in value.items() if key not in lost}
        return value


def _same(value: object, other: object) -> bool:
    if value is other:
        return True
    return type(value) is type(other) and type(value) in ATOMS and repr(value) == repr(other)


def to_plain(record: object) -> dict[str, Any]:
    """The plain form of a record: str, int, float, bool, None, list and dict only; never raises."""
    reading = read(record)
    if reading is None:
        return {}
    return {
        "version": RECORD_VERSION,
        "class": path_of(reading.cls),
        "own": {name: _encode(value) for name, value in reading.own.items()},
        "inherited": {name: _encode(value) for name, value in reading.inherited.items()},
        "unrecovered": list(reading.unrecovered),
        "undecided": list(reading.undecided),
        **({"factory": _plain_call(reading.factory)} if reading.factory else {}),
    }


def _plain_call(call: FactoryCall) -> dict[str, Any]:
    arguments = {name: _encode(value) for name, value in call.arguments.items()}
    return {"name": call.name, "arguments": arguments}


def _encode(value: Any) -> Any:
    if value is None or type(value) in (bool, int, float):
        return value
    if type(value) is str and len(value) <= MAX_TEXT:
        return value
    if isinstance(value, ModuleRef):
        own_record = to_plain(value.record) if isinstance(value.record, InitRecord) else None
        record = own_record if own_record is not None else value.record
        return {"~module": path_of(value.cls), "name": value.class_name, "record": record}
    if isinstance(value, ConfigSnapshot):
        items = {key: _encode(item) for key, item in value.items.items()}
        return {"~config": path_of(value.cls), "items": items}
    if isinstance(value, Text):
        return {"~text": value.text, "kind": value.kind}
    if isinstance(value, (Opaque, Missing)):
        return {"~opaque": value.type_name if isinstance(value, Opaque) else ""}
    return _encode_container(value)


def _encode_container(value: Any) -> Any:
    if type(value) is list:
        return [_encode(item) for item in value]
    if type(value) is tuple:
        return {"~tuple": [_encode(item) for item in value]}
    if type(value) is dict:
        return {"~dict": {key: _encode(item) for key, item in value.items()}}
    if isinstance(value, (set, frozenset)):
        return {f"~{type(value).__name__}": [_encode(item) for item in sorted(value, key=repr)]}
    kind = classify(value)
    reduced = plain(value, kind)
    if isinstance(reduced, (int, float)):
        return reduced
    if isinstance(reduced, list):  # torch.Size, a named tuple
        return {"~tuple": reduced}
    text = reduced if isinstance(reduced, str) else describe(value)
    return {"~text": text, "kind": kind}


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "~tuple" in value:
        return tuple(_decode(item) for item in value["~tuple"])
    if "~set" in value or "~frozenset" in value:
        ((mark, items),) = value.items()
        return (set if mark == "~set" else frozenset)(map(_decode, items))
    if "~module" in value:
        return ModuleRef(class_at(value["~module"]), value["name"], value["record"])
    if "~config" in value:
        items = {key: _decode(item) for key, item in value["items"].items()}
        return ConfigSnapshot(class_at(value["~config"]), items)
    if "~text" in value:
        return Text(value["kind"], value["~text"])
    if "~opaque" in value:
        return Opaque(value["~opaque"])
    return {key: _decode(item) for key, item in value["~dict"].items()}


def _call_of_plain(told: Mapping[str, Any] | None) -> FactoryCall | None:
    if told is None:
        return None
    arguments = {name: _decode(value) for name, value in told["arguments"].items()}
    return FactoryCall(told["name"], arguments)


def _from_plain(record: Mapping[str, Any], cls: type | None) -> Reading:
    return Reading(
        cls if cls is not None else class_at(record["class"]),
        {name: _decode(value) for name, value in record["own"].items()},
        {name: _decode(value) for name, value in record["inherited"].items()},
        list(record["unrecovered"]),
        undecided=list(record.get("undecided", ())),
        factory=_call_of_plain(record.get("factory")),
    )
