"""The declarative search space and the names of trials: pure, so proved on many inputs."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import optuna
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from lightning_expname import TuneError, parse_name
from lightning_expname.tuning.space import Choices, Range, Space, compose, flat, nest, plain
from lightning_expname.tuning.spoken import trial_name

KEYS = st.from_regex(r"[a-z_][a-z0-9_]{0,6}", fullmatch=True).filter(
    lambda key: key not in ("low", "high", "_target_")
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 99), st.floats(-1e6, 1e6), st.text(max_size=5)
)
CHOICES = st.lists(SCALARS, min_size=1, max_size=4, unique_by=lambda one: (one == one, one))
WHOLE = st.tuples(st.integers(-50, 50), st.integers(0, 50)).map(
    lambda pair: {"low": pair[0], "high": pair[0] + pair[1]}
)
REAL = st.tuples(st.floats(1e-6, 10.0), st.floats(0.0, 10.0), st.booleans()).map(
    lambda three: {"low": three[0], "high": three[0] + three[1], "log": three[2]}
)
AXES = st.one_of(CHOICES, WHOLE, REAL)
SPACES = st.dictionaries(
    KEYS, st.one_of(AXES, st.dictionaries(KEYS, AXES, min_size=1, max_size=3)), min_size=1
)


@settings(max_examples=60, deadline=None)
@given(SPACES)
def test_what_is_suggested_lies_in_the_space_and_nests_as_written(written: dict[str, Any]) -> None:
    space = Space.parse(written)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    trial = study.ask()
    space.suggest(trial)
    params = compose({}, space, trial.params)
    assert list(flat(params)) == list(space.axes) == list(flat_names(written))
    for name, value in flat(params).items():
        assert space.axes[name].holds(value), (name, value)
    assert json.loads(json.dumps(params, allow_nan=False)) == params


def flat_names(written: dict[str, Any], prefix: str = "") -> list[str]:
    names: list[str] = []
    for key, value in written.items():
        is_axis = isinstance(value, list) or "low" in value
        names += [f"{prefix}{key}"] if is_axis else flat_names(value, f"{prefix}{key}.")
    return names


@settings(max_examples=60, deadline=None)
@given(SPACES)
def test_a_space_reads_back_from_its_own_json(written: dict[str, Any]) -> None:
    space = Space.parse(written)
    assert Space.parse(json.loads(json.dumps(space.to_json()))) == space
    text = json.dumps(written)
    if "${" not in text and '"???"' not in text:  # OmegaConf's own words
        assert Space.parse(OmegaConf.create(written)) == space


@given(st.dictionaries(KEYS, st.one_of(SCALARS, st.dictionaries(KEYS, SCALARS, min_size=1))))
def test_nest_undoes_flat(nested: dict[str, Any]) -> None:
    assert nest(flat(nested)) == nested


def test_bounds_say_whether_a_range_is_whole() -> None:
    space = Space.parse({"a": {"low": 1, "high": 6}, "b": {"low": 1, "high": 6.0}, "c": [4, 8]})
    assert [type(axis) for axis in space.axes.values()] == [Range, Range, Choices]
    assert [axis.is_whole for axis in space.axes.values() if isinstance(axis, Range)] == [
        True,
        False,
    ]


def test_a_number_that_yaml_left_as_text_is_a_number() -> None:
    assert Space.parse({"lr": {"low": "1e-5", "high": "1e-2", "log": True}}).axes["lr"] == Range(
        1e-5, 1e-2, log=True
    )
    assert Space.parse({"lr": ["1e-5", 1e-4, "-2.5E+3"]}).axes["lr"] == Choices(
        (1e-5, 1e-4, -2500.0)
    )
    assert Space.parse({"size": ["1", "b0", "e1", "1e", "1e5x"]}).axes["size"] == Choices(
        ("1", "b0", "e1", "1e", "1e5x")
    )


@pytest.mark.parametrize("text", ["1e5", "12e4567", "7E3", "1e+4567", "-2.5e999", "1e-5\n", "١e-5"])
def test_a_text_that_looks_like_a_number_stays_one(text: str) -> None:
    assert Space.parse({"commit": [text, "other"]}).axes["commit"] == Choices((text, "other"))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1e-5", 1e-5),
        ("1E+3", 1e3),
        ("1.0e5", 1e5),
        ("1.e5", 1e5),
        (".5e3", 500.0),
        ("-2.5E+3", -2500),
    ],
)
def test_a_number_with_a_dot_or_a_signed_exponent_is_one(text: str, number: float) -> None:
    assert Space.parse({"lr": [text, 7]}).axes["lr"] == Choices((number, 7))


def test_bounds_are_numbers_however_their_exponent_is_written() -> None:
    text = "lr: {low: 1e-5, high: 1e-1, log: true}\nsteps: {low: 1e3, high: 1e5, step: 5e1}"
    space = Space.parse(yaml.safe_load(text))
    assert space.axes["lr"] == Range(1e-5, 1e-1, log=True)
    assert space.axes["steps"] == Range(1e3, 1e5, step=50.0)
    with pytest.raises(TuneError, match="high is '12e4567'; it is a finite number"):
        Space.parse({"lr": {"low": 1, "high": "12e4567"}})


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({}, "give a mapping"),
        ([], "give a mapping"),
        ({"a": 3}, "belongs in fixed="),
        ({"a": "gelu"}, "belongs in fixed="),
        ({"a": []}, "at least one"),
        ({"a": {}}, "is empty"),
        ({"a": [1, True]}, "two choices equal True"),
        ({"a": [1, 1.0]}, "two choices equal"),
        ({"a": [[1], [2]]}, "is a list"),
        ({"a": [float("nan")]}, "not finite"),
        ({"a": [object()]}, "is a object"),
        ({"a": {"low": 1}}, "has low and high"),
        ({"a": {"low": 1, "high": 2, "lgo": True}}, "has low and high"),
        ({"a": {"low": 3, "high": 2}}, "above high"),
        ({"a": {"low": 0, "high": 2, "log": True}}, "above 0"),
        ({"a": {"low": 1, "high": 2, "log": True, "step": 1}}, "exclude each other"),
        ({"a": {"low": 1, "high": 2, "log": "yes"}}, "true or false"),
        ({"a": {"low": 1, "high": 2, "step": 0}}, "step must be above 0"),
        ({"a": {"low": "one", "high": 2}}, "finite number"),
        ({"a": {"low": True, "high": 2}}, "finite number"),
        ({"a": {"low": 1, "high": float("inf")}}, "not finite"),
        ({"a": [1], "a.b": [2]}, "below 'a'"),
        ({"a.b": [2], "a": {"b": [1]}}, "twice"),
        ({"a": {"_target_": ["x"]}}, "builds no objects"),
        ({"": [1]}, "is no name"),
        ({1: [1]}, "is no name"),
    ],
)
def test_a_wrong_space_is_refused(written: Any, said: str) -> None:
    with pytest.raises(TuneError, match=said):
        Space.parse(written)


def test_numpy_becomes_plain() -> None:
    found = plain("fixed", {"a": np.int64(3), "b": np.float64(0.5), "c": (1, np.bool_(True))})
    assert found == {"a": 3, "b": 0.5, "c": [1, True]}
    assert [type(one) for one in found.values()] == [int, float, list]


def test_a_parameter_is_fixed_or_suggested() -> None:
    space = Space.parse({"optimizer": {"lr": [1.0]}})
    fixed = {"optimizer": {"name": "sgd"}, "depth": 2}
    assert compose(fixed, space, {"optimizer.lr": 1.0, "own.name": 3}) == {
        "optimizer": {"name": "sgd", "lr": 1.0},
        "depth": 2,
        "own.name": 3,
    }
    with pytest.raises(TuneError, match="both fixed and suggested"):
        compose(fixed, space, {"depth": 3})


@pytest.mark.parametrize(
    ("number", "suggested", "name"),
    [
        (7, {"n_heads": 8, "act": "gelu", "lr": 1e-3}, "trial007-n_heads8-act.gelu"),
        (0, {"lr": 1e-3}, "trial000"),
        (0, {}, "trial000"),
        (
            12345,
            {"optimizer.name": "adam", "bias": True},
            "trial12345-optimizer__name.adam-bias.True",
        ),
        (1, {"dropout": 0.1, "size": None}, "trial001"),
    ],
)
def test_a_trials_name(number: int, suggested: dict[str, Any], name: str) -> None:
    assert trial_name(number, suggested) == name


@given(
    st.integers(0, 10**6), st.dictionaries(st.text(min_size=1, max_size=60), SCALARS, max_size=9)
)
def test_any_trial_has_a_name_that_reads_back(number: int, suggested: dict[str, Any]) -> None:
    name = trial_name(number, suggested)
    assert len(name.encode()) <= 128
    parse_name(name)
