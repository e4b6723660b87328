"""The GraphQL operations of W&B's clients about artifacts (seen in wandb 0.31)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from .wandb_artifacts import ServedArtifact
from .wandb_runs import Json, RefusalError, run_key
from .wandb_state import (
    LAST_PAGE,
    ServerState,
    alias_nodes,
    artifact_node,
    collection_node,
    file_node,
    project_node,
)

Operation = Callable[[ServerState, Json], Json]


def _find(state: ServerState, values: Json) -> ServedArtifact | None:
    return state.artifacts.find(*run_key(values))


def _type(state: ServerState, values: Json) -> Json:
    found = _find(state, values)
    kind = {"artifactType": {"name": found.type}} if found else None
    return {"project": {"artifact": kind}}


def _create(state: ServerState, values: Json) -> Json:
    made, latest = state.artifacts.create(values)
    sequence = {"latestArtifact": {"id": latest.id} if latest else None}
    return {
        "createArtifact": {
            "artifact": {"id": made.id, "state": made.state, "artifactSequence": sequence}
        }
    }


def _create_manifest(state: ServerState, values: Json) -> Json:
    node = _manifest_upload(state, f"{values['artifactID']}.{values['name']}")
    return {"createArtifactManifest": {"artifactManifest": node}}


def _update_manifest(state: ServerState, values: Json) -> Json:
    node = _manifest_upload(state, values["artifactManifestID"])
    return {"updateArtifactManifest": {"artifactManifest": node}}


def _manifest_upload(state: ServerState, key: str) -> Json:
    upload = {"id": key, "uploadUrl": _blob_url(state, key), "uploadHeaders": []}
    return {"id": key, "file": upload}


def _create_artifact_files(state: ServerState, values: Json) -> Json:
    edges = []
    for file in values["artifactFiles"]:
        artifact = state.artifacts[file["artifactID"]]
        key = artifact.files[file["name"]] = f"{artifact.id}/{file['name']}"
        node = {
            "name": file["name"],
            "storagePath": key,
            "uploadUrl": _blob_url(state, key),
            "uploadHeaders": [],
            "uploadMultipartUrls": None,
            "artifact": {"id": artifact.id},
        }
        edges.append({"node": node})
    return {"createArtifactFiles": {"files": {"edges": edges}}}


def _commit(state: ServerState, values: Json) -> Json:
    artifact = state.artifacts.commit(values["artifactID"], state.blobs)
    return {"commitArtifact": {"artifact": {"id": artifact.id, "digest": artifact.digest}}}


def _by_id(state: ServerState, values: Json) -> Json:
    return {"artifact": artifact_node(state.artifacts[values["id"]])}


def _membership(state: ServerState, values: Json) -> Json:
    found = _find(state, values)
    member = found and {
        "__typename": "ArtifactCollectionMembership",
        "id": found.id,
        "versionIndex": found.version,
        "createdAt": found.created,
        "aliases": alias_nodes(found),
        "artifactCollection": collection_node(found),
        "artifact": artifact_node(found),
    }
    return {"project": {"artifactCollectionMembership": member}}


def _logged_by_run(state: ServerState, values: Json) -> Json:
    key = run_key(values)
    return _listed([one for one in state.artifacts if (one.entity, one.project, one.run) == key])


def _used_by_run(state: ServerState, values: Json) -> Json:
    _, _, run_id = run_key(values)
    used = [artifact_id for user, artifact_id in state.artifacts.used if user == run_id]
    return _listed([state.artifacts[artifact_id] for artifact_id in used])


def _listed(artifacts: list[ServedArtifact]) -> Json:
    edges = [{"node": artifact_node(one)} for one in artifacts]
    page = {"totalCount": len(artifacts), "pageInfo": LAST_PAGE, "edges": edges}
    return {"project": {"run": {"artifacts": page}}}


def _use(state: ServerState, values: Json) -> Json:
    artifact = state.artifacts[values["artifactID"]]
    state.artifacts.used.append((values["runName"], artifact.id))
    return {"useArtifact": {"artifact": artifact_node(artifact)}}


def _created_by(state: ServerState, values: Json) -> Json:
    artifact = state.artifacts[values["id"]]
    run = state.runs.get((artifact.entity, artifact.project, artifact.run or ""))
    creator = run and {
        "__typename": "Run",
        "id": run.storage_id,
        "name": run.id,
        "project": project_node(run.entity, run.project),
    }
    return {"artifact": {"createdBy": creator}}


def _manifest(state: ServerState, values: Json) -> Json:
    key = f"{values.get('id') or values.get('artifact_id')}.wandb_manifest.json"
    return {"artifact": {"currentManifest": {"file": {"directUrl": _blob_url(state, key)}}}}


def _files_by_id(state: ServerState, values: Json) -> Json:
    return {"artifact": {"files": _files(state, state.artifacts[values["id"]])}}


def _files_by_name(state: ServerState, values: Json) -> Json:
    reference = f"{values['collection']}:{values['alias']}"
    entity, project, _ = run_key(values)
    found = state.artifacts.find(entity, project, reference)
    if found is None:
        raise RefusalError(f"artifact {reference} not found")
    member = {"files": _files(state, found)}
    collection = {"__typename": "ArtifactSequence", "artifactMembership": member}
    return {"project": {"artifactCollection": collection}}


def _files(state: ServerState, artifact: ServedArtifact) -> Json:
    edges = [
        {
            "node": file_node(
                name, _blob_url(state, key), len(state.blobs.get(key, b"")), storagePath=key
            ),
            "cursor": name,
        }
        for name, key in artifact.files.items()
    ]
    return {"pageInfo": LAST_PAGE, "totalCount": len(edges), "edges": edges}


def _blob_url(state: ServerState, key: str) -> str:
    return f"{state.url}/blob/{key}"


OPERATIONS: Final[dict[str, Operation]] = {
    "ArtifactByID": _by_id,
    "ArtifactCreatedBy": _created_by,
    "ArtifactFileURLs": _files_by_id,
    "ArtifactManifest": _manifest,
    "ArtifactMembershipByName": _membership,
    "ArtifactMembershipFiles": _files_by_name,
    "ArtifactType": _type,
    "CommitArtifact": _commit,
    "CreateArtifact": _create,
    "CreateArtifactFiles": _create_artifact_files,
    "CreateArtifactManifest": _create_manifest,
    "FetchArtifactManifest": _manifest,
    "GetArtifactMembershipFileURLs": _files_by_name,
    "GetArtifactMembershipFileUrls": _files_by_name,
    "RunInputArtifacts": _used_by_run,
    "RunOutputArtifacts": _logged_by_run,
    "UpdateArtifactManifest": _update_manifest,
    "UseArtifact": _use,
}
