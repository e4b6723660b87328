"""Which process writes a run's record, so that a reader can tell whether it still lives."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_PIDS: Final = 1 << 31  # more is no number of a process, and os.kill raises for it


def this_process() -> dict[str, Any]:
    """What a record says of the process that trains: `host`, `pid` and `birth`.

    `birth` tells a process from a later one with the same number: the machine's boot and the
    process's start since then, in clock ticks. It is None where /proc is missing.
    """
    return {"host": platform.node(), "pid": os.getpid(), "birth": _birth(os.getpid())}


def is_alive(process: Mapping[str, Any] | None) -> bool | None:
    """Whether a record's process runs now; None when that cannot be told from here.

    Example:
        >>> is_alive(this_process())
        True
        >>> is_alive({"host": "another machine", "pid": 1, "birth": None}) is None
        True
    """
    if not process or process.get("host") != platform.node():
        return None
    pid, birth = process.get("pid"), process.get("birth")
    if not isinstance(pid, int) or not 0 < pid < _PIDS:
        return None
    if birth is not None:
        return bool(_birth(pid) == birth)
    return _exists(pid)


def status_now(status: str, process: Any) -> str:
    """A record's status; a run that says it runs, and whose process is gone, was killed."""
    dead = status == "running" and isinstance(process, Mapping) and is_alive(process) is False
    return "killed" if dead else status


def _birth(pid: int) -> str | None:
    """None too for a process that is over and waits only for its parent (proc(5): state Z)."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else f"{boot}/{fields[19]}"


def _exists(pid: int) -> bool | None:
    """Signal 0 is sent to nobody; on Windows it would end the process, so nothing is told there."""
    if os.name != "posix":
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
