"""`main`: finds the verb, and turns this package's errors into one line and an exit code."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

from .. import __version__
from ..errors import ExpNameError, LookupFailedError
from . import adopt, completion, diff, doctor, find, path, preview, show
from .text import printable

OK: Final = 0
NOTHING_FOUND: Final = 1
WRONG_USAGE: Final = 2
_INTERRUPTED: Final = 130  # as a shell says it of SIGINT
_VERBS: Final = (find.ls, find, show, path, diff, adopt, doctor, preview, completion)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `expname`.

    Args:
        argv: the arguments behind the program's name; those of the process when None.

    Returns:
        The exit code: 0; 1 when nothing was found; 2 for wrong usage. Both are told on the
        standard error.

    Example:
        >>> main(["preview", "--model", "Net", "--dataset", "c4", "--batch-size", "8", "depth=4"])
        project     Net-c4
        run         depth4-bs8
        checkpoint  checkpoints/Net/c4/depth4-bs8-epoch{epoch}.ckpt
        record      checkpoints/Net/c4/depth4-bs8.json
        0
    """
    parser = build_parser()
    _write_anything()
    try:
        options = parser.parse_args(_joined(sys.argv[1:] if argv is None else argv))
        return int(options.run_verb(options) or OK)
    except SystemExit as end:  # argparse's own --help, --version and errors
        return end.code if isinstance(end.code, int) else WRONG_USAGE
    except BrokenPipeError:  # `expname ls | head`
        sys.stderr.close()
        return OK
    except KeyboardInterrupt:
        return _INTERRUPTED
    except OSError as error:  # a disk that is full or read-only, a file where a folder belongs
        print(f"expname: {printable(str(error))}", file=sys.stderr)
        return WRONG_USAGE
    except ExpNameError as error:
        is_missing = isinstance(error, LookupFailedError)  # it may list candidates, one a line
        lines = str(error).splitlines() if is_missing else [" ".join(str(error).split())]
        for line in lines:
            print(f"expname: {printable(line)}", file=sys.stderr)
        return NOTHING_FOUND if is_missing else WRONG_USAGE


def _write_anything() -> None:
    """What a terminal's encoding has no characters for is shown as escapes, and no error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Wrong usage, which may hold whatever was typed or pasted."""
        super().error(printable(message))


def _joined(argv: Sequence[str]) -> list[str]:
    """`--sort -score` as one word: argparse takes what begins with a dash for an option."""
    words = list(argv)
    for place in reversed([at for at, word in enumerate(words[:-1]) if word == "--sort"]):
        words[place : place + 2] = [f"--sort={words[place + 1]}"]
    return words


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = _Parser(
        prog="expname", description="Every run names itself, and every name finds its checkpoint."
    )
    parser.add_argument("--version", action="version", version=f"expname {__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for verb in _VERBS:
        verb.add_to(verbs)
    return parser
