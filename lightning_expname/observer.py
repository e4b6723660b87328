"""An observer never harms a training: its own failures are one warning each."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from .errors import HparamError, ResumeError, TemplateError
from .redaction import scrub

Hook = TypeVar("Hook", bound=Callable[..., Any])


class ExpNameWarning(UserWarning):
    """Something could not be named, recorded or told; the training goes on."""


_said: set[str] = set()


def warn_once(message: str, *, key: str | None = None) -> None:
    """Warns the first time only; `key` tells two messages apart that differ in details."""
    if (key or message) not in _said:
        _said.add(key or message)
        warnings.warn(message, ExpNameWarning, stacklevel=3)


def observed(hook: Hook) -> Hook:
    """Makes a hook harmless: an unexpected exception becomes one warning.

    What the user asked for wrongly (`include=`, a template, `resume="must"`) is still raised: it
    comes before the first step, and a training under wrong names would have to be repeated.
    """

    @functools.wraps(hook)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return hook(*args, **kwargs)
        except (HparamError, ResumeError, TemplateError):
            raise
        except Exception as error:
            warn_once(
                f"lightning_expname could not do its part in {hook.__name__}"
                f" ({type(error).__name__}: {scrub(str(error))}); the training goes on without it",
                key=f"{hook.__qualname__}:{type(error).__name__}",
            )
            return None

    return guarded  # type: ignore[return-value]  # functools.wraps keeps the signature
