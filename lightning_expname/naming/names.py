"""`derive_names`: from what a run is to every name it has."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from ..errors import NameSyntaxError
from ..facts import Facts, Hparam
from .budget import DIGEST_BYTES, Part, bounded, join, length
from .grammar import EMPTY_NAME, digest, format_label
from .policy import NamePolicy
from .render import Known, folder, parts, project_name, spoken_parts, template_keys
from .speech import Speech
from .templates import STEM, Segment, Slot, behind_stem, cut, slots

ROOT: Final = "checkpoints"
MAX_RUN_BYTES: Final = 128
"""W&B's server refuses a longer display name, offline runs only when they are synchronised."""

MAX_ORDINAL: Final = 99_999
_ORDINAL_BYTES: Final = len(f"-r{MAX_ORDINAL}")
_MIN_BASE_BYTES: Final = 40  # a run's own fields may not press a stem below this
_MAX_MODE_BYTES: Final = 16
_MAX_PREFIX_BYTES: Final = 40
_MAX_FILE_BYTES: Final = 180  # leaves room for the digits of epochs and metrics below 255


@dataclass(frozen=True)
class Names:
    """Every name of one run. Paths are POSIX and relative to the root directory.

    Attributes:
        project: of W&B, at most 128 bytes, letters of any script.
        run: display name in W&B, at most 128 bytes.
        stem: what run and checkpoints have in common; belongs to this run alone.
        checkpoint_dir: folder of the checkpoints, below `checkpoints/`.
        ordinal: 1, or n when `-r{n}` tells this run from earlier ones of the same stem.
        checkpoint_name: the file's name without `.ckpt`, as Lightning's `filename` wants it:
            `{epoch}`, `{step}` and metrics are placeholders.
        record: path of the run's record.
    """

    project: str
    run: str
    stem: str
    checkpoint_dir: str
    ordinal: int
    checkpoint_name: str
    record: str


def derive_names(
    facts: Facts,
    policy: NamePolicy,
    speech: Speech = Speech(),  # noqa: B008 - frozen, and its defaults are immutable
    *,
    ordinal: int = 1,
    mode: str = "train",
    root: str = ROOT,
) -> Names:
    """Name a run.

    Args:
        facts: what the run is.
        policy: the templates.
        speech: the choice of hyper-parameters.
        ordinal: from 1 to 99999; above 1 `-r{ordinal}` ends the stem.
        mode: unless it is `train`, or the template says `{mode}`, a word at the end of stem and
            run.
        root: the folder that everything of `checkpoint` lies in.

    Raises:
        HparamError: `speech` or a template names a hyper-parameter that does not exist.
        NameSyntaxError: a value cannot be written, or the ordinal is out of range.

    Example:
        >>> from lightning_expname.facts import Facts, Hparam
        >>> facts = Facts("GPT", "c4", (Hparam("d_model", 64, "int"),), batch_size=8, lr=0.001)
        >>> derive_names(facts, NamePolicy()).run
        'd_model64-bs8-lr0.001'
    """
    naming = _Naming(facts, policy, speech, _checked_ordinal(ordinal), mode)
    directory, name, record = _checkpoint(naming, root)
    (project,) = cut(policy.project)
    return Names(
        project=project_name(project, naming.known),
        run=naming.run,
        stem=naming.stem,
        checkpoint_dir=directory,
        ordinal=ordinal,
        checkpoint_name=name,
        record=record,
    )


def _checked_ordinal(ordinal: int) -> int:
    valid = isinstance(ordinal, int) and not isinstance(ordinal, bool)
    if not valid or not 1 <= ordinal <= MAX_ORDINAL:
        raise NameSyntaxError(f"the ordinal is {ordinal!r}; it is an int from 1 to {MAX_ORDINAL}")
    return ordinal


@dataclass(frozen=True)
class _Naming:
    """One run on its way to its names; each step is computed once."""

    facts: Facts
    policy: NamePolicy
    speech: Speech
    ordinal: int
    mode: str

    @cached_property
    def known(self) -> Known:
        return Known(self.facts, self.policy.float_digits, self.mode)

    @cached_property
    def spoken(self) -> tuple[Hparam, ...]:
        templates = (self.policy.stem, self.policy.run, self.policy.checkpoint)
        found = [slot for template in templates for slot in slots(cut(template))]
        ours = (slot for slot in found if slot.role in ("fact", "hparam"))
        said = {slot.name for slot in ours if self.known.says(slot)}
        chosen = self.speech.select(self.facts.hparams, said=said)
        behind = behind_stem(cut(self.policy.checkpoint))[:1]
        taken = template_keys([*cut(self.policy.stem), *cut(self.policy.run), *behind], self.known)
        return tuple(_under_free_key(hparam, taken) for hparam in chosen)

    @cached_property
    def label(self) -> list[Part]:
        """The mode as a word; nothing for training."""
        if self.mode == "train":
            return []
        text = format_label(self.mode)
        if len(text) > _MAX_MODE_BYTES:
            raise NameSyntaxError(f"the mode {self.mode!r} is longer than {_MAX_MODE_BYTES} bytes")
        return [Part(text)]

    @cached_property
    def base(self) -> str:
        """The stem without mode and ordinal; every ordinal leaves the same room for it."""
        room = min(self._stem_room, max(self._room_in_run(), _MIN_BASE_BYTES))
        label = [] if self._says_mode(self.policy.stem) else self.label
        (segment,) = cut(self.policy.stem)
        return self._fitted(segment, max(room - _added(label), DIGEST_BYTES)) or EMPTY_NAME

    @property
    def _stem_room(self) -> int:
        return self.policy.max_bytes - _ORDINAL_BYTES

    def _room_in_run(self) -> int:
        (segment,) = cut(self.policy.run)
        others = parts(segment, self.known, {"stem": [], "hparams": []})
        return MAX_RUN_BYTES - _added([*others, *self.label]) - _ORDINAL_BYTES

    @cached_property
    def stem(self) -> str:
        label = [] if self._says_mode(self.policy.stem) else self.label
        # A stem of very few bytes has no room for the mode; the run's name still says it.
        fits = len(self.base) + _added(label) <= self._stem_room
        return join([Part(self.base), *(label if fits else []), *self._ordinal_parts])

    @cached_property
    def run(self) -> str:
        label = [] if self._says_mode(self.policy.stem, self.policy.run) else self.label
        (segment,) = cut(self.policy.run)
        stem = [Part(self.base), *self._ordinal_parts]
        text = self._fitted(segment, MAX_RUN_BYTES - _added(label), stem=stem)
        return join([Part(text or EMPTY_NAME), *label])

    @property
    def _ordinal_parts(self) -> list[Part]:
        return [] if self.ordinal == 1 else [Part(f"r{self.ordinal}")]

    def _says_mode(self, *templates: str) -> bool:
        return any(Slot("mode") in slots(cut(template)) for template in templates)

    def _fitted(self, segment: Segment, room: int, *, stem: Sequence[Part] = ()) -> str:
        """All hyper-parameters, else those off their defaults, else a part of them and a digest."""
        found: list[Part] = []
        for hparams in self._steps():
            groups = {"stem": stem, "hparams": hparams}
            found = parts(segment, self.known, groups)
            if length(found) <= room:
                break
        return bounded(found, room, self._digest)

    def _steps(self) -> Iterator[list[Part]]:
        show = self.policy.show_defaults
        if show is not False:
            yield spoken_parts((hparam.name, hparam.value) for hparam in self.spoken)
        if show is not True:
            changed = (hparam for hparam in self.spoken if not hparam.is_default)
            yield spoken_parts((hparam.name, hparam.value) for hparam in changed)

    def _digest(self) -> str:
        return digest({hparam.name: hparam.value for hparam in self.spoken})


def _under_free_key(hparam: Hparam, taken: Collection[str]) -> Hparam:
    # Two fields of one key would not read back: the template's own name for it is always free.
    return replace(hparam, name=f"hparams.{hparam.name}") if hparam.name in taken else hparam


def _added(added: Sequence[Part]) -> int:
    """The bytes that parts add behind a text, hyphens included."""
    return sum(len(part.text) + 1 for part in added)


def _checkpoint(naming: _Naming, root: str) -> tuple[str, str, str]:
    """Folder, file name and record of the checkpoint template."""
    segments = cut(naming.policy.checkpoint)
    home = next(i for i, segment in enumerate(segments) if STEM in segment)
    place = segments[home].index(STEM)
    above = [root, *(folder(segment, naming.known) for segment in segments[:home])]
    prefix = folder(segments[home][:place], naming.known, max_bytes=_MAX_PREFIX_BYTES)
    stem = join([Part(text) for text in (prefix, naming.stem) if text])
    behind = behind_stem(segments)
    *middle, last = [_behind(segment, naming.known, stem) for segment in behind]
    return _path(*above, *middle), last or stem, _path(*above, stem) + ".json"


def _behind(segment: Segment, known: Known, stem: str) -> str:
    """A segment with or below the stem; its placeholders stay when it is too long."""
    found = parts(segment, known, {"stem": [Part(stem)], "hparams": []})
    kept = [Part(part.text, spoken="{" not in part.text and part.text != stem) for part in found]
    return bounded(kept, _MAX_FILE_BYTES, lambda: digest({"file": join(found)}))


def _path(*folders: str) -> str:
    return "/".join(text for text in folders if text)
