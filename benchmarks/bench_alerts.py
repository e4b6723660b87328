"""What alerts cost: a training with a dead Slack beside one without, and the end of the process.

Run `python benchmarks/bench_alerts.py [rounds]`. A round is three trainings in one process, in an
order that changes: one with alerts, two without, of which the second is the control. Whole
trainings differ by more than alerts cost, so each part (the start, every epoch, the end) is
compared with the same part of the others: a training takes the sum of its parts' medians. What the
control differs by from the other training without alerts is what this machine cannot see; when
that is a percent, the figure beside it says nothing. By the clock, and by the process's own CPU
time. Then processes: how soon a kill is told, how much longer a process takes to end, and how much
memory the watchdog holds.
"""

from __future__ import annotations

import itertools
import logging
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import torch
from lightning.pytorch import LightningModule, Trainer
from rows import sizes, tell
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from lightning_expname import ExpNameAlerts
from lightning_expname.alerts import DEADLINE
from lightning_expname.testing import SlackServer

LIMIT = 1.01
BATCHES = 200
EPOCHS = 40  # six to ten seconds: the start and the end come once
_PROGRAM = """
import os, sys, time
from lightning_expname.alerts import Alerts
alerts = Alerts()
with alerts.watch("train"):
    time.sleep(1.0)
    print(open(f"/proc/{alerts._dispatch._watchdog.pid}/status").read(), flush=True)
    print(time.monotonic(), flush=True)
    if sys.argv[1] == "killed":
        os.kill(os.getpid(), 9)
print(time.monotonic(), flush=True)
"""


class Net(LightningModule):
    """Some milliseconds a step."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(256, 512), nn.ReLU(), nn.Linear(512, 1))
        self.moments: list[tuple[float, float]] = []

    def note(self) -> None:
        """A part of the training ends, and another begins."""
        self.moments.append((time.perf_counter(), time.process_time()))

    def on_train_epoch_start(self) -> None:
        """The start is over, or the epoch before."""
        self.note()

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        """A squared output."""
        loss: Tensor = self.net(batch[0]).square().mean()
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Plain descent."""
        return torch.optim.SGD(self.parameters(), lr=1e-3)


def train(alerts: ExpNameAlerts | None) -> list[tuple[float, float]]:
    """Seconds by the clock and of this process's CPU: of the set-up, each epoch, and the last one
    with the end."""
    data = DataLoader(TensorDataset(torch.randn(64 * BATCHES, 256)), batch_size=64)
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=EPOCHS,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[alerts] if alerts else [],
    )
    module = Net()
    module.note()
    trainer.fit(module, data)
    module.note()
    return [(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(module.moments)]


def alternated(rounds: int) -> dict[str, list[list[tuple[float, float]]]]:
    """The parts of the trainings with a dead Slack, of those without alerts, and of the control."""
    found: dict[str, list[list[tuple[float, float]]]] = {"dead": [], "none": [], "control": []}
    orders = itertools.cycle(itertools.permutations(found))  # none is always the first or the last
    for order in itertools.islice(orders, rounds):
        for arm in order:
            found[arm].append(train(ExpNameAlerts() if arm == "dead" else None))
    return found


def typical(trainings: list[list[tuple[float, float]]], which: int) -> float:
    """Seconds: the sum over the parts of their medians; 0 by the clock, 1 of the CPU."""
    parts = zip(*trainings, strict=True)
    return sum(statistics.median(one[which] for one in part) for part in parts)


def measure_training(rounds: int) -> None:
    """Against a Slack that takes connections and never answers, without a line of Python in it."""
    torch.set_num_threads(1)  # threads that wait for each other would measure the machine
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as dead:
        os.environ["SLACK_WEBHOOK_URL"] = f"http://127.0.0.1:{dead.getsockname()[1]}/services/dead"
        train(ExpNameAlerts())  # warm
        found = alternated(rounds)
    for which, name in enumerate(("clock", "CPU")):
        told, plain, control = (typical(found[arm], which) for arm in ("dead", "none", "control"))
        more = 1000 * (told - plain)
        note = f"no alerts; {more:+.0f} ms of {plain:.1f} s, parts' medians of {rounds} rounds"
        tell(f"training with a dead Slack, by {name}", told / plain, "x", most=LIMIT, note=note)
        tell(f"the control, by {name}", control / plain, "x", note="no alerts either")


def end(how: str) -> tuple[float, float, int]:
    """When the work ended, when the process had ended, and the watchdog's memory in kB."""
    with tempfile.TemporaryFile("w+") as output:
        subprocess.call([sys.executable, "-c", _PROGRAM, how], stdout=output)
        gone = time.monotonic()
        output.seek(0)
        lines = output.read().split("\n")
    resident = next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))
    return float([line for line in lines if line][-1]), gone, resident


def main() -> None:
    """Print one line for each figure."""
    (rounds,) = sizes(rounds=18)
    warnings.filterwarnings("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    os.chdir(tempfile.mkdtemp())
    measure_training(rounds)
    with SlackServer() as slack:
        os.environ["SLACK_WEBHOOK_URL"] = slack.webhook_url
        slack.mode = "hang"
        ended, gone, _ = end("well")
        dead = DEADLINE + 1.0  # and what any process needs to end
        tell("end of the process, dead Slack", gone - ended, "s", most=dead, note="one process")
        slack.mode = "ok"
        ended, gone, memory = end("well")
        tell("end of the process, Slack well", gone - ended, "s", note="one process")
        ended, _, _ = end("killed")
        time.sleep(5.0)
        (message,) = [one for one in slack.messages if "killed" in one.text]
        tell("a kill is told after", message.at - ended, "s", most=10.0, note="one process")
        tell("the watchdog's own memory", memory / 1024, "MB", note="while it waits")


if __name__ == "__main__":
    assert Path("/proc/self/status").exists(), "the memory is read from /proc"
    main()
