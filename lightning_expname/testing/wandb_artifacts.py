"""The artifacts that the loopback W&B server keeps: versions, aliases, and equal content once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from .wandb_runs import Json, RefusalError, now

NAME_LIMIT: Final = 128


@dataclass
class ServedArtifact:
    """One version of an artifact.

    Attributes:
        run: the id of the run that logged it.
        version: its number within the artifacts of its name, from 0.
        files: the name of each file and the key of its content in the server's `blobs`.
        state: "PENDING" while it is uploaded, then "COMMITTED".
    """

    entity: str
    project: str
    name: str
    type: str
    id: str
    version: int
    digest: str
    run: str | None = None
    metadata: str = "{}"
    description: str | None = None
    step: int | None = None
    aliases: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    state: str = "PENDING"
    size: int = 0
    created: str = field(default_factory=now)

    @property
    def sequence(self) -> tuple[str, str, str]:
        """What its versions have in common."""
        return self.entity, self.project, self.name


class Artifacts:
    """All artifacts by their id, and which run used which."""

    def __init__(self) -> None:
        self._artifacts: dict[str, ServedArtifact] = {}
        self.used: list[tuple[str, str]] = []  # run id, artifact id

    def __getitem__(self, artifact_id: str) -> ServedArtifact:
        if artifact_id not in self._artifacts:
            raise RefusalError(f"artifact {artifact_id} not found")
        return self._artifacts[artifact_id]

    def __iter__(self) -> Iterator[ServedArtifact]:
        return iter(list(self._artifacts.values()))

    def create(self, values: Json) -> tuple[ServedArtifact, ServedArtifact | None]:
        """A new version, or the one that has the same content; and the latest before it.

        Raises:
            RefusalError: the name is too long.
        """
        name = values["artifactCollectionName"]
        if len(name) > NAME_LIMIT:
            raise RefusalError(
                f"invalid artifact name {name}, must be {NAME_LIMIT} characters or less"
            )
        versions = self._versions((values["entityName"], values["projectName"], name))
        aliases = [one["alias"] for one in values.get("aliases") or ()]
        equal = next((one for one in versions if one.digest == values["digest"]), None)
        if equal is not None:
            self._give_aliases(equal, aliases)
            return equal, versions[-1]
        made = self._add(values, len(versions), aliases)
        return made, versions[-1] if versions else None

    def _add(self, values: Json, version: int, aliases: list[str]) -> ServedArtifact:
        made = ServedArtifact(
            entity=values["entityName"],
            project=values["projectName"],
            name=values["artifactCollectionName"],
            type=values["artifactTypeName"],
            id=f"artifact{len(self._artifacts) + 1}",
            version=version,
            digest=values["digest"],
            run=values.get("runName"),
            metadata=values.get("metadata") or "{}",
            description=values.get("description"),
            step=values.get("historyStep"),
            aliases=aliases,
        )
        self._artifacts[made.id] = made
        return made

    def commit(self, artifact_id: str, blobs: dict[str, bytes]) -> ServedArtifact:
        """Its files are complete: from now on it is found, and its aliases are its alone."""
        artifact = self[artifact_id]
        self._give_aliases(artifact, artifact.aliases)
        artifact.state = "COMMITTED"
        artifact.size = sum(len(blobs.get(key, b"")) for key in artifact.files.values())
        return artifact

    def find(self, entity: str, project: str, reference: str) -> ServedArtifact | None:
        """The committed artifact called `name`, `name:alias` or `name:v3`."""
        name, _, alias = reference.partition(":")
        found = [
            one
            for one in self._versions((entity, project, name))
            if one.state == "COMMITTED"
            and ((alias or "latest") in one.aliases or alias == f"v{one.version}")
        ]
        return found[-1] if found else None

    def _versions(self, sequence: tuple[str, str, str]) -> list[ServedArtifact]:
        return [one for one in self._artifacts.values() if one.sequence == sequence]

    def _give_aliases(self, artifact: ServedArtifact, aliases: list[str]) -> None:
        for other in self._versions(artifact.sequence):
            if other is not artifact:
                other.aliases = [alias for alias in other.aliases if alias not in aliases]
        artifact.aliases = list(dict.fromkeys([*artifact.aliases, *aliases]))
