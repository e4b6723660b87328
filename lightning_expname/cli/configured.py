"""The names that a config file would get: LightningCLI's, or one that Hydra composed."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import ExpNameError
from ..introspect.planned import planned_names
from ..introspect.signatures import Parameter, own_parameters
from ..naming import Names


def configured_names(options: argparse.Namespace) -> Names:
    """The names for `--config FILE`.

    Raises:
        ExpNameError: the file is no config, Hydra has not composed it yet, or a class that it
            names cannot be imported.
    """
    tree = read_config(options.config)
    declared = None if options.no_import else _declared
    return planned_names(
        tree, declared, model=options.model, dataset=options.dataset, mode=options.mode
    )


def read_config(path: str) -> Mapping[str, Any]:
    """A YAML file as plain values, interpolations resolved; `-` is the standard input.

    Raises:
        ExpNameError: it cannot be read, or is no config of a run.
    """
    yaml: Any = importlib.import_module("yaml")  # without types of its own; comes with lightning

    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text("utf-8")
        tree = yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ExpNameError(f"cannot read the config {path}: {error}") from error
    if not isinstance(tree, Mapping):
        raise ExpNameError(f"{path} holds {type(tree).__name__}; a config is a mapping of names")
    if "defaults" in tree:
        raise ExpNameError(
            f"{path} has a `defaults` list, which Hydra composes; give what it makes of it:"
            " python train.py --cfg job | expname preview --config -"
        )
    return _resolved(tree) if "${" in text else tree


def _resolved(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        from omegaconf import OmegaConf
    except ModuleNotFoundError as error:
        raise ExpNameError(
            "the config has interpolations ${...}: pip install lightning-expname[hydra]"
        ) from error
    from ..introspect.safe_config import UNSTABLE, plain_config

    resolved: Mapping[str, Any] = plain_config(OmegaConf.create(dict(tree)), UNSTABLE)
    return resolved


def _declared(path: str) -> Mapping[str, Parameter]:
    """What the constructor declares, found as Python would from the working directory."""
    module, _, name = path.rpartition(".")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception as error:  # the user's module may raise anything
        raise ExpNameError(
            f"cannot import {path!r}, which the config names ({type(error).__name__}: {error});"
            " run from the project's folder, or add --no-import: arguments that the config leaves"
            " to their defaults are then not spoken"
        ) from error
    return own_parameters(found) if isinstance(found, type) else {}
