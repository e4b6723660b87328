"""Takes the secrets out of a run's facts, before anything is named, recorded or told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from ..facts import ABSENT, Facts, Hparam
from ..redaction import redact, redact_key
from .keys import keyed


def without_secrets(facts: Facts, allow: Collection[str] = ()) -> Facts:
    """The facts as they may be told. A hyper-parameter that is a secret is spoken in no name.

    Args:
        facts: as collected.
        allow: what the user says is no secret, see `redact`.
    """
    told = [_told(hparam, allow) for hparam in facts.hparams]
    config = {key: redact(section, key=key, allow=allow) for key, section in facts.config.items()}
    return replace(facts, hparams=tuple(_apart(told)), config=config)


def _told(hparam: Hparam, allow: Collection[str]) -> Hparam:
    own = hparam.own or (hparam.name.rpartition(".")[2] if hparam.under else hparam.name)
    value = redact(hparam.value, key=own, under=hparam.under, allow=allow)
    name = _told_name(hparam.name, (*hparam.under, own), allow)
    if name == hparam.name and (value is hparam.value or value == hparam.value):
        return hparam
    return replace(hparam, name=name, own="", value=value, kind="other", default=ABSENT)


def _told_name(name: str, path: tuple[str, ...], allow: Collection[str]) -> str:
    """`tokens.x9Y8z7w6`: a key of a dict may be the secret itself.

    A name ends with the last keys of its path, which may hold dots; what stands before them are
    the names of modules.
    """
    tails = (".".join(path[at:]) for at in range(len(path)))
    at, tail = next((one for one in enumerate(tails) if name.endswith(one[1])), (0, ""))
    if len(path) == 1 or not tail:
        return name
    told = (redact_key(path[end], path[:end], allow) for end in range(at, len(path)))
    return name.removesuffix(tail) + ".".join(told)


def _apart(hparams: Iterable[Hparam]) -> Iterator[Hparam]:
    """Two secrets are two entries, also where nothing of their names may be told."""
    pairs = [(one.name, one) for one in hparams]
    return (
        replace(one, name=name) if one.name != name else one
        for name, one in keyed(pairs, str).items()
    )
