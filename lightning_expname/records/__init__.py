"""The record of a run: one JSON file beside its checkpoints, written before the first of them."""

from __future__ import annotations

from .claim import claim
from .files import CheckpointFile, CheckpointPlace
from .record import RECORD_VERSION, RunRecord
from .store import read_record, write_record

__all__ = [
    "RECORD_VERSION",
    "CheckpointFile",
    "CheckpointPlace",
    "RunRecord",
    "claim",
    "read_record",
    "write_record",
]
