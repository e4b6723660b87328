"""Whether the value that a parameter has now is the one that the caller passed.

A constructor may reassign (`width = width * 2`) or change in place (`cfg.n = 3`) its arguments
before it calls `super().__init__()`, which is when they are read. The bytecode says which
parameters have been stored to by then; the source says whether that can have mattered.
"""

from __future__ import annotations

import ast
import dis
import functools
import linecache
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import CodeType
from typing import Any, Final

_STORES: Final = ("STORE_FAST", "STORE_DEREF", "DELETE_FAST", "DELETE_DEREF")
_MUTATORS: Final = frozenset(
    {"append", "clear", "extend", "insert", "popitem", "remove", "reverse", "sort", "update"}
)
_KEEPS_ORIGINAL: Final = frozenset({"setdefault"})  # what it leaves is what the model was built of
_NESTED: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


@dataclass(frozen=True)
class Forwarding:
    """How a constructor hands its own arguments to the next one.

    Attributes:
        offset: how many positional arguments stand before `*args`; None without `*args`.
        passes_kwargs: whether `**kwargs` is handed on.
        fixed: the names of the arguments that the author passes by keyword.
    """

    offset: int | None
    passes_kwargs: bool
    fixed: frozenset[str]


@dataclass
class Taints:
    """What was changed in place: names whole, and single entries of a name."""

    whole: set[str] = field(default_factory=set)
    entries: set[tuple[str, str]] = field(default_factory=set)
    popped: set[tuple[str, str]] = field(default_factory=set)


def is_original(code: CodeType, last: int, name: str, value: object) -> bool:
    """Whether the parameter still has the value that the caller passed.

    True when nothing stored to it before instruction `last`, or when every assignment can only
    have given the parameter itself or a constant, and `value` is none of these constants.
    """
    lines = _stored_lines(code, last, name)
    if not lines:
        return True
    function = _function(code)
    if function is None or None in lines:
        return False
    constants: list[object] = []
    for line in lines:
        outcome = _outcome_at(function, name, line)
        if outcome is None:
            return False
        constants += outcome
    return not any(_same(value, constant) for constant in constants)


def taints(code: CodeType, last: int) -> Taints:
    """What was changed in place before instruction `last`, as far as the source shows it."""
    found = Taints()
    function = _function(code)
    line = _line_of(code, last)
    if function is None or line is None:
        return found
    for node in _own_nodes(function):
        if getattr(node, "lineno", line + 1) <= line:
            _collect_taint(node, found)
    return found


def forwarding(code: CodeType, last: int) -> Forwarding | None:
    """How the call at instruction `last` hands arguments on; None where there is no source."""
    function = _function(code)
    line = _line_of(code, last)
    if function is None or line is None:
        return None
    calls = [
        node
        for node in _own_nodes(function)
        if isinstance(node, ast.Call)
        and node.lineno <= line <= (node.end_lineno or node.lineno)
        and _is_constructor_call(node)
    ]
    return _forwarding_of(calls[0], function) if len(calls) == 1 else None


def _is_constructor_call(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == "__init__"


def _forwarding_of(call: ast.Call, function: ast.FunctionDef) -> Forwarding:
    varargs = function.args.vararg.arg if function.args.vararg else None
    varkw = function.args.kwarg.arg if function.args.kwarg else None
    is_unbound = not isinstance(call.func, ast.Attribute) or not isinstance(
        call.func.value, ast.Call
    )  # Base.__init__(self, ...): `self` is no argument of the model
    offset = None
    for position, argument in enumerate(call.args):
        if isinstance(argument, ast.Starred):
            is_ours = isinstance(argument.value, ast.Name) and argument.value.id == varargs
            offset = position - is_unbound if is_ours else None
            break
    return Forwarding(
        offset=offset,
        passes_kwargs=any(k.arg is None and _name_of(k.value) == varkw for k in call.keywords),
        fixed=frozenset(k.arg for k in call.keywords if k.arg is not None),
    )


def _name_of(node: ast.AST) -> str | None:
    return node.id if isinstance(node, ast.Name) else None


def _stored_lines(code: CodeType, last: int, name: str) -> set[int | None]:
    """The lines of the stores to `name` before `last`; None stands for an unknown line."""
    lines: set[int | None] = {
        line for stored, offset, line in _stores(code) if stored == name and offset < last
    }
    is_rebound_inside = name in code.co_cellvars and any(
        stored == name for inner in _inner_codes(code) for stored, _, _ in _stores(inner)
    )
    return lines | {None} if is_rebound_inside else lines


def stored_names(code: CodeType) -> frozenset[str]:
    """The names that the code assigns to, anywhere."""
    return frozenset(name for name, _, _ in _stores(code))


@functools.lru_cache(maxsize=1024)
def _stores(code: CodeType) -> tuple[tuple[str, int, int | None], ...]:
    """(name, offset, line) of every store; newer Pythons store two names by one instruction."""
    found: list[tuple[str, int, int | None]] = []
    line: int | None = None
    starts = dict(dis.findlinestarts(code))
    for instruction in dis.get_instructions(code):
        line = starts.get(instruction.offset, line)
        if instruction.opname.startswith(_STORES):
            argument: Any = instruction.argval
            names = argument if isinstance(argument, tuple) else (argument,)
            found += [(str(name), instruction.offset, line) for name in names]
    return tuple(found)


def _inner_codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _inner_codes(constant)


def _line_of(code: CodeType, last: int) -> int | None:
    line = None
    for offset, start in dis.findlinestarts(code):
        if offset > last:
            break
        line = start if start is not None else line
    return line


@functools.lru_cache(maxsize=1024)
def _function(code: CodeType) -> ast.FunctionDef | None:
    """The definition of the code in its source; None where it cannot be found for certain."""
    try:
        tree = ast.parse("".join(linecache.getlines(code.co_filename)))
    except Exception:  # no source, or one that changed since and no longer parses
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            first = min([node.lineno, *(item.lineno for item in node.decorator_list)])
            if first == code.co_firstlineno and _parameters(node) == _code_parameters(code):
                return node
    return None


def _parameters(function: ast.FunctionDef) -> tuple[str, ...]:
    arguments = function.args
    return tuple(
        item.arg for item in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    )


def _code_parameters(code: CodeType) -> tuple[str, ...]:
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function's own scope, without those of nested functions and classes."""
    for child in ast.iter_child_nodes(function):
        yield child
        if not isinstance(child, _NESTED):
            yield from _own_nodes(child)


def _outcome_at(function: ast.FunctionDef, name: str, line: int | None) -> list[object] | None:
    """The constants that the assignments to `name` on a line can give; None when unknown."""
    constants: list[object] = []
    is_found = False
    for node in _own_nodes(function):
        for target, value in _bindings(node):
            if target.id == name and target.lineno == line:
                is_found = True
                outcome = _yields(value, name) if value is not None else None
                if outcome is None:
                    return None
                constants += outcome
    return constants if is_found else None


def _bindings(node: ast.AST) -> Iterator[tuple[ast.Name, ast.expr | None]]:
    """(target, value) of what a node binds; the value is None when it is not spelt out."""
    if isinstance(node, ast.comprehension):
        for target in _names_in(node.target):  # a comprehension's variable is its own
            yield target, ast.Name(id=target.id, ctx=ast.Load())
    elif isinstance(node, ast.Assign):
        for target_expr in node.targets:
            yield from _pairs(target_expr, node.value)
    elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and isinstance(node.target, ast.Name):
        yield node.target, node.value
    elif isinstance(node, (ast.AugAssign, ast.For)):
        yield from ((target, None) for target in _names_in(node.target))
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        yield from ((target, None) for target in _names_in(node.optional_vars))
    elif isinstance(node, ast.Delete):
        yield from ((target, None) for item in node.targets for target in _names_in(item))


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.Name, ast.expr | None]]:
    if isinstance(target, ast.Name):
        yield target, value
    elif isinstance(target, (ast.Tuple, ast.List)):
        values = value.elts if isinstance(value, (ast.Tuple, ast.List)) else []
        is_plain = len(values) == len(target.elts) and not any(
            isinstance(item, ast.Starred) for item in (*values, *target.elts)
        )
        if is_plain:
            for inner_target, inner in zip(target.elts, values, strict=False):
                yield from _pairs(inner_target, inner)
        else:
            yield from ((name, None) for name in _names_in(target))


def _names_in(target: ast.AST) -> list[ast.Name]:
    nodes = ast.walk(target)
    return [node for node in nodes if isinstance(node, ast.Name) and not _is_load(node)]


def _is_load(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Load)


def _yields(value: ast.expr, name: str) -> list[object] | None:
    """The constants an expression can give beside the parameter itself; None when unknown."""
    if isinstance(value, ast.Name):
        return [] if value.id == name else None
    if isinstance(value, (ast.Constant, ast.UnaryOp)):
        try:
            return [ast.literal_eval(value)]
        except ValueError:
            return None
    if isinstance(value, ast.IfExp):
        return _all_yield([value.body, value.orelse], name)
    if isinstance(value, ast.BoolOp):
        return _all_yield(value.values, name)
    return None


def _all_yield(values: list[ast.expr], name: str) -> list[object] | None:
    constants: list[object] = []
    for value in values:
        outcome = _yields(value, name)
        if outcome is None:
            return None
        constants += outcome
    return constants


def _same(value: object, constant: object) -> bool:
    # `repr` of a built-in constant is exact, and 1, 1.0 and True differ by it.
    return value is constant or (type(value) is type(constant) and repr(value) == repr(constant))


def _collect_taint(node: ast.AST, found: Taints) -> None:
    if isinstance(node, (ast.Subscript, ast.Attribute)) and not isinstance(node.ctx, ast.Load):
        _mark(found, node)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        _collect_call(node, node.func, found)


def _collect_call(call: ast.Call, func: ast.Attribute, found: Taints) -> None:
    root = _name_of(func.value)
    if func.attr in _KEEPS_ORIGINAL:
        return
    if func.attr == "pop" and root is not None and call.args:
        key = _key_of(call.args[0])
        if isinstance(key, str):
            found.popped.add((root, key))
        else:
            found.whole.add(root)
    elif func.attr == "update" and root is not None and not call.args:
        _mark_keywords(call, root, found)
    elif func.attr in _MUTATORS or func.attr == "pop":
        _mark_root(func.value, found)


def _mark_keywords(call: ast.Call, root: str, found: Taints) -> None:
    for keyword in call.keywords:
        if keyword.arg is None:
            found.whole.add(root)
        else:
            found.entries.add((root, keyword.arg))


def _mark(found: Taints, node: ast.Subscript | ast.Attribute) -> None:
    key = node.attr if isinstance(node, ast.Attribute) else _key_of(node.slice)
    root = _name_of(node.value)
    if root is not None and isinstance(key, str):
        found.entries.add((root, key))
    else:
        _mark_root(node.value, found)


def _mark_root(node: ast.AST, found: Taints) -> None:
    while isinstance(node, (ast.Subscript, ast.Attribute)):
        node = node.value
    root = _name_of(node)
    if root is not None:
        found.whole.add(root)


def _key_of(node: ast.AST) -> object:
    return node.value if isinstance(node, ast.Constant) else None
