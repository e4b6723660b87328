"""Whether the kernel killed somebody for memory: counters that everybody may read (Linux)."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Final

_MACHINE: Final = Path("/proc/vmstat")
_CGROUPS: Final = Path("/sys/fs/cgroup")


def memory_kills() -> int:
    """How often the OOM killer struck so far, on the machine and in this process's cgroup."""
    return sum(map(_count, (_MACHINE, *_cgroup_files())))


def killed_for_memory(before: int) -> bool:
    """Whether it struck since `before` was read; somebody else may have been meant."""
    return memory_kills() > before


def _cgroup_files() -> list[Path]:
    """Version 2 counts in memory.events, version 1 in memory.oom_control."""
    found: list[Path] = []
    with contextlib.suppress(OSError):
        for row in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, path = row.split(":", 2)
            if not controllers:
                found.append(_CGROUPS / path.lstrip("/") / "memory.events")
            elif "memory" in controllers.split(","):
                found.append(_CGROUPS / "memory" / path.lstrip("/") / "memory.oom_control")
    return found


def _count(path: Path) -> int:
    with contextlib.suppress(OSError, ValueError):
        found = re.search(r"^oom_kill (\d+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        return int(found[1]) if found else 0
    return 0
