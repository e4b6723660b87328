"""`record.load`: a real checkpoint's weights, and nothing that the file would run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from flavour import ExpNameLogger, LightningModule, RecordError, RunRecord
from lit_models import LitRegressor, MultiModalTransformer, fit, lit


@pytest.fixture
def record(expname_root: Path) -> RunRecord:
    logger = ExpNameLogger(root_dir=expname_root, offline=True)
    fit(logger)
    assert logger.record is not None
    return logger.record


class Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (os.mknod, (str(self.path),))


def poison(path: Path, target: Path) -> None:
    content = torch.load(path, weights_only=True)
    torch.save({**content, "more": Evil(target)}, path)


class Older(LitRegressor):
    """With the signature that Lightning had before 2.6, and its way of loading."""

    @classmethod
    def load_from_checkpoint(cls, path: Any, map_location: Any = None, **kwargs: Any) -> Any:
        assert "weights_only" not in kwargs
        made = cls(**kwargs)
        made.load_state_dict(torch.load(path, weights_only=False)["state_dict"])
        return made


@pytest.mark.parametrize("module", [LitRegressor, Older])
def test_the_weights_come_back(record: RunRecord, module: type[LightningModule]) -> None:
    trained = torch.load(record.checkpoint("best"), weights_only=True)["state_dict"]
    loaded = record.load(module, model=MultiModalTransformer(16))
    assert all(torch.equal(value, trained[key]) for key, value in loaded.state_dict().items())
    epoch = record.checkpoints()[0].epoch
    assert isinstance(
        record.load(module, which=epoch or 0, model=MultiModalTransformer(16)), module
    )


@pytest.mark.parametrize("module", [LitRegressor, Older])
def test_a_hostile_checkpoint_is_refused_and_not_run(
    record: RunRecord, module: type[LightningModule], tmp_path: Path
) -> None:
    target = tmp_path / "created"
    poison(record.checkpoint("best"), target)
    with pytest.raises(RecordError, match=r"posix\.mknod.*weights_only=False"):
        record.load(module, model=MultiModalTransformer(16))
    assert not target.exists()
    record.load(module, model=MultiModalTransformer(16), weights_only=False)
    assert target.exists()


def test_a_deleted_checkpoint_tells_which_remain(record: RunRecord) -> None:
    with pytest.raises(RecordError, match=r"no checkpoint 77.*remain: .*epoch1\.ckpt"):
        record.load(LitRegressor, which=77)


def test_a_directory_beside_the_root_is_kept_as_an_absolute_place(expname_root: Path) -> None:
    from flavour import ModelCheckpoint

    (expname_root / "root").mkdir(exist_ok=True)
    logger = ExpNameLogger(root_dir=expname_root / "root", offline=True)
    fit(logger, ModelCheckpoint(dirpath=expname_root / "root" / ".." / "beside"), module=lit())
    assert logger.record is not None
    from lightning_expname.records import read_record

    again = read_record(logger.record.path)
    assert again.checkpoint("best").parent == expname_root / "beside"
