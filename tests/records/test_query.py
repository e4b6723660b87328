"""The query language: what it reads, what it refuses, and that types are told apart."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightning_expname.errors import QueryError
from lightning_expname.records.query import (
    flatten,
    parse_query,
    parse_value,
    same_value,
    value_at,
)
from lightning_expname.records.schema import decode, encode

RECORD = {
    "id": "ab12",
    "run": "n8-bs64-lr0.001",
    "stem": "n8-bs64",
    "project": "Net-Digits",
    "model": "Net",
    "dataset": "Digits",
    "status": "failed",
    "score": 0.9,
    "created": "2026-03-01T10:00:00+00:00",
    "hparams": {
        "n": 1,
        "x": 1.0,
        "flag": True,
        "word": "1",
        "act": "gelu",
        "none": None,
        "kernel": [3, 3],
        "encoder.dim": 8,
        "model": "hidden",
    },
    "config": {"batch_size": 64, "lr": 1e-4, "trainer": {"max_epochs": 10, "nested": {"a": 2}}},
}


@pytest.mark.parametrize(
    "condition",
    [
        "n=1",
        "n==1",
        " n = 1 ",
        "x=1.0",
        "flag=True",
        'word="1"',
        "word='1'",
        "act=gelu",
        "act=g*",
        "act=ge[kl]u",
        "act!=relu",
        "none=None",
        "kernel=[3, 3]",
        "encoder.dim=8",
        "hparams.model=hidden",
        "model=Net",
        "bs=64",
        "lr<1e-3",
        "lr<=0.0001",
        "lr>=.0001",
        "score>0.5",
        "trainer.max_epochs>9",
        "config.trainer.nested.a=2",
        "created>2026-02",
        "created<2026-03-02",
        "n in [1, 2]",
        "n in 1,2",
        "act in [relu, gelu]",
        "act in [relu, g*]",
        "status=failed",
        "name=n8-*",
        "digits",
        "BS64",
    ],
)
def test_conditions_that_hold(condition: str) -> None:
    assert [one.holds(RECORD) for one in parse_query(condition)] == [True]


@pytest.mark.parametrize(
    "condition",
    [
        "n=1.0",
        "n=True",
        'n="1"',
        "x=1",
        "flag=1",
        "flag=true",
        "word=1",
        "act=gel",
        'act="g*"',
        "act=GELU",
        "none=0",
        "none=none",
        "kernel=[3]",
        "kernel=[3.0, 3.0]",
        "model=hidden",
        "lr<1e-5",
        "flag>0",
        "act<1",
        "missing=1",
        "missing!=1",
        "trainer=10",
        "n in [1.0]",
        "relu",
    ],
)
def test_conditions_that_do_not_hold(condition: str) -> None:
    assert [one.holds(RECORD) for one in parse_query(condition)] == [False]


@pytest.mark.parametrize(
    "condition",
    ["", "  ", "=1", "<3", 'a="x', "a='", "a=[1", "a in [1", "a<True", "a<None", "a<[1]", "a<b*"],
)
def test_what_is_no_condition_is_refused(condition: str) -> None:
    with pytest.raises(QueryError):
        parse_query(condition)


@given(st.one_of(st.integers(), st.floats(), st.booleans(), st.none(), st.text()))
def test_a_value_is_found_by_its_own_text_and_by_no_other_types(value) -> None:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"') if isinstance(value, str) else ""
    text = f'"{quoted}"' if isinstance(value, str) else str(value)
    (condition,) = parse_query(f"k={text}")
    assert condition.holds({"hparams": {"k": value}})
    for other in (1, 1.0, True, "1", None, "None", "True", math.nan):
        assert condition.holds({"hparams": {"k": other}}) is same_value(value, other)


@given(
    st.recursive(
        st.one_of(st.integers(), st.floats(allow_nan=False), st.booleans(), st.none(), st.text()),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=6,
    )
)
def test_encoded_values_come_back_with_their_types(value) -> None:
    text, _ = encode(value)
    assert same_value(decode(text), value)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        conditions = parse_query(text)
    except QueryError:
        return
    assert all(isinstance(one.holds(RECORD), bool) for one in conditions)


@given(st.dictionaries(st.text("ab.", min_size=1, max_size=4), st.integers(), max_size=4))
def test_every_flat_key_is_found_again(hparams: dict[str, int]) -> None:
    for key, value in flatten({"hparams": hparams}).items():
        assert value_at({"hparams": hparams}, key) == value


def test_numbers_of_any_size() -> None:
    assert parse_value("9" * 400) == int("9" * 400)
    (condition,) = parse_query(f"k>{'9' * 400}")
    assert condition.holds({"hparams": {"k": int("9" * 401)}})
    assert not condition.holds({"hparams": {"k": 1.5}})


OWN = {"id": "12345678", "dataset": "2024", "group": "7", "created": "2026-03-01T10:00:00+00:00"}


@pytest.mark.parametrize(
    "condition",
    ["id=12345678", "id in [12345678, x]", "dataset=2024", "group=7", "created>2026", "group!=8"],
)
def test_a_records_own_texts_are_never_numbers(condition: str) -> None:
    """W&B makes ids of digits alone, and a year is what people ask `created` for."""
    (parsed,) = parse_query(condition)
    assert parsed.holds({**OWN, "hparams": {}, "config": {}})


def test_any_key_can_be_asked_for() -> None:
    hparams = {"val acc": 1, "a=b": 2, "a<b": 3, "it's": 4, 'q"': 5, "in": 6, "n-x": 7}
    record = {"hparams": hparams, "config": {"summary": {"best f1": 0.5}}}
    for text in (
        '"val acc"=1',
        "'a=b' = 2",
        '"a<b">2',
        "it's=4",
        '"q\\""=5',
        "in=6",
        "n-x=7",
        '"summary.best f1" in [0.5]',
    ):
        (parsed,) = parse_query(text)
        assert parsed.holds(record), text


@pytest.mark.parametrize("condition", ["n=>8", "n=<8", "n<>8", "n===8", "n!==8", "n!=> .5"])
def test_operators_of_other_languages_are_refused(condition: str) -> None:
    """They would be texts that no run has."""
    with pytest.raises(QueryError, match="has the operator"):
        parse_query(condition)
    assert parse_query("pad=<unk>")[0].value == "<unk>"
