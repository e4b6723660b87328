"""Several processes of one run on a W&B server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from processes import train
from rank_checks import MODES, STEPS, agreed, records


@pytest.mark.parametrize("strategy", ["ddp", "ddp_fork"])
def test_ranks_are_one_run_on_the_server(
    expname_root: Path, expname_wandb: Any, strategy: str
) -> None:
    for again in ((), ("again",)):
        ran = train(expname_root, strategy, *again)
        assert ran.returncode == 0, ran.stderr
    told, record = agreed(expname_root, ("fit", "test"), strategy), records(expname_root)["train"]
    served = expname_wandb.run(record.id)
    assert (served.name, served.state, served.id) == (record.run, "finished", told["id"])
    assert len(served.series("train_loss")) == 2 * STEPS
    assert served.series("_step") == list(range(len(served.history)))
    assert "test_acc" in served.summary
    linked = {run.name: run.job_type for run in expname_wandb.runs.values() if run is not served}
    assert linked == {f"{record.run}-{mode}": mode for mode in MODES}
    assert expname_wandb.unknown == []
