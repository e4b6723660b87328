"""`expname completion`: a script that lets a shell complete verbs and options."""

from __future__ import annotations

import argparse
from typing import Any

from ..errors import ExpNameError


def add_to(verbs: Any) -> None:
    """Adds the verb to the subparsers of `expname`."""
    parser = verbs.add_parser(
        "completion",
        help="completion for a shell",
        description='Prints a completion script: eval "$(expname completion bash)"',
    )
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"))
    parser.set_defaults(run_verb=_completion)


def _completion(options: argparse.Namespace) -> None:
    try:
        import shtab
    except ImportError as error:
        raise ExpNameError(
            "completion needs shtab; pip install 'lightning-expname[shell]'"
        ) from error
    from .main import build_parser

    print(shtab.complete(build_parser(), shell=options.shell))
