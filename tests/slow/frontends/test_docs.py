"""The examples of the docs, written to a project and run as they stand."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import conftest

from lightning_expname.testing import find_recorded

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


def _run_page(name: str, project: Path, run: conftest.Run) -> list[str]:
    """Runs a page's examples in their order; gives what each command printed."""
    blocks = BLOCK.findall((DOCS / name).read_text(encoding="utf-8"))
    for language, content in blocks:
        if language in ("python", "yaml"):
            _write(project, content)
    commands = [
        one for language, text in blocks if language == "console" for one in _commands(text)
    ]
    every = []
    for command, shown in commands:
        program, *words = shlex.split(command)
        every.append(run(*PROGRAMS[program], *words).replace("\r", ""))
        assert shown in every[-1]
    return every


def test_the_cli_page(project: Path, run: conftest.Run) -> None:
    assert len(_run_page("lightning-cli.md", project, run)) >= 3
    folder = project / "checkpoints" / "Net" / "Digits"
    stems = [f"width8-depth2-act.gelu-bs8{ordinal}" for ordinal in ("", "-r2", "-r3")]
    assert sorted(path.name for path in folder.glob("*.yaml")) == sorted(
        f"{stem}.config.yaml" for stem in stems
    )
    assert sorted(path.stem for path in folder.glob("*.json")) == sorted(stems)


def test_the_hydra_page(project: Path, run: conftest.Run) -> None:
    """One job, two of a sweep, and one on two ranks: they share its name and its folder."""
    *_, ranks = _run_page("hydra.md", project, run)
    one, other = re.findall(r"trained (\S+)", ranks)
    assert one == other
    stems = {path.stem for path in (project / "checkpoints").rglob("*.json")}
    assert stems == {f"width8-depth2-act.gelu-bs8{r}" for r in ("", "-r2", "-r3", "-r4")}
    assert one == "width8-depth2-act.gelu-bs8-r4-lr0.001"
    assert len(find_recorded(project)) == 4
    assert len(list(project.rglob(".hydra/overrides.yaml"))) == 3  # the ranks' is the first job's
