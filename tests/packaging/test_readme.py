"""What the README shows is so."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path

import pytest

from lightning_expname import NamePolicy
from lightning_expname.cli import main
from lightning_expname.naming import Speech

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_its_prompts_answer_as_shown() -> None:
    text = README.replace("```", "")
    parsed = doctest.DocTestParser().get_doctest(text, {}, "README", "README.md", 0)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    assert runner.run(parsed).attempted > 0
    assert runner.failures == 0


def test_its_command_lines_are_understood(capsys: pytest.CaptureFixture[str]) -> None:
    commands = re.findall(r"^\$ expname (.*)$", README, re.MULTILINE)
    assert commands
    for command in commands:
        assert main(shlex.split(command)) == 0
    assert "depth4-act.gelu-bs64" in capsys.readouterr().out


def test_its_settings_are_valid() -> None:
    policies = re.findall(r"policy=(\{.*\})\)", README)
    assert len(policies) == 2
    for policy in policies:
        assert NamePolicy.of(eval(policy))  # a literal that we wrote ourselves
    assert Speech(exclude=["patch_size"], aliases={"n_heads": "heads"})


def test_ci_runs_its_test_command() -> None:
    commands = re.findall(r"^python -m pip install tox && (.*)$", README, re.MULTILINE)
    assert commands == ["python -m tox run -e demo", "python -m tox run"]
    assert "python -m pip install tox && python -m tox run\n" in (ROOT / ".ci/run").read_text()
