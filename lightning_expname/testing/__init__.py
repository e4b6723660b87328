"""For tests of code that logs to W&B: read back what was really recorded."""

from __future__ import annotations

from .recorded import Recorded, find_recorded, read_recorded
from .transaction_log import LogError

__all__ = ["LogError", "Recorded", "find_recorded", "read_recorded"]
