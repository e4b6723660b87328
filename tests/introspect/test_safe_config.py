"""Composed configs as plain values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from lightning_expname.introspect.safe_config import UNSTABLE, plain_config, task_config


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "hunter2")


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("${a}", 1),
        ("x${a}y${a}", "x1y1"),
        ("${nowhere}", "${nowhere}"),
        ("${nowhere.at.all}-${a}", "${nowhere.at.all}-${a}"),
        ("???", "???"),
        ("${missing}", "${missing}"),
        ("${oc.env:TOKEN}", "${oc.env:TOKEN}"),
        ("${ oc.env:TOKEN }", "${ oc.env:TOKEN }"),
        ("${token}", "${oc.env:TOKEN}"),
        ("Bearer ${token} ${a}", "Bearer ${oc.env:TOKEN} 1"),
        ("${oc.env:TOKEN,${a}}", "${oc.env:TOKEN,${a}}"),
        ("${oc.decode:${oc.env:TOKEN}}", "${oc.decode:${oc.env:TOKEN}}"),
        ("${hydra:runtime.cwd}", "${hydra:runtime.cwd}"),
        ("${unknown_resolver:1}", "${unknown_resolver:1}"),
        (r"\${a}", "${a}"),
        (None, None),
        ({"up": "${..a}"}, {"up": 1}),
        ([1, "${a}", ["${token}"]], [1, 1, ["${oc.env:TOKEN}"]]),
        ("${group}", {"b": 2, "c": 1}),
    ],
)
def test_what_resolves_is_resolved_and_the_rest_is_text(written: Any, seen: Any) -> None:
    base = {"a": 1, "missing": "???", "token": "${oc.env:TOKEN}", "group": {"b": 2, "c": "${a}"}}
    assert plain_config(OmegaConf.create({**base, "it": written}))["it"] == seen


def test_a_config_that_leads_to_itself_ends() -> None:
    config = OmegaConf.create({"again": {"it": "${again}"}, "a": "${b}", "b": "${a}"})
    assert plain_config(config) == {"again": {"it": "${again}"}, "a": "${b}", "b": "${a}"}


def test_the_environment_never_shows() -> None:
    chain = {"a": "${oc.env:TOKEN}", "b": "${a}", "c": {"d": "${..b}!"}, "e": "${c}", "f": ["${b}"]}
    assert "hunter2" not in str(plain_config(OmegaConf.create(chain)))


def test_the_applications_part_is_without_hydras() -> None:
    config = OmegaConf.create({"hydra": {"job": {"name": "n"}}, "a": "${hydra.job.name}", "b": 1})
    assert task_config(config) == {"a": "${hydra.job.name}", "b": 1}


def test_what_changes_between_processes_stays_text() -> None:
    config = OmegaConf.create({"t": "${now:%Y}", "u": "${t}", "n": "${expname:stem}"})
    stays = {"t": "${now:%Y}", "u": "${now:%Y}", "n": "${expname:stem}"}
    assert plain_config(config, UNSTABLE) == stays


LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("ab${}:.")
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=3)
    ),
)


@settings(deadline=None)  # a busy machine
@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), TREES, max_size=4))
def test_any_config_that_can_be_made_becomes_plain(tree: dict[str, Any]) -> None:
    try:
        config = OmegaConf.create(tree)
    except Exception:  # unbalanced braces are refused there
        return
    plain = plain_config(config)
    assert plain.keys() == tree.keys()
    assert not any(OmegaConf.is_config(value) for value in plain.values())
