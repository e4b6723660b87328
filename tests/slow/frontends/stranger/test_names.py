"""The names of this project's models are tested like everything else."""

from __future__ import annotations

from pathlib import Path

from lightning_expname import ExpNameLogger, capture_init
from lightning_expname.testing import assert_same_names, names_of

capture_init()

from digits import BATCH_SIZE, LitNet, Net, train

GOLDEN = Path(__file__).with_name("golden_names.json")


def test_names_stay() -> None:
    given = {"dataset": "Digits", "batch_size": BATCH_SIZE, "lr": 1e-3}
    small, wide = LitNet(Net()), LitNet(Net(d_model=64))
    names = {"small": names_of(small, **given), "wide": names_of(wide, **given)}
    assert_same_names(GOLDEN, names)


def test_a_training_below_the_root(expname_root, expname_recorded) -> None:
    train(LitNet(Net(n_heads=4)), ExpNameLogger(dataset="Digits"))
    (checkpoint,) = expname_root.glob("checkpoints/**/*.ckpt")
    assert checkpoint.name == "d_model8-n_heads4-bs64-epoch0.ckpt"
    (run,) = expname_recorded()
    assert run.name == "d_model8-n_heads4-bs64-lr0.001"
    assert run.exit_code == 0


def test_the_logger_names_and_records(expname_logger, expname_recorded) -> None:
    train(LitNet(Net()), expname_logger)
    assert expname_logger.names.run == "d_model8-n_heads2-bs64-lr0.001"
    assert expname_logger.record.checkpoint("last").exists()
    (run,) = expname_recorded()
    assert run.config["dropout"] == 0.1
    assert len(run.series("train_loss")) == 2


def test_each_test_has_a_root_of_its_own(expname_root, expname_recorded) -> None:
    assert list(expname_root.iterdir()) == []
    assert expname_recorded() == []
