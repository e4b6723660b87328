"""fit, test, validate and predict on two processes: `python ranks_app.py ROOT STRATEGY [CKPT]`.

Every rank leaves `rank{n}-{mode}.json` in the working directory: the names that it was told.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from flavour import Callback, ExpNameCheckpoint, ExpNameLogger, Trainer
from lit_models import lit, loader, trainer


class Told(Callback):
    """Notes on every rank what the names are when each mode ends."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def teardown(self, trainer: Trainer, pl_module: Any, stage: str) -> None:
        logger: Any = trainer.logger
        told = {
            "run": logger.names.run,
            "id": logger.record.id,
            "version": logger.version,
            "dirpath": trainer.checkpoint_callback.dirpath,  # type: ignore[union-attr]
            "best": trainer.checkpoint_callback.best_model_path,  # type: ignore[union-attr]
        }
        path = self.root / f"rank{trainer.global_rank}-{trainer.state.fn.value}.json"  # type: ignore[union-attr]
        path.write_text(json.dumps(told))

    def on_train_epoch_start(self, trainer: Trainer, pl_module: Any) -> None:
        if os.environ.get("FAIL_RANK") == str(trainer.global_rank) and trainer.current_epoch:
            raise RuntimeError("one rank alone")


if __name__ == "__main__":
    root, strategy, *rest = sys.argv[1:]
    module, logger = lit(), ExpNameLogger(root_dir=root)
    checkpoint = ExpNameCheckpoint(monitor="val_acc", mode="max", save_last=True)
    parallel = {} if strategy == "auto" else {"devices": 2, "strategy": strategy}
    given = {"use_distributed_sampler": False, "epochs": 4 if rest else 2, **parallel}
    ran = trainer(logger, checkpoint, Told(Path(root)), **given)
    ran.fit(module, loader(), loader(), ckpt_path=rest[0] if rest else None)
    ran.validate(module, loader(), ckpt_path="best", verbose=False)
    ran.test(module, loader(), ckpt_path="best", verbose=False)
    if strategy in ("auto", "ddp"):  # Lightning cannot predict in spawned processes
        ran.predict(module, loader(), return_predictions=False)
