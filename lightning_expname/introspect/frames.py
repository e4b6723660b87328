"""Takes the arguments of the constructors that are running, from their frames.

Speed decides the shape: this runs once for every module that a program builds. What can be known
from the code object is worked out once, and what can be worked out when somebody asks (whether
an argument had been reassigned, who passed what to whom) is left until then.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from operator import itemgetter
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple

from torch import nn

from .construction import PASSED_KEY, Passed, fits
from .factories import FactoryCall, calling_factory, factories_of
from .record import RECORD_KEY, InitRecord
from .snapshots import ATOMS, Missing, snapshot
from .source import stored_names

_CONVOLUTIONS: Final = frozenset((nn.Conv1d, nn.Conv2d, nn.Conv3d))
_FOREIGN_FRAMES: Final = 6
"""How many frames of other functions may stand between two constructors (decorators)."""

_only_atoms = ATOMS.issuperset


class Plan:
    """How to read the frames of one code object."""

    __slots__ = (
        "code",
        "is_init",
        "names",
        "pick",
        "positional",
        "self_name",
        "stars",
        "varargs",
        "varkw",
    )

    def __init__(self, code: CodeType) -> None:
        arguments = inspect.getargs(code)
        positional = list(code.co_varnames[: code.co_argcount])
        self.code = code  # held, because plans are found by the id of their code
        self.self_name = positional[0] if positional else None
        self.is_init = code.co_name == "__init__" and bool(positional)
        count = code.co_argcount + code.co_kwonlyargcount
        self.names = tuple(code.co_varnames[1:count]) if positional else ()
        self.positional = tuple(positional[1:])
        self.varargs = arguments.varargs
        self.varkw = arguments.varkw
        self.stars = tuple(name for name in (self.varargs, self.varkw) if name)
        self.pick = _picker(self.names)


class InitFrame(NamedTuple):
    """The arguments of one running constructor.

    Attributes:
        plan: the constructor's code and the names of its parameters.
        values: snapshots, parallel to `plan.names`.
        args: snapshots of what went through `*args`.
        kwargs: snapshots of what went through `**kwargs`.
        last: the offset of the instruction that was running.
        is_certain: whether all of this is what the caller passed, whatever the code did since.
        undecided: arguments that a factory of the class passed without being given them.
        factory: how that was called.
    """

    plan: Plan
    values: tuple[Any, ...]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] | None
    last: int
    is_certain: bool = False
    undecided: frozenset[str] = frozenset()
    factory: FactoryCall | None = None


class Route:
    """What the records of one class share: the class, and the plan of its own constructor.

    Only for constructors without `*args` and `**kwargs`, which call `nn.Module.__init__` directly,
    or, when they are torch's own, through one base class, whose arguments are not recorded.

    Attributes:
        factories: the code of the class's factories: a constructor that one of them calls is looked
            at more closely.
        seen: of torch's own convolutions, whose many arguments come in few combinations, the hashes
            of those that were plain values; tensors and modules have hashes of their own.
    """

    __slots__ = ("cls", "code", "factories", "is_closed", "pick", "plan", "seen", "self_name")

    def __init__(self, cls: type, plan: Plan) -> None:
        self.cls = cls
        self.factories = factories_of(cls)
        self.is_closed = _is_closed_torch_class(cls, plan.code)
        self.seen: set[int] | None = set() if cls in _CONVOLUTIONS else None
        self.plan = plan
        self.code = plan.code
        self.pick = plan.pick
        self.self_name = plan.self_name or ""

    def learn(self, values: tuple[Any, ...]) -> bool:
        """Whether these are plain values; if so, they are known from now on."""
        is_plain = _only_atoms(map(type, values))
        if is_plain and self.seen is not None and len(self.seen) < _MAX_SEEN:
            self.seen.add(hash(values))
        return is_plain


ROUTES: Final[dict[type, Route]] = {}
"""The classes that need no walk through the frames; filled as they are first seen."""

_plans: dict[int, Plan] = {}
_MAX_ROUTES: Final = 4096
_MAX_SEEN: Final = 4096


def observe(module: Any, frame: FrameType) -> None:
    """Leave in `module` a record of the constructors that run in and above `frame`."""
    cls = type(module)
    outermost = _outermost_code(cls)
    passed = module.__dict__.pop(PASSED_KEY, None)
    taken = _walk(module, frame, outermost, passed)
    if taken:
        module.__dict__[RECORD_KEY] = InitRecord(cls, taken)
    if passed is None and outermost is not None and _is_short(cls, frame, outermost):
        _add_route(cls, _plans.get(id(outermost)) or _plan_of(outermost))


def _add_route(cls: type, plan: Plan) -> None:
    if plan.self_name is None or plan.stars:
        return
    if len(ROUTES) >= _MAX_ROUTES:  # programs that make classes without end
        ROUTES.clear()
    ROUTES[cls] = Route(cls, plan)


def _is_short(cls: type, frame: FrameType, outermost: CodeType) -> bool:
    """Whether the class's own constructor is where a `Route` looks for it."""
    above = frame.f_back
    return outermost is frame.f_code or (
        above is not None and above.f_code is outermost and _is_closed_torch_class(cls, outermost)
    )


def frames_of(record: InitRecord) -> list[InitFrame]:
    """The frames of a record, innermost first."""
    route = record.source
    if isinstance(route, Route):
        return [InitFrame(route.plan, record.values, (), None, record.last)]
    return [InitFrame(*frame) for frame in record.values]


def class_of(record: InitRecord) -> type:
    """The exact class of the module that the record was taken of."""
    return record.source.cls if isinstance(record.source, Route) else record.source


def _plan_of(code: CodeType) -> Plan:
    plan = _plans[id(code)] = Plan(code)
    return plan


def _picker(names: tuple[str, ...]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    if not names:
        return lambda _: ()
    if len(names) == 1:
        name = names[0]
        return lambda local: (local[name],)
    return itemgetter(*names)


def _walk(
    module: Any, frame: FrameType | None, outermost: CodeType | None, passed: Passed | None
) -> tuple[tuple[Any, ...], ...]:
    """The constructors of `module` that are running, innermost first."""
    taken: list[tuple[Any, ...]] = []
    foreign = 0
    # What torch's own classes hand to their base classes interests nobody, and costs time.
    is_shallow = outermost is not None and _is_closed_torch_class(type(module), outermost)
    while frame is not None and foreign <= _FOREIGN_FRAMES:
        code = frame.f_code
        plan = _plans.get(id(code)) or _plan_of(code)
        foreign += 1
        if code is outermost or (plan.is_init and not is_shallow):
            local = frame.f_locals
            if plan.self_name is not None and local.get(plan.self_name) is module:
                foreign = 0
                if code is outermost:
                    taken.append(_take_outermost(plan, module, frame, local, passed))
                    break
                taken.append(_take(plan, local, frame.f_lasti))
        frame = frame.f_back
    return tuple(taken)


def _is_closed_torch_class(cls: type, outermost: CodeType) -> bool:
    plan = _plans.get(id(outermost)) or _plan_of(outermost)
    return not plan.stars and cls.__module__.startswith("torch.nn.")


def _outermost_code(cls: type) -> CodeType | None:
    init: Any = cls.__init__  # type: ignore[misc]  # asked of the class, never called
    for _ in range(_FOREIGN_FRAMES):
        if not hasattr(init, "__wrapped__"):
            break
        init = init.__wrapped__
    return getattr(init, "__code__", None)


def _take_outermost(
    plan: Plan, module: Any, frame: FrameType, local: Mapping[str, Any], passed: Passed | None
) -> tuple[Any, ...]:
    if passed is not None and fits(passed, local, stored_names(plan.code)):
        taken = _take(plan, passed.arguments, frame.f_lasti)
        return (*taken, True, passed.undecided, passed.factory)
    taken, factory = _take(plan, local, frame.f_lasti), calling_factory(type(module), frame.f_back)
    return (*taken, False, frozenset[str](), factory) if factory is not None else taken


def _take(plan: Plan, local: Mapping[str, Any], last: int) -> tuple[Any, ...]:
    try:
        values = plan.pick(local)
    except KeyError:  # a parameter was deleted
        values = tuple(local.get(name, Missing()) for name in plan.names)
    if not _only_atoms(map(type, values)):
        values = tuple(map(snapshot, values))
    args = tuple(map(snapshot, local.get(plan.varargs) or ())) if plan.varargs else ()
    passed = local.get(plan.varkw) if plan.varkw else None
    kwargs = {str(key): snapshot(value) for key, value in passed.items()} if passed else None
    return (plan, values, args, kwargs, last)
