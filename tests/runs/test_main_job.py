"""A plain training: what W&B recorded, what lies on disk, and the way from one to the other."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from flavour import ExpNameCallback, ExpNameCheckpoint, ExpNameLogger, HparamError, ModelCheckpoint
from lit_models import (
    KEMDy19Dataset,
    LitRegressor,
    MultiModalTransformer,
    files,
    fit,
    lit,
    loader,
    trainer,
)
from torch.utils.data import DataLoader, Subset, TensorDataset

from lightning_expname.observer import ExpNameWarning
from lightning_expname.records import read_record

STEM = "d_model16-n_heads8-n_layers4-activation.gelu-bs16"
FOLDER = "checkpoints/MultiModalTransformer/KEMDy19"
Read = Callable[[], list[Any]]


def best() -> ExpNameCheckpoint:
    return ExpNameCheckpoint(monitor="val_acc", mode="max")


def test_a_training_names_itself(expname_root: Path, expname_recorded: Read) -> None:
    ran = fit(ExpNameLogger(), best())
    (run,) = expname_recorded()
    assert run.project == "MultiModalTransformer-KEMDy19"
    assert run.name == f"{STEM}-lr1e-05"
    assert files(expname_root)[0].startswith(f"{FOLDER}/{STEM}-epoch")
    assert files(expname_root)[1] == f"{FOLDER}/{STEM}.json"
    assert ran.logger is not None
    assert ran.logger.names.stem == STEM


def test_everything_else_is_in_the_config(expname_root: Path, expname_recorded: Read) -> None:
    fit(ExpNameLogger(), best())
    (run,) = expname_recorded()
    config = run.config
    assert (config["d_model"], config["activation"], config["dropout"]) == (16, "gelu", 0.1)
    assert (config["lr"], config["batch_size"], config["warm_up"]) == (1e-5, 16, False)
    assert config["optimizer"]["name"] == "AdamW"
    assert config["optimizer"]["weight_decay"] == 0.05
    assert config["data"]["dataset"] == "KEMDy19Dataset"
    assert (config["data"]["size"], config["trainer"]["max_epochs"]) == (32, 2)
    assert config["expname"]["stem"] == STEM
    assert config["expname"]["checkpoint"] == f"{FOLDER}/{STEM}-epoch{{epoch}}.ckpt"


def test_record_summary_and_checkpoint_find_each_other(
    expname_root: Path, expname_recorded: Read
) -> None:
    ran = fit(ExpNameLogger(), best())
    (run,) = expname_recorded()
    record = read_record(expname_root / FOLDER / f"{STEM}.json")
    assert record == ran.logger.record
    assert (record.id, record.run, record.project) == (run.run_id, run.name, run.project)
    assert record.status == "finished"
    assert run.summary["best_checkpoint"] == record.best
    assert run.summary["best_score"] == pytest.approx(record.score)
    assert record.checkpoint("best") == Path(ran.checkpoint_callback.best_model_path)
    state = torch.load(record.checkpoint("best"), weights_only=True)
    assert state["lightning_expname"]["record"] == f"{FOLDER}/{STEM}.json"
    assert state["lightning_expname"]["id"] == run.run_id
    loaded = record.load(LitRegressor, model=MultiModalTransformer(16))
    assert torch.equal(loaded.model.net[0].weight, state["state_dict"]["model.net.0.weight"])


def test_include_gives_exactly_the_users_names(expname_root: Path, expname_recorded: Read) -> None:
    fit(ExpNameLogger(include=["d_model", "n_heads", "n_layers"]), best())
    (run,) = expname_recorded()
    assert run.name == "d_model16-n_heads8-n_layers4-bs16-lr1e-05"
    assert f"{FOLDER}/d_model16-n_heads8-n_layers4-bs16.json" in files(expname_root)


def test_an_included_name_that_does_not_exist_is_an_error(expname_root: Path) -> None:
    with pytest.raises(HparamError, match="n_heads"):
        fit(ExpNameLogger(include=["d_model", "heads"]))


def test_five_equal_runs_are_five_tellable_runs(expname_root: Path, expname_recorded: Read) -> None:
    records = [fit(ExpNameLogger(), best()).logger.record for _ in range(5)]
    stems = [STEM, *(f"{STEM}-r{n}" for n in range(2, 6))]
    assert [record.stem for record in records] == stems
    assert [run.name for run in expname_recorded()] == [f"{stem}-lr1e-05" for stem in stems]
    assert len({run.run_id for run in expname_recorded()}) == 5
    assert [run.exit_code for run in expname_recorded()] == [0] * 5
    owned = [file.path for record in records for file in record.checkpoints()]
    assert len(set(owned)) == len(owned) == 5
    assert sorted(owned) == sorted((expname_root / FOLDER).glob("*.ckpt"))
    ids = [torch.load(path, weights_only=True)["lightning_expname"]["id"] for path in owned]
    assert ids == [record.id for record in records]


@pytest.mark.parametrize("build", [None, ModelCheckpoint, ExpNameCheckpoint, ExpNameCallback])
def test_stock_checkpoints_are_named_alike(expname_root: Path, build: Any) -> None:
    fit(ExpNameLogger(), *([build()] if build else []))
    assert files(expname_root) == [f"{FOLDER}/{STEM}-epoch1.ckpt", f"{FOLDER}/{STEM}.json"]


def test_what_the_user_names_is_never_overridden(
    expname_root: Path, expname_recorded: Read
) -> None:
    mine = ModelCheckpoint(dirpath="mine", filename="{epoch}-{val_acc:.1f}")
    ran = fit(ExpNameLogger(name="my run", project="my project"), mine)
    (run,) = expname_recorded()
    assert (run.name, run.project) == ("my run", "my project")
    (file,) = (expname_root / "mine").iterdir()
    assert file.name.startswith("epoch=1-val_acc=")
    assert [found.path for found in ran.logger.record.checkpoints()] == [file]
    assert ran.logger.record.checkpoint(1) == file


@pytest.mark.parametrize("given", [{"dirpath": "mine"}, {"filename": "f{epoch}"}])
def test_what_the_user_left_open_is_filled(expname_root: Path, given: dict[str, Any]) -> None:
    checkpoint = ModelCheckpoint(auto_insert_metric_name=False, **given)
    fit(ExpNameLogger(), checkpoint)
    directory = given.get("dirpath", FOLDER)
    name = "f1.ckpt" if "filename" in given else f"{STEM}-epoch1.ckpt"
    assert Path(checkpoint.best_model_path) == expname_root / directory / name


def test_several_checkpoints_in_one_epoch_need_no_v1(expname_root: Path) -> None:
    steps = ModelCheckpoint(every_n_train_steps=1, save_top_k=-1, save_last=True)
    record = fit(ExpNameLogger(), steps, best()).logger.record
    names = [file.path.name for file in record.checkpoints()]
    assert f"{STEM}-epoch0-step1.ckpt" in names
    assert f"{STEM}-last.ckpt" in names
    assert not [name for name in names if "-v1" in name]
    assert len(names) == len([name for name in files(expname_root) if name.endswith(".ckpt")])


def test_several_last_checkpoints_need_no_v1(expname_root: Path) -> None:
    several = [
        ModelCheckpoint(save_last=True, every_n_train_steps=1),
        ModelCheckpoint(save_last=True),
        ExpNameCheckpoint(save_last=True, monitor="val_acc", mode="max"),
    ]
    record = fit(ExpNameLogger(), *several).logger.record
    lasts = [Path(one.last_model_path) for one in several]
    ends = ("last", "last-2", "last-3")
    assert [path.name for path in lasts] == [f"{STEM}-{end}.ckpt" for end in ends]
    assert {*lasts} < {file.path for file in record.checkpoints()}
    assert not [name for name in files(expname_root) if "-v1" in name]


def test_the_layout_is_a_setting(expname_root: Path) -> None:
    policy = {"checkpoint": "{model}/{dataset}/{strategy}/{stem}/epoch{epoch}"}
    records = [fit(ExpNameLogger(policy=policy), best()).logger.record for _ in range(2)]
    folder = f"{FOLDER}/{records[0].config['trainer']['strategy']}"
    assert f"{folder}/{STEM}.json" in files(expname_root)
    assert records[1].record == f"{folder}/{STEM}-r2.json"
    assert records[1].checkpoint("best").parent == expname_root / folder / f"{STEM}-r2"


def test_a_warm_up_scheduler_does_not_spoil_the_rate(
    expname_root: Path, expname_recorded: Read
) -> None:
    module = LitRegressor(MultiModalTransformer(16), lr=3.489658913104141e-05, warm_up=True)
    fit(ExpNameLogger(), module=module)
    (run,) = expname_recorded()
    assert run.name == f"{STEM}-lr3.49e-05"
    assert run.config["lr"] == 3.489658913104141e-05
    assert run.config["lr_scheduler"]["name"] == "LambdaLR"


def test_data_without_a_name_is_called_data_with_one_warning(expname_root: Path) -> None:
    loaders = [DataLoader(TensorDataset(torch.zeros(8, 4)), batch_size=4) for _ in range(2)]
    module = lit()
    module.training_step = lambda batch, batch_idx: module.model(batch[0]).sum()  # type: ignore[method-assign]
    module.validation_step = lambda batch, batch_idx: None  # type: ignore[assignment,method-assign]
    ran = trainer(ExpNameLogger())
    with pytest.warns(ExpNameWarning, match=r"ExpNameLogger\(dataset=") as caught:
        ran.fit(module, *loaders)
    assert sum("has no name" in str(warning.message) for warning in caught) == 1
    assert ran.logger.record.record.startswith("checkpoints/MultiModalTransformer/data/")


def test_korean_model_and_dataset_names(expname_root: Path, expname_recorded: Read) -> None:
    record = fit(ExpNameLogger(model="감정/모델", dataset="한국어 감정")).logger.record
    (run,) = expname_recorded()
    assert (run.config["expname"]["model"], run.config["expname"]["dataset"]) == (
        "감정/모델",
        "한국어 감정",
    )
    assert run.project == "감정_모델-한국어_감정"
    assert record.checkpoint("last").parent == expname_root / "checkpoints/감정_모델/한국어_감정"
    assert json.loads((expname_root / record.record).read_text())["dataset"] == "한국어 감정"


def test_predict_and_test_belong_to_the_run_of_their_fit(
    expname_root: Path, expname_recorded: Read
) -> None:
    ran = fit(ExpNameLogger(), best())
    ran.test(dataloaders=loader(), ckpt_path="best", verbose=False)
    ran.predict(dataloaders=loader())
    (run,) = expname_recorded()
    assert run.name == f"{STEM}-lr1e-05"
    assert "test_acc" in run.summary
    assert len(list((expname_root / FOLDER).glob("*.json"))) == 1


def test_a_test_alone_is_a_run_of_its_own(expname_root: Path, expname_recorded: Read) -> None:
    trainer(ExpNameLogger()).test(lit(), loader(), verbose=False)
    (run,) = expname_recorded()
    assert (run.name, run.job_type) == (f"{STEM}-test", "test")
    assert files(expname_root) == [f"{FOLDER}/{STEM}-test.json"]


def test_another_module_on_one_logger_is_another_run(
    expname_root: Path, expname_recorded: Read
) -> None:
    logger = ExpNameLogger()
    for width in (16, 32):
        fit(logger, best(), module=lit(width))
    assert [run.name[:9] for run in expname_recorded()] == ["d_model16", "d_model32"]


def test_folds_are_runs_of_one_group_and_each_ends_as_it_did(
    expname_root: Path, expname_recorded: Read
) -> None:
    data = KEMDy19Dataset()
    for fold in range(3):
        held_out = set(range(fold, 32, 3))
        kept = [index for index in range(32) if index not in held_out]
        parts = [DataLoader(Subset(data, part), batch_size=4) for part in (kept, sorted(held_out))]
        module = lit()
        if fold == 1:
            module.on_train_epoch_end = lambda: 1 / 0  # type: ignore[assignment,method-assign,return-value]
        ran = trainer(ExpNameLogger(group="cv"), best())
        with pytest.raises(ZeroDivisionError) if fold == 1 else contextlib.nullcontext():
            ran.fit(module, *parts)
    runs, stem = expname_recorded(), STEM.replace("bs16", "bs4")
    assert [run.name for run in runs] == [f"{stem}{r}-lr1e-05" for r in ("", "-r2", "-r3")]
    assert [run.exit_code for run in runs] == [0, 1, 0]
    assert {(run.group, run.project) for run in runs} == {("cv", "MultiModalTransformer-KEMDy19")}
    records = [read_record(expname_root / FOLDER / f"{stem}{r}.json") for r in ("", "-r2", "-r3")]
    assert [record.status for record in records] == ["finished", "failed", "finished"]
    assert [record.id for record in records] == [run.run_id for run in runs]
