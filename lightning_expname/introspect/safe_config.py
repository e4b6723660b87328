"""A composed config as plain values: what resolves is resolved, what must not or cannot is text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

ENVIRONMENT: Final = ("oc.env:",)
"""Interpolations whose values are this machine's and may be secret."""

UNSTABLE: Final = (*ENVIRONMENT, "expname:", "now:", "hydra:", "oc.create:")
"""Interpolations that differ between two processes of one run, or that ask for names again."""

_FLAGS: Final = {"allow_objects": True}


def plain_config(config: Any, keep: Sequence[str] = ENVIRONMENT) -> Any:
    """The config as dicts, lists and values.

    Interpolations that begin with one of `keep` stay as they are written, also where another one
    leads to them or holds them; so do those that lead nowhere, and `???`.

    Args:
        config: a DictConfig or ListConfig of OmegaConf.
        keep: beginnings of what stands within `${...}`.

    Example:
        >>> plain_config(OmegaConf.create({"a": 1, "b": "${a}", "key": "${oc.env:KEY}"}))
        {'a': 1, 'b': 1, 'key': '${oc.env:KEY}'}
    """
    from omegaconf import OmegaConf

    raw = OmegaConf.to_container(config, resolve=False)
    copy = OmegaConf.create(_escaped(raw, keep), flags=_FLAGS)
    return _resolved(copy, ())


def task_config(config: Any, keep: Sequence[str] = ENVIRONMENT) -> dict[str, Any]:
    """The application's own part of a composed config, without Hydra's; see `plain_config`."""
    from omegaconf import OmegaConf

    raw: Any = OmegaConf.to_container(config, resolve=False)
    own = {key: value for key, value in raw.items() if key != "hydra"}
    plain: dict[str, Any] = plain_config(OmegaConf.create(own, flags=_FLAGS), keep)
    return plain


def _escaped(raw: Any, keep: Sequence[str]) -> Any:
    if isinstance(raw, dict):
        return {key: _escaped(value, keep) for key, value in raw.items()}
    if isinstance(raw, list):
        return [_escaped(value, keep) for value in raw]
    return _escaped_text(raw, keep) if isinstance(raw, str) else raw


def _escaped_text(text: str, keep: Sequence[str]) -> str:
    """Each interpolation to keep, or with one inside it, becomes a literal text for OmegaConf."""
    done, start = "", text.find("${")
    while start >= 0:
        end = _end_of(text, start)
        span = text[start:end]
        kept = any(re.search(rf"\$\{{\s*{re.escape(one)}", span) for one in keep)
        length = len(span) if kept else 2
        piece = span.replace("${", r"\${") if kept else "${"
        done, text = done + text[:start] + piece, text[start + length :]
        start = text.find("${")
    return done + text


def _end_of(text: str, start: int) -> int:
    depth = 0
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0 and place > start:
            return place + 1
    return len(text)


def _resolved(node: Any, above: tuple[int, ...]) -> Any:
    from omegaconf import DictConfig, ListConfig, OmegaConf

    if not isinstance(node, (DictConfig, ListConfig)):
        return node
    if id(node) in above:
        raise ValueError("an interpolation leads to a config that it is part of")
    raw: Any = OmegaConf.to_container(node, resolve=False)
    if raw is None or isinstance(raw, str):  # the whole node is None, missing or an interpolation
        return raw
    keys = list(node) if isinstance(node, DictConfig) else range(len(node))
    items = [(key, _item(node, key, raw, (*above, id(node)))) for key in keys]
    if isinstance(node, ListConfig):
        return [item for _, item in items]
    return {str(key): item for key, item in items}


def _item(node: Any, key: Any, raw: Any, above: tuple[int, ...]) -> Any:
    from omegaconf import OmegaConf

    if OmegaConf.is_missing(node, key):
        return "???"
    try:
        return _resolved(node[key], above)
    except Exception:  # a resolver may raise anything
        return raw[key] if isinstance(raw[key], str) else str(raw[key])
