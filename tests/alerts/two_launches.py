"""Two trainings under `ddp_spawn`; the second cannot be sent to its processes."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")
# Python's safe path, which tox sets, leaves a program's own folder out
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "runs")]

from flavour import ExpNameAlerts, Trainer
from lit_models import lit, loader, trainer


def spread(alerts: ExpNameAlerts) -> Trainer:
    return trainer(False, alerts, devices=2, strategy="ddp_spawn", enable_checkpointing=False)


if __name__ == "__main__":
    alerts = ExpNameAlerts(events=("started", "finished", "failed"))
    spread(alerts).fit(lit(), loader())
    broken = lit()
    broken.hook = lambda: None
    spread(alerts).fit(broken, loader())
