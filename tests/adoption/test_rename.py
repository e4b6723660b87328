"""`adopt --rename` and `--undo`: no file is lost or overwritten, whenever it is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lightning_expname import RecordError, find_runs, resolve_run
from lightning_expname.adoption import Hints, adopt, rename, undo
from lightning_expname.adoption.journal import FILE
from lightning_expname.cli import main
from lightning_expname.records.search import all_records

HINTS = Hints("Net", "Digits")
HOME = "checkpoints/Net/Digits"


def save(path: Path, *, epoch: int = 0, step: int = 0, **hparams: Any) -> None:
    """A checkpoint with a content of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"epoch": epoch, "global_step": step, "hyper_parameters": hparams, "at": str(path)}
    torch.save(content, path)


def contents(root: Path) -> dict[str, bytes | str]:
    """Every checkpoint by its path; of a link what it says."""
    found = (path for path in sorted(root.rglob("*.ckpt")) if not path.is_dir())
    return {
        path.relative_to(root).as_posix(): os.readlink(path)
        if path.is_symlink()
        else path.read_bytes()
        for path in found
    }


def multiset(found: dict[str, bytes | str]) -> Counter[bytes | str]:
    return Counter(one for one in found.values() if isinstance(one, bytes))


def records(root: Path) -> dict[str, Any]:
    return {one.record: one.to_json() for one in all_records(root)}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two runs in one folder, a link, epochs alike, a sharded file, a name that is taken."""
    old = tmp_path / "logs" / "version 0"
    for size in (4, 8):
        for epoch in range(2):
            save(old / f"d{size}-epoch={epoch}-step={epoch}.ckpt", epoch=epoch, step=epoch, d=size)
    save(old / "d8-epoch=1-step=9.ckpt", epoch=1, step=9, d=8)
    os.symlink("d8-epoch=1-step=9.ckpt", old / "d8-last.ckpt")
    save(tmp_path / "deep" / "epoch=3.ckpt" / "meta.pt", epoch=3, d=16)
    save(tmp_path / HOME / "d4-epoch0.ckpt", d=5)  # of nobody: not below what is adopted
    return tmp_path


def adopted(root: Path, *, to_rename: bool = True) -> list[tuple[Path, Path]]:
    tops = [root / "logs", root / "deep"]
    adopt(tops, root=root, hints=HINTS)
    return list(rename(tops, root=root).moved) if to_rename else []


def test_files_get_the_names_of_their_runs(root: Path) -> None:
    before = contents(root)
    adopted(root)
    after = contents(root)
    assert multiset(after) == multiset(before)
    assert after[f"{HOME}/d4-epoch0.ckpt"] == before[f"{HOME}/d4-epoch0.ckpt"]
    assert {Path(path).name for path in after} == {
        "d4-epoch0.ckpt",
        "d4-epoch0-r2.ckpt",
        "d4-epoch1.ckpt",
        "d8-epoch0-step0.ckpt",
        "d8-epoch1-step1.ckpt",
        "d8-epoch1-step9.ckpt",
        "d8-last.ckpt",
    }
    (run,) = find_runs("d=8", root=root)
    assert [file.epoch for file in run.checkpoints()] == [0, 1, 1, None]
    assert run.checkpoint("last").parent == root / HOME
    link = root / HOME / "d8-last.ckpt"
    assert link.is_symlink() and link.samefile(root / HOME / "d8-epoch1-step9.ckpt")
    assert run.checkpoint("best").samefile(link)
    (small,) = find_runs("d=4", root=root)
    assert sorted(file.path.name for file in small.checkpoints()) == [
        "d4-epoch0-r2.ckpt",
        "d4-epoch1.ckpt",
    ]
    assert small.checkpoint(0).name == "d4-epoch0-r2.ckpt"
    (deep,) = find_runs("d=16", root=root)
    assert deep.checkpoint(3) == root / HOME / "d16-epoch3.ckpt" and deep.checkpoint(3).is_dir()
    for run in find_runs(root=root):
        for file in run.checkpoints():
            assert resolve_run(file.path, root) == run


def test_undo_restores_everything(root: Path) -> None:
    adopted(root, to_rename=False)
    before, told = contents(root), records(root)
    moved = rename([root], root=root).moved
    assert moved and records(root) != told
    back = undo(root)
    assert (contents(root), records(root), back.left) == (before, told, ())
    assert sorted(back.moved) == sorted((target, source) for source, target in moved)
    assert not (root / FILE).exists()
    assert undo(root).moved == ()


def test_a_dry_run_tells_what_then_happens(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(root)
    command = ["adopt", str(root / "logs"), "--root", str(root), "--rename", "--json"]
    command += ["--model", "Net", "--dataset", "Digits"]
    assert main([*command, "--dry-run"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert contents(root) == before and records(root) == {}
    assert not (root / FILE).exists() and not (root / ".expname").exists()
    assert main(command) == 0
    done = json.loads(capsys.readouterr().out)
    assert done == planned and len(done["renamed"]) == 6
    assert main(["adopt", "--undo", "--dry-run", "--root", str(root)]) == 0
    assert "6 files would be restored, 0 left" in capsys.readouterr().err
    assert main(["adopt", "--undo", "--root", str(root)]) == 0
    assert contents(root) == before
    assert main(["adopt", "--undo", "--root", str(root)]) == 1


def test_twice_is_once(root: Path) -> None:
    adopted(root)
    after, told = contents(root), records(root)
    assert adopted(root) == []
    assert (contents(root), records(root)) == (after, told)


def test_runs_of_one_stem_are_told_apart(tmp_path: Path) -> None:
    """The second `d4` takes `-r2`, in its record and in its files."""
    for folder in ("a", "b"):
        save(tmp_path / folder / "epoch=1.ckpt", epoch=1, d=4)
    adopt([tmp_path], root=tmp_path, hints=HINTS)
    rename([tmp_path], root=tmp_path)
    assert {Path(path).name for path in contents(tmp_path)} == {
        "d4-epoch1.ckpt",
        "d4-r2-epoch1.ckpt",
    }
    for run in find_runs(root=tmp_path):
        assert run.checkpoint(1).name == f"{run.stem}-epoch1.ckpt"


def test_what_lies_outside_of_the_root_stays(root: Path, tmp_path_factory: Any) -> None:
    away = tmp_path_factory.mktemp("away")
    save(away / "epoch=1.ckpt", epoch=1, d=32)
    os.symlink(away, root / "linked")
    for path in (away, root / "linked"):
        adopt([path], root=root, hints=HINTS)
        done = rename([path], root=root)
        assert done.moved == () and "outside" in done.left[0][1]
    assert (away / "epoch=1.ckpt").is_file()
    (run,) = find_runs("d=32", root=root)
    assert run.checkpoint(1).samefile(away / "epoch=1.ckpt")


def test_undo_says_what_it_cannot_restore_and_why(root: Path) -> None:
    moved = dict(adopted(root))
    files = (one for one in moved if moved[one].is_file() and not moved[one].is_symlink())
    gone, changed, taken, *_ = files
    moved[gone].unlink()
    moved[changed].write_bytes(b"another training's")
    taken.parent.mkdir(exist_ok=True)
    taken.write_bytes(b"somebody else's")
    done = undo(root)
    why = {path: told for path, told in done.left}
    assert why.keys() == {moved[gone], moved[changed], moved[taken]}
    assert "is gone" in why[moved[gone]] and gone.name in why[moved[gone]]
    assert "changed since" in why[moved[changed]]
    assert "another file is at its old place" in why[moved[taken]]
    assert taken.read_bytes() == b"somebody else's" and moved[taken].is_file()
    assert all(source.exists() for source in moved.keys() - {gone, changed})
    for run in find_runs(root=root):  # nothing that is there is without its run
        for file in run.checkpoints():
            assert resolve_run(file.path, root) == run
    taken.unlink()  # the reason goes, and it can be tried again
    assert [target for _, target in undo(root).moved] == [taken]


@pytest.mark.parametrize(
    "line",
    [
        '{"version": 1, "record": "../x.json", "places": []}',
        '{"version": 1, "record": "a.json", "places": []}\n{"from": "/etc/x", "to": "b"}',
        '{"version": 2, "record": "a.json"}',
        "no journal",
        "[1]",
    ],
)
def test_a_forged_journal_is_refused(
    root: Path, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    before = contents(root)
    (root / FILE).write_text(line + "\n", encoding="utf-8")
    assert main(["adopt", "--undo", "--root", str(root)]) == 2
    assert FILE in capsys.readouterr().err
    assert contents(root) == before
    with pytest.raises(RecordError):
        rename([root], root=root)


def test_a_forged_record_moves_nothing_out(root: Path, tmp_path_factory: Any) -> None:
    adopted(root, to_rename=False)
    away = tmp_path_factory.mktemp("away")
    for run in all_records(root):
        text = run.path.read_text(encoding="utf-8")
        stem = json.dumps(f"../../../../{away.name}/x")
        run.path.write_text(text.replace(f'"stem": "{run.stem}"', f'"stem": {stem}'))
    done = rename([root], root=root)
    assert all(target.parent == root / HOME for _, target in done.moved) and done.moved
    assert list(away.iterdir()) == []


def test_wrong_usage(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["adopt", "--root", str(root)]) == 2
    assert "needs a PATH" in capsys.readouterr().err
    assert main(["adopt", str(root), "--undo", "--root", str(root)]) == 2
    assert "give it no PATH" in capsys.readouterr().err
    assert main(["adopt", str(root), "--undo", "--rename", "--root", str(root)]) == 2


STEPS = frozenset({"os.link", "os.rename", "os.remove", "os.symlink", "os.mkdir", "os.rmdir"})


def killed_at(step: int, act: Callable[[], object]) -> bool:
    """Whether a process that does `act` was killed, by SIGKILL, before its n-th change of files."""
    child = os.fork()
    if child == 0:
        seen = 0

        def count(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal seen
            writes = event == "open" and isinstance(arguments[1], str) and arguments[1] in "aw"
            if event in STEPS or writes:
                seen += 1
                if seen > step:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        try:
            act()
            os._exit(0)
        except BaseException:
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


@pytest.mark.parametrize(("then", "stride"), [("undo", 1), ("again", 3), ("killed undo", 3)])
def test_a_kill_at_any_moment_can_be_undone_or_finished(
    root: Path, tmp_path_factory: Any, then: str, stride: int
) -> None:
    adopted(root, to_rename=False)
    before, told = contents(root), records(root)
    whole = tmp_path_factory.mktemp("whole") / "tree"
    shutil.copytree(root, whole, symlinks=True)
    rename([whole], root=whole)
    finished, finished_told = contents(whole), records(whole)
    step, was_killed = 0, True
    while was_killed:
        tree = tmp_path_factory.mktemp("killed") / "tree"
        shutil.copytree(root, tree, symlinks=True)
        was_killed = killed_at(step, lambda tree=tree: rename([tree], root=tree))
        assert multiset(before).keys() == multiset(contents(tree)).keys(), "a file is lost"
        for run in find_runs(root=tree):
            assert run.checkpoints(), "a run without its files"
        if then == "again":
            rename([tree], root=tree)
            assert (contents(tree), records(tree)) == (finished, finished_told)
        else:
            if then != "undo":
                killed_at(step % 19, lambda tree=tree: undo(tree))
            assert undo(tree).left == ()
            assert (contents(tree), records(tree)) == (before, told)
        shutil.rmtree(tree.parent)
        step += stride
    assert step > 30


NAMES = st.sampled_from(
    ["epoch=1", "epoch=1-v1", "epoch=01-step=5", "last", "last-v1", "model", "d4-epoch1", "Epoch=1"]
)
FILES = st.dictionaries(
    st.tuples(st.sampled_from(["a", "b", HOME]), NAMES),
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.sampled_from([4, 8])),
    min_size=1,
    max_size=8,
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(FILES, st.booleans())
def test_whatever_the_names_nothing_is_lost_and_all_is_found(
    tmp_path_factory: Any, files: dict[tuple[str, str], tuple[int, int, int]], all_below: bool
) -> None:
    root = tmp_path_factory.mktemp("any")
    for (folder, name), (epoch, step, size) in files.items():
        save(root / folder / f"{name}.ckpt", epoch=epoch, step=step, d=size)
    tops = [root if all_below else root / sorted(files)[0][0]]
    foreseen = adopt(tops, root=root, hints=HINTS, dry_run=True).records
    planned = rename(tops, root=root, foreseen=foreseen, dry_run=True)
    adopt(tops, root=root, hints=HINTS)
    before, told = contents(root), records(root)
    owners = {content: one for content, one in owned(root).items()}
    done = rename(tops, root=root)
    assert done == planned
    assert multiset(contents(root)) == multiset(before)
    assert owned(root) == owners
    assert {target.parent for _, target in done.moved} <= {root / HOME}
    assert undo(root).left == ()
    assert (contents(root), records(root)) == (before, told)


def owned(root: Path) -> dict[bytes, list[str]]:
    """The runs that list a file, by its content: where it lies does not matter."""
    found: dict[bytes, list[str]] = {}
    for run in all_records(root):
        for file in run.checkpoints():
            found.setdefault(file.path.read_bytes(), []).append(run.id)
    return found
