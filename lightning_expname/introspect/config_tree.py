"""Facts that a config announces before anything is built, for Hydra's and LightningCLI's form.

Plain dicts go in: `{"_target_": path, **arguments}` or `{"class_path": path, "init_args": {...}}`,
or arguments alone where the program fixes the class. Nothing is imported unless the caller brings
a way to look up what a class declares, so the result is a pure function of the config.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..facts import ABSENT, Facts, Hparam, Owner
from .classify import EMPTY, classify
from .dataset import UNKNOWN, spoken_name
from .loaders import is_count
from .signatures import Parameter
from .values import typed_plain

Declared = Callable[[str], Mapping[str, Parameter]]
"""What the constructor of the class at a path declares; empty where that is not known."""

_MODULES: Final = ("model", "module", "lit_module", "lightning_module", "net", "network")
_DATA: Final = ("data", "datamodule", "data_module", "dataset")
_OPTIMIZERS: Final = ("optimizer", "optim", "optimizers")
_BATCH_SIZES: Final = ("batch_size", "train_batch_size", "bs")
_RATES: Final = ("lr", "learning_rate")
_SUBCOMMANDS: Final = ("fit", "validate", "test", "predict")
_NO_MODELS: Final = (*_OPTIMIZERS, "scheduler", "lr_scheduler", "loss", "criterion", "loss_fn")
_NO_MODEL_HOMES: Final = ("torch.optim", "torchmetrics", "torch.nn.modules.loss")


@dataclass(frozen=True)
class Call:
    """A node that builds an object: the path of its class, empty when that is fixed elsewhere."""

    path: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    is_partial: bool = False

    @property
    def class_name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]


def call_of(node: Any) -> Call | None:
    """The call that a node of a config describes; None for a value and for a dict of values.

    Example:
        >>> call_of({"_target_": "net.Net", "width": 8}).arguments
        {'width': 8}
    """
    if not isinstance(node, Mapping):
        return None
    if isinstance(node.get("_target_"), str):
        own = {str(key): value for key, value in node.items() if not str(key).startswith("_")}
        return Call(node["_target_"], own, bool(node.get("_partial_")))
    if isinstance(node.get("class_path"), str):
        arguments = {**(node.get("init_args") or {}), **(node.get("dict_kwargs") or {})}
        return Call(node["class_path"], arguments)
    return None


def nothing_declared(path: str) -> Mapping[str, Parameter]:  # noqa: ARG001
    """The `Declared` that imports nothing: only what the config says is known."""
    return {}


def facts_of_config(
    tree: Mapping[str, Any],
    declared: Declared = nothing_declared,
    *,
    model: str | None = None,
    dataset: str | None = None,
) -> Facts:
    """What a run of this config is, as far as the config tells.

    The module is looked for under `model`, the data under `data` or `datamodule`, the learning rate
    and the batch size there and at the top.

    Args:
        tree: the config as plain values; one of a LightningCLI may begin with the subcommand.
        declared: what a class declares, for the defaults that the config leaves out.
        model: the model's name, where the config fixes no class.
        dataset: the data's name, likewise.
    """
    tree = without_subcommand(tree)
    module, data = _first(tree, _MODULES), _first(tree, _DATA)
    networks = list(_models(module.arguments, ()))
    if networks:
        hparams = [one for path, call in networks for one in _hparams(call, path, declared)]
        hparams += _hparams(module, (), declared, owner="module")
        name = networks[0][1].class_name if len(networks) == 1 else module.class_name
    else:
        hparams, name = _hparams(module, (), declared), module.class_name
    return Facts(
        model=model or name or "model",
        dataset=dataset or _dataset_name(tree, data) or UNKNOWN,
        hparams=tuple(_named(hparams)),
        batch_size=_batch_size(tree, data, module, declared),
        lr=_rate(tree, module, declared),
    )


def without_subcommand(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part below `fit`, where a LightningCLI's config has such a level."""
    below = [tree[key] for key in _SUBCOMMANDS if isinstance(tree.get(key), Mapping)]
    return tree if "model" in tree or not below else {**tree, **below[0]}


def _first(tree: Mapping[str, Any], names: tuple[str, ...]) -> Call:
    for name in names:
        node = tree.get(name)
        if call := call_of(node):
            return call
        if isinstance(node, Mapping):
            return Call("", node)
    return Call("")


def _models(
    arguments: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Call]]:
    for name, value in arguments.items():
        call = call_of(value)
        if call is not None and _is_model(name, call):
            yield (*path, name), call


def _is_model(name: str, call: Call) -> bool:
    if call.is_partial or name in _NO_MODELS or call.path.startswith(_NO_MODEL_HOMES):
        return False
    return not call.class_name.endswith(("Loss", "Criterion", "Metric", "MetricCollection"))


@dataclass(frozen=True)
class _Argument:
    path: tuple[str, ...]
    value: Any
    parameter: Parameter
    owner: Owner


def _hparams(
    call: Call, path: tuple[str, ...], declared: Declared, owner: Owner = "model"
) -> list[_Argument]:
    """The arguments of a call in the order of its signature, nested models followed."""
    parameters = declared(call.path) if call.path else {}
    defaults = {name: one.default for name, one in parameters.items() if one.default is not EMPTY}
    ordered = [name for name in parameters if name in call.arguments or name in defaults]
    names = dict.fromkeys([*ordered, *call.arguments])
    found: list[_Argument] = []
    for name in names:
        value = call.arguments.get(name, defaults.get(name))
        parameter = parameters.get(name, Parameter(name))
        found += _argument((*path, name), value, parameter, declared, owner)
    return found


def _argument(
    path: tuple[str, ...], value: Any, parameter: Parameter, declared: Declared, owner: Owner
) -> list[_Argument]:
    call = call_of(value)
    if call is None and isinstance(value, Mapping) and value:
        pairs = [((*path, str(key)), item) for key, item in value.items()]
        return [
            one
            for below, item in pairs
            for one in _argument(below, item, Parameter(below[-1]), declared, owner)
        ]
    if call is None:
        return [_Argument(path, value, parameter, owner)]
    if call.path.startswith("torch.nn.") and not call.arguments:  # an activation, a word
        return [_Argument(path, call.class_name, Parameter(path[-1]), owner)]
    nested = owner == "model" and _is_model(path[-1], call)
    return _hparams(call, path, declared, owner) if nested else []


def _named(arguments: list[_Argument]) -> Iterator[Hparam]:
    """A hyper-parameter is called by its own name, or by its path where two have the same."""
    often = Counter(one.path[-1] for one in arguments)
    for one in arguments:
        name = one.path[-1] if often[one.path[-1]] == 1 else ".".join(one.path)
        annotation, default = one.parameter.annotation, one.parameter.default
        yield Hparam(
            name,
            typed_plain(one.value, annotation, default),
            classify(one.value, annotation, default),
            one.owner,
            ABSENT if default is EMPTY else typed_plain(default, annotation, default),
        )


def _dataset_name(tree: Mapping[str, Any], data: Call) -> str | None:
    for holder, names in ((data.arguments, ("dataset_name", "name")), (tree, ("dataset",))):
        for name in names:
            if isinstance(holder.get(name), str) and holder[name].strip():
                return str(holder[name])
    if data.path:
        return spoken_name(data.class_name)
    inner = call_of(data.arguments.get("dataset"))
    return spoken_name(inner.class_name) if inner else None


def _batch_size(
    tree: Mapping[str, Any], data: Call, module: Call, declared: Declared
) -> int | None:
    inner = [value for value in data.arguments.values() if isinstance(value, Mapping)]
    calls = [call for node in inner if (call := call_of(node))]
    holders = [data.arguments, *inner, *(call.arguments for call in calls), tree, module.arguments]
    for holder in (*holders, _defaults(data, declared), _defaults(module, declared)):
        for name in _BATCH_SIZES:
            if is_count(holder.get(name)):
                return int(holder[name])
    return None


def _rate(tree: Mapping[str, Any], module: Call, declared: Declared) -> float | None:
    optimizers = [
        call.arguments if (call := call_of(holder.get(name))) else holder.get(name)
        for holder in (tree, module.arguments)
        for name in _OPTIMIZERS
    ]
    holders = [*optimizers, module.arguments, tree, _defaults(module, declared)]
    for holder in holders:
        for name in _RATES:
            value = holder.get(name) if isinstance(holder, Mapping) else None
            if value is not None and classify(value, float) == "float":
                return float(value)
    return None


def _defaults(call: Call, declared: Declared) -> Mapping[str, Any]:
    parameters = declared(call.path) if call.path else {}
    return {name: one.default for name, one in parameters.items() if one.default is not EMPTY}
