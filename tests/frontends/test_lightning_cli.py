"""LightningCLI in this process: configs as files, a real fit, what W&B recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import digits_app
import pytest
import yaml
from lightning.pytorch import Trainer
from lightning.pytorch.cli import LightningCLI, SaveConfigCallback
from lightning.pytorch.loggers import CSVLogger

from lightning_expname import ExpNameLogger
from lightning_expname.lightning_cli import ExpNameCLI
from lightning_expname.pytest_plugin import ReadRecorded

OURS: dict[str, Any] = {"class_path": "lightning_expname.ExpNameLogger"}
CSV = {"class_path": "lightning.pytorch.loggers.CSVLogger", "init_args": {"save_dir": "csv"}}
STEM = "checkpoints/Net/Digits/width8-depth2-act.gelu-bs16"


def config(**trainer: Any) -> dict[str, Any]:
    quiet = {"enable_progress_bar": False, "enable_model_summary": False}
    net = {"class_path": "digits_app.Net", "init_args": {"width": 8}}
    return {
        "seed_everything": 7,
        "trainer": {"accelerator": "cpu", "max_epochs": 1, **quiet, **trainer},
        "model": {"net": net, "lr": "1e-2"},
    }


def run(values: dict[str, Any], *words: str, cli: Any = LightningCLI, **kwargs: Any) -> Trainer:
    Path("given.yaml").write_text(yaml.safe_dump(values))
    arguments = ["fit", "--config", "given.yaml", *words]
    return cli(digits_app.LitDigits, digits_app.Digits, args=arguments, **kwargs).trainer


def saved(root: Path) -> list[str]:
    found = [path.relative_to(root).as_posix() for path in root.rglob("*config*.yaml")]
    return sorted(path for path in found if not path.startswith("wandb/"))


@pytest.mark.parametrize("logger", [OURS, [OURS], [OURS, CSV]], ids=["alone", "list", "first of 2"])
def test_the_same_yaml_runs_twice(
    logger: Any, expname_root: Path, expname_recorded: ReadRecorded
) -> None:
    for _ in range(2):
        run(config(logger=logger))
    assert saved(expname_root) == [f"{STEM}-r2.config.yaml", f"{STEM}.config.yaml"]
    names = ["width8-depth2-act.gelu-bs16-lr0.01", "width8-depth2-act.gelu-bs16-r2-lr0.01"]
    assert [one.name for one in expname_recorded()] == names


def test_what_was_saved_runs_again(expname_root: Path, expname_recorded: ReadRecorded) -> None:
    run(config(logger=OURS))
    path = expname_root / f"{STEM}.config.yaml"
    run(yaml.safe_load(path.read_text()))
    first, second = (
        json.loads((expname_root / f"{STEM}{n}.json").read_text()) for n in ("", "-r2")
    )
    assert first["digest"] == second["digest"]


def test_behind_another_logger_the_config_goes_where_that_says(expname_root: Path) -> None:
    run(config(logger=[CSV, OURS]))
    assert saved(expname_root) == ["csv/lightning_logs/version_0/config.yaml"]


def test_without_our_logger_lightning_does_as_ever(expname_root: Path) -> None:
    run(config(logger=CSV))
    assert saved(expname_root) == ["csv/lightning_logs/version_0/config.yaml"]
    assert not (expname_root / "checkpoints").exists()


class Elsewhere(SaveConfigCallback):
    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        Path("mine.yaml").write_text(self.parser.dump(self.config))


class Also(SaveConfigCallback):
    def save_config(self, trainer: Any, pl_module: Any, stage: str) -> None:
        Path("also.txt").write_text(f"{stage == 'fit'} {trainer.logger.names.stem}")


def test_a_setup_of_the_users_own_is_left_alone(expname_root: Path) -> None:
    run(config(logger=OURS), save_config_callback=Elsewhere)
    assert saved(expname_root) == []
    assert yaml.safe_load((expname_root / "mine.yaml").read_text())["model"]["lr"] == 0.01


def test_a_save_config_of_the_users_own_knows_the_names(expname_root: Path) -> None:
    run(config(logger=OURS), save_config_callback=Also)
    assert saved(expname_root) == [f"{STEM}.config.yaml"]
    assert (expname_root / "also.txt").read_text() == "True width8-depth2-act.gelu-bs16"


def test_file_name_and_many_files_are_respected(expname_root: Path) -> None:
    run(config(logger=OURS), save_config_kwargs={"config_filename": "cli config.yml"})
    run(config(logger=OURS), save_config_kwargs={"multifile": True})
    run(config(logger=OURS), save_config_callback=None)
    assert (expname_root / f"{STEM}.cli config.yml").exists()
    assert saved(expname_root) == [f"{STEM}-r2.config/config.yaml"]


def test_a_config_that_cannot_be_written_harms_nothing(expname_root: Path) -> None:
    target = expname_root / f"{STEM}.config"
    target.parent.mkdir(parents=True)
    target.write_text("a file where the folder should be")
    with pytest.warns(UserWarning, match="could not do its part in save_config"):
        trainer = run(
            config(logger=OURS), save_config_kwargs={"multifile": True, "overwrite": True}
        )
    assert trainer.current_epoch == 1
    assert list(expname_root.glob("checkpoints/Net/Digits/*epoch0.ckpt"))


def test_callbacks_come_by_class_path(expname_root: Path) -> None:
    callbacks = [
        {"class_path": "lightning_expname.ExpNameCallback"},
        {
            "class_path": "lightning_expname.ExpNameCheckpoint",
            "init_args": {"monitor": "val_loss", "save_last": True},
        },
    ]
    trainer = run(config(logger=OURS, callbacks=callbacks))
    assert Path(trainer.checkpoint_callback.best_model_path).name.endswith("bs16-epoch0.ckpt")
    assert list(expname_root.glob(f"{STEM}-last.ckpt"))
    assert [type(one).__name__ for one in trainer.callbacks].count("ExpNameCallback") == 1


def test_the_policy_is_a_dict_in_yaml(expname_root: Path, expname_recorded: ReadRecorded) -> None:
    arguments = {
        "dataset": "한국어",
        "include": ["depth", "width"],
        "aliases": {"depth": "d"},
        "policy": {"run": "{stem}-{precision}"},
        "tags": ["a"],
    }
    run(config(logger={**OURS, "init_args": arguments}))
    (recorded,) = expname_recorded()
    assert (recorded.name, recorded.project) == ("d2-width8-bs16-precision.32--true", "Net-한국어")
    assert recorded.tags == ("a",)


def test_expnamecli_needs_no_config(expname_root: Path, expname_recorded: ReadRecorded) -> None:
    words = ["--trainer.logger.dataset=mnist", "--data.batch_size=8"]
    trainer = run(config(), *words, cli=ExpNameCLI)
    assert isinstance(trainer.logger, ExpNameLogger)
    (recorded,) = expname_recorded()
    assert (recorded.project, recorded.name) == (
        "Net-mnist",
        "width8-depth2-act.gelu-bs8-lr0.01",
    )


def test_expnamecli_takes_another_logger(expname_root: Path) -> None:
    trainer = run(config(logger=CSV), cli=ExpNameCLI)
    assert isinstance(trainer.logger, CSVLogger)
    trainer = run(config(), cli=ExpNameCLI, trainer_defaults={"logger": CSV})
    assert isinstance(trainer.logger, CSVLogger)


def test_the_config_is_in_main_without_its_secrets(
    expname_root: Path, expname_recorded: ReadRecorded
) -> None:
    values = config(logger=OURS)
    values["model"]["api_key"] = "hunter2hunter2"
    trainer = run(values)
    (recorded,) = expname_recorded()
    main = recorded.config["main"]
    assert main["model"]["net"]["init_args"]["width"] == 8
    assert (main["model"]["lr"], main["seed_everything"]) == (0.01, 7)
    assert main["trainer"]["max_epochs"] == 1
    assert main["model"]["api_key"] == "<redacted>"
    assert trainer.logger.record.config["main"] == main


def test_the_saved_config_tells_no_secrets(expname_root: Path) -> None:
    hook = "https://hooks.slack.com/services/T0/B0/hunter2hunter2"
    alerts = {"class_path": "lightning_expname.ExpNameAlerts", "init_args": {"slack_webhook": hook}}
    values = config(logger=OURS, callbacks=[alerts])
    values["model"]["api_key"] = "hunter2hunter2"
    trainer = run(values)
    text = (expname_root / f"{STEM}.config.yaml").read_text()
    told = yaml.safe_load(text)
    assert "hunter2" not in text
    assert told["model"]["api_key"] == "<redacted>"
    assert told["trainer"]["callbacks"][0]["init_args"]["slack_webhook"] == "<redacted>"
    assert told["model"]["net"]["init_args"]["width"] == 8
    assert told["trainer"]["max_epochs"] == 1
    assert trainer.max_epochs == 1


def test_the_saved_config_tells_what_the_user_allows(expname_root: Path) -> None:
    logger = {**OURS, "init_args": {"not_secret": ["api_key"]}}
    values = config(logger=logger)
    values["model"]["api_key"] = "no-secret-at-all"
    run(values)
    told = yaml.safe_load((expname_root / f"{STEM}.config.yaml").read_text())
    assert told["model"]["api_key"] == "no-secret-at-all"
    assert told["trainer"]["logger"]["init_args"]["not_secret"] == ["api_key"]
    run(told)  # it runs again as it is


def test_many_saved_files_tell_no_secrets(expname_root: Path) -> None:
    values = config(logger=OURS)
    values["model"]["api_key"] = "hunter2hunter2"
    Path("model.yaml").write_text(yaml.safe_dump(values["model"]))
    run({**values, "model": "model.yaml"}, save_config_kwargs={"multifile": True})
    written = list((expname_root / f"{STEM}.config").rglob("*.yaml"))
    assert len(written) == 2
    assert not [path for path in written if "hunter2" in path.read_text()]
