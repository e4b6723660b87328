"""For tests of code that logs to W&B: what was really recorded, or sent to a server."""

from __future__ import annotations

from ..wandb_log import LogError, Recorded, find_recorded, read_recorded
from .golden import assert_same_names, names_of
from .slack_server import Posted, SlackServer
from .wandb_artifacts import ServedArtifact
from .wandb_runs import ServedRun
from .wandb_server import WandbServer
from .wandb_state import ServedAlert

__all__ = [
    "LogError",
    "Posted",
    "Recorded",
    "ServedAlert",
    "ServedArtifact",
    "ServedRun",
    "SlackServer",
    "WandbServer",
    "assert_same_names",
    "find_recorded",
    "names_of",
    "read_recorded",
]
