"""The code blocks of the documentation, and how each kind of them is run."""

from __future__ import annotations

import doctest
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning_expname.cli import main

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

# Setting up what the reader has already (a trained run, `lit`) stands in the page too, unseen.
_BLOCK = re.compile(r"^(?:```(\w*)\n(.*?)^```|<!-- (hidden)\n(.*?)^-->)$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A code block; `kind` is its language, or "hidden" for code that the page does not show."""

    kind: str
    text: str
    line: int

    @property
    def file(self) -> str | None:
        """The file that the block is the content of, if its first line says so."""
        first = re.match(r"# ([\w/.-]+\.(?:py|yaml))\n", self.text)
        return first[1] if first else None


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(found[1] or found[3] or "", found[2] or found[4], text.count("\n", 0, found.start()))
        for found in _BLOCK.finditer(text)
    ]


class PageRunner:
    """Runs a page from top to bottom in the working directory, in one namespace.

    Args:
        page: the file; tells of errors name it.
        printed: gives what was printed since it was last asked, `capsys.readouterr().out`.
    """

    def __init__(self, page: Path, printed: Callable[[], str]) -> None:
        self._page = page
        self._printed = printed
        text = page.read_text(encoding="utf-8")
        self.names: dict[str, Any] = {"__name__": "page", "PAGE": text}  # for hidden blocks

    def run(self) -> None:
        """Every block, by its kind; one that nothing here can run is an error."""
        for block in blocks(self._page):
            getattr(self, f"_run_{block.kind}", self._refuse)(block)

    def _refuse(self, block: Block) -> None:
        where = f"{self._page.name}:{block.line + 1}"
        raise AssertionError(f"{where}: no test runs a block of kind {block.kind!r}")

    def _run_text(self, block: Block) -> None:
        """Not run: what a person reads; `test_pages.py` counts them."""

    def _run_python(self, block: Block) -> None:
        if block.file is not None:
            self._run_yaml(block)
            return
        padded = "\n" * (block.line + 1) + block.text  # so that errors tell the page's own line
        exec(compile(padded, str(self._page), "exec"), self.names)  # our own text

    _run_hidden = _run_python

    def _run_pycon(self, block: Block) -> None:
        parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(optionflags=_FLAGS)
        example = parser.get_doctest(block.text, {}, self._page.name, str(self._page), block.line)
        example.globs = self.names
        runner.run(example, clear_globs=False)
        assert runner.tries > 0
        assert runner.failures == 0, self._printed()

    def _run_yaml(self, block: Block) -> None:
        assert block.file, f"{self._page.name}:{block.line + 1}: its first line names no file"
        path = Path(block.file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")

    def _run_console(self, block: Block) -> None:
        """Commands behind `$ `, and what they print; `…` stands for what differs."""
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            self._printed()
            printed = self._command(command)
            assert _fits(shown, printed), f"$ {command}\nshown:\n{shown}\nprinted:\n{printed}"

    def _command(self, command: str) -> str:
        program, *words = shlex.split(command)
        assert program == "expname", f"{self._page.name}: {program!r} is not known here"
        main(words)
        return self._printed()


_FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def _fits(shown: str, printed: str) -> bool:
    """Whether the shown lines were printed, one after the other."""
    wanted = r".*?".join(re.escape(part) for part in _squeezed(shown).split("…"))
    return re.search(wanted, _squeezed(printed), re.DOTALL) is not None


def _squeezed(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())
