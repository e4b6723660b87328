"""Takes the secrets out of a run's facts, before anything is named, recorded or told."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ..facts import ABSENT, Facts, Hparam
from ..redaction import redact, redact_key


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
    own = hparam.name.rpartition(".")[2] if hparam.under else hparam.name
    value = redact(hparam.value, key=own, under=hparam.under, allow=allow)
    name = _told_name(hparam, own)
    if name == hparam.name and (value is hparam.value or value == hparam.value):
        return hparam
    return replace(hparam, name=name, value=value, kind="other", default=ABSENT)


def _told_name(hparam: Hparam, own: str) -> str:
    """`tokens.x9Y8z7w6`: a key of a dict may be the secret itself."""
    path, parts = (*hparam.under, own), hparam.name.split(".")
    if not hparam.under or len(parts) > len(path):
        return hparam.name
    start = len(path) - len(parts)
    told = (redact_key(part, path[: start + place]) for place, part in enumerate(parts))
    return ".".join(told)
