"""Records as runs leave them, without training anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lightning_expname.records import CheckpointPlace, RunRecord, claim


def put(root: Path, stem: str, *, model: str = "Net", dataset: str = "Digits", **fields: Any):
    """A claimed record, `-r2` when there is one already."""
    folder = f"checkpoints/{model}/{dataset}"

    def nth(ordinal: int) -> RunRecord:
        name = stem if ordinal == 1 else f"{stem}-r{ordinal}"
        given = {
            "id": f"id-{model}-{name}",
            "project": f"{model}-{dataset}",
            "run": f"{name}-lr0.001",
            "created": "2026-01-01T00:00:00+00:00",
            "status": "finished",
            **fields,
        }
        return RunRecord(
            stem=name,
            model=model,
            dataset=dataset,
            record=f"{folder}/{name}.json",
            places=(CheckpointPlace(folder, name + "-epoch{epoch}", f"{name}-last"),),
            ordinal=ordinal,
            **given,
        )

    return claim(root, nth)
