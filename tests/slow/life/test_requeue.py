"""A SLURM job that is requeued, killed, and started again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from test_ends import end

Read = Callable[..., list[Any]]


def test_a_requeued_slurm_job_goes_on_as_the_same_run(
    expname_root: Path, expname_recorded: Read
) -> None:
    scontrol = expname_root / "scontrol"
    scontrol.write_text("#!/bin/sh\nexit 0\n")
    scontrol.chmod(0o755)
    slurm = {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "1", "SLURM_JOB_NAME": "train"}
    node = {"SLURM_LOCALID": "0", "SLURM_NODEID": "0", "SLURM_PROCID": "0", "SLURM_NODELIST": "n1"}
    path = {"PATH": f"{expname_root}{os.pathsep}{os.environ['PATH']}"}
    returned, first, errors = end(expname_root, "requeued", **slurm, **node, **path)
    assert returned == -9, errors
    assert (first.status, first.ended_by) == ("interrupted", "SLURM requeue")
    assert expname_recorded(wait=0.0)[0].preempting
    returned, again, errors = end(expname_root, "requeued", **slurm, **node, **path)
    assert returned == 0, errors
    assert (again.id, again.status, again.ended_by) == (first.id, "finished", None)
    assert len(again.resumed) == 1 and "hpc_ckpt" in again.resumed[0]["checkpoint"]
