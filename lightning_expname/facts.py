"""What a run *is*: typed, frozen, JSON both ways. Nothing here knows how it is spoken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Plain = None | bool | int | float | str | Sequence["Plain"] | Mapping[str, "Plain"]
"""A value that JSON can hold; what hyper-parameters are reduced to before they are spoken."""

Kind = Literal["int", "categorical", "float", "none", "other"]
Owner = Literal["model", "module", "inherited"]


class Absent:
    """The type of `ABSENT`: a parameter without a declared default."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()


@dataclass(frozen=True)
class Hparam:
    """One hyper-parameter, as its constructor was given it.

    Attributes:
        name: the parameter's name; dotted when it lies in a config object (`config.n_layer`) or
            when two owners have the same one (`encoder.dim`).
        value: the value, reduced to what JSON can hold (an Enum is its name, a class its name).
        kind: decides where it goes: `int` and `categorical` into names, all into the config.
        owner: `model` for what names the run; `module` for the LightningModule around it (config
            only); `inherited` for what a subclass hands to its base class inside (config only).
        default: the declared default, reduced in the same way, or `ABSENT`.
        under: the arguments that it lies below, outermost first: a name that was shortened may
            have lost that it stands below `credentials`.
        own: the last of its names alone, where that may hold dots itself: a key of a dict.
    """

    name: str
    value: Plain
    kind: Kind
    owner: Owner = "model"
    default: Plain | Absent = ABSENT
    under: tuple[str, ...] = ()
    own: str = ""

    @property
    def is_default(self) -> bool:
        """Whether the value is the declared default, of the same type (1 is not True)."""
        return repr(self.value) == repr(self.default)


@dataclass(frozen=True)
class Facts:
    """Everything about one run that names, records and config are made of.

    Attributes:
        model: the exact class name of the model.
        dataset: the exact name of the training data.
        hparams: in the order of the constructors' signatures.
        batch_size: of one step on one device; None when unknown.
        lr: the optimizer's configured learning rate; None when there is no optimizer.
        fields: further facts a template may use (`strategy`, `precision`, `devices`, `seed`...).
        config: sections for the W&B config beside the flat hyper-parameters.
    """

    model: str
    dataset: str
    hparams: tuple[Hparam, ...] = ()
    batch_size: int | None = None
    lr: float | None = None
    fields: Mapping[str, Plain] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A dict of plain values; `Facts.from_json` gives an equal object back."""
        return {
            "model": self.model,
            "dataset": self.dataset,
            "hparams": [_hparam_to_json(hparam) for hparam in self.hparams],
            "batch_size": self.batch_size,
            "lr": self.lr,
            "fields": dict(self.fields),
            "config": dict(self.config),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Facts:
        """The inverse of `to_json`."""
        hparams = tuple(Hparam(**hparam) for hparam in data["hparams"])
        return cls(**{**data, "hparams": hparams})


def _hparam_to_json(hparam: Hparam) -> dict[str, Any]:
    row = {"name": hparam.name, "value": hparam.value, "kind": hparam.kind, "owner": hparam.owner}
    return row if isinstance(hparam.default, Absent) else {**row, "default": hparam.default}
