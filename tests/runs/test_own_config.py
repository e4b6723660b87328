"""The config that users set by hand, and names that clash: nothing is lost, what stays is said."""

from __future__ import annotations

import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flavour import ExpNameCheckpoint, ExpNameLogger, LightningDataModule
from lit_models import LitRegressor, MultiModalTransformer, fit, lit, loader, trainer
from processes import environment

from lightning_expname.observer import ExpNameWarning

Read = Callable[[], list[Any]]
APP = Path(__file__).with_name("ends_app.py")


class Open(MultiModalTransformer):
    def __init__(self, d_model: int, **more: Any) -> None:
        super().__init__(d_model)


def config_of(read: Read, logger: Any, module: Any = None) -> dict[str, Any]:
    fit(logger, module=module or lit(), epochs=1)
    config = dict(read()[-1].config)
    del config["_wandb"]
    return config


def test_keys_that_become_one_keep_both_values(expname_root: Path, expname_recorded: Read) -> None:
    given = {"x": 1, "-x-": 2, "optimizer": "mine", "-optimizer": "too", "_wandb": 3, "_wandb_": 4}
    module = LitRegressor(Open(16, **given, deep={"-y": 5, "y": 6, 7: 8, "7": 9}))
    config = config_of(expname_recorded, ExpNameLogger(), module)
    assert (config["x"], config["x_2"]) == (1, 2)
    assert config["optimizer"]["name"] == "AdamW"
    assert (config["hparams"], config["optimizer_2"]) == ({"optimizer": "mine"}, "too")
    assert (config["_wandb_"], config["_wandb__2"]) == (4, 3)
    assert [config[key] for key in ("y", "y_2", "7", "7_2")] == [6, 5, 9, 8]


def test_a_hyper_parameter_called_hparams_is_kept_beside_a_clash(
    expname_root: Path, expname_recorded: Read
) -> None:
    module = LitRegressor(Open(16, hparams="own", data="a.csv"))
    config = config_of(expname_recorded, ExpNameLogger(), module)
    assert config["hparams"] == {"hparams": "own", "data": "a.csv"}
    assert config["data"]["dataset"] == "KEMDy19Dataset"


def test_a_hyper_parameter_logged_by_hand_leaves_sections_alone(
    expname_root: Path, expname_recorded: Read
) -> None:
    logger = ExpNameLogger()
    logger.log_hyperparams({"optimizer": "lion", "mine": 1})
    fit(logger, module=lit(), epochs=1)
    logger.log_hyperparams({"data": "later", "mine": 2})
    config = expname_recorded()[0].config
    assert config["hparams"] == {"optimizer": "lion", "data": "later"}
    assert (config["optimizer"]["name"], config["mine"]) == ("AdamW", 2)
    assert config["data"]["dataset"] == "KEMDy19Dataset"


OWN = {"optimizer": "mine", "lr": 0.5, "d_model": 16, "note": "x", "expname": "my own"}


def test_a_config_of_ones_own_stays_as_it_is_set_and_this_is_said(
    expname_root: Path, expname_recorded: Read
) -> None:
    logger = ExpNameLogger(wandb_kwargs={"config": OWN})
    with pytest.warns(ExpNameWarning, match="lr, optimizer as you set it.*'recorded'") as caught:
        config = config_of(expname_recorded, logger)
    assert sum("as you set it" in str(one.message) for one in caught) == 1
    kept = {key: config[key] for key in ("optimizer", "lr", "d_model", "note", "expname_")}
    assert list(kept.values()) == list(OWN.values())
    assert (config["recorded"]["lr"], config["recorded"]["optimizer"]["name"]) == (1e-5, "AdamW")
    assert set(config["recorded"]) == {"lr", "optimizer"}
    assert logger.record is not None and config["expname"]["stem"] == logger.record.stem
    assert logger.record.config["lr"] == 1e-5


def test_a_config_that_says_the_same_is_no_matter(
    expname_root: Path, expname_recorded: Read
) -> None:
    logger = ExpNameLogger(wandb_kwargs={"config": {"d_model": 16, "note": "x"}})
    with warnings.catch_warnings():
        warnings.simplefilter("error", ExpNameWarning)
        config = config_of(expname_recorded, logger)
    assert "recorded" not in config and config["note"] == "x"


def test_the_config_of_a_users_own_run_stays(expname_root: Path, expname_recorded: Read) -> None:
    import wandb

    own = wandb.init(project="mine", mode="offline", config={"optimizer": "mine", "n": (1, 2)})
    with pytest.warns(ExpNameWarning, match="optimizer as you set it"):
        fit(ExpNameLogger(), module=lit(16), epochs=1)
    fit(ExpNameLogger(), module=lit(32), epochs=1)
    own.finish()
    config = expname_recorded()[0].config
    assert (config["optimizer"], config["n"], config["d_model"]) == ("mine", [1, 2], 32)
    assert config["recorded"]["optimizer"]["name"] == "AdamW"


class Data(LightningDataModule):
    def __init__(self, fold: int, **more: Any) -> None:
        super().__init__()
        self.save_hyperparameters()

    def train_dataloader(self) -> Any:
        return loader()

    def val_dataloader(self) -> Any:
        return loader()


def test_each_run_of_a_logger_has_its_own_config(
    expname_root: Path, expname_recorded: Read
) -> None:
    logger = ExpNameLogger(wandb_kwargs={"config": {"note": "x"}})
    for fold, more in enumerate(({"first": 1}, {"second": 2})):
        trainer(logger, epochs=1).fit(lit(), datamodule=Data(fold, **more))
    logger.close_run()
    one, two = (dict(run.config) for run in expname_recorded())
    assert (one["fold"], one["first"], one["note"]) == (0, 1, "x")
    assert (two["fold"], two["second"], two["note"]) == (1, 2, "x")
    assert "first" not in two


def test_a_run_killed_in_its_first_moment_has_its_config_on_the_server(
    expname_root: Path, expname_wandb: Any
) -> None:
    command = [sys.executable, str(APP), str(expname_root), "killed_after_init"]
    told = expname_root / "told.txt"
    with told.open("wb") as out:  # W&B's own process outlives it, and would hold a pipe open
        ran = subprocess.run(command, env=environment(), stdout=out, stderr=out, timeout=600)
    assert ran.returncode == -signal.SIGKILL, told.read_text(encoding="utf-8")
    (run,) = expname_wandb.runs.values()
    assert run.name == "d_model16-n_heads8-n_layers4-activation.gelu-bs16-lr1e-05"
    assert (run.config["dropout"], run.config["note"]) == (0.3, "mine")
    assert run.config["optimizer"]["name"] == "AdamW"
    assert run.config["expname"]["id"] == run.id
    assert expname_wandb.unknown == []


def test_a_continued_run_tells_what_changed(expname_root: Path, expname_wandb: Any) -> None:
    first = ExpNameLogger()
    ran = fit(first, ExpNameCheckpoint(), module=lit(dropout=0.1), epochs=1)
    first.close_run()
    path = ran.checkpoint_callback.best_model_path
    again = ExpNameLogger(wandb_kwargs={"config": {"note": "again"}})
    continued = trainer(again, ExpNameCheckpoint(), epochs=2)
    continued.fit(lit(dropout=0.2), loader(), loader(), ckpt_path=path)
    again.close_run()
    (run,) = expname_wandb.runs.values()
    assert (run.config["dropout"], run.config["note"]) == (0.2, "again")
    assert run.config["trainer"]["max_epochs"] == 2


def test_wandbs_own_filters_leave_our_config_alone(
    expname_root: Path, expname_recorded: Read
) -> None:
    kwargs = {"config": {"note": "x", "not_this": 1}, "config_exclude_keys": ["not_this"]}
    config = config_of(expname_recorded, ExpNameLogger(wandb_kwargs=kwargs))
    assert config["note"] == "x" and config["expname"]["stem"]
