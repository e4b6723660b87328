"""`read_recorded`: what W&B really recorded of a run, offline or online.

An offline run has no other record than its transaction log: no config.yaml, no summary file.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from .folding import fold, started
from .transaction_log import LogError, read_messages

_POLL_SECONDS: Final = 0.005


@dataclass(frozen=True)
class Recorded:
    """One run, as the messages of its transaction log add up.

    Attributes:
        path: of the transaction log.
        names: every display name, in order; `name` is the last.
        config: values as W&B would show them; W&B's own section `_wandb` included.
        summary: last values; W&B's own ones begin with `_`.
        history: one dict per logged step, in order, `_step` included.
        metrics: what `define_metric` was told: `name` and `step_metric`.
        alerts: `title`, `text`, `level`, `wait_seconds`.
        artifacts: logged ones: `name`, `type`, `aliases`, `metadata`, `files` (name to source).
        used_artifacts: `name` and `type`.
        files: names of files saved with the run.
        output: what went to the console, if W&B recorded it.
        started: when, in seconds since 1970; 0.0 when no start was recorded.
        exit_code: None when no end was recorded: the run is alive or was killed.
        wandb_version: that wrote the log.
        kinds: the kind of every message, in order.
    """

    path: Path
    run_id: str = ""
    entity: str = ""
    project: str = ""
    group: str = ""
    job_type: str = ""
    notes: str = ""
    tags: tuple[str, ...] = ()
    sweep_id: str = ""
    resumed: bool = False
    names: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    history: tuple[Mapping[str, Any], ...] = ()
    metrics: tuple[Mapping[str, Any], ...] = ()
    alerts: tuple[Mapping[str, Any], ...] = ()
    artifacts: tuple[Mapping[str, Any], ...] = ()
    used_artifacts: tuple[Mapping[str, Any], ...] = ()
    files: tuple[str, ...] = ()
    output: str = ""
    started: float = 0.0
    exit_code: int | None = None
    preempting: bool = False
    wandb_version: str = ""
    kinds: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The display name, as last set; empty when none was recorded."""
        return self.names[-1] if self.names else ""

    def series(self, key: str) -> list[Any]:
        """The values logged under a key, in order, of the steps that have it."""
        return [row[key] for row in self.history if key in row]


def read_recorded(path: str | Path, *, wait: float = 0.0, series: bool = True) -> Recorded:
    """What W&B recorded of one run.

    Args:
        path: a file `run-<id>.wandb`, or the directory of the run that holds it.
        wait: seconds to wait at most for the run's end to be recorded: `run.finish()` returns a
            few milliseconds before the file is complete. A run without an end is read as it is.
        series: whether to keep what grows with every step: the history and the console's output.

    Raises:
        LogError: there is no such file, it is no transaction log, or it was damaged.

    Example:
        >>> run = read_recorded("wandb/offline-run-20260101_120000-abc", wait=5.0)  # doctest: +SKIP
        >>> run.name, run.config["d_model"]  # doctest: +SKIP
        ('d_model64-bs8-lr0.001', 64)
    """
    log = _log_at(Path(path))
    end = time.monotonic() + wait
    recorded = _read(log, series)
    while recorded.exit_code is None and time.monotonic() < end:
        time.sleep(_POLL_SECONDS)
        recorded = _read(log, series)
    return recorded


def find_recorded(root: str | Path) -> list[Path]:
    """Every transaction log below a directory, in the order in which the runs were created.

    The order is that of the start recorded in each log: W&B's directories are dated to the second
    only. A log without one, of a run killed at once, is placed by when it was last written.

    Raises:
        LogError: a log was damaged.
    """
    # `latest-run` is a link to a run's directory and must not show the run a second time.
    found = {path.resolve() for path in Path(root).rglob("run-*.wandb") if path.is_file()}
    return sorted(found, key=lambda path: (_started(path), path.name))


def _started(path: Path) -> float:
    return started(read_messages(path)) or path.stat().st_mtime


def _log_at(path: Path) -> Path:
    if path.is_file():
        return path
    found = sorted(path.glob("run-*.wandb"))
    if len(found) != 1:
        raise LogError(
            f"{path} holds {len(found)} files run-<id>.wandb; give one of them, or the directory"
            " of one run. find_recorded(root) lists those below a directory"
        )
    return found[0]


def _read(path: Path, series: bool) -> Recorded:
    without = () if series else ("history", "output_raw")
    return Recorded(path=path, **fold(read_messages(path), without=without))
