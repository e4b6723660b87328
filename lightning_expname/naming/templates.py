"""A template's text cut into segments (at "/"), chunks (at "-") and the slots of fields."""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import Formatter
from typing import Final, Literal

FACTS: Final = (
    "model",
    "dataset",
    "batch_size",
    "lr",
    "strategy",
    "precision",
    "devices",
    "accumulate_grad_batches",
    "seed",
    "mode",
    "features",
    "num_folds",
)
"""Fields that are known before a run starts."""

_ROLES: Final[dict[str, Role]] = {
    **dict.fromkeys(FACTS, "fact"),
    "hparams": "hparams",
    "stem": "stem",
    "epoch": "runtime",
    "step": "runtime",
}
FIELDS_HELP: Final = (
    "valid fields: "
    + " ".join(f"{{{name}}}" for name in _ROLES)
    + "; a hyper-parameter {hparams.d_model} or {encoder.dim}; behind {stem} in checkpoint also "
    "{epoch} {step} and a logged metric {val_acc:.3f} or {metrics.val_acc}"
)
_METRIC_SPEC: Final = re.compile(r"[0-9]*d|[0-9]*(\.[0-9]+)?f")
_LITERAL: Final = re.compile(r"[A-Za-z0-9._]*")

Role = Literal["fact", "hparams", "stem", "runtime", "hparam", "unknown"]


@dataclass(frozen=True)
class Slot:
    """One `{field}` of a template, with what stands behind its colon."""

    field: str
    spec: str = ""

    @property
    def role(self) -> Role:
        """What kind of field it is."""
        if self.field in _ROLES:
            return _ROLES[self.field]
        if self.spec or self.field.startswith("metrics."):
            return "runtime"
        return "hparam" if "." in self.field else "unknown"

    @property
    def name(self) -> str:
        """The field's own name: `d_model` of `{hparams.d_model}`, `val_acc` of a metric."""
        prefix = {"hparam": "hparams.", "runtime": "metrics."}.get(self.role, "")
        return self.field.removeprefix(prefix)


Piece = str | Slot
Chunk = tuple[Piece, ...]
Segment = tuple[Chunk, ...]


def cut(template: str) -> tuple[Segment, ...]:
    """Cut a template; `"a/{x}-b{y}"` has two segments, of one and of two chunks.

    Raises:
        ValueError: the braces do not match.
    """
    segments: list[list[list[Piece]]] = [[[]]]
    for literal, field, spec, conversion in Formatter().parse(template):
        for mark in re.split("([/-])", literal):
            if mark == "/":
                segments.append([[]])
            elif mark == "-":
                segments[-1].append([])
            elif mark:
                segments[-1][-1].append(mark)
        if field is not None:
            bang = f"!{conversion}" if conversion else ""
            segments[-1][-1].append(Slot(field + bang, spec or ""))
    return tuple(tuple(tuple(chunk) for chunk in segment) for segment in segments)


def slots(segments: tuple[Segment, ...]) -> list[Slot]:
    """All slots in order."""
    chunks = (chunk for segment in segments for chunk in segment)
    return [piece for chunk in chunks for piece in chunk if isinstance(piece, Slot)]


STEM: Final[Chunk] = (Slot("stem"),)


def behind_stem(segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
    """From the chunk `{stem}` on; it must be there."""
    home = next(i for i, segment in enumerate(segments) if STEM in segment)
    return (segments[home][segments[home].index(STEM) :], *segments[home + 1 :])


def key_of(chunk: Chunk) -> str | None:
    """The key under which a chunk speaks a field; None for a word, `{stem}` and `{hparams}`."""
    head = chunk[0]
    if isinstance(head, Slot):
        return None if head.role in ("stem", "hparams") else head.name
    return head.removesuffix(".") if len(chunk) > 1 else None


def slot_problem(slot: Slot) -> str | None:
    """What is wrong with one slot, wherever it stands; None if nothing is."""
    shown = f"{{{slot.field}{':' + slot.spec if slot.spec else ''}}}"
    if slot.role == "unknown":
        return f"unknown field {shown}"
    if re.search(r"[\[\]!{}\s]", slot.field + slot.spec) or not slot.name.strip("."):
        return f"{shown} is not the plain name of a field"
    if slot.spec and slot.role != "runtime":
        return f"{shown}: only {{epoch}}, {{step}} and metrics take a format; see float_digits"
    if slot.spec and not _METRIC_SPEC.fullmatch(slot.spec):
        return f"{shown}: the format of a metric is like '.3f' or '03d'"
    return None


def literal_problem(segments: tuple[Segment, ...]) -> str | None:
    """What is wrong with the text between the slots; None if nothing is."""
    chunks = [chunk for segment in segments for chunk in segment]
    if not all(chunks):
        return "a '-' or '/' stands at an end, or beside another one"
    for piece in (piece for chunk in chunks for piece in chunk):
        if isinstance(piece, str) and not _LITERAL.fullmatch(piece):
            return f"the text {piece!r} holds more than A-Z a-z 0-9 . _ and the marks '-' and '/'"
    return None
