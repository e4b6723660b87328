"""What `tune(storage=...)` says when a storage cannot be used, and that no password gets out."""

from __future__ import annotations

import traceback
from importlib.util import find_spec
from pathlib import Path

import pytest

from lightning_expname import SyncTrial, TuneError, tune

SECRET = "hunter2"


def objective(trial: SyncTrial) -> float:
    return trial.suggest_float("x", 0, 1)


def refused(storage: object) -> str:
    with pytest.raises(TuneError) as caught:
        tune(objective, n_trials=1, model="N", dataset="D", storage=storage, progress=False)
    return "".join(traceback.format_exception(caught.value))


# tests/slow/tune has the driver of PostgreSQL, and a server
REFUSED = "cannot be opened" if find_spec("psycopg") else "driver"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"postgresql+psycopg://u:{SECRET}@127.0.0.1:1/x", REFUSED),
        (f"postgresql+psycopg://127.0.0.1:1/x?user=u&password={SECRET}", REFUSED),
        (f"postgresql+psycopg://u:p@{SECRET}@127.0.0.1:1/x", "%40"),
        (f"foo://u:{SECRET}@h/x", "cannot be opened"),
        (f"mysql://u:{SECRET}@h/x", "driver"),
        (f"http://u:{SECRET}@h:80:90/x", "cannot be opened"),
    ],
)
def test_a_database_that_cannot_be_used_tells_no_password(
    expname_root: Path, url: str, said: str
) -> None:
    text = refused(url)
    assert said in text.splitlines()[-1] or said in text
    assert SECRET not in text


@pytest.mark.parametrize("name", ["folder", "file/study.journal"])
def test_a_journal_that_cannot_be_written_is_said(expname_root: Path, name: str) -> None:
    (expname_root / "folder").mkdir()
    (expname_root / "file").write_text("")
    assert "cannot be opened" in refused(expname_root / name)


def test_a_directory_of_results_that_cannot_be_written_is_said(expname_root: Path) -> None:
    (expname_root / "hparams").write_text("")
    assert "cannot be opened" in refused(None)
