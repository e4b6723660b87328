"""The examples of the docs, written to a project and run as they stand."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import conftest
import pytest

DOCS = Path(__file__).parents[3] / "docs"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROGRAMS = {"python": [], "expname": ["-m", "lightning_expname"]}


def _write(project: Path, content: str) -> None:
    name, _, _ = content.removeprefix("# ").partition("\n")
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def _commands(content: str) -> list[tuple[str, str]]:
    """Command and the output that the docs show; none shown is none compared."""
    parts = re.split(r"^\$ ", content, flags=re.MULTILINE)[1:]
    return [(command, shown) for command, _, shown in (part.partition("\n") for part in parts)]


@pytest.mark.parametrize("name", ["lightning-cli.md", "hydra.md"])
def test_the_examples_run(name: str, project: Path, run: conftest.Run) -> None:
    blocks = BLOCK.findall((DOCS / name).read_text(encoding="utf-8"))
    for language, content in blocks:
        if language in ("python", "yaml"):
            _write(project, content)
    commands = [
        one for language, text in blocks if language == "console" for one in _commands(text)
    ]
    assert len(commands) >= 3
    for command, shown in commands:
        program, *words = shlex.split(command)
        printed = run(*PROGRAMS[program], *words)
        assert shown in printed.replace("\r", "")


def test_what_the_cli_page_says_lies_on_disk(project: Path, run: conftest.Run) -> None:
    test_the_examples_run("lightning-cli.md", project, run)
    folder = project / "checkpoints" / "Net" / "Digits"
    stems = [f"width8-depth2-act.gelu-bs8{ordinal}" for ordinal in ("", "-r2", "-r3")]
    assert sorted(path.name for path in folder.glob("*.yaml")) == sorted(
        f"{stem}.config.yaml" for stem in stems
    )
    assert sorted(path.stem for path in folder.glob("*.json")) == sorted(stems)
