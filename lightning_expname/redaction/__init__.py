"""Secrets stay at home: what looks like one is replaced before it is recorded or told.

`redact` knows the key that a value stands under, `scrub` has free text only, `scrub_arguments` a
command line, `scrub_remote` a git remote. All are made to err on the safe side, except where a
usual word of machine learning would be hit (`n_tokens`, `tokenizer`, `pad_token`); what is still
taken for a secret wrongly is allowed by its name.
"""

from .addresses import scrub_remote
from .command_line import scrub_arguments
from .keys import Grade, grade, patterns
from .text import scrub
from .values import redact, redact_key
from .words import REDACTED

__all__ = [
    "REDACTED",
    "Grade",
    "grade",
    "patterns",
    "redact",
    "redact_key",
    "scrub",
    "scrub_arguments",
    "scrub_remote",
]
