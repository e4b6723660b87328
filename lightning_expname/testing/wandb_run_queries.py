"""The GraphQL operations of W&B's clients about users, projects and runs (seen in wandb 0.31)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from .wandb_filters import matches
from .wandb_runs import DEFAULT_ENTITY, Json, RefusalError, ServedRun, run_key
from .wandb_state import (
    LAST_PAGE,
    ServedAlert,
    ServerState,
    file_node,
    project_node,
    run_node,
)

Operation = Callable[[ServerState, Json], Json]


def _viewer(state: ServerState, values: Json) -> Json:
    viewer = {
        "id": "user1",
        "entity": DEFAULT_ENTITY,
        "username": "tester",
        "name": "tester",
        "email": "tester@example.com",
        "flags": "{}",
        "admin": False,
        "deletedAt": None,
        "apiKeys": {"edges": []},
        "teams": {"edges": [{"node": {"name": DEFAULT_ENTITY}}]},
    }
    return {"viewer": viewer}


def _server_info(state: ServerState, values: Json) -> Json:
    versions = {"cliVersionInfo": {"max_cli_version": "99.0.0"}, "latestLocalVersionInfo": None}
    return {"serverInfo": {**versions, "features": []}}


def _organization(state: ServerState, values: Json) -> Json:
    return {"entity": {"organization": {"coreWeaveOrganizationId": None}}}


def _stopped(state: ServerState, values: Json) -> Json:
    return {"project": {"run": {"stopped": False}}}


def _resume_status(state: ServerState, values: Json) -> Json:
    entity, project, _ = run_key(values)
    run = state.runs.get(run_key(values))
    return {"model": {**project_node(entity, project), "bucket": run and run_node(run)}}


def _upsert(state: ServerState, values: Json) -> Json:
    run, new = state.runs.upsert(values)
    return {"upsertBucket": {"bucket": run_node(run), "inserted": new}}


def _delete(state: ServerState, values: Json) -> Json:
    state.runs.delete(values["id"])
    return {"deleteRun": {"clientMutationId": None}}


def _alert(state: ServerState, values: Json) -> Json:
    alert = ServedAlert(
        run="/".join(run_key(values)),
        title=values["title"],
        text=values["text"],
        level=values.get("severity") or "INFO",
        wait_seconds=(values.get("waitDuration") or 0) / 1000,
    )
    state.alerts.append(alert)
    return {"notifyScriptableRunAlert": {"success": True}}


def _create_files(state: ServerState, values: Json) -> Json:
    run = _existing(state, values)
    files = [{"name": name, "uploadUrl": _file_url(state, run, name)} for name in values["files"]]
    return {"createRunFiles": {"runID": run.id, "uploadHeaders": [], "files": files}}


def _files_uploaded(state: ServerState, values: Json) -> Json:
    return {"markRunFilesUploaded": {"success": True}}


def _run(state: ServerState, values: Json) -> Json:
    entity, project, _ = run_key(values)
    run = state.runs.get(run_key(values))
    return {"project": {**project_node(entity, project), "run": run and run_node(run)}}


def _run_page(state: ServerState, values: Json) -> Json:
    entity, project, _ = run_key(values)
    filters = json.loads(values.get("filters") or "{}")
    here = [run for run in state.runs.values() if (run.entity, run.project) == (entity, project)]
    if not here:  # a project is made by its first run
        return {"project": None}
    found = [run for run in here if matches(run, filters)]
    order = values.get("order") or "+created_at"
    if order.startswith("-"):  # they stand in the order of their creation, whatever the clock did
        found.reverse()
    start, size = int(values.get("cursor") or 0), values.get("perPage") or 50
    end = min(start + size, len(found))
    edges = [
        {"node": run_node(run), "cursor": str(number)}
        for number, run in enumerate(found[start:end], start=start + 1)
    ]
    page = {"endCursor": str(end), "hasNextPage": end < len(found)}
    runs = {"edges": edges, "pageInfo": page}
    return {"project": {**project_node(entity, project), "runCount": len(found), "runs": runs}}


def _projects(state: ServerState, values: Json) -> Json:
    entity = values["entity"]
    names = sorted({run.project for run in state.runs.values() if run.entity == entity})
    edges = [{"node": project_node(entity, name)} for name in names]
    return {"models": {"pageInfo": LAST_PAGE, "edges": edges}}


def _run_files(state: ServerState, values: Json) -> Json:
    run = _existing(state, values)
    wanted = [name for name in values.get("fileNames") or run.files if name in run.files]
    edges = [
        {
            "node": file_node(name, _file_url(state, run, name), len(run.files[name])),
            "cursor": name,
        }
        for name in wanted
    ]
    files = {"edges": edges, "pageInfo": LAST_PAGE}
    return {"project": {"internalId": "1", "run": {"fileCount": len(run.files), "files": files}}}


def _parquet_history(state: ServerState, values: Json) -> Json:
    return {"project": {"run": {"parquetHistory": {"parquetUrls": [], "liveData": []}}}}


def _history_page(state: ServerState, values: Json) -> Json:
    steps = range(values["minStep"], values["maxStep"])
    rows = [row for row in _existing(state, values).history if row.get("_step", 0) in steps]
    page = [json.dumps(row) for row in rows[: values.get("pageSize") or 1000]]
    return {"project": {"run": {"history": page}}}


def _full_history(state: ServerState, values: Json) -> Json:
    rows = [json.dumps(row) for row in _existing(state, values).history]
    return {"project": {"run": {"history": rows, "events": []}}}


def _sampled_history(state: ServerState, values: Json) -> Json:
    history = _existing(state, values).history
    sampled = []
    for spec in values["specs"]:
        keys = json.loads(spec)["keys"]
        rows = [row for row in history if all(key in row for key in keys)]
        sampled.append([{key: row[key] for key in keys} for row in rows])
    return {"project": {"run": {"sampledHistory": sampled}}}


def _existing(state: ServerState, values: Json) -> ServedRun:
    key = run_key(values)
    if key not in state.runs:
        raise RefusalError(f"run {'/'.join(key)} not found")
    return state.runs[key]


def _file_url(state: ServerState, run: ServedRun, name: str) -> str:
    return f"{state.url}/runfile/{run.path}/{name}"


OPERATIONS: Final[dict[str, Operation]] = {
    "{ viewer { id } }": _viewer,  # without a name: wandb 0.22 asks so whether a key is known
    "CreateRunFiles": _create_files,
    "DeleteRun": _delete,
    "GetDefaultEntity": _viewer,
    "GetProjects": _projects,
    "GetViewer": _viewer,
    "HistoryPage": _history_page,
    "MarkRunFilesUploaded": _files_uploaded,
    "NotifyScriptableRunAlert": _alert,
    "OrganizationCoreWeaveOrganizationID": _organization,
    "QueryRunInfo": _run,
    "Run": _run,
    "RunFiles": _run_files,
    "RunFullHistory": _full_history,
    "RunHistoryKeys": _run,
    "RunParquetHistory": _parquet_history,
    "RunResumeStatus": _resume_status,
    "RunSampledHistory": _sampled_history,
    "RunState": _run,
    "RunStoppedStatus": _stopped,
    "Runs": _run_page,
    "ServerFeaturesQuery": _server_info,
    "ServerInfo": _server_info,
    "UpsertBucket": _upsert,
    "Viewer": _viewer,
}
