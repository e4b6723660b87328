"""A training without a logger, whose newest checkpoint is its only one: killed in epoch 2."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

# Python's safe path, which tox sets, leaves a program's own folder out
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "runs")]

from endings import MARKER
from flavour import Callback, ExpNameAlerts, ModelCheckpoint
from lit_models import lit, loader, trainer


class Epochs(Callback):
    """Each takes longer than the watchdog waits between what it is told."""

    def on_train_epoch_start(self, ran: Any, module: Any) -> None:
        time.sleep(2.1)

    def on_validation_epoch_end(self, ran: Any, module: Any) -> None:
        module.log("epoch_number", float(ran.current_epoch))

    def on_train_batch_end(self, ran: Any, *given: Any) -> None:
        if ran.current_epoch == 2:
            print(f"{MARKER}{time.monotonic()}", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    newest = ModelCheckpoint("saved", monitor="epoch_number", mode="max")
    endless = trainer(False, ExpNameAlerts(), newest, Epochs(), epochs=9, num_sanity_val_steps=0)
    endless.fit(lit(), loader(), loader())
