"""Golden names: a renamed hyper-parameter is noticed in review, not when a checkpoint is missed."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import NameSyntaxError
from ..facts import Facts
from ..naming import NAME_VERSION, NamePolicy, Names, Speech, derive_names, parse_name

if TYPE_CHECKING:
    from torch import nn

WRITE: Final = "EXPNAME_WRITE_NAMES"
"""The environment variable that, set to 1, makes `assert_same_names` write its file anew."""

_SPOKEN: Final = ("run", "stem")  # written in the grammar, so that fields can be compared
AllNames = Mapping[str, Names | Mapping[str, Any]]
_home: Path = Path()  # where relative files lie


def names_of(
    module: nn.Module,
    *,
    dataset: str = "data",
    batch_size: int | None = None,
    lr: float | None = None,
    policy: NamePolicy | Mapping[str, Any] | None = None,
    speech: Speech | None = None,
) -> Names:
    """The names that a training of this module would get, without a Trainer.

    Args:
        module: a LightningModule or model, built after `capture_init()`.
        dataset: the data's name.
        batch_size: samples in a batch.
        lr: the configured learning rate.
        policy: as `ExpNameLogger(policy=...)`.
        speech: `include`, `exclude` and `aliases` of the logger.

    Example:
        >>> names_of(LitNet(Net(depth=2)), dataset="Digits", batch_size=8, lr=1e-3).run
        'depth2-bs8-lr0.001'
    """
    from ..introspect.hparams import describe_module  # imports torch: only who has it calls us

    described = describe_module(module)
    facts = Facts(described.model, dataset, described.hparams, batch_size=batch_size, lr=lr)
    return derive_names(facts, NamePolicy.of(policy), speech or Speech())


def assert_same_names(before: AllNames | str | os.PathLike[str], after: AllNames) -> None:
    """Fail when names are not what they were, and say which fields differ.

    Args:
        before: the names as they were, or the JSON file that holds them (kept under version
            control; written when the environment has `EXPNAME_WRITE_NAMES=1`). Each call needs a
            file of its own: it holds all cases of `after`. A relative path starts where pytest
            was called, also under `expname_root`.
        after: case to names, of `names_of` or a logger's `names`.

    Raises:
        AssertionError: a case is new, gone or named differently; or there is no such file.

    Example:
        def test_names_stay():
            network = Net(d_model=64, n_heads=4)
            names = names_of(LitNet(network), dataset="Digits", batch_size=64, lr=1e-3)
            assert_same_names("tests/golden_names.json", {"small": names})
    """
    told, advice = _plain(after), ""
    if not isinstance(before, Mapping):
        file = _home / before
        if os.environ.get(WRITE) == "1":
            _write(file, told)
        before = _read(file)
        advice = f"\nIf this is wanted, run pytest once with {WRITE}=1, and commit {file}"
    problems = list(_differences(_plain(before), told))
    if problems:
        text = "\n  ".join(["names are not what they were:", *problems])
        raise AssertionError(text + advice)


@contextlib.contextmanager
def files_in(directory: Path) -> Iterator[None]:
    """Golden files of a relative path lie there, wherever the test works."""
    global _home
    outer, _home = _home, directory
    try:
        yield
    finally:
        _home = outer


def _plain(names: AllNames) -> dict[str, dict[str, Any]]:
    return {
        case: dataclasses.asdict(one) if isinstance(one, Names) else dict(one)
        for case, one in names.items()
    }


def _write(path: Path, names: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"name_version": NAME_VERSION, "names": names}, ensure_ascii=False, indent=2)
    path.write_text(text + "\n", encoding="utf-8")


def _read(path: Path) -> dict[str, dict[str, Any]]:
    if not path.is_file():
        raise AssertionError(f"there is no {path}; run pytest once with {WRITE}=1 to write it")
    data = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(data, dict) or not isinstance(data.get("names"), dict):
        raise AssertionError(f"{path} holds no names; delete it and run pytest with {WRITE}=1")
    return dict(data["names"])


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for case in [*before, *(case for case in after if case not in before)]:
        if case not in after:
            yield f"{case}: is gone (one call of assert_same_names tells all cases of a file)"
        elif case not in before:
            yield f"{case}: is new"
        else:
            yield from _changes(case, before[case], after[case])


def _changes(case: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for key in before:
        if before[key] != after.get(key):
            why = _fields(before[key], after.get(key)) if key in _SPOKEN else ""
            yield f"{case}: {key} was {before[key]!r}, is {after.get(key)!r}{why}"


def _fields(before: str, after: object) -> str:
    """Which fields differ, where both read back: `(depth2 -> layers2)` is seen at once."""
    try:
        was, now = parse_name(before), parse_name(str(after))
    except NameSyntaxError:
        return ""
    gone = [f"-{key}={value!r}" for key, value in was.items() if _missing(key, value, now)]
    come = [f"+{key}={value!r}" for key, value in now.items() if _missing(key, value, was)]
    return f" ({' '.join([*gone, *come])})" if gone or come else ""


def _missing(key: str, value: object, fields: Mapping[str, object]) -> bool:
    return key not in fields or repr(fields[key]) != repr(value)
