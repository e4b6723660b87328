"""The record of a run: one JSON file beside its checkpoints, written before the first of them."""

from __future__ import annotations

from .claim import claim
from .draft import draft, now
from .files import CheckpointFile, CheckpointPlace
from .process import is_alive, this_process
from .record import RECORD_VERSION, RunRecord
from .store import read_record, write_record

__all__ = [
    "RECORD_VERSION",
    "CheckpointFile",
    "CheckpointPlace",
    "RunRecord",
    "claim",
    "draft",
    "is_alive",
    "now",
    "read_record",
    "this_process",
    "write_record",
]
