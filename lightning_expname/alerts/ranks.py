"""One message per end, however many processes end: the ranks agree through a file.

No collective: the ranks may be dying, and a user may have given the callback to one of them only.
Each rank waits as long as its news is worth, then creates the file exclusively; the first speaks.
The rank that failed comes at once. One that was killed, as launchers do with the others, comes
later, and one that only noticed that its peer is gone comes last.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from .message import Message

DELAYS: Final[Mapping[str, float]] = {
    "failed": 0.0,
    "finished": 0.3,
    "pruned": 0.5,
    "interrupted": 1.0,
    "killed": 2.0,
}
"""Seconds before a rank speaks of an end that others may know better."""

CONSEQUENCE_DELAY: Final = 3.5
_KEEP_SECONDS: Final = 7 * 86400
_SKEW_SECONDS: Final = 0.5
_IMPORTED: Final = time.time()
_PROC: Final = Path("/proc")
Value = TypeVar("Value", float, str)
_ALIKE: Final = (
    "MASTER_ADDR",
    "MASTER_PORT",
    "TORCHELASTIC_RUN_ID",
    "TORCHELASTIC_RESTART_COUNT",
    "SLURM_JOB_ID",
    "SLURM_STEP_ID",
)


@dataclass(frozen=True)
class Place:
    """Which of how many processes speaks, and by what they know their common end.

    Attributes:
        rank, world: as in torch.distributed.
        share: the same on all ranks for the same mode, and different for every other one; None
            when there is nothing that the ranks could have in common: then rank 0 alone speaks.
        since: claims of modes that began earlier are another launch's; seconds since the epoch.
        folder: where the claims lie; a private one on this machine when None.
    """

    rank: int = 0
    world: int = 1
    share: str | None = None
    since: float = 0.0
    folder: str | None = None

    def speaks_alone(self, message: Message) -> bool:
        """Whether there is nothing to agree on: one process, or no end."""
        return self.world == 1 or message.outcome in ("started", "summary")


def share_of(
    mode: str, number: int, environment: Mapping[str, str], *, told: str = ""
) -> str | None:
    """The key of the n-th mode of this program, from what the launcher tells all its ranks.

    Args:
        mode: its name.
        number: of this process's modes of that name.
        environment: with the launcher's variables.
        told: who is told; alarms that go elsewhere do not silence each other.
    """
    if "MASTER_PORT" not in environment:
        return None
    alike = [environment.get(name, "") for name in _ALIKE]
    return hashlib.sha256(json.dumps([*alike, mode, number, told]).encode()).hexdigest()[:24]


def place_from_environment(mode: str, nth: Callable[[str], int], told: str) -> Place:
    """Code without Lightning under torchrun; whatever is not a number is one process."""
    try:
        world = int(os.environ.get("WORLD_SIZE", "1"))
        rank = int(os.environ.get("RANK") or os.environ.get("LOCAL_RANK") or "0")
    except ValueError:
        return Place()
    if world <= 1:
        return Place()
    share = share_of(mode, nth(mode), os.environ, told=told)
    return Place(rank, world, share, process_start())


def wins(message: Message, place: Place) -> tuple[bool, str]:
    """Waits its turn, then whether this rank speaks, and the outcome that the ranks agreed on."""
    if message.outcome == "finished" and place.rank != 0:
        return False, "finished"
    if place.share is None:
        return place.rank == 0, message.outcome
    time.sleep(CONSEQUENCE_DELAY if message.consequence else DELAYS.get(message.outcome, 0.0))
    try:
        return _claim(_folder(place) / f"{place.share}.json", message, place.since)
    except OSError:
        return place.rank == 0, message.outcome


def process_start() -> float:
    """When this process began, less what the ranks of one launch may differ by.

    Launchers give the same port again and again: only the time tells one launch from the next.
    """
    for age in (_age_by_proc, _age_by_ps):
        with contextlib.suppress(OSError, ValueError, IndexError, subprocess.SubprocessError):
            return time.time() - age() - _SKEW_SECONDS
    return _IMPORTED - _SKEW_SECONDS


def _age_by_proc() -> float:
    """Linux: field 22 of /proc/self/stat (proc(5)) is when it began, in ticks since boot."""
    fields = (_PROC / "self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    uptime = float((_PROC / "uptime").read_text(encoding="utf-8").split()[0])
    return uptime - int(fields[19]) / os.sysconf("SC_CLK_TCK")


def _age_by_ps() -> float:
    """Elsewhere: POSIX's ps shows [[days-]hours:]minutes:seconds, cut to whole seconds."""
    command = ["ps", "-o", "etime=", "-p", str(os.getpid())]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout
    days, _, clock = shown.strip().rpartition("-")
    hours, minutes, seconds = ["0", *clock.split(":")][-3:]
    return int(days or 0) * 86400 + int(hours) * 3600 + int(minutes) * 60 + int(seconds) + 1


def _claim(path: Path, message: Message, since: float) -> tuple[bool, str]:
    """Creates the file, whole from its first moment; else what stands in it."""
    staged = path.with_name(f".{path.name}.{secrets.token_hex(8)}")  # pids meet on shared disks
    claim = {"outcome": message.outcome, "began": message.began or time.time()}
    staged.write_text(json.dumps(claim), encoding="utf-8")
    try:
        if _read(path, "began", since) < since:
            _put_away(path, since)
        os.link(staged, path)
    except FileExistsError:
        return False, _read(path, "outcome", str(message.outcome))
    finally:
        staged.unlink(missing_ok=True)
    return True, message.outcome


def _put_away(path: Path, since: float) -> None:
    """Another launch's claim; another rank may have done so, and have claimed, in the meantime."""
    away = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.rename(away)
        if _read(away, "began", since) >= since:
            os.link(away, path)
    except FileNotFoundError:
        return
    finally:
        away.unlink(missing_ok=True)


def _read(path: Path, name: str, otherwise: Value) -> Value:
    """One value of a claim; `otherwise` when there is none of its type."""
    try:
        value: Any = json.loads(path.read_text(encoding="utf-8"))[name]
    except (OSError, ValueError, KeyError, TypeError):
        return otherwise
    return value if isinstance(value, type(otherwise)) else otherwise


def _folder(place: Place) -> Path:
    """The claims' directory, with nobody else's files in it.

    Raises:
        OSError: it cannot be made, or belongs to somebody else.
    """
    if place.folder is not None:
        folder = Path(place.folder)
        folder.mkdir(parents=True, exist_ok=True)
    else:
        user = os.getuid() if hasattr(os, "getuid") else "me"
        folder = Path(tempfile.gettempdir()) / f"lightning_expname-{user}"
        folder.mkdir(mode=0o700, exist_ok=True)
        _refuse_strangers(folder)
    _sweep(folder)
    return folder


def _refuse_strangers(folder: Path) -> None:
    """Anybody can create names below /tmp: a link or another user's directory is not used."""
    if not hasattr(os, "getuid"):
        return
    found = folder.lstat()
    private = stat.S_IMODE(found.st_mode) & 0o077 == 0
    if not (stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and private):
        raise PermissionError(f"{folder} is not a private directory of this user")


def _sweep(folder: Path) -> None:
    limit = time.time() - _KEEP_SECONDS
    with contextlib.suppress(OSError):
        for path in folder.glob("*.json"):
            if path.stat().st_mtime < limit:
                path.unlink(missing_ok=True)
