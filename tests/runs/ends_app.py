"""A training that ends as it is told: `python ends_app.py ROOT HOW`."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from lit_models import fit, lit

from lightning_expname import ExpNameCheckpoint, ExpNameLogger

HOW: dict[str, Any] = {
    "raises": lambda: 1 / 0,
    "exits": lambda: sys.exit(7),
    "ctrl_c": lambda: os.kill(os.getpid(), signal.SIGINT),
    "sigterm": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "sigusr1": lambda: os.kill(os.getpid(), signal.SIGUSR1),
    "sigkill": lambda: os.kill(os.getpid(), signal.SIGKILL),
}

if __name__ == "__main__":
    root, how = sys.argv[1:]
    module, logger = lit(), ExpNameLogger(root_dir=root, log_model="LOG_MODEL" in os.environ)
    if how in HOW:
        module.on_train_epoch_start = lambda: HOW[how]() if module.current_epoch else None  # type: ignore[method-assign]
    if how == "caught":
        module.on_train_epoch_start = lambda: 1 / 0 if module.current_epoch else None  # type: ignore[assignment,method-assign,return-value]
        try:
            fit(logger, ExpNameCheckpoint(), module=module)
        except ZeroDivisionError:
            sys.exit(0)
    fit(logger, ExpNameCheckpoint(), module=module, epochs=3)
    if how == "raises_after":
        raise RuntimeError("after the training")
