"""What W&B recorded of a run in its transaction log, read back offline."""

from __future__ import annotations

from .recorded import Recorded, find_recorded, read_recorded
from .transaction_log import LogError

__all__ = ["LogError", "Recorded", "find_recorded", "read_recorded"]
