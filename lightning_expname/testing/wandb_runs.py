"""The runs that the loopback W&B server was told of, and what the real server refuses of them.

The limits are those that W&B's hosted server was reported to enforce; its clients check few of
them, and none offline.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Final

Json = dict[str, Any]
RunKey = tuple[str, str, str]  # entity, project, id

DEFAULT_ENTITY: Final = "testers"
LIMITS: Final = {"displayName": 128, "jobType": 64, "groupName": 128}
TAG_LIMIT: Final = 64
CONFIG_BYTES: Final = 15 * 1024 * 1024
_HISTORY: Final = "wandb-history.jsonl"
_SUMMARY: Final = "wandb-summary.json"
_FIELDS: Final = {
    "groupName": "group",
    "jobType": "job_type",
    "notes": "notes",
    "tags": "tags",
    "sweep": "sweep",
    "state": "state",
    "description": "description",
}


class RefusalError(Exception):
    """The real server answers 4xx here, with this message."""


@dataclass
class ServedRun:
    """One run, as the server sees it.

    Attributes:
        names: every display name it got, in order; `name` is the last.
        state: "running", "finished" or "failed".
        lines: what was streamed: the lines of each file by their number.
        files: what was uploaded as a file of the run.
    """

    entity: str
    project: str
    id: str
    created: str
    names: list[str] = field(default_factory=list)
    group: str | None = None
    job_type: str | None = None
    notes: str | None = None
    description: str | None = None
    tags: list[str] = field(default_factory=list)
    sweep: str | None = None
    config_json: str = "{}"
    summary_json: str = "{}"
    state: str = "running"
    exit_code: int | None = None
    preempting: bool = False
    lines: dict[str, dict[int, str]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """`entity/project/id`, as W&B's public API takes it."""
        return f"{self.entity}/{self.project}/{self.id}"

    @property
    def name(self) -> str:
        """The display name, as last set."""
        return self.names[-1] if self.names else ""

    @property
    def storage_id(self) -> str:
        """The opaque id that W&B's clients use once the run exists."""
        return b64encode(f"Run:v1:{self.id}:{self.project}:{self.entity}".encode()).decode()

    @property
    def config(self) -> Json:
        """The config as W&B shows it, without its own section."""
        raw: Json = json.loads(self.config_json)
        own = ("_wandb", "wandb_version")
        return {key: _unwrapped(value) for key, value in raw.items() if key not in own}

    @property
    def history(self) -> list[Json]:
        """One dict per logged step, in order, `_step` included."""
        return [json.loads(line) for line in self._streamed(_HISTORY)]

    @property
    def summary(self) -> Json:
        """The last values; W&B's own ones begin with `_`."""
        lines = self._streamed(_SUMMARY)
        last: Json = json.loads(lines[-1] if lines else self.summary_json)
        return last

    @property
    def output(self) -> str:
        """What went to the console, if W&B sent it."""
        return "\n".join(self._streamed("output.log"))

    def series(self, key: str) -> list[Any]:
        """The values logged under a key, in order, of the steps that have it."""
        return [row[key] for row in self.history if key in row]

    def _streamed(self, name: str) -> list[str]:
        return [line for _, line in sorted(self.lines.get(name, {}).items())]

    def stream(self, message: Json) -> None:
        """Takes one message of the file stream: lines by their offset, so a repeat does no harm."""
        for name, part in (message.get("files") or {}).items():
            kept = self.lines.setdefault(name, {})
            kept.update(enumerate(part["content"], start=part["offset"]))
        self.preempting |= bool(message.get("preempting"))
        if message.get("complete"):
            self.exit_code = message.get("exitcode")
            self.state = "finished" if self.exit_code == 0 else "failed"

    def change(self, values: Json) -> None:
        """Takes the fields of one upsert; what is None stays."""
        if values.get("displayName"):
            self.names.append(values["displayName"])
        for source, target in _FIELDS.items():
            if values.get(source) is not None:
                setattr(self, target, values[source])
        if values.get("config") is not None:
            self.config_json = values["config"]
        if values.get("summaryMetrics") is not None:
            self.summary_json = values["summaryMetrics"]
            self.lines.pop(_SUMMARY, None)


class Runs(Mapping[RunKey, ServedRun]):
    """All runs by entity, project and id; the ids of deleted ones are never given again."""

    def __init__(self) -> None:
        self._runs: dict[RunKey, ServedRun] = {}
        self._deleted: set[RunKey] = set()

    def __getitem__(self, key: RunKey) -> ServedRun:
        return self._runs[key]

    def __iter__(self) -> Any:
        return iter(list(self._runs))

    def __len__(self) -> int:
        return len(self._runs)

    def upsert(self, values: Json) -> tuple[ServedRun, bool]:
        """Creates or changes a run; says whether it is new.

        Raises:
            RefusalError: a field is too long, the run is unknown, or its id was deleted.
        """
        if "display_name" in values:  # the public API's `run.update()` spells it so
            values = {**values, "displayName": values["display_name"]}
        check_limits(values)
        run, new = self._known_or_new(values)
        if "host" in values:  # a training process speaks, not the public API
            run.state, run.exit_code = "running", None
        run.change(values)
        return run, new

    def _known_or_new(self, values: Json) -> tuple[ServedRun, bool]:
        if values.get("id"):
            return self.by_storage_id(values["id"]), False
        key = run_key(values)
        if key in self._deleted:
            path = "/".join(key)
            raise RefusalError(f"run {path} was previously created and deleted; try a new run name")
        if key in self._runs:
            return self._runs[key], False
        self._runs[key] = ServedRun(*key, created=now())
        if not values.get("displayName"):
            self._runs[key].names.append(f"auto-name-{len(self._runs)}")
        return self._runs[key], True

    def by_storage_id(self, storage_id: str) -> ServedRun:
        """The run behind W&B's opaque id.

        Raises:
            RefusalError: there is none.
        """
        for run in self._runs.values():
            if run.storage_id == storage_id:
                return run
        raise RefusalError("run not found")

    def delete(self, storage_id: str) -> None:
        """Deletes a run for good."""
        run = self.by_storage_id(storage_id)
        key = (run.entity, run.project, run.id)
        del self._runs[key]
        self._deleted.add(key)


def run_key(values: Json) -> RunKey:
    """The run that a request is about: its variables name it in several ways."""

    def first(*names: str, default: str = "") -> str:
        return next((str(values[name]) for name in names if values.get(name)), default)

    entity = first("entity", "entityName", default=DEFAULT_ENTITY)
    project = first("project", "projectName", default="uncategorized")
    return entity, project, first("name", "run", "runName", "runId")


def check_limits(values: Json) -> None:
    """Refuses what W&B's server refuses of a run.

    Raises:
        RefusalError: a field is too long; the message is worded as the server's.
    """
    for name, limit in LIMITS.items():
        text = values.get(name)
        if text is not None and len(text) > limit:
            raise RefusalError(
                f"invalid {name} '{text[:20]}...', must be {limit} characters or less"
            )
    for tag in values.get("tags") or ():
        if not 1 <= len(tag) <= TAG_LIMIT:
            raise RefusalError(f"invalid tag '{tag}'. must be between 1 and {TAG_LIMIT} characters")
    if len(values.get("config") or "") > CONFIG_BYTES:
        raise RefusalError("run config cannot exceed 15 MB")


def now() -> str:
    """The time as W&B writes it, to the microsecond, so that runs sort by it."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _unwrapped(value: Any) -> Any:
    return value["value"] if isinstance(value, dict) and "value" in value else value
