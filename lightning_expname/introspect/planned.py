"""The names that a run of a config will get, before anything is built."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from ..facts import Facts
from ..naming import NamePolicy, Names, Speech, derive_names
from .config_tree import (
    Call,
    Declared,
    call_of,
    facts_of_config,
    nothing_declared,
    without_subcommand,
)

_LOGGER: Final = "ExpNameLogger"


def planned_names(
    tree: Mapping[str, Any],
    declared: Declared | None = None,
    *,
    model: str | None = None,
    dataset: str | None = None,
    mode: str = "train",
) -> Names:
    """The names of the first run of a config, with what it says to `ExpNameLogger`.

    Args:
        tree: the config as plain values, see `facts_of_config`.
        declared: what a class declares; without it, only what the config says itself is spoken,
            and `include` and `exclude` may name arguments that it leaves out.
        model: the model's name, where the config fixes no class.
        dataset: the data's name, likewise.
        mode: `train`, `test` or another.

    Raises:
        HparamError: with `declared`, `include` or `exclude` name what no constructor takes.
        TemplateError: a template of the policy is not valid.

    Example:
        >>> net = {"_target_": "net.Net", "width": 8, "dropout": 0.1}
        >>> data = {"_target_": "data.DigitsDataModule", "batch_size": 4}
        >>> planned_names({"model": net, "data": data}).stem
        'width8-bs4'
    """
    said = _said_to_logger(without_subcommand(tree))
    facts = facts_of_config(
        tree,
        declared or nothing_declared,
        model=model or said.get("model"),
        dataset=dataset or said.get("dataset"),
    )
    known = None if declared else {hparam.name for hparam in facts.hparams}
    speech = Speech(
        include=_only(said.get("include"), known),
        exclude=_only(said.get("exclude") or (), known) or (),
        aliases=said.get("aliases"),
    )
    names = derive_names(_with_fields(facts, tree), _policy(said), speech, mode=mode)
    fixed = {"project": said.get("project"), "run": said.get("name")}
    given: dict[str, Any] = {key: text for key, text in fixed.items() if _is_given(text)}
    return dataclasses.replace(names, **given)


def _policy(said: Mapping[str, Any]) -> NamePolicy:
    policy = said.get("policy")
    call = call_of(policy)
    return NamePolicy.of(dict(call.arguments) if call else policy)


def _is_given(text: Any) -> bool:
    """An interpolation that asks for the name itself gives none."""
    return isinstance(text, str) and "${" not in text


def _only(names: Sequence[str] | None, known: Collection[str] | None) -> Sequence[str] | None:
    return names if names is None or known is None else [name for name in names if name in known]


def _with_fields(facts: Facts, tree: Mapping[str, Any]) -> Facts:
    """What templates may say beside the facts, where the config's trainer has it."""
    trainer = tree.get("trainer")
    told = trainer if isinstance(trainer, Mapping) else {}
    names = ("strategy", "precision", "devices", "accumulate_grad_batches")
    fields = {name: told[name] for name in names if isinstance(told.get(name), (str, int))}
    seed = tree.get("seed", tree.get("seed_everything"))
    return dataclasses.replace(facts, fields={**fields, "seed": seed})


def _said_to_logger(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    trainer = tree.get("trainer")
    places = [tree.get("logger"), trainer.get("logger") if isinstance(trainer, Mapping) else None]
    loggers = (call for place in places for call in _calls(place))
    return next((call.arguments for call in loggers if call.class_name == _LOGGER), {})


def _calls(node: Any) -> Iterator[Call]:
    """The node's own call, or those in a list or a dict of loggers."""
    if call := call_of(node):
        yield call
        return
    inner = node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ()
    yield from (call for one in inner if (call := call_of(one)))
