"""Runs the programs that end badly, and says what was told of them."""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lightning_expname.testing.slack_server import Posted, SlackServer

TRAINING = Path(__file__).with_name("lit_ends.py")
MARKER = "striking at "
_TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
_CGROUPS = Path("/sys/fs/cgroup")


def train_until(
    slack: SlackServer,
    root: Path,
    *arguments: str,
    launcher: str = "script",
    group: Path | None = None,
) -> tuple[int, list[Posted]]:
    """The exit code, and every message that came of it.

    Args:
        slack: where the messages come.
        root: the working directory, with the training's output.
        *arguments: of `lit_ends.py`.
        launcher: `torchrun`, `srun`, or `two machines` with a torchrun each; `script` leaves it to
            Lightning.
        group: the memory cgroup in which the training runs.
    """
    with (root / "output.txt").open("w") as file:
        processes = [
            subprocess.Popen(
                [sys.executable, *command, str(TRAINING), *arguments],
                stdout=file,
                stderr=file,
                cwd=root,
                env={**os.environ, **environment},
                preexec_fn=None if group is None else lambda: join(group),
            )
            for command, environment in _started(launcher, root)
        ]
        try:
            codes = [process.wait(240) for process in processes]
        finally:
            for process in processes:
                process.kill()
    slack.wait_for(1, 60)
    time.sleep(5.0 if len(arguments) > 2 else 0.5)  # when a second message would have come
    return codes[0], list(slack.messages)


def kill_training(root: Path, seed: int) -> None:
    """Starts a training in a directory of its own, and kills it at a random moment.

    Anywhere between its set-up and its second epoch, in which it stays.
    """
    root.mkdir()
    with (root / "errors.txt").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, str(TRAINING), "from outside"],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=root,
        )
    assert process.stdout is not None
    assert any(line == "begun\n" for line in process.stdout)
    time.sleep(random.Random(seed).uniform(0.0, 3.0))
    process.kill()
    process.communicate(timeout=60)


def _started(launcher: str, root: Path) -> list[tuple[list[str], dict[str, str]]]:
    """What comes between Python and the program, and the environment, process by process."""
    if launcher == "srun":
        return [([], variables) for variables in _slurm(root)]
    if launcher == "two machines":
        return _two_machines(root)
    return [(_TORCHRUN if launcher == "torchrun" else [], {})]


def _two_machines(root: Path) -> list[tuple[list[str], dict[str, str]]]:
    """They share the training's directory alone: each has temporary files of its own."""
    common = ["-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1"]
    meeting = ["--master-addr=127.0.0.1", f"--master-port={_free_port()}"]
    started = []
    for number in "01":
        own = root / f"temporary files of machine {number}"
        own.mkdir()
        started.append(([*common, *meeting, f"--node-rank={number}"], {"TMPDIR": str(own)}))
    return started


def _slurm(root: Path) -> list[dict[str, str]]:
    """What `srun` tells its two tasks; `scontrol` is found, and asked to requeue the job."""
    programs = root / "slurm programs"
    programs.mkdir()
    for name in ("srun", "scontrol"):
        program = programs / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >> "$SLURM_ASKED"\n')
        program.chmod(0o700)
    job = {
        "SLURM_ASKED": str(root / "asked.txt"),
        "SLURM_JOB_ID": str(secrets.randbelow(10**6)),
        "SLURM_JOB_NAME": "training",
        "SLURM_NODELIST": "127.0.0.1",
        "SLURM_NODEID": "0",
        "SLURM_NTASKS": "2",
        "SLURM_NTASKS_PER_NODE": "2",
        "MASTER_PORT": str(_free_port()),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
    }
    return [{**job, "SLURM_PROCID": rank, "SLURM_LOCALID": rank} for rank in "01"]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def latency(root: Path, message: Posted) -> float:
    """Seconds from the end to its message; both clocks are the machine's."""
    lines = (root / "output.txt").read_text().splitlines()
    struck = [float(line.removeprefix(MARKER)) for line in lines if line.startswith(MARKER)]
    return message.at - min(struck)


@contextlib.contextmanager
def memory_cgroup(limit: int) -> Iterator[Path]:
    """A group of processes that the kernel's OOM killer looks after alone, if one may be made.

    Args:
        limit: bytes.
    """
    first = (_CGROUPS / "cgroup.controllers").exists()
    name, file = ("", "memory.max") if first else ("memory", "memory.limit_in_bytes")
    group = _CGROUPS / name / f"expname-{secrets.token_hex(4)}"
    try:
        group.mkdir()
        (group / file).write_text(str(limit))
    except OSError as error:
        with contextlib.suppress(OSError):
            group.rmdir()
        pytest.skip(f"no memory cgroup can be made here, so the OOM killer stays away ({error})")
    try:
        yield group
    finally:
        _remove(group)


def join(group: Path) -> None:
    """This process, and those that it will start, belong to the group."""
    (group / "cgroup.procs").write_text(str(os.getpid()))


def _remove(group: Path, seconds: float = 30.0) -> None:
    """When its last process, the watchdog, has gone."""
    end = time.monotonic() + seconds
    while True:
        try:
            return group.rmdir()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
