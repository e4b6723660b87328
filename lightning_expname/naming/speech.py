"""`Speech`: which hyper-parameters a name speaks, and under which names."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ..errors import HparamError
from ..facts import Hparam
from .grammar import format_key

_SCHEDULE: Final = ("patience", "t_max", "warmup_epochs", "warmup_steps")
_SCHEDULE_ENDS: Final = tuple(f"_{one}" for one in _SCHEDULE)  # whatever stands before

RUN_CONTROL: Final = (
    "seed",
    "random_seed",
    "random_state",
    "verbose",
    "verbosity",
    "silent",
    "num_workers",
    "n_jobs",
    "n_threads",
    "num_threads",
    "nthread",
    "device",
    "devices",
    "device_id",
    "gpu",
    "gpus",
    "num_gpus",
    "local_rank",
    "epochs",
    "n_epochs",
    "num_epochs",
    "max_epochs",
    "min_epochs",
    "max_steps",
    "min_steps",
    "log_every_n_steps",
    "log_interval",
    "log_val_interval",
    "log_gradient_flow",
    "pin_memory",
    "persistent_workers",
    *_SCHEDULE,
)
"""Last segments of names that say how a run is carried out, not what the model is: config only."""


def is_run_control(name: str) -> bool:
    """Whether a hyper-parameter says how a run is carried out, see `RUN_CONTROL`.

    Example:
        >>> is_run_control("model.seed"), is_run_control("reduce_on_plateau_patience")
        (True, True)
    """
    last = name.rpartition(".")[2]
    low = last.lower()
    return last in RUN_CONTROL or low in _SCHEDULE or low.endswith(_SCHEDULE_ENDS)


_SAID_AS: Final[dict[str, tuple[str, ...]]] = {
    "batch_size": ("batch_size", "bs", "batch", "train_batch_size"),
    "lr": ("lr", "learning_rate"),
}


@dataclass(frozen=True)
class Speech:
    """The user's choice of hyper-parameters for names.

    Attributes:
        include: exactly these, in this order, of any kind and owner; None: see `select`.
        exclude: not these.
        aliases: hyper-parameter's name to the shorter one to speak.

    Raises:
        HparamError: names are no texts, or aliases are unreadable or ambiguous.

    Example:
        >>> speech = Speech(include=["d_model", "n_heads"], aliases={"d_model": "d"})
    """

    include: Sequence[str] | None = None
    exclude: Sequence[str] = ()
    aliases: Mapping[str, str] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        for label in ("include", "exclude"):
            names = getattr(self, label)
            if names is not None:
                object.__setattr__(self, label, _names(label, names))
        both = [name for name in self.include or () if name in self.exclude]
        if both:
            raise HparamError(f"{both} are in include and in exclude; take them out of one")
        object.__setattr__(self, "aliases", _aliases(self.aliases))

    def select(
        self, hparams: Sequence[Hparam], *, said: Collection[str] = ()
    ) -> tuple[Hparam, ...]:
        """The hyper-parameters to speak, in order, renamed to their aliases.

        Without `include`: those of the model that are int or categorical, or None although that
        is not their declared default; without `RUN_CONTROL`, and without what `said` says.

        Args:
            hparams: of `Facts`.
            said: fields that the templates speak on their own (`batch_size`, `encoder.dim`).

        Raises:
            HparamError: a name that does not exist, or an alias that is another spoken name.
        """
        known = {hparam.name: hparam for hparam in hparams}
        for label, names in self._named().items():
            require(names, known, label)
        if self.include is not None:
            chosen = [known[name] for name in self.include]
        else:
            taken = {name for text in said for name in (text, *_SAID_AS.get(text, ()))}
            chosen = [hparam for hparam in known.values() if _speaks(hparam, taken)]
        return self._renamed(hparam for hparam in chosen if hparam.name not in self.exclude)

    def _named(self) -> dict[str, Iterable[str]]:
        return {
            "include": self.include or (),
            "exclude": self.exclude,
            "aliases": self.aliases or {},
        }

    def _renamed(self, chosen: Iterable[Hparam]) -> tuple[Hparam, ...]:
        aliases = self.aliases or {}
        spoken: dict[str, Hparam] = {}
        for hparam in chosen:
            name = aliases.get(hparam.name, hparam.name)
            if name in spoken:
                raise HparamError(
                    f"two hyper-parameters would be spoken as {name!r}; change the alias"
                )
            spoken[name] = replace(hparam, name=name)
        return tuple(spoken.values())


def require(names: Iterable[str], known: Collection[str], label: str) -> None:
    """Fail on the first name that is no hyper-parameter, listing those that are.

    Raises:
        HparamError: with the nearest name as a suggestion.
    """
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            listed = ", ".join(known) or "none"
            raise HparamError(f"{label}: no hyper-parameter {name!r}; {hint}there are: {listed}")


def _speaks(hparam: Hparam, said: Collection[str]) -> bool:
    last = hparam.name.rpartition(".")[2]
    if hparam.owner != "model" or is_run_control(last) or last in said or hparam.name in said:
        return False
    return hparam.kind in ("int", "categorical") or (
        hparam.kind == "none" and not hparam.is_default
    )


def _names(label: str, names: Any) -> tuple[str, ...]:
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise HparamError(f"{label} is {names!r}; give a list of hyper-parameters' names")
    found = tuple(names)
    for name in found:
        if not isinstance(name, str):
            raise HparamError(f"{label} holds {name!r}; names of hyper-parameters are texts")
        if found.count(name) > 1:
            raise HparamError(f"{label} holds {name!r} twice")
    return found


def _aliases(aliases: Any) -> dict[str, str]:
    if aliases is None:
        return {}
    if not isinstance(aliases, Mapping):
        raise HparamError(f"aliases is {aliases!r}; give a mapping of name to alias")
    owners: dict[str, str] = {}
    for name, alias in aliases.items():
        _check_alias(name, alias)
        if alias in owners:
            raise HparamError(f"{owners[alias]!r} and {name!r} have the same alias {alias!r}")
        owners[alias] = name
    return dict(aliases)


def _check_alias(name: object, alias: object) -> None:
    if not isinstance(name, str):
        raise HparamError(f"aliases holds {name!r}; names of hyper-parameters are texts")
    if not isinstance(alias, str) or not alias or format_key(alias) != alias:
        raise HparamError(
            f"the alias {alias!r} of {name!r} would be unreadable in a name; use a letter, then "
            "A-Z a-z 0-9 and single '_', and none of epoch, step, v, last, r"
        )
