"""From anything that a person holds to the one run it means."""

from __future__ import annotations

import shutil
import unicodedata
from pathlib import Path
from urllib.parse import quote

import pytest
from runs_on_disk import put

from lightning_expname import LookupFailedError, RunRecord, resolve_run
from lightning_expname.records import CheckpointPlace, write_record
from lightning_expname.records.resolve import differences


@pytest.fixture
def run(tmp_path: Path) -> RunRecord:
    put(tmp_path, "d8-bs32", id="other000")
    record = put(tmp_path, "d8-bs64", id="ab12cd34", hparams={"d": 8}, score=0.5)
    for epoch in (1, 2):
        (record.path.parent / f"d8-bs64-epoch{epoch}.ckpt").touch()
    return record


def references(run: RunRecord) -> list[str]:
    folder = run.path.parent
    return [
        run.id,
        run.run,
        run.stem,
        f"  {run.run}\n",
        f"'{run.run}'",
        run.record,
        str(run.path),
        f"me/Net-Digits/{run.id}",
        f"me/Net-Digits/runs/{run.id}",
        f"Net-Digits/{run.id}",
        f"https://api.example.com/me/Net-Digits/runs/{run.id}",
        f"https://example.com/me/Net-Digits/runs/{run.id}/overview?nw=x#top",
        str(folder / "d8-bs64-epoch1.ckpt"),
        str(folder / "d8-bs64-epoch9.ckpt"),
        "checkpoints/Net/Digits/d8-bs64-epoch1.ckpt",
        str(folder / "d8-bs64-last.ckpt"),
        "d8-bs64-epoch1.ckpt",
        "d8-bs64-epoch9.ckpt",
        "d8-bs64-epoch1",
        run.record.removesuffix(".json"),
        "/elsewhere/of/mine/checkpoints/Net/Digits/d8-bs64-epoch1.ckpt",
        r"C:\mine\checkpoints\Net\Digits\d8-bs64-epoch1.ckpt",
        f"file://{folder}/d8-bs64-epoch1.ckpt",
        f"`{run.run}`",
        f"“{run.run}” ",
        f"me/Net-Digits/{run.id}/",
        f"/me/Net-Digits/runs/{run.id}",
        f"wandb.example/me/Net-Digits/runs/{run.id}",
        f"HTTPS://Wandb.Example/me/Net%2DDigits/runs/{run.id}?nw=me",
        f"<https://wandb.example/me/Net-Digits/runs/{run.id}>",
        f"wandb: View run {run.run} at: https://wandb.example/me/Net-Digits/runs/{run.id}",
    ]


def test_every_reference_leads_to_the_run(run: RunRecord) -> None:
    for reference in references(run):
        assert resolve_run(reference, run.root) == run, reference


def test_after_the_tree_was_moved(run: RunRecord, tmp_path_factory: pytest.TempPathFactory) -> None:
    moved = tmp_path_factory.mktemp("moved") / "tree"
    shutil.move(run.root, moved)
    for reference in references(run.replace(path=moved / run.record)):
        assert resolve_run(reference, moved).id == run.id, reference


def test_an_unknown_reference_suggests_the_nearest(run: RunRecord) -> None:
    with pytest.raises(LookupFailedError, match=r"the nearest: .*d8-bs64-lr0\.001"):
        resolve_run("d8-bs64-lr0.002", run.root)
    with pytest.raises(LookupFailedError, match="no record at all"):
        resolve_run("x", run.root / "nowhere")
    with pytest.raises(LookupFailedError, match="empty"):
        resolve_run("  ", run.root)


def test_another_projects_id_is_no_answer(run: RunRecord) -> None:
    with pytest.raises(LookupFailedError):
        resolve_run(f"Other-Project/{run.id}", run.root)


def test_an_ambiguous_reference_lists_what_differs(tmp_path: Path) -> None:
    put(tmp_path, "a", run="same", hparams={"lr": 0.1})
    put(tmp_path, "b", run="same", hparams={"lr": 0.2})
    with pytest.raises(LookupFailedError) as told:
        resolve_run("same", tmp_path)
    text = str(told.value)
    assert "2 runs" in text
    assert "hparams.lr=0.1" in text and "hparams.lr=0.2" in text
    assert "id-Net-a" in text and "checkpoints/Net/Digits/b.json" in text


def test_an_id_means_more_than_a_name(tmp_path: Path) -> None:
    put(tmp_path, "a", id="x1", run="x2")
    second = put(tmp_path, "b", id="x2", run="x3")
    assert resolve_run("x2", tmp_path) == second


def test_differences_are_typed(run: RunRecord) -> None:
    other = run.replace(hparams={"d": 8.0, "new": 1})
    rows = dict(differences([run, other]))
    assert rows["hparams.d"] == [8, 8.0]
    assert set(rows) == {"hparams.d", "hparams.new"}
    assert differences([run, run]) == []


def test_a_link_to_a_checkpoint_is_that_checkpoint(run: RunRecord, tmp_path: Path) -> None:
    link = tmp_path / "best.ckpt"
    link.symlink_to(run.path.parent / "d8-bs64-epoch1.ckpt")
    assert resolve_run(link, run.root) == run


def test_projects_of_any_script_are_found_as_a_browser_writes_them(tmp_path: Path) -> None:
    run = put(tmp_path, "d8", id="x1", project="모델 Net")
    for project in ("모델 Net", quote("모델 Net"), unicodedata.normalize("NFD", "모델 Net")):
        assert resolve_run(f"https://wandb.example/me/{project}/runs/x1", tmp_path) == run
    assert resolve_run("me/모델 Net/x1", tmp_path) == run


def test_a_url_of_another_project_is_no_answer_unless_the_id_is_wandbs(tmp_path: Path) -> None:
    """A project may be renamed, and a sweep has its own; `run1` may be in every project."""
    put(tmp_path, "d8", id="run1", url="https://wandb.example/me/Sweep/runs/run1")
    made = put(tmp_path, "d9", id="ab12cd34")
    with pytest.raises(LookupFailedError, match="the nearest: run1"):
        resolve_run("https://wandb.example/me/Other/runs/run1", tmp_path)
    assert resolve_run("https://wandb.example/me/Sweep/runs/run1", tmp_path).id == "run1"
    assert resolve_run("https://wandb.example/me/Other/runs/ab12cd34", tmp_path) == made


def test_a_name_alone_means_a_file_that_is_there(tmp_path: Path) -> None:
    """Where the folder holds the run's name, the file's own says nothing."""
    for number in (8, 9):
        folder = f"checkpoints/Net/Digits/d{number}"
        run = put(tmp_path, f"d{number}")
        write_record(run.replace(places=(CheckpointPlace(folder, "epoch{epoch}"),)))
        (tmp_path / folder).mkdir()
    (tmp_path / "checkpoints/Net/Digits/d9/epoch3.ckpt").touch()
    assert resolve_run("epoch3.ckpt", tmp_path).stem == "d9"
    with pytest.raises(LookupFailedError):
        resolve_run("epoch4.ckpt", tmp_path)
    (tmp_path / "checkpoints/Net/Digits/d8/epoch3.ckpt").touch()
    with pytest.raises(LookupFailedError, match="2 runs"):
        resolve_run("epoch3.ckpt", tmp_path)
