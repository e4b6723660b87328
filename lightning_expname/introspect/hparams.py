"""The hyper-parameters of a model, without `save_hyperparameters()`: the public doors."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import torch

from ..facts import Hparam, Plain
from .arguments import arguments_of
from .factory_section import describe_factories
from .given import Follower, given_models, has_marker, spoken, with_owner
from .reading import Reading
from .snapshots import ConfigSnapshot, ModuleRef, Text, unwrapped
from .wrappers import child_of, is_lightning_module, model_within

MODEL_NAMES: Final = ("model", "net", "network", "backbone")
"""Arguments that hold *the* model when a LightningModule was given several modules."""


@dataclass(frozen=True)
class ModuleFacts:
    """What a LightningModule says about its model.

    Attributes:
        model: the exact class name of the model.
        hparams: the model's first, then the LightningModule's own; in the order of signatures.
        unrecovered: arguments whose passed value is not known any more.
        guessed: arguments taken from attributes, as the module was built before anybody watched.
        watched: whether all modules whose arguments are unknown were built while watched.
        factories: how the class methods that built them were called, see `describe_factories`.
    """

    model: str
    hparams: tuple[Hparam, ...]
    unrecovered: tuple[str, ...]
    guessed: tuple[str, ...] = ()
    watched: bool = True
    factories: Mapping[str, Plain] = field(default_factory=dict)

    @property
    def recovery(self) -> dict[str, list[str]]:
        """For the config: what is not known for certain; empty when everything is."""
        said = {"from_attributes": self.guessed, "unrecovered": self.unrecovered}
        return {name: list(names) for name, names in said.items() if names}


def collect_hparams(module: torch.nn.Module) -> dict[str, Any]:
    """The constructor arguments of a module, defaults included, with the values as passed.

    Arguments that went through `**kwargs` are flattened, and so are defaults of base classes that
    can be reached through them; what the author passes to a base class is left out. Entries of
    config objects and dicts, and arguments of modules that were given, have dotted names. What
    cannot be kept (tensors, arbitrary objects) or was reassigned before it was seen is absent.

    Args:
        module: any `torch.nn.Module`, also one wrapped by torch.compile, DDP or AveragedModel.
            It must have been built after `capture_init()`; else attributes of the parameters'
            names are taken.

    Example:
        >>> collect_hparams(torch.nn.Linear(8, 2))["in_features"]
        8
    """
    inner = unwrapped(module)
    follower = Follower("model", 0)
    follower.follow(arguments_of(inner), (), inner)
    found: dict[str, Any] = {}
    for row in follower.rows:
        if row.owner == "inherited" or isinstance(row.value, ConfigSnapshot):
            continue
        if isinstance(row.value, Text):
            found[".".join(row.path)] = row.value.text
        elif not has_marker(row.value):
            found[".".join(row.path)] = copy.copy(row.value)
    return found


def describe_module(module: torch.nn.Module) -> ModuleFacts:
    """Who the model is, and the hyper-parameters of it and of the LightningModule around it.

    The model is what a LightningModule was given to train: modules among its constructor
    arguments (losses, metrics, activations and bare containers aside). A LightningModule that was
    given none is the model itself. Modules that are built inside are the author's business.

    Example:
        >>> facts = describe_module(LitClassifier(model=Net(n_heads=8), weight_decay=0.01))
        >>> facts.model, [(hparam.name, hparam.owner) for hparam in facts.hparams]
        ('Net', [('n_heads', 'model'), ('weight_decay', 'module')])
    """
    inner = unwrapped(module)
    reading = arguments_of(inner)
    models = given_models(reading) if is_lightning_module(inner) else []
    if models:
        return _with_models(inner, reading, models)
    follower = Follower("model", 0)
    follower.follow(reading, (), inner)
    return ModuleFacts(
        type(inner).__name__,
        spoken(follower.rows),
        tuple(follower.unrecovered),
        tuple(follower.guessed),
        not follower.unwatched,
        describe_factories(follower.factories),
    )


def _with_models(inner: torch.nn.Module, reading: Reading, models: list[Any]) -> ModuleFacts:
    theirs = Follower("model", 0)
    for path, given in models:
        part = Follower("model", len(path))
        part.add_module(path, given, inner, skip=False)
        theirs.rows += part.rows
        theirs.unrecovered += part.unrecovered
        theirs.guessed += part.guessed
        theirs.unwatched |= part.unwatched
        theirs.factories += part.factories
    own = Follower("module", 0)
    own.follow(reading, (), inner, skip_models=True)
    rows = theirs.rows + with_owner(own.rows, "module")
    unrecovered = (*theirs.unrecovered, *own.unrecovered)
    guessed = (*theirs.guessed, *own.guessed)
    name = _model_name(inner, models)
    watched = not (theirs.unwatched or own.unwatched)
    factories = describe_factories([*theirs.factories, *own.factories])
    return ModuleFacts(name, spoken(rows), unrecovered, guessed, watched, factories)


def _model_name(inner: torch.nn.Module, models: list[Any]) -> str:
    if len(models) == 1:
        return _class_name(inner, models[0][1])
    direct = [(path[0], given) for path, given in reversed(models) if len(path) == 1]
    named = {name: _class_name(inner, given) for name, given in direct if name in MODEL_NAMES}
    chosen = [named[name] for name in MODEL_NAMES if name in named]
    return chosen[0] if chosen else type(inner).__name__


def _class_name(inner: torch.nn.Module, given: ModuleRef) -> str:
    """Of the given module, or of the one within it when it is nothing but a wrapper."""
    child = child_of(inner, given)
    return given.class_name if child is None else type(model_within(child)).__name__
