"""`${expname:stem}`: names as pure functions of the composed config.

Nothing else goes in: no time, no process, no rank, no record. So the value is the same on every
rank, in the parent and in its workers, and today and tomorrow. It may be shorter than the run's
real stem, which also speaks defaults that the config leaves out and an ordinal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

NAME: Final = "expname"
FIELDS: Final = ("folder", "stem", "run", "project", "checkpoint_dir", "digest")
_FOLDER_BYTES: Final = 180  # a file name has 255, and Hydra's own files lie below


def register() -> None:
    """Makes `${expname:...}` known to OmegaConf; doing it twice is doing it once."""
    from omegaconf import OmegaConf

    OmegaConf.register_new_resolver(NAME, resolve, replace=True, use_cache=False)


def resolve(field: str = "stem", *, _root_: Any, _parent_: Any) -> str:
    """One name of the run that a config describes.

    `folder` is the run's name with a digest of the whole config, so that two different configs
    never share it; `digest` is that digest alone. Within `hydra.sweep`, stem and run get it too: a
    sweep over floats, which no stem speaks, would overwrite its own folders.

    Args:
        field: `folder`, `stem`, `run`, `project`, `checkpoint_dir` or `digest`.

    Raises:
        TemplateError: the field is unknown.

    Example:
        hydra:
          run: {dir: "outputs/${expname:project}/${expname:folder}"}
          sweep: {dir: multirun, subdir: "${expname:stem}"}
    """
    from ..errors import TemplateError
    from ..introspect.safe_config import UNSTABLE, task_config

    if field not in FIELDS:
        raise TemplateError(
            f"${{{NAME}:{field}}} asks for {field!r}; known are {', '.join(FIELDS)}"
        )
    tree = task_config(_root_, UNSTABLE)
    if field == "digest":
        return config_digest(tree)
    from ..introspect.planned import planned_names

    names = planned_names(tree)
    text = str(getattr(names, "run" if field == "folder" else field))
    needs_digest = field == "folder" or (
        field in ("stem", "run") and _is_in_sweep(_root_, _parent_)
    )
    return f"{text[:_FOLDER_BYTES]}-{config_digest(tree)}" if needs_digest else text


def config_digest(tree: Mapping[str, Any]) -> str:
    """Ten characters for a whole config; `1e-5` is one number, whatever parsed it.

    Example:
        >>> config_digest({"lr": "1e-5"}) == config_digest({"lr": 1e-5})
        True
    """
    from ..naming import digest

    return digest({"config": "\n".join(sorted(_lines(tree, ())))})


def _lines(value: Any, path: tuple[str | int, ...]) -> list[str]:
    pairs: list[tuple[str | int, Any]] = []
    if isinstance(value, Mapping):
        pairs += [(str(key), item) for key, item in value.items()]
    elif isinstance(value, list):
        pairs += enumerate(value)
    if not pairs:
        return [f"{path!r}={_typed(value)}"]
    return [line for key, item in pairs for line in _lines(item, (*path, key))]


def _typed(value: Any) -> str:
    from ..introspect.classify import classify

    number = float(value) if isinstance(value, str) and classify(value) == "float" else value
    return f"{type(number).__name__}:{number!r}"


def _is_in_sweep(root: Any, parent: Any) -> bool:
    """Whether the interpolation stands in `hydra.sweep`, of which `subdir` must tell jobs apart."""
    from omegaconf import OmegaConf

    return parent is not None and OmegaConf.select(root, "hydra.sweep") is parent
