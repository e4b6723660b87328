"""The record of an old run, from what its checkpoints, their names and W&B's folder tell."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import NameSyntaxError
from ..facts import Facts
from ..introspect.secrets import without_secrets
from ..naming import NamePolicy, derive_names, parse_name
from ..records import CheckpointPlace, RunRecord
from ..records.draft import digest_of, named
from ..records.files import exact_place
from ..records.leftover import best_told
from ..records.location import stored
from ..records.prints import print_of
from ..wandb_log import Recorded
from .groups import Group
from .logged import config_of, flat, spoken_by
from .shapes import shape_of
from .told import HOME, MODEL_KEYS, Hints, facts_of, iso, text_at, without_training


def record_of(
    group: Group, root: Path, hints: Hints, wandb_id: str | None, logged: Recorded | None = None
) -> RunRecord:
    """The record of a group of checkpoints, as the first of its name.

    Args:
        group: the checkpoints.
        root: of the records.
        hints: what the user says.
        wandb_id: the run's id, where W&B's folder tells it.
        logged: what W&B recorded of it.
    """
    facts = without_secrets(_facts(group, hints, logged))
    hparams = {one.name: one.value for one in facts.hparams}
    names = derive_names(facts, NamePolicy(), root=HOME)
    state = _best_state(group)
    times = [one.path.stat().st_mtime for one in group.headers]
    prints = sorted({told for one in group.headers if (told := print_of(one.path))})
    config = {"batch_size": facts.batch_size, "lr": facts.lr, **facts.config}
    return RunRecord(
        id=wandb_id or text_at(group.identity, ("id",)) or _made_id(group, root),
        **{**named(facts, names), **spoken_by(logged)},
        status="finished",
        hparams=hparams,
        config={**config, "adopted": {**config["adopted"], "prints": prints}},
        created=iso(min(times)),
        finished=iso(max(times)),
        score=_number(state.get("best_model_score")),
        monitor=text_at(state, ("monitor",)),
        places=_places(group, root),
        best=_best(group, root),
        last=stored(group.newest.path, root),
        digest=digest_of(hparams),
    )


def _facts(group: Group, hints: Hints, logged: Recorded | None) -> Facts:
    header, identity = group.newest, group.identity
    data, config = header.data_hyper_parameters, config_of(logged)
    hparams = {**dict(identity.get("hparams") or {}), **header.hyper_parameters}
    named = {} if hparams else _spoken(group.prefix)
    told = {**config, **data, **hparams, **named}
    model, dataset = _home_of(group.folder)
    hparams |= without_training(named)
    if not hparams:
        hparams = without_training(flat(config))
    origin = {"folder": str(group.folder), "lightning": header.lightning_version}
    more = {key: value for key, value in config.items() if key not in hparams}
    return facts_of(
        hparams,
        told,
        hints,
        model=text_at(identity, ("model",)) or model or text_at(hparams, MODEL_KEYS),
        dataset=text_at(identity, ("dataset",)) or dataset,
        lr=header.lr,
        config={**more, **({"data": dict(data)} if data else {}), "adopted": origin},
    )


def _spoken(prefix: str) -> dict[str, Any]:
    """Hyper-parameters from a name that a person typed, when it is one of the grammar."""
    try:
        return dict(parse_name(prefix))
    except NameSyntaxError:
        return {}


def _home_of(folder: Path) -> tuple[str | None, str | None]:
    """`{model}/{dataset}` of a path with `checkpoints/{model}/{dataset}` in it."""
    parts = folder.parts
    if HOME in parts[:-2]:
        at = len(parts) - 1 - parts[::-1].index(HOME)
        return (parts[at + 1], parts[at + 2]) if at + 2 < len(parts) else (None, None)
    return None, None


def _places(group: Group, root: Path) -> tuple[CheckpointPlace, ...]:
    """One for each shape of a name; exact names where another run shares folder and shape."""
    folder = stored(group.folder, root)
    ours = {one.path.name for one in group.headers}
    others = [name for name in os.listdir(group.folder) if name not in ours]
    made: dict[CheckpointPlace, None] = {}
    for one in sorted(group.headers, key=lambda header: shape_of(header.path.stem).is_last):
        shape = shape_of(one.path.stem)
        first = next(iter(made), None) if shape.is_last else None
        # a template is no file's name: this place has no last
        place = CheckpointPlace(folder, shape.template, shape.template)
        if first is not None and not first.exact:
            place = replace(first, last=shape.template)
        if any(map(place.pattern().fullmatch, others)):
            place = exact_place(one.path, root)
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


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None
