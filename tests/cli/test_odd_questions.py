"""What a careless or hostile person asks: one clear line, never a traceback, never a wrong run."""

from __future__ import annotations

import contextlib
import io
import os
import platform
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from runs_on_disk import put

from lightning_expname import LookupFailedError, QueryError, RunRecord, find_runs, resolve_run
from lightning_expname.cli import main
from lightning_expname.cli.table import plain_table


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One run with a checkpoint that carries its identity."""
    made(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(root: Path) -> RunRecord:
    record = put(root, "d8", id="qq", hparams={"d": 8}, score=0.5)
    content = {"lightning_expname": {"id": "qq"}, "epoch": 1, "global_step": 1}
    torch.save(content, record.path.parent / "d8-epoch1.ckpt")
    return record


ODD = ["a" * 5000, "a/" * 3000, "a" * 5000 + ".ckpt", "a" * 5000 + ".json", "\0.ckpt", "\udcff"]


@pytest.mark.parametrize("reference", ODD)
def test_an_odd_reference_is_an_unknown_run(
    root: Path, capsys: pytest.CaptureFixture[str], reference: str
) -> None:
    with pytest.raises(LookupFailedError):
        resolve_run(reference, root)
    assert main(["show", reference]) == 1
    assert "is no run" in capsys.readouterr().err


@pytest.mark.parametrize("condition", ["n=\udcff", "\udcff=1", "\udcff", "n=\udcff*", 'n="\udcff"'])
def test_half_a_character_in_a_condition_finds_nothing(root: Path, condition: str) -> None:
    """A shell hands bytes that are no UTF-8 on as such."""
    assert find_runs(condition, root=root) == []
    assert main(["find", condition]) == 1


def test_half_a_character_in_a_record_is_found(root: Path) -> None:
    """So are all others; a file system that allows such names has to be read without the index."""
    put(root, "odd", id="odd", hparams={"n": "\udcff", "k\udcff": 1}, config={"c\udcff": {"m": 2}})
    os.mkdir(os.fsencode(root / "checkpoints") + b"/\xff")
    put(root, "d9", id="r9", hparams={"d": 9})
    assert [one.id for one in find_runs("n=\udcff", root=root)] == ["odd"]
    assert [one.id for one in find_runs("d=9", root=root)] == ["r9"]
    assert [one.id for one in find_runs("k\udcff=1", root=root)] == ["odd"]


def test_pipes_among_the_files_are_passed_over(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever opens one waits for ever."""
    os.mkfifo(root / "checkpoints" / "a.json")
    os.mkfifo(root / "checkpoints" / "b.ckpt")
    assert main(["ls"]) == 0
    assert main(["doctor"]) == 1
    assert main(["adopt", "checkpoints"]) == 0
    assert "b.ckpt: a device or pipe, no file" in capsys.readouterr().err


def test_a_file_of_another_root_is_the_run_beside_it(root: Path) -> None:
    """A copied tree holds the same ids: what lies beside the file is meant."""
    other = root.parent / (root.name + " copy")
    shutil.copytree(root, other)
    path = "checkpoints/Net/Digits/d8-epoch1.ckpt"
    assert resolve_run(other / path, root).path.is_relative_to(other)
    assert resolve_run(root / path, root).path.is_relative_to(root)
    sent = shutil.copy(other / path, root.parent / f"{root.name} sent.ckpt")
    assert resolve_run(sent, root).path.is_relative_to(root)


def test_a_checkpoint_renamed_by_hand_is_named_and_taken_back(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = root / "checkpoints/Net/Digits"
    (home / "d8-epoch1.ckpt").rename(home / "the best one, epoch=1.ckpt")
    (run,) = find_runs(root=root)
    assert run.checkpoints() == []
    assert main(["doctor"]) == 1
    assert "a checkpoint of 'd8-lr0.001' under another name" in capsys.readouterr().out
    assert main(["doctor", "--fix"]) == 0
    assert main(["doctor"]) == 0
    (run,) = find_runs(root=root)
    assert run.checkpoint(1) == home / "the best one, epoch=1.ckpt"
    assert main(["path", str(run.checkpoint(1)), "--epoch", "1"]) == 0


def test_a_foreign_checkpoint_leads_to_adopt(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"epoch": 1, "global_step": 1}, root / "foreign.ckpt")
    assert main(["show", "foreign.ckpt"]) == 1
    assert "expname adopt" in capsys.readouterr().err


def test_a_sort_key_that_no_run_has_is_told(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls", "--sort", "-scroe"]) == 0
    told = capsys.readouterr()
    assert "d8-lr0.001" in told.out
    assert "'scroe'" in told.err
    with pytest.raises(QueryError, match="sort"):
        find_runs(root=root, sort="-")


def test_columns_of_wide_letters_stand_below_each_other(root: Path) -> None:
    lines = plain_table(["run", "n"], [["데이터", "1"], ["abc", "2"]]).splitlines()
    assert lines == ["run     n", "데이터  1", "abc     2"]


def test_a_score_without_a_monitor_has_no_name(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", "qq"]) == 0
    out = capsys.readouterr().out
    assert "None" not in out and "0.5" in out


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be nobody"
)
def test_a_read_only_root_is_searched_and_said_to_be_so(root: Path) -> None:
    """By a process that may not write there; root itself may write anywhere."""
    for folder, _, _ in os.walk(root):
        os.chmod(folder, 0o555)
    for parent in (root, *root.parents[:3]):
        os.chmod(parent, os.stat(parent).st_mode | 0o055)
    child = os.fork()
    if child == 0:
        os.setgid(65534)
        os.setuid(65534)
        told = [main(one) for one in (["ls"], ["find", "d=8"], ["path", "qq", "--epoch", "1"])]
        told.append(main(["adopt", "checkpoints", "--model", "New", "--rename"]))
        os._exit(0 if told == [0, 0, 0, 2] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


EVIL = "\x1b[31m\x07\u202e\x9b"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["show", "evil"], 0),
        (["ls", "--columns", EVIL], 0),
        (["ls", "--sort", EVIL], 0),
        (["find", f"k{EVIL}=1"], 0),
        (["find", f"nope{EVIL}=1"], 1),
        (["show", EVIL], 1),
        (["doctor", EVIL], 2),
        (["find", "d=8", f"--{EVIL}"], 2),
        ([EVIL], 2),
        (["ls", "--root", EVIL], 2),
    ],
)
def test_no_key_and_no_argument_steers_the_terminal(
    root: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int
) -> None:
    """Keys are titles and labels; what was pasted is told back."""
    put(root, "evil", id="evil", hparams={f"k{EVIL}": 1}, config={f"s{EVIL}": {f"q{EVIL}": EVIL}})
    assert main(arguments) == code
    told = capsys.readouterr()
    assert not set(EVIL) - set("[31m") & set(told.out + told.err)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_without_the_letters_gets_escapes(root: Path, encoding: str) -> None:
    run = put(root, "d9", id="r9", dataset="데이터")
    command = [sys.executable, "-m", "lightning_expname"]
    env = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    ran = subprocess.run([*command, "ls"], capture_output=True, env=env)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert b"Net-\\ub370" in ran.stdout
    ran = subprocess.run([*command, "path", "r9", "--record"], capture_output=True, env=env)
    assert ran.stdout == os.fsencode(run.path) + b"\n"  # for a program: the very bytes


def test_ctrl_c_ends_it_without_a_traceback(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lightning_expname.cli.find.find_runs", interrupted)
    assert main(["ls"]) == 130
    assert capsys.readouterr().err == ""


def test_a_limit_of_none_is_told(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls", "--limit", "0"]) == 1
    assert "--limit 0 shows no run" in capsys.readouterr().err


def test_a_process_number_that_none_has_is_told_of_nothing(root: Path) -> None:
    process = {"host": platform.node(), "pid": 10**30, "birth": None}
    put(root, "d9", id="r9", status="running", process=process)
    assert [one.id for one in find_runs("status=running", root=root)] == ["r9"]


@pytest.mark.parametrize("reference", ["me/Net-Digits/abcd1234", "checkpoints/Net/gone.ckpt"])
def test_nobody_is_asked_for_a_key(root: Path, reference: str) -> None:
    """On a terminal W&B offers to create an account, for a name that was mistyped."""
    child, terminal = pty.fork()
    if child == 0:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("WANDB_")}
        command = [sys.executable, "-m", "lightning_expname", "show", reference]
        os.execve(sys.executable, command, {**kept, "HOME": str(root), "NETRC": str(root / "no")})
    told = b""
    with contextlib.suppress(OSError):  # how a terminal tells its end
        while part := os.read(terminal, 4096):
            told += part
            if b"choice" in part:
                os.write(terminal, b"\x03")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    assert b"is no run below" in told and b"choice" not in told
    assert (b"W&B could not be asked" in told) is not reference.endswith(".ckpt")


def test_a_path_is_printed_where_only_text_is_taken(root: Path) -> None:
    """As in some notebooks, and for whoever calls `main`."""
    with contextlib.redirect_stdout(io.StringIO()) as taken:
        assert main(["path", "qq", "--record"]) == 0
    assert Path(taken.getvalue().rstrip("\n")).is_file()
