"""The record of an old run, from what its checkpoints, their names and W&B's folder tell."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from ..errors import NameSyntaxError
from ..facts import Facts, Hparam
from ..introspect.classify import classify
from ..introspect.secrets import without_secrets
from ..introspect.values import plain
from ..naming import NamePolicy, derive_names, parse_name
from ..records import CheckpointPlace, RunRecord
from ..records.draft import digest_of, named
from ..records.leftover import best_told
from ..records.location import stored
from .groups import Group
from .shapes import shape_of

UNKNOWN_MODEL: Final = "adopted"
UNKNOWN_DATASET: Final = "data"
_HOME: Final = "checkpoints"
_MODEL_KEYS: Final = ("model_name", "model", "arch", "architecture")
_DATASET_KEYS: Final = ("dataset_name", "dataset", "data")
_RATES: Final = ("lr", "learning_rate")
_SIZES: Final = ("batch_size", "bs")


@dataclass(frozen=True)
class Hints:
    """What the user says of everything that is adopted; None where the files are to tell."""

    model: str | None = None
    dataset: str | None = None


def record_of(group: Group, root: Path, hints: Hints, wandb_id: str | None) -> RunRecord:
    """The record of a group of checkpoints, as the first of its name."""
    facts = without_secrets(_facts(group, hints))
    hparams = {one.name: one.value for one in facts.hparams}
    names = derive_names(facts, NamePolicy(), root=_HOME)
    state = _best_state(group)
    times = [one.path.stat().st_mtime for one in group.headers]
    return RunRecord(
        id=wandb_id or _text(group.identity, ("id",)) or _made_id(group, root),
        **named(facts, names),
        status="finished",
        hparams=hparams,
        config={"batch_size": facts.batch_size, "lr": facts.lr, **facts.config},
        created=_iso(min(times)),
        finished=_iso(max(times)),
        score=_number(state.get("best_model_score")),
        monitor=_text(state, ("monitor",)),
        places=_places(group, root),
        best=_best(group, root),
        last=stored(group.newest.path, root),
        digest=digest_of(hparams),
    )


def _facts(group: Group, hints: Hints) -> Facts:
    header, identity = group.newest, group.identity
    data = header.data_hyper_parameters
    hparams = {**dict(identity.get("hparams") or {}), **header.hyper_parameters}
    named = {} if hparams else _spoken(group.prefix)
    told = {**data, **hparams, **named}
    model, dataset = _home_of(group.folder)
    model = hints.model or _text(identity, ("model",)) or model or _text(hparams, _MODEL_KEYS)
    dataset = (
        hints.dataset or _text(identity, ("dataset",)) or dataset or _text(told, _DATASET_KEYS)
    )
    hparams |= {key: value for key, value in named.items() if key not in (*_SIZES, *_RATES)}
    origin = {"folder": str(group.folder), "lightning": header.lightning_version}
    return Facts(
        model=model or UNKNOWN_MODEL,
        dataset=dataset or UNKNOWN_DATASET,
        hparams=tuple(_hparam(key, value) for key, value in hparams.items()),
        batch_size=_first(told, _SIZES, int),
        lr=header.lr or _first(told, _RATES, float),
        config={**({"data": dict(data)} if data else {}), "adopted": origin},
    )


def _hparam(name: str, value: Any) -> Hparam:
    kind = classify(value)
    return Hparam(name, plain(value, kind), kind)


def _spoken(prefix: str) -> dict[str, Any]:
    """Hyper-parameters from a name that a person typed, when it is one of the grammar."""
    try:
        return dict(parse_name(prefix))
    except NameSyntaxError:
        return {}


def _home_of(folder: Path) -> tuple[str | None, str | None]:
    """`{model}/{dataset}` of a path with `checkpoints/{model}/{dataset}` in it."""
    parts = folder.parts
    if _HOME in parts[:-2]:
        at = len(parts) - 1 - parts[::-1].index(_HOME)
        return (parts[at + 1], parts[at + 2]) if at + 2 < len(parts) else (None, None)
    return None, None


def _places(group: Group, root: Path) -> tuple[CheckpointPlace, ...]:
    """One for each shape of a name; exact names where another run shares folder and shape."""
    folder = stored(group.folder, root)
    ours = {one.path.name for one in group.headers}
    others = [path.name for path in group.folder.iterdir() if path.name not in ours]
    made: dict[CheckpointPlace, None] = {}
    for one in sorted(group.headers, key=lambda header: shape_of(header.path.stem).is_last):
        shape = shape_of(one.path.stem)
        first = next(iter(made), None) if shape.is_last else None
        # a template is no file's name: this place has no last
        place = CheckpointPlace(folder, shape.template, shape.template)
        if first is not None and not first.exact:
            place = replace(first, last=shape.template)
        if any(map(place.pattern().fullmatch, others)):
            place = CheckpointPlace(folder, one.path.stem, extension=one.path.suffix, exact=True)
        made[place] = None
    return tuple(made)


def _best_state(group: Group) -> Mapping[str, Any]:
    states = [one for one in group.newest.callbacks.values() if isinstance(one, Mapping)]
    scored = (one for one in states if one.get("best_model_score") is not None)
    return next(scored, {})


def _best(group: Group, root: Path) -> str | None:
    told = best_told(group.newest.callbacks)
    found = next((one.path for one in group.headers if one.path.name == told), None)
    if found is None and told is None:
        found = group.newest.path
    return None if found is None else stored(found, root)


def _made_id(group: Group, root: Path) -> str:
    """The same for the same files: to adopt them twice is to adopt them once."""
    told = f"{stored(group.folder, root)}\0{group.prefix}\0{group.newest.hyper_parameters!r}"
    return "a" + hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()[:11]


def _first(values: Mapping[str, Any], keys: tuple[str, ...], kind: type) -> Any:
    return next((values[key] for key in keys if type(values.get(key)) is kind), None)


def _text(values: Mapping[str, Any], keys: tuple[str, ...]) -> str | None:
    found = (values.get(key) for key in keys)
    return next((one for one in found if isinstance(one, str) and one), None)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")
