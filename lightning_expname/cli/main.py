"""`main`: finds the verb, and turns this package's errors into one line and an exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Final

from .. import __version__
from ..errors import ExpNameError
from . import preview
from .text import printable

OK: Final = 0
WRONG_USAGE: Final = 2
_VERBS: Final = (preview,)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `expname`.

    Args:
        argv: the arguments behind the program's name; those of the process when None.

    Returns:
        The exit code: 0, or 2 for wrong usage, which is told on the standard error.

    Example:
        >>> main(["preview", "--model", "Net", "--dataset", "c4", "--batch-size", "8", "depth=4"])
        project     Net-c4
        run         depth4-bs8
        checkpoint  checkpoints/Net/c4/depth4-bs8-epoch{epoch}.ckpt
        record      checkpoints/Net/c4/depth4-bs8.json
        0
    """
    parser = _parser()
    try:
        options = parser.parse_args(argv)
        options.run_verb(options)
    except SystemExit as end:  # argparse's own --help, --version and errors
        return end.code if isinstance(end.code, int) else WRONG_USAGE
    except ExpNameError as error:
        print(f"expname: {printable(' '.join(str(error).split()))}", file=sys.stderr)
        return WRONG_USAGE
    return OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="expname", description="Every run names itself, and every name finds its checkpoint."
    )
    parser.add_argument("--version", action="version", version=f"expname {__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for verb in _VERBS:
        verb.add_to(verbs)
    return parser
