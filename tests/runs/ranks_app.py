"""Every mode on two processes: `python ranks_app.py ROOT STRATEGY [again]`.

First: fit, validate, test and predict, all of one run. Again: the fit goes on from "last", and
validate, test and predict from its best checkpoint are runs of their own.

Every rank leaves `rank{n}-{mode}.json` in ROOT: the names that it was told.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from flavour import Callback, ExpNameCheckpoint, ExpNameLogger, Trainer
from lit_models import MultiModalTransformer, lit, loader, trainer

MODES = ("validate", "test", "predict")
SHARDED = ("fsdp", "model_parallel", "deepspeed")


class Told(Callback):
    """Notes on every rank what the names are when each mode ends."""

    def __init__(self, root: Path, of: str = "") -> None:
        self.root, self.of = root, of

    def teardown(self, trainer: Trainer, pl_module: Any, stage: str) -> None:
        logger: Any = trainer.logger
        told = {
            "run": logger.names.run,
            "id": logger.record.id,
            "version": logger.version,
            "dirpath": trainer.checkpoint_callback.dirpath,  # type: ignore[union-attr]
            "best": trainer.checkpoint_callback.best_model_path,  # type: ignore[union-attr]
        }
        mode = trainer.state.fn.value  # type: ignore[union-attr]
        path = self.root / f"rank{trainer.global_rank}-{self.of}{mode}.json"
        path.write_text(json.dumps(told))

    def on_train_epoch_start(self, trainer: Trainer, pl_module: Any) -> None:
        if os.environ.get("FAIL_RANK") == str(trainer.global_rank) and trainer.current_epoch:
            raise RuntimeError("one rank alone")


def parallel(strategy: str) -> tuple[dict[str, Any], Any]:
    """What the Trainer is asked for, and the module."""
    given = {"use_distributed_sampler": False}
    if strategy == "auto":
        return given, lit()
    if strategy not in SHARDED:
        return {**given, "devices": 2, "strategy": strategy}, lit()
    from sharded import sharded  # not in every version of Lightning and torch

    cut, module = sharded(strategy, MultiModalTransformer(16))
    return {**given, "devices": 2, "strategy": cut}, module


def run(ran: Any, mode: str, module: Any, path: str) -> None:
    """One mode from a checkpoint; spawned processes cannot give predictions back."""
    quiet = {"return_predictions": False} if mode == "predict" else {"verbose": False}
    getattr(ran, mode)(module, loader(), ckpt_path=path, **quiet)


def first(root: Path, strategy: str, epochs: int = 2, path: str | None = None) -> str:
    """A fit and, the first time, all other modes of its run; gives the best checkpoint."""
    given, module = parallel(strategy)
    checkpoint = ExpNameCheckpoint(monitor="val_acc", mode="max", save_last=True)
    logger = ExpNameLogger(root_dir=root)
    ran = trainer(logger, checkpoint, Told(root), epochs=epochs, **given)
    ran.fit(module, loader(), loader(), ckpt_path=path)
    for mode in MODES[1:2] if path else MODES:
        run(ran, mode, module, "best")
    return str(checkpoint.best_model_path)


def again(root: Path, strategy: str) -> None:
    best = first(root, strategy, epochs=4, path="last")
    for mode in MODES:
        given, module = parallel(strategy)
        ran = trainer(ExpNameLogger(root_dir=root), Told(root, "linked-"), **given)
        run(ran, mode, module, best)


if __name__ == "__main__":
    root, strategy, *rest = sys.argv[1:]
    (again if rest else first)(Path(root), strategy)
