"""A training that ends as it is told: `python ends_app.py ROOT HOW`."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from flavour import ExpNameCheckpoint, ExpNameLogger, SLURMEnvironment
from lit_models import fit, lit

HOW: dict[str, Any] = {
    "raises": lambda: 1 / 0,
    "exits": lambda: sys.exit(7),
    "ctrl_c": lambda: os.kill(os.getpid(), signal.SIGINT),
    "sigterm": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "sigusr1": lambda: os.kill(os.getpid(), signal.SIGUSR1),
    "sigkill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "killed_at_once": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "killed_later": lambda: killed_later(),
}


def killed_later() -> None:
    time.sleep(2.5)  # W&B's log is flushed every second
    os.kill(os.getpid(), signal.SIGKILL)


def requeued(root: str) -> None:
    """SLURM asks for a requeue in epoch 1 and kills in epoch 2; the job's next start ends well."""
    module, logger = lit(), ExpNameLogger(root_dir=root)
    is_first = not list(Path(root).glob("hpc_ckpt_*"))

    def scheduler() -> None:
        if is_first and module.current_epoch:
            asked = module.current_epoch == 1
            time.sleep(0.0 if asked else 2.5)  # W&B's log is flushed every second
            os.kill(os.getpid(), signal.SIGUSR1 if asked else signal.SIGKILL)

    module.on_train_epoch_start = scheduler  # type: ignore[method-assign]
    cluster = SLURMEnvironment(requeue_signal=signal.SIGUSR1)
    fit(logger, ExpNameCheckpoint(), module=module, epochs=4, plugins=[cluster])


def killed_after_init(root: str) -> None:
    """The process dies as soon as W&B has answered, before another line of ours runs."""
    import wandb

    started = wandb.init

    def start(*args: Any, **kwargs: Any) -> None:
        started(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    wandb.init = start
    own = {"config": {"note": "mine"}}
    fit(ExpNameLogger(root_dir=root, wandb_kwargs=own), module=lit(dropout=0.3))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
    root, how = sys.argv[1:]
    if how == "killed_after_init":
        killed_after_init(root)
    if how == "requeued":
        requeued(root)
        sys.exit()
    module, logger = lit(), ExpNameLogger(root_dir=root, log_model="LOG_MODEL" in os.environ)
    if how in HOW:
        epoch = 0 if how == "killed_at_once" else 1
        module.on_train_epoch_start = lambda: HOW[how]() if module.current_epoch == epoch else None  # type: ignore[method-assign]
    if how == "caught":
        module.on_train_epoch_start = lambda: 1 / 0 if module.current_epoch else None  # type: ignore[assignment,method-assign,return-value]
        try:
            fit(logger, ExpNameCheckpoint(), module=module)
        except ZeroDivisionError:
            sys.exit(0)
    fit(logger, ExpNameCheckpoint(), module=module, epochs=3)
    if how == "raises_after":
        raise RuntimeError("after the training")
