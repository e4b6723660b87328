"""What the loopback W&B server knows, and how it shows runs and artifacts in GraphQL's terms."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any, Final

from .wandb_artifacts import Artifacts, ServedArtifact
from .wandb_runs import Json, Runs, ServedRun, now

LAST_PAGE: Final = {"__typename": "PageInfo", "endCursor": None, "hasNextPage": False}


@dataclass(frozen=True)
class ServedAlert:
    """One alert that a run sent; `run` is its path `entity/project/id`."""

    run: str
    title: str
    text: str
    level: str
    wait_seconds: float


@dataclass
class ServerState:
    """Everything that was sent; `url` is where it is served."""

    url: str = ""
    runs: Runs = field(default_factory=Runs)
    artifacts: Artifacts = field(default_factory=Artifacts)
    alerts: list[ServedAlert] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)


def project_node(entity: str, project: str) -> Json:
    """A project, as W&B's clients ask for it."""
    return {
        "__typename": "Project",
        "id": b64encode(f"Project:{entity}/{project}".encode()).decode(),
        "internalId": "1",
        "name": project,
        "entityName": entity,
        "entity": {"id": "entity1", "name": entity},
        "readOnly": False,
        "createdAt": "2020-01-01T00:00:00Z",
        "isBenchmark": False,
        "user": None,
    }


def run_node(run: ServedRun) -> Json:
    """A run, as W&B's clients ask for it: for resuming and for reading."""
    return {
        "__typename": "Run",
        "id": run.storage_id,
        "name": run.id,
        "displayName": run.name,
        "description": run.description,
        "config": run.config_json,
        "sweepName": run.sweep,
        "project": project_node(run.entity, run.project),
        "projectId": "1",
        "summaryMetrics": json.dumps(run.summary),
        "systemMetrics": "{}",
        "tags": run.tags,
        "notes": run.notes,
        "wandbConfig": json.dumps({"t": 1}),  # a resuming client reads here that the run exists
        "state": run.state,
        "group": run.group,
        "jobType": run.job_type,
        "commit": None,
        "readOnly": False,
        "createdAt": run.created,
        "heartbeatAt": now(),
        "user": {"name": "tester", "username": "tester"},
        "stopped": False,
        "fileCount": len(run.files),
        **_streams(run),
    }


def _streams(run: ServedRun) -> Json:
    """How far each stream got: a resumed run goes on from there."""
    history = run.lines.get("wandb-history.jsonl", {})
    events = run.lines.get("wandb-events.jsonl", {})
    keys = {key: {"typeCounts": [{"type": "number"}]} for row in run.history for key in row}
    last = run.history[-1].get("_step", 0) if history else -1
    return {
        "historyLineCount": len(history),
        "eventsLineCount": len(events),
        "logLineCount": len(run.lines.get("output.log", {})),
        "historyTail": json.dumps([history[max(history)]] if history else []),
        "eventsTail": json.dumps([events[max(events)]] if events else []),
        "historyKeys": {"lastStep": last, "sets": [], "keys": keys},
    }


def collection_node(artifact: ServedArtifact) -> Json:
    """The sequence of an artifact's versions."""
    return {
        "__typename": "ArtifactSequence",
        "id": artifact.name,
        "name": artifact.name,
        "project": project_node(artifact.entity, artifact.project),
    }


def alias_nodes(artifact: ServedArtifact) -> list[Json]:
    """The aliases of one version."""
    return [
        {
            "__typename": "ArtifactAlias",
            "id": alias,
            "alias": alias,
            "artifactCollection": collection_node(artifact),
        }
        for alias in artifact.aliases
    ]


def artifact_node(artifact: ServedArtifact) -> Json:
    """One version of an artifact, as W&B's clients ask for it."""
    return {
        "__typename": "Artifact",
        "id": artifact.id,
        "artifactSequence": collection_node(artifact),
        "versionIndex": artifact.version,
        "artifactType": {"name": artifact.type},
        "description": artifact.description,
        "metadata": artifact.metadata,
        "ttlDurationSeconds": -2,
        "ttlIsInherited": True,
        "tags": [],
        "historyStep": artifact.step,
        "state": artifact.state,
        "size": artifact.size,
        "digest": artifact.digest,
        "digestAlgorithm": "MANIFEST_MD5",
        "commitHash": None,
        "fileCount": len(artifact.files),
        "createdAt": artifact.created,
        "updatedAt": artifact.created,
        "aliases": alias_nodes(artifact),
    }


def file_node(name: str, url: str, size: int | None, **more: Any) -> Json:
    """A file of a run or of an artifact, with the address of its content."""
    return {
        "id": name,
        "name": name,
        "url": url,
        "directUrl": url,
        "uploadUrl": None,
        "sizeBytes": size,
        "mimetype": None,
        "updatedAt": now(),
        "md5": None,
        "digest": None,
        **more,
    }
