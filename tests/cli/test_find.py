"""The verbs that look runs up: what they print, how they exit, what a terminal never gets."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from runs_on_disk import put

from lightning_expname.cli import main
from lightning_expname.cli.table import plain_table

RUN = "d8-bs64-lr0.001"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    put(tmp_path, "d8-bs32", id="aa", hparams={"d": 8, "p": 0.0}, score=0.7)
    best = put(
        tmp_path,
        "d8-bs64",
        id="bb",
        hparams={"d": 8, "p": 0.5},
        score=0.9,
        best="checkpoints/Net/Digits/d8-bs64-epoch2.ckpt",
    )
    (best.path.parent / "d8-bs64-epoch2.ckpt").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_ls_and_find_list_runs(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["run", "project", "status", "score", "created"]
    assert [line.split()[0] for line in lines[1:]] == ["d8-bs32-lr0.001", RUN]
    assert main(["find", "d=8", "score>0.8"]) == 0
    assert RUN in capsys.readouterr().out


def test_sort_takes_a_dash(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["find", "d=8", "--sort", "-score", "--limit", "1"]) == 0
    out = capsys.readouterr().out
    assert RUN in out and "bs32" not in out


def test_json_is_the_record(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["find", "p=0.5", "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert (one["id"], one["record_version"], one["hparams"]) == ("bb", 1, {"d": 8, "p": 0.5})
    assert one["path"] == str(root / "checkpoints/Net/Digits/d8-bs64.json")


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("q=1", "no run has 'q'"),
        ("d=8.0", "some have 8"),
        ("p=0", "some have 0.0"),
        ("d=9", "none of 2 runs"),
    ],
)
def test_nothing_found_is_1_and_says_why(
    root: Path, capsys: pytest.CaptureFixture[str], query: str, hint: str
) -> None:
    assert main(["find", query]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert hint in told.err
    assert main(["find", query, "--json"]) == 1
    assert capsys.readouterr().out.strip() == "[]"


def test_path_prints_the_path_alone(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint = root / "checkpoints/Net/Digits/d8-bs64-epoch2.ckpt"
    assert main(["path", RUN, "--best"]) == 0
    assert capsys.readouterr().out == f"{checkpoint}\n"
    assert main(["path", "bb", "--epoch", "2"]) == 0
    assert capsys.readouterr().out == f"{checkpoint}\n"
    assert main(["path", str(checkpoint), "--record"]) == 0
    assert capsys.readouterr().out.endswith("d8-bs64.json\n")
    assert main(["path", "aa"]) == 1
    told = capsys.readouterr()
    assert told.out == "" and "no checkpoint 'best'" in told.err


def test_show_and_diff(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "bb"]) == 0
    out = capsys.readouterr().out
    assert "d8-bs64-epoch2.ckpt" in out and "0.5" in out
    assert main(["diff", "aa", "bb", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["hparams.p"] == [0.0, 0.5]
    assert "hparams.d" not in told
    assert main(["diff", "aa", "aa"]) == 0
    assert capsys.readouterr().out == "nothing differs\n"
    assert main(["diff", "aa"]) == 2


def test_diff_shows_what_was_decided_otherwise_alone(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = {"lr": 0.1, "optimizer": {"name": "SGD", "lr": 0.1}, "environment": {"command": "a"}}
    told = {"lr": 0.2, "optimizer": {"name": "SGD", "lr": 0.2}, "environment": {"command": "b"}}
    put(root, "one", id="o1", hparams={"lr": 0.1, "n": 3}, config=config, digest="d1", score=0.5)
    put(root, "two", id="o2", hparams={"lr": 0.2, "n": 3}, config=told, digest="d2", score=0.6)
    assert main(["diff", "o1", "o2"]) == 0
    head, table, rest = capsys.readouterr().out.split("\n\n")
    assert [line.split()[0] for line in head.splitlines()] == ["id", "run", "status", "score"]
    assert [line.split() for line in table.splitlines()] == [
        ["key", "o1", "o2"],
        ["hparams.lr", "0.1", "0.2"],
    ]
    more = "config.lr, config.optimizer.lr, config.environment.command"
    assert rest == f"--all shows 3 more: {more}\n"
    assert main(["diff", "o1", "o2", "--all"]) == 0
    every = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert main(["diff", "o1", "o2", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)) == every[1:]
    assert {"id", "run", "stem", "score", "digest", "config.lr"} < set(every)


def test_diff_of_runs_that_were_decided_alike(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(root, "one", id="o1", hparams={"n": 3})
    put(root, "two", id="o2", hparams={"n": 3})
    assert main(["diff", "o1", "o2"]) == 0
    assert "\n\nnothing differs but the runs' names" in capsys.readouterr().out


def test_an_unknown_run_is_1_wrong_usage_2(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "d8-bs64-lr0.01"]) == 1
    assert "the nearest" in capsys.readouterr().err
    assert main(["find", "=3"]) == 2
    assert main(["find"]) == 2
    assert main(["ls", "--root", "nowhere"]) == 2
    assert main(["find", "d=8", "--source", "nonsense"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_control_characters_never_reach_the_terminal(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(root, "evil", id="ev", run="\x1b[31mred\nline[bold]", hparams={"x": "\x07bell"})
    for command in (
        ["ls"],
        ["show", "ev"],
        ["diff", "ev", "aa"],
        ["find", "x=*", "--columns", "x"],
    ):
        assert main(command) == 0
        out = capsys.readouterr().out
        assert not any(char in out for char in "\x1b\x07")
    assert "[bold]" in plain_table(["a"], [["[bold]"]])


def test_a_closed_pipe_is_no_error(root: Path) -> None:
    code = "import sys; from lightning_expname.cli import main; sys.exit(main(['ls']))"
    ran = subprocess.run(
        f'"{sys.executable}" -c "{code}" | true', shell=True, capture_output=True, text=True
    )
    assert "Traceback" not in ran.stderr


def test_looking_up_loads_nothing_heavy(root: Path) -> None:
    code = (
        "import sys; from lightning_expname.cli import main; main(['find', 'd=8']);"
        "main(['path', 'bb']);"
        "heavy = {'torch', 'lightning', 'wandb', 'numpy', 'rich'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_completion_is_a_script(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bash"]) == 0
    assert "complete" in capsys.readouterr().out
