"""Takes the secrets out of a run's facts, before anything is named, recorded or told."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ..facts import ABSENT, Facts, Hparam
from ..redaction import redact


def without_secrets(facts: Facts, allow: Collection[str] = ()) -> Facts:
    """The facts as they may be told. A hyper-parameter that is a secret is spoken in no name.

    Args:
        facts: as collected.
        allow: what the user says is no secret, see `redact`.
    """
    return replace(
        facts,
        hparams=tuple(_told(hparam, allow) for hparam in facts.hparams),
        config={
            key: redact(section, key=key, allow=allow) for key, section in facts.config.items()
        },
    )


def _told(hparam: Hparam, allow: Collection[str]) -> Hparam:
    name = hparam.name.rpartition(".")[2] if hparam.under else hparam.name
    value = redact(hparam.value, key=name, under=hparam.under, allow=allow)
    if value is hparam.value or value == hparam.value:
        return hparam
    return replace(hparam, value=value, kind="other", default=ABSENT)
