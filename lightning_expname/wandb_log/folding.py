"""What the messages of a transaction log add up to.

They are decoded with `wandb.proto.wandb_internal_pb2`, the one private module of wandb that this
package uses; last seen in wandb 0.31.0.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from typing import Any, Final

State = dict[str, Any]
_SAME_NAME: Final = ("run_id", "entity", "project", "job_type", "notes", "sweep_id", "resumed")


def fold(messages: Iterable[bytes], *, without: Collection[str] = ()) -> State:
    """The fields of a `Recorded`, without those that were never recorded.

    Args:
        messages: of one log, in order.
        without: kinds of messages whose content is not kept.
    """
    state: State = {"kinds": []}
    for message in messages:
        record = _decode(message)
        kind = record.WhichOneof("record_type") or ""
        state["kinds"].append(kind)
        if kind in _FOLDS and kind not in without:
            _FOLDS[kind](state, getattr(record, kind))
    return {key: tuple(value) if isinstance(value, list) else value for key, value in state.items()}


def started(messages: Iterable[bytes]) -> float:
    """When the run started, in seconds since 1970; 0.0 when that was not recorded."""
    for message in messages:
        record = _decode(message)
        if record.WhichOneof("record_type") == "run":
            return _seconds(record.run.start_time)
    return 0.0


def _decode(message: bytes) -> Any:
    from wandb.proto import wandb_internal_pb2  # heavy, and nobody else needs it

    messages: Any = wandb_internal_pb2  # generated at import, so types are not known
    return messages.Record.FromString(message)


def _seconds(timestamp: Any) -> float:
    return float(timestamp.seconds + timestamp.nanos / 1e9)


def _header(state: State, header: Any) -> None:
    state["wandb_version"] = header.version_info.producer


def _run(state: State, run: Any) -> None:
    """The message is repeated as a whole with every change, such as a new name."""
    for key in _SAME_NAME:
        state[key] = getattr(run, key)
    state["group"], state["tags"] = run.run_group, list(run.tags)
    state["started"] = _seconds(run.start_time)
    if run.display_name:
        state.setdefault("names", []).append(run.display_name)
    _config(state, run.config)
    _summary(state, run.summary)


def _config(state: State, config: Any) -> None:
    _change(state.setdefault("config", {}), config)


def _summary(state: State, summary: Any) -> None:
    _change(state.setdefault("summary", {}), summary)


def _history(state: State, history: Any) -> None:
    row: State = {"_step": history.step.num}
    for item in history.item:
        _put(row, _keys(item), _history_value(item))
    state.setdefault("history", []).append(row)


def _metric(state: State, metric: Any) -> None:
    row = {"name": metric.name or metric.glob_name, "step_metric": metric.step_metric}
    state.setdefault("metrics", []).append(row)


def _alert(state: State, alert: Any) -> None:
    row = {"title": alert.title, "text": alert.text, "level": alert.level}
    state.setdefault("alerts", []).append({**row, "wait_seconds": alert.wait_duration / 1000})


def _artifact(state: State, artifact: Any) -> None:
    entries = artifact.manifest.contents
    row = {
        "name": artifact.name,
        "type": artifact.type,
        "aliases": tuple(artifact.aliases),
        "metadata": json.loads(artifact.metadata or "{}"),
        "files": {entry.path: entry.local_path or entry.ref for entry in entries},
    }
    state.setdefault("artifacts", []).append(row)


def _use_artifact(state: State, artifact: Any) -> None:
    row = {"name": artifact.name, "type": artifact.type}
    state.setdefault("used_artifacts", []).append(row)


def _files(state: State, files: Any) -> None:
    state.setdefault("files", []).extend(item.path for item in files.files)


def _output(state: State, output: Any) -> None:
    state["output"] = state.get("output", "") + output.line


def _preempting(state: State, preempting: Any) -> None:
    state["preempting"] = True


def _exit(state: State, end: Any) -> None:
    state["exit_code"] = end.exit_code


_FOLDS: Final[dict[str, Callable[[State, Any], None]]] = {
    "alert": _alert,
    "artifact": _artifact,
    "config": _config,
    "exit": _exit,
    "files": _files,
    "header": _header,
    "history": _history,
    "metric": _metric,
    "output_raw": _output,
    "preempting": _preempting,
    "run": _run,
    "summary": _summary,
    "use_artifact": _use_artifact,
}


def _change(tree: State, message: Any) -> None:
    """Applies a message with `update` and `remove` items, as config and summary have them."""
    for item in message.update:
        _put(tree, _keys(item), json.loads(item.value_json))
    for item in message.remove:
        _drop(tree, _keys(item))


def _keys(item: Any) -> list[str]:
    return list(item.nested_key) or [item.key]


def _put(tree: State, keys: list[str], value: Any) -> None:
    *above, last = keys
    for key in above:
        below = tree.get(key)
        if not isinstance(below, dict):
            below = tree[key] = {}
        tree = below
    tree[last] = value


def _drop(tree: State, keys: list[str]) -> None:
    *above, last = keys
    for key in above:
        below = tree.get(key)
        if not isinstance(below, dict):
            return
        tree = below
    tree.pop(last, None)


def _history_value(item: Any) -> Any:
    """wandb before 0.31 knows `value_json` only; later ones have a field for every type."""
    kind = item.WhichOneof("value") if "value" in item.DESCRIPTOR.oneofs_by_name else None
    if kind in (None, "value_json"):
        return json.loads(item.value_json or "null")
    if kind == "none":
        return None
    value = getattr(item, kind)
    return json.loads(value) if kind == "json" else value
