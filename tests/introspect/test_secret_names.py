"""A key of a dict may be the secret itself: no name tells it, and none is lost."""

from __future__ import annotations

from typing import Any

import pytest
from torch import nn

from lightning_expname.facts import Facts, Hparam
from lightning_expname.introspect.hparams import describe_module
from lightning_expname.introspect.secrets import without_secrets
from lightning_expname.redaction import REDACTED

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0NzExIn0.Xk9vQ2x3cmZ0c2VjcmV0"


class Net(nn.Module):
    def __init__(self, tokens: Any = None, cfg: Any = None) -> None:
        super().__init__()


def told(module: nn.Module, *allow: str) -> dict[str, Any]:
    described = describe_module(module)
    facts = Facts(described.model, "D", described.hparams)
    return {one.name: one.value for one in without_secrets(facts, allow).hparams}


@pytest.mark.parametrize("given", [{"tokens": {JWT: 1}}, {"cfg": {"tokens": {JWT: 1}}}])
def test_a_key_that_holds_dots_is_judged_as_a_whole(given: dict[str, Any]) -> None:
    names = told(Net(**given))
    assert not [name for name in names if "eyJ" in name or "Xk9v" in name], names
    assert 1 in names.values()


def test_two_secrets_are_two_entries() -> None:
    found = told(Net(tokens={"x9Y8z7w6": 3, "a8B7c6d5": 4}))
    assert {3, 4} <= set(found.values()) and all(
        REDACTED in name for name in found if name != "cfg"
    )


def test_what_is_allowed_keeps_its_name() -> None:
    assert told(Net(tokens={"x9Y8z7w6": 3}), "tokens")["x9Y8z7w6"] == 3


def test_a_module_before_the_path_keeps_its_name() -> None:
    one = Hparam("encoder.tokens.x9Y8z7w6", 3, "int", under=("tokens",), own="x9Y8z7w6")
    (hidden,) = without_secrets(Facts("Net", "D", (one,))).hparams
    assert hidden.name == f"encoder.tokens.{REDACTED}"
