"""`NamePolicy`: how a run's facts are put into names, as templates that are checked when set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Literal

from ..errors import NameSyntaxError, TemplateError
from .escape import is_device
from .grammar import RESERVED, format_key, parse_name
from .templates import (
    FIELDS_HELP,
    STEM,
    Chunk,
    Role,
    Segment,
    Slot,
    behind_stem,
    cut,
    key_of,
    literal_problem,
    slot_problem,
    slots,
)

ShowDefaults = Literal["auto"] | bool
MIN_BYTES: Final = 24
MAX_BYTES: Final = 110
"""110 + `-epoch9999-step999999999-v99.ckpt` = 143 bytes, the longest name that eCryptfs allows."""

_FORBIDDEN: Final[dict[str, frozenset[Role]]] = {
    "project": frozenset({"hparams", "stem", "runtime"}),
    "stem": frozenset({"stem", "runtime"}),
    "run": frozenset({"runtime"}),
    "checkpoint": frozenset({"hparams"}),
}


@dataclass(frozen=True, kw_only=True)
class NamePolicy:
    """Templates of the names of a run.

    A template is cut at "-" into chunks. A chunk whose field is unknown (None) is left out as a
    whole. `bs{batch_size}` speaks a field under the key `bs`, a field standing alone is spoken
    under its own name, and a text standing alone (`{strategy}`) as a word.

    Attributes:
        project: of the W&B project.
        stem: what a run's name and its checkpoints have in common.
        run: of the W&B run; at most 128 bytes.
        checkpoint: path below `checkpoints/`, without `.ckpt`; must contain `{stem}`. Behind
            `{stem}`, in the last segment, also `{epoch}`, `{step}` and logged metrics
            (`{val_acc:.3f}`, `{metrics.val_acc}`).
        max_bytes: the longest stem, 24 to 110 bytes, `-r2` of a second run included.
        float_digits: significant digits of `{lr}`, 1 to 17.
        show_defaults: whether hyper-parameters at their declared default are spoken; "auto": as
            long as all of them fit.

    Raises:
        TemplateError: lists everything that is wrong, and the valid fields.

    Example:
        >>> NamePolicy(checkpoint="{model}/{dataset}/{strategy}/{stem}/epoch{epoch}").max_bytes
        110
    """

    project: str = "{model}-{dataset}"
    stem: str = "{hparams}-bs{batch_size}"
    run: str = "{stem}-lr{lr}"
    checkpoint: str = "{model}/{dataset}/{stem}-epoch{epoch}"
    max_bytes: int = MAX_BYTES
    float_digits: int = 4
    show_defaults: ShowDefaults = "auto"

    def __post_init__(self) -> None:
        problems = [*self._template_problems(), *self._number_problems()]
        if problems:
            listed = "\n  - ".join(problems)
            raise TemplateError(f"NamePolicy has problems:\n  - {listed}\n{FIELDS_HELP}")

    @classmethod
    def of(cls, value: NamePolicy | Mapping[str, Any] | None) -> NamePolicy:
        """A policy from what a user or a YAML file gives.

        Raises:
            TemplateError: an unknown key, a wrong value, or neither a policy nor a mapping.
        """
        if isinstance(value, NamePolicy):
            return value
        if value is not None and not isinstance(value, Mapping):
            kind = type(value).__qualname__
            raise TemplateError(
                f"policy is a {kind}; give a NamePolicy, a dict of its options, or None"
            )
        valid = [field.name for field in fields(cls)]
        options = dict(value or {})
        if unknown := [key for key in options if key not in valid]:
            raise TemplateError(
                f"unknown options of NamePolicy: {unknown}; valid: {', '.join(valid)}"
            )
        return cls(**options)

    def _number_problems(self) -> Iterator[str]:
        if not _within(self.max_bytes, MIN_BYTES, MAX_BYTES):
            yield f"max_bytes is {self.max_bytes!r}; it is an int from {MIN_BYTES} to {MAX_BYTES}"
        if not _within(self.float_digits, 1, 17):
            yield f"float_digits is {self.float_digits!r}; it is an int from 1 to 17"
        if self.show_defaults != "auto" and not isinstance(self.show_defaults, bool):
            yield f"show_defaults is {self.show_defaults!r}; it is 'auto', True or False"

    def _template_problems(self) -> Iterator[str]:
        sound = True
        for name in _FORBIDDEN:
            template = getattr(self, name)
            for problem in _problems(name, template):
                sound = False
                yield f"{name}={template!r}: {problem}"
        if sound:
            yield from self._key_problems()

    def _key_problems(self) -> Iterator[str]:
        """A name in which two chunks speak one key would not read back."""
        (stem,), (run,) = cut(self.stem), cut(self.run)
        named = [
            ("run", run),
            *(("checkpoint", part) for part in behind_stem(cut(self.checkpoint))),
        ]
        for name, others in named:
            chunks = (*stem, *others) if STEM in others else others
            keys = [key for chunk in chunks if (key := key_of(chunk))]
            if twice := sorted({key for key in keys if keys.count(key) > 1}):
                yield f"stem and {name} together speak {twice} twice; give one another key"


def _within(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _problems(name: str, template: object) -> Iterator[str]:
    if not isinstance(template, str) or not template:
        yield "a template is a text that is not empty"
        return
    if "\\" in template or template.startswith("/") or ".." in template.split("/"):
        yield "it must be a relative path, with '/' and without '..' or backslashes"
        return
    try:
        segments = cut(template)
    except ValueError as error:
        yield f"its braces do not match ({error})"
        return
    found = [problem for slot in slots(segments) if (problem := slot_problem(slot))]
    yield from found
    if problem := literal_problem(segments):
        yield problem
    elif not found:
        yield from _role_problems(name, segments)


def _role_problems(name: str, segments: tuple[Segment, ...]) -> Iterator[str]:
    for slot in slots(segments):
        if slot.role in _FORBIDDEN[name]:
            yield f"{{{slot.field}}} cannot stand in {name}"
    if name == "checkpoint":
        yield from _checkpoint_problems(segments)
    elif len(segments) > 1:
        yield "only checkpoint may hold '/'"
    elif name != "project":
        yield from _part_problems(segments[0])


def _checkpoint_problems(segments: tuple[Segment, ...]) -> Iterator[str]:
    homes = [i for i, segment in enumerate(segments) if Slot("stem") in slots((segment,))]
    if len(homes) != 1 or slots(segments).count(Slot("stem")) != 1:
        yield "it must contain {stem} exactly once, or its files belong to no run"
        return
    home = homes[0]
    if STEM not in segments[home]:
        yield "{stem} must stand alone between '-' or '/'"
        return
    place = segments[home].index(STEM)
    before = (*segments[:home], segments[home][:place])
    middle = segments[home:-1]
    for slot in slots((*before, *middle)):
        if slot.role == "runtime":
            yield f"{{{slot.field}}} may stand only behind {{stem}}, in the last segment"
    for segment in behind_stem(segments):
        yield from _part_problems(segment, runtime=True)


def _part_problems(segment: Segment, *, runtime: bool = False) -> Iterator[str]:
    for chunk in segment:
        if any(slot.role in ("hparams", "stem") for slot in slots(((chunk,),))):
            if len(chunk) > 1:
                yield "{hparams} and {stem} must stand alone between '-' or '/'"
        elif problem := _chunk_problem(chunk, runtime=runtime):
            yield problem


def _chunk_problem(chunk: Chunk, *, runtime: bool) -> str | None:
    """A chunk's text must be a word, or a key for the field behind it."""
    head = chunk[0]
    if not isinstance(head, str):
        return None
    if len(chunk) == 1:
        return None if _is_word(head) else f"the text {head!r} is no word that can be read back"
    key = head.removesuffix(".")
    own = isinstance(chunk[1], Slot) and chunk[1].role == "runtime" and chunk[1].field == key
    if own and runtime:
        return None
    if key in RESERVED:
        return f"the key {key!r} is kept for what stands behind a stem"
    return (
        None
        if _is_key(key)
        else f"the text {head!r} cannot be a key; use a letter, then A-Z a-z 0-9 _"
    )


def _is_key(text: str) -> bool:
    return format_key(text) == text and not is_device(f"{text}1")


def _is_word(text: str) -> bool:
    try:
        parsed = parse_name(text)
    except NameSyntaxError:
        return False
    return (
        not is_device(text)
        and parsed.ordinal is None
        and parsed.digest is None
        and not parsed.suffix
    )
