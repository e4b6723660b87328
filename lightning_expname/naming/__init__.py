"""Pure text: which facts of a run are spoken, and how. Imports nothing but the standard library."""

from __future__ import annotations

from .grammar import (
    EMPTY_NAME,
    NAME_VERSION,
    RESERVED,
    ParsedName,
    digest,
    format_field,
    format_label,
    format_name,
    parse_name,
)
from .names import MAX_ORDINAL, MAX_RUN_BYTES, Names, derive_names
from .places import place
from .policy import NamePolicy
from .speech import RUN_CONTROL, Speech, is_run_control

__all__ = [
    "EMPTY_NAME",
    "MAX_ORDINAL",
    "MAX_RUN_BYTES",
    "NAME_VERSION",
    "RESERVED",
    "RUN_CONTROL",
    "NamePolicy",
    "Names",
    "ParsedName",
    "Speech",
    "derive_names",
    "digest",
    "format_field",
    "format_label",
    "format_name",
    "is_run_control",
    "parse_name",
    "place",
]
