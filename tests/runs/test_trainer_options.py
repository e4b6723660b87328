"""What a Trainer can be asked for beside a plain fit: each as under plain Lightning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from flavour import (
    CSVLogger,
    ExpNameCallback,
    ExpNameCheckpoint,
    ExpNameLogger,
    ModelCheckpoint,
    PassThroughProfiler,
    Tuner,
)
from lit_models import LitRegressor, MultiModalTransformer, files, fit, lit, loader, trainer
from torch.utils.data import DataLoader

from lightning_expname.observer import ExpNameWarning
from lightning_expname.records import read_record

STEM = "d_model16-n_heads8-n_layers4-activation.gelu-bs16"
FOLDER = "checkpoints/MultiModalTransformer/KEMDy19"
Read = Callable[..., list[Any]]


class Tunable(LitRegressor):
    """What Lightning's tuner wants: attributes that it may set."""

    def __init__(self, model: Any, lr: float = 1e-5, batch_size: int = 2) -> None:
        super().__init__(model)
        self.lr, self.batch_size = lr, batch_size

    def train_dataloader(self) -> DataLoader[Any]:
        return loader(self.batch_size)

    val_dataloader = test_dataloader = predict_dataloader = train_dataloader

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=self.lr)


class Late(LitRegressor):
    """Builds its network where sharded strategies want it built."""

    def __init__(self, d_model: int, lr: float = 1e-5) -> None:
        super().__init__(torch.nn.Identity(), lr=lr)
        self.d_model = d_model

    def configure_model(self) -> None:
        if isinstance(self.model, torch.nn.Identity):
            self.model = MultiModalTransformer(self.d_model)


def test_a_search_of_lr_and_batch_size_leaves_one_run_with_what_was_found(
    expname_root: Path, expname_recorded: Read
) -> None:
    module = Tunable(MultiModalTransformer(16))
    ran = trainer(ExpNameLogger(), ExpNameCheckpoint())
    size = Tuner(ran).scale_batch_size(module, steps_per_trial=1, max_trials=2, init_val=4)
    Tuner(ran).lr_find(module, num_training=4)
    assert not (expname_root / "wandb").exists()
    assert not (expname_root / "checkpoints").exists()
    ran.fit(module)
    (run,) = expname_recorded()
    assert module.batch_size == size > 4
    assert run.name.startswith(f"d_model16-n_heads8-n_layers4-activation.gelu-bs{size}-lr")
    assert run.config["batch_size"] == size
    assert run.config["lr"] == pytest.approx(module.lr)
    assert len(run.series("train_loss")) == ran.global_step


@pytest.mark.parametrize("mode", ["validate", "test", "predict"])
def test_a_search_of_the_batch_size_of_a_mode_leaves_no_run(
    expname_root: Path, expname_recorded: Read, mode: str
) -> None:
    module = Tunable(MultiModalTransformer(16))
    ran = trainer(ExpNameLogger())
    size = Tuner(ran).scale_batch_size(module, method=mode, steps_per_trial=1, max_trials=3)
    assert sorted(path.name for path in expname_root.iterdir()) == []
    getattr(ran, mode)(module)
    (run,) = expname_recorded()
    assert size == module.batch_size > 2
    assert run.name == f"d_model16-n_heads8-n_layers4-activation.gelu-bs{size}-{mode}"


@pytest.mark.parametrize("listed", [(), (ExpNameCallback,)])
def test_fast_dev_run_leaves_nothing(expname_root: Path, listed: tuple[type, ...]) -> None:
    ran = fit(ExpNameLogger(), ExpNameCheckpoint(), *[one() for one in listed], fast_dev_run=True)
    ran.test(lit(), loader(), verbose=False)
    assert ran.global_step == 1
    assert not (expname_root / "wandb").exists()
    assert not (expname_root / "checkpoints").exists()


@pytest.mark.parametrize("listed", [(), (ExpNameCallback,)])
def test_barebones_leaves_nothing(expname_root: Path, listed: tuple[type, ...]) -> None:
    alive = ExpNameLogger()  # its callback comes with every Trainer of the process
    ran = trainer(None, *[one() for one in listed], barebones=True, log_every_n_steps=None)
    ran.fit(lit(), loader())
    assert ran.global_step == 4 and alive.record is None
    assert [path.name for path in expname_root.iterdir()] == []


def test_without_checkpointing_the_run_is_named_all_the_same(
    expname_root: Path, expname_recorded: Read
) -> None:
    ran = fit(ExpNameLogger(), enable_checkpointing=False)
    (run,) = expname_recorded()
    record = ran.logger.record
    assert run.name == f"{STEM}-lr1e-05"
    assert files(expname_root) == [f"{FOLDER}/{STEM}.json"]
    assert (record.status, record.best, record.checkpoints()) == ("finished", None, [])


@pytest.mark.parametrize("first", [True, False])
def test_two_loggers_each_get_everything(
    expname_root: Path, expname_recorded: Read, first: bool
) -> None:
    ours, csv = ExpNameLogger(), CSVLogger(str(expname_root / "csv"))
    ran = fit([ours, csv] if first else [csv, ours], ExpNameCheckpoint())
    (run,) = expname_recorded()
    rows = (Path(csv.log_dir) / "metrics.csv").read_text().splitlines()
    assert len(run.series("train_loss")) == ran.global_step == 4
    assert len(rows) == 1 + 4 + 2  # its head, every step, every validation
    assert ran.checkpoint_callback.best_model_path.startswith(str(expname_root / FOLDER / STEM))
    assert ours.record is not None and ours.record.status == "finished"


def test_two_of_our_loggers_are_one_run_and_no_second_name(
    expname_root: Path, expname_recorded: Read
) -> None:
    with pytest.warns(ExpNameWarning, match="more than one ExpNameLogger"):
        fit([ExpNameLogger(), ExpNameLogger()], ExpNameCheckpoint())
    (run,) = expname_recorded()
    assert run.name == f"{STEM}-lr1e-05"
    assert len(run.series("train_loss")) == 4
    assert len(list((expname_root / "checkpoints").rglob("*.json"))) == 1


def test_two_checkpoint_callbacks_keep_their_files_apart(
    expname_root: Path, expname_recorded: Read
) -> None:
    best = ModelCheckpoint(monitor="val_acc", mode="max", save_last=True)
    all_of_them = ModelCheckpoint(every_n_epochs=1, save_top_k=-1)
    ran = fit(ExpNameLogger(), best, all_of_them, epochs=3)
    expname_recorded()
    record = ran.logger.record
    names = [file.path.name for file in record.checkpoints()]
    assert len(names) == len(set(names)) == 5
    assert [f"{STEM}-epoch{n}-2.ckpt" in names for n in range(3)] == [True] * 3
    assert record.checkpoint("best") == Path(best.best_model_path)
    assert (record.monitor, record.score) == (
        "val_acc",
        pytest.approx(best.best_model_score.item()),
    )


def test_weights_alone_are_listed_and_can_be_tested(
    expname_root: Path, expname_recorded: Read
) -> None:
    ran = fit(ExpNameLogger(), ExpNameCheckpoint(save_weights_only=True))
    record = ran.logger.record
    state = torch.load(record.checkpoint("best"), weights_only=True)
    assert "optimizer_states" not in state and len(record.checkpoints()) == 1
    ran.test(ckpt_path="best", dataloaders=loader(), verbose=False)
    (run,) = expname_recorded()
    assert "test_acc" in run.summary


def test_a_late_network_is_named_and_continued(expname_root: Path, expname_recorded: Read) -> None:
    fit(ExpNameLogger(), ExpNameCheckpoint(save_last=True), module=Late(16))
    fit(ExpNameLogger(), ExpNameCheckpoint(save_last=True), module=Late(32))
    again = trainer(ExpNameLogger(), ExpNameCheckpoint(save_last=True), epochs=4)
    again.fit(Late(16), loader(), loader(), ckpt_path="last")
    again.logger.close_run()
    names = {run.run_id: run.name for run in expname_recorded()}
    assert sorted(names.values()) == ["d_model16-bs16-lr1e-05", "d_model32-bs16-lr1e-05"]
    assert names[again.logger.record.id] == "d_model16-bs16-lr1e-05"
    assert len(again.logger.record.resumed) == 1
    assert read_record(again.logger.record.path).status == "finished"


def test_our_own_callback_is_called_for_no_batch(expname_root: Path) -> None:
    class Called(PassThroughProfiler):
        names: ClassVar[set[str]] = set()

        def start(self, action_name: str) -> None:
            self.names.add(action_name)

    fit(ExpNameLogger(offline=True), profiler=Called(), epochs=1)
    of_ours = {name for name in Called.names if name.startswith("[Callback]ExpNameCallback.")}
    assert "[Callback]ExpNameCallback.on_train_start" in of_ours
    assert not [name for name in of_ours if "batch" in name or "before" in name or "after" in name]


def test_a_users_own_callback_of_ours_keeps_its_hooks(expname_root: Path) -> None:
    class Counts(ExpNameCallback):
        batches = 0

        def on_train_batch_end(self, *args: Any, **kwargs: Any) -> None:
            super().on_train_batch_end(*args, **kwargs)
            self.batches += 1

    counts = Counts()
    fit(ExpNameLogger(offline=True), counts, epochs=1)
    assert counts.batches == 2
