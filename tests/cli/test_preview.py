"""`expname`: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import lightning_expname
from lightning_expname.cli import main
from lightning_expname.cli.preview import parse_value

BASE = ("preview", "--model", "MultiModalTransformer", "--dataset", "KEMDy19", "--batch-size", "64")
HPARAMS = ("d_model=1024", "n_heads=8", "act=gelu", "dropout=0.1")


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*BASE, "--lr", "1e-5", *HPARAMS]) == 0
    folder = "checkpoints/MultiModalTransformer/KEMDy19/d_model1024-n_heads8-act.gelu-bs64"
    assert capsys.readouterr().out.splitlines() == [
        "project     MultiModalTransformer-KEMDy19",
        "run         d_model1024-n_heads8-act.gelu-bs64-lr1e-05",
        f"checkpoint  {folder}-epoch{{epoch}}.ckpt",
        f"record      {folder}.json",
    ]


def run_name(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main([*BASE, "--json", *arguments]) == 0
    name = json.loads(capsys.readouterr().out)["run"]
    assert isinstance(name, str)
    return name


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["--include", "n_heads,dropout", *HPARAMS], "n_heads8-dropout0.1-bs64"),
        ([*HPARAMS, "--exclude", "act", "--exclude", "n_heads"], "d_model1024-bs64"),
        ([*HPARAMS, "--alias", "d_model=d,n_heads=h"], "d1024-h8-act.gelu-bs64"),
        (["a=True", "b=None", "c=[3, 3]", "d=1e-5", "e=x=y"], "a.True-b.None-c.3_3-bs64"),
        (["a=1", "--stem", "{hparams}", "--run", "{stem}-bs{batch_size}"], "a1-bs64"),
        (["a=1", "--ordinal", "3"], "a1-bs64-r3"),
        (["a=1", "--mode", "test"], "a1-bs64-test"),
    ],
)
def test_options(capsys: pytest.CaptureFixture[str], arguments: list[str], name: str) -> None:
    assert run_name(capsys, *arguments) == name


def test_the_json_has_every_name(capsys: pytest.CaptureFixture[str]) -> None:
    main(
        [*BASE, "a=1", "--json", "--project", "mine-{model}", "--checkpoint", "{stem}/epoch{epoch}"]
    )
    names = json.loads(capsys.readouterr().out)
    assert names["project"] == "mine-MultiModalTransformer"
    assert (names["checkpoint_dir"], names["checkpoint_name"]) == (
        "checkpoints/a1-bs64",
        "epoch{epoch}",
    )
    assert names["record"] == "checkpoints/a1-bs64.json"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["d_model"], "write NAME=VALUE"),
        (["=3"], "write NAME=VALUE"),
        (["a=1", "a=2"], "given twice"),
        (["a=1", "--alias", "a"], "write NAME=SHORTER"),
        (["a=1", "--include", "b"], "'b'"),
        (["a=1", "--stem", "{nope}"], "{nope}"),
        (["a=1", "--ordinal", "0"], "ordinal"),
        (["a=1", "--mode", "no\x1b[31m\nmode" * 9], r"\x1b[31m"),
    ],
)
def test_wrong_usage_is_one_line_and_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert main([*BASE, *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("expname: ")
    assert told in printed.err
    assert printed.err.count("\n") == 1
    assert "\x1b" not in printed.err


@pytest.mark.parametrize("arguments", [[], ["nope"], ["preview"], [*BASE, "--lr", "fast"]])
def test_argparse_errors_are_2(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert main(arguments) == 2
    assert "usage: expname" in capsys.readouterr().err


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"expname {lightning_expname.__version__}\n"


def test_control_characters_never_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "\x1b]0;title\x07\r\u202e\x9b2J"
    assert main(["preview", "--model", f"M{evil}", "--dataset", f"{evil}D", f"a{evil}={evil}"]) == 0
    printed = capsys.readouterr().out
    assert all(line.isprintable() for line in printed.splitlines())
    assert printed.count("\n") == 4


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5),
        ("True", True),
        ("None", None),
        ("-3", -3),
        ("gelu", "gelu"),
        ("'1'", "1"),
        ("(3, 3)", (3, 3)),
        ("", ""),
        ("__import__('os')", "__import__('os')"),
        ("(" * 9999, "(" * 9999),
    ],
)
def test_values_are_typed_as_python_writes_them(text: str, value: object) -> None:
    parsed = parse_value(text)
    assert (parsed, type(parsed)) == (value, type(value))


def test_it_starts_without_torch(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['torch', 'lightning', 'wandb', 'numpy']));"
        "from lightning_expname.cli import main;"
        "sys.exit(main(['preview', '--model', 'M', '--dataset', 'D', 'a=1']))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("project     M-D\nrun         a1\n")


def test_the_module_is_the_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lightning_expname", "preview", "--model", "M"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert "--dataset" in done.stderr
