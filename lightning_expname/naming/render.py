"""A template's chunks and one run's facts as the parts of a name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..facts import Facts
from .budget import Part
from .escape import WORD, escape
from .grammar import RESERVED, format_field, format_label, parse_name, takes_number
from .places import MAX_PLACE_BYTES, MAX_PROJECT_BYTES, place
from .speech import require
from .templates import Chunk, Segment, Slot

_MISSING: Final = object()
_NO_GROUPS: Final[Mapping[str, Sequence[Part]]] = {"stem": (), "hparams": ()}


@dataclass(frozen=True)
class Known:
    """What is known of a run before it starts.

    Attributes:
        facts: of the run.
        float_digits: significant digits of the learning rate.
        mode: `train`, `test`...
    """

    facts: Facts
    float_digits: int
    mode: str

    def value(self, slot: Slot) -> Any:
        """The value of a slot; `None` for an unknown fact leaves its chunk out.

        Raises:
            HparamError: the slot names a hyper-parameter that does not exist.
        """
        if slot.role == "hparam":
            return self._hparam(slot)
        facts = self.facts
        special: dict[str, Any] = {
            "model": facts.model,
            "dataset": facts.dataset,
            "batch_size": facts.batch_size,
            "lr": None if facts.lr is None else rounded(facts.lr, self.float_digits),
            "mode": self.mode,
        }
        found = special.get(slot.field, facts.fields.get(slot.field))
        return _MISSING if found is None else found

    def _hparam(self, slot: Slot) -> Any:
        values = {hparam.name: hparam.value for hparam in self.facts.hparams}
        # A template's `{hparams.x}` is `x`, unless the parameter's own name is `hparams.x`.
        name = slot.field if slot.field in values else slot.name
        require([name], values, f"template field {{{slot.field}}}")
        return values[name]

    def says(self, slot: Slot) -> bool:
        """Whether a slot of a fact or hyper-parameter has a value to speak."""
        return self.value(slot) is not _MISSING

    def texts(self, chunk: Chunk) -> list[str] | None:
        """A chunk's pieces as plain text; None when one is unknown."""
        values = [self.value(piece) if isinstance(piece, Slot) else piece for piece in chunk]
        return None if _MISSING in values else [_plain(value) for value in values]


def rounded(value: float, digits: int) -> float:
    """A float with so many significant digits.

    >>> rounded(3.489658913104141e-05, 4)
    3.49e-05
    """
    return float(f"{value:.{digits}g}")


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else str(value)


def project_name(segment: Segment, known: Known) -> str:
    """The project: safe text, at most 128 bytes, of W&B's 128 characters."""
    return place(_folder_text(segment, known), max_bytes=MAX_PROJECT_BYTES)


def folder(segment: Segment, known: Known, *, max_bytes: int = MAX_PLACE_BYTES) -> str:
    """One folder above the stem; empty when all of its fields are unknown."""
    text = _folder_text(segment, known)
    return place(text, max_bytes=max_bytes) if text else ""


def _folder_text(segment: Segment, known: Known) -> str:
    found = (_folder_chunk(chunk, known) for chunk in segment)
    return "-".join(text for text in found if text is not None)


def _folder_chunk(chunk: Chunk, known: Known) -> str | None:
    texts = known.texts(chunk)
    if texts is None:
        return None
    # Each field is made safe by itself: a long dataset must not take the model's name along.
    pairs = zip(chunk, texts, strict=True)
    return "".join(place(text) if isinstance(piece, Slot) else text for piece, text in pairs)


def part(chunk: Chunk, known: Known) -> str | None:
    """One chunk as a part of the grammar; None when its field is unknown.

    Raises:
        NameSyntaxError: a value cannot be written.
    """
    if any(isinstance(piece, Slot) and piece.role == "runtime" for piece in chunk):
        return _runtime_part(chunk, known)
    head, rest = _head(chunk)
    if not rest:
        return head
    values = [known.value(piece) if isinstance(piece, Slot) else piece for piece in rest]
    if _MISSING in values:
        return None
    value = values[0] if len(values) == 1 else "".join(_plain(each) for each in values)
    if head:
        return format_field(head.removesuffix("."), value)
    own = next(piece.name for piece in rest if isinstance(piece, Slot))
    is_word = isinstance(value, str) and re.match("[A-Za-z]|[0-9]+of[0-9]+features-", value)
    return format_label(value) if is_word else format_field(own, value)


def _head(chunk: Chunk) -> tuple[str, Chunk]:
    return (chunk[0], chunk[1:]) if isinstance(chunk[0], str) else ("", chunk)


def _runtime_part(chunk: Chunk, known: Known) -> str | None:
    """Leave Lightning's placeholders in, behind a key from which their number can be told."""
    head, rest = _head(chunk)
    pieces = [_placeholder(piece, known) for piece in rest]
    first = rest[0]
    if not head and isinstance(first, Slot):
        head = re.sub("[^A-Za-z0-9]+", "_", first.name).strip("_")
    if len(rest) == 1 and not all(takes_number(head, number) for number in ("7", "-7", "0.5")):
        head = f"{head.removesuffix('.')}._"
    return None if None in pieces else head + "".join(text for text in pieces if text)


def _placeholder(piece: str | Slot, known: Known) -> str | None:
    if isinstance(piece, str):
        return piece
    if piece.role != "runtime":
        value = known.value(piece)
        return None if value is _MISSING else escape(_plain(value), WORD)
    # Lightning would print a metric without a format with all 17 digits of its float.
    is_count = piece.field in ("epoch", "step")
    spec = piece.spec or ("" if is_count else f".{known.float_digits}f")
    return f"{{{piece.name}:{spec}}}" if spec else f"{{{piece.name}}}"


def parts(segment: Segment, known: Known, groups: Mapping[str, Sequence[Part]]) -> list[Part]:
    """The parts of a segment; `{stem}` and `{hparams}` are taken from `groups`."""
    found: list[Part] = []
    for chunk in segment:
        only = chunk[0]
        if isinstance(only, Slot) and only.role in ("stem", "hparams"):
            found.extend(groups[only.field])
        elif text := part(chunk, known):
            found.append(Part(text))
    return found


def spoken_parts(fields: Iterable[tuple[str, Any]]) -> list[Part]:
    """Hyper-parameters as parts that may be left out."""
    return [Part(format_field(key, value), spoken=True) for key, value in fields]


def template_keys(segments: Iterable[Segment], known: Known) -> set[str]:
    """The keys that a template's own chunks speak, as they read back."""
    texts = (part.text for segment in segments for part in parts(segment, known, _NO_GROUPS))
    parsed = (parse_name(re.sub(r"\{[^}]*\}", "7", text)) for text in texts)
    return {key for fields in parsed for key in fields} - RESERVED
