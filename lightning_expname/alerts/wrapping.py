"""`@alerts.watch(...)`: the function within the context manager, for as long as it really runs."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import AbstractContextManager, aclosing
from typing import Any, Final

Function = Callable[..., Any]
Watch = Callable[[], AbstractContextManager[Any]]


def wrapped(function: Function, watch: Watch) -> Function:
    """A function like it, each of whose calls is watched.

    To call a coroutine function, or a generator, does nothing yet: they are watched while they run.
    """
    called = _called(function)
    fitting = (wrap for is_one, wrap in _KINDS if is_one(function) or is_one(called))
    return functools.wraps(function)(next(fitting, _plain)(function, watch))


def _called(function: Function) -> Function:
    """The function that runs: `inspect` does not look for it in a callable object's class."""
    while isinstance(function, functools.partial):
        function = function.func
    is_itself = inspect.isroutine(function) or inspect.isclass(function)
    return function if is_itself else type(function).__call__


def _plain(function: Function, watch: Watch) -> Function:
    def watched(*args: Any, **kwargs: Any) -> Any:
        with watch():
            return function(*args, **kwargs)

    return watched


def _coroutine(function: Function, watch: Watch) -> Function:
    async def watched(*args: Any, **kwargs: Any) -> Any:
        with watch():
            return await function(*args, **kwargs)

    return watched


def _generator(function: Function, watch: Watch) -> Function:
    def watched(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with watch():
            return (yield from function(*args, **kwargs))

    return watched


def _stream(function: Function, watch: Watch) -> Function:
    async def watched(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        with watch():
            async with aclosing(function(*args, **kwargs)) as items:
                async for item in items:
                    yield item

    return watched


_KINDS: Final = (
    (inspect.isgeneratorfunction, _generator),
    (inspect.isasyncgenfunction, _stream),
    (inspect.iscoroutinefunction, _coroutine),
)
