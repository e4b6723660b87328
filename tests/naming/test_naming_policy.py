"""Policies and speeches are checked when they are set; every problem is told at once."""

from __future__ import annotations

import dataclasses
from typing import Any

import naming_strategies as hostile
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightning_expname.errors import HparamError, TemplateError
from lightning_expname.facts import Hparam
from lightning_expname.naming import RUN_CONTROL, NamePolicy, Speech, is_run_control

BAD_TEMPLATES = [
    ("stem", "{hparam}-bs{batch_size}", "unknown field {hparam}"),
    ("stem", "{stem}", "{stem} cannot stand in stem"),
    ("stem", "{hparams}-epoch{epoch}", "{epoch} cannot stand in stem"),
    ("stem", "{hparams}-{val_acc:.3f}", "{val_acc} cannot stand in stem"),
    ("stem", "x{hparams}", "must stand alone"),
    ("stem", "{hparams}-", "stands at an end"),
    ("stem", "{hparams}--bs{batch_size}", "beside another one"),
    ("stem", "{hparams}/x", "only checkpoint may hold '/'"),
    ("stem", "{hparams", "braces do not match"),
    ("stem", "hparams}", "braces do not match"),
    ("stem", "{{hparams}}", "holds more than"),
    ("stem", "{}", "unknown field {}"),
    ("stem", "{hparams[0]}", "unknown field"),
    ("stem", "{model!r}", "unknown field {model!r}"),
    ("stem", "{hparams.}", "not the plain name"),
    ("stem", "", "not empty"),
    ("stem", None, "not empty"),
    ("stem", "{hparams}-b s{batch_size}", "holds more than"),
    ("stem", "{hparams}-bs={batch_size}", "holds more than"),
    ("stem", "{hparams}-r2", "no word that can be read back"),
    ("stem", "{hparams}-64", "no word that can be read back"),
    ("stem", "{hparams}-v{batch_size}", "kept for what stands behind"),
    ("stem", "{hparams}-_x{batch_size}", "cannot be a key"),
    ("stem", "{hparams}-2x{batch_size}", "cannot be a key"),
    ("stem", "con", "no word that can be read back"),
    ("checkpoint", "{stem}/com{epoch}", "cannot be a key"),
    ("run", "{stem}-lr{lr:.2e}", "only {epoch}, {step} and metrics take a format"),
    ("run", "{stem}-{epoch}", "{epoch} cannot stand in run"),
    ("project", "{stem}", "{stem} cannot stand in project"),
    ("project", "{hparams}", "{hparams} cannot stand in project"),
    ("project", "{model}/{dataset}", "only checkpoint may hold '/'"),
    ("checkpoint", "{model}/epoch{epoch}", "must contain {stem}"),
    ("checkpoint", "{stem}/{stem}", "exactly once"),
    ("checkpoint", "a{stem}", "must stand alone"),
    ("checkpoint", "{epoch}/{stem}", "only behind {stem}"),
    ("checkpoint", "{epoch}-{stem}", "only behind {stem}"),
    ("checkpoint", "{stem}-epoch{epoch}/x", "in the last segment"),
    ("checkpoint", "/{stem}", "relative path"),
    ("checkpoint", "../{stem}", "relative path"),
    ("checkpoint", "a\\{stem}", "relative path"),
    ("checkpoint", "{stem}//x", "beside another one"),
    ("checkpoint", "{stem}/", "stands at an end"),
    ("checkpoint", "{stem}-{val_acc}", "unknown field {val_acc}"),
    ("checkpoint", "{stem}-{val_acc:.3e}", "format of a metric"),
    ("checkpoint", "{stem}-{val_acc:>9}", "format of a metric"),
    ("checkpoint", "{stem}-v{step}", "kept for what stands behind"),
]


@pytest.mark.parametrize(("option", "template", "told"), BAD_TEMPLATES)
def test_a_bad_template_fails_when_it_is_set(option: str, template: Any, told: str) -> None:
    with pytest.raises(TemplateError) as caught:
        NamePolicy(**{option: template})
    assert told in str(caught.value)
    assert f"{option}={template!r}" in str(caught.value)
    assert "{accumulate_grad_batches}" in str(caught.value)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(TemplateError) as caught:
        NamePolicy(stem="{a}-{b}", run="{c}", max_bytes=3, float_digits=0, show_defaults="yes")  # type: ignore[arg-type]
    for told in (
        "{a}",
        "{b}",
        "{c}",
        "max_bytes is 3",
        "float_digits is 0",
        "show_defaults is 'yes'",
    ):
        assert told in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"run": "{stem}-bs{batch_size}"},
        {"stem": "x{devices}-x{seed}"},
        {"checkpoint": "{stem}-bs{step}"},
        {"checkpoint": "{stem}/epoch{epoch}-{epoch}"},
        {"stem": "{seed}", "run": "{stem}-{seed}"},
    ],
)
def test_no_key_is_spoken_twice(options: dict[str, Any]) -> None:
    with pytest.raises(TemplateError, match="twice; give one another key"):
        NamePolicy(**options)


@pytest.mark.parametrize(
    "options",
    [{"max_bytes": value} for value in (23, 111, True, 50.0, None)]
    + [{"float_digits": value} for value in (0, 18, False, 4.0)]
    + [{"show_defaults": value} for value in (None, 1, "Auto")],
)
def test_numbers_have_a_range(options: dict[str, Any]) -> None:
    with pytest.raises(TemplateError, match=next(iter(options))):
        NamePolicy(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"checkpoint": "{model}/{dataset}/{strategy}/{stem}/epoch{epoch}"},
        {"checkpoint": "{stem}-epoch{epoch:03d}-step{step}-{val_acc:.3f}-{metrics.val/loss}"},
        {"checkpoint": "runs/{mode}-{stem}"},
        {"stem": "exp-{hparams.d_model}-dim{encoder.dim}-{seed}"},
        {"stem": "bs.{batch_size}x{devices}x{accumulate_grad_batches}"},
        {"run": "{hparams}-{mode}", "project": "team.{model}"},
        {"max_bytes": 24, "float_digits": 17, "show_defaults": False},
    ],
)
def test_good_templates_pass_and_survive_a_dict(options: dict[str, Any]) -> None:
    policy = NamePolicy(**options)
    assert NamePolicy.of(options) == policy == NamePolicy.of(policy)
    assert NamePolicy.of(dataclasses.asdict(policy)) == policy
    with pytest.raises(dataclasses.FrozenInstanceError):
        policy.stem = "x"  # type: ignore[misc]


def test_of_takes_none_and_refuses_what_it_does_not_know() -> None:
    assert NamePolicy.of(None) == NamePolicy.of({}) == NamePolicy()
    with pytest.raises(TemplateError, match=r"'stam'.*valid: project, stem, run, checkpoint"):
        NamePolicy.of({"stam": "x"})
    with pytest.raises(TemplateError, match="policy is a str"):
        NamePolicy.of("{hparams}")  # type: ignore[arg-type]


@given(st.text("{}hparmsel_.:-/3fx\\ ", max_size=30))
def test_any_template_is_taken_or_refused(template: str) -> None:
    for option in ("project", "stem", "run", "checkpoint"):
        try:
            policy = NamePolicy.of({option: template})
        except TemplateError as error:
            assert "valid fields" in str(error)
        else:
            assert getattr(policy, option) == template


HPARAMS = hostile.example_facts().hparams


def spoken(speech: Speech, *, said: tuple[str, ...] = ()) -> list[str]:
    return [hparam.name for hparam in speech.select(HPARAMS, said=said)]


def test_ints_and_categoricals_of_the_model_are_spoken() -> None:
    names = ["d_model", "n_heads", "n_layers", "act", "norm_first", "encoder.dim"]
    assert spoken(Speech()) == [*names, "batch_size"]
    assert spoken(Speech(), said=("batch_size",)) == names
    assert spoken(Speech(), said=("encoder.dim", "batch_size")) == names[:-1]
    assert "seed" in RUN_CONTROL
    for name in ("model.seed", "reduce_on_plateau_patience", "T_max", "n_warmup_steps", "patience"):
        assert is_run_control(name)
    assert not is_run_control("patience_dim")
    assert not is_run_control("warmup")


def test_none_is_spoken_unless_it_is_the_default() -> None:
    pool = Hparam("pool", None, "none", default="mean")
    assert Speech().select([pool, Hparam("drop", None, "none", default=None)]) == (pool,)


def test_include_is_exact_and_ordered_and_takes_any_kind_and_owner() -> None:
    names = ["warmup", "dropout", "batch_size", "d_model"]
    assert spoken(Speech(include=names), said=("batch_size",)) == names
    assert spoken(Speech(include=[])) == []


def test_exclude_and_aliases_change_names() -> None:
    speech = Speech(exclude=["act", "n_heads"], aliases={"d_model": "d", "encoder.dim": "enc"})
    assert spoken(speech, said=("batch_size",)) == ["d", "n_layers", "norm_first", "enc"]


@pytest.mark.parametrize(
    "options", [{"include": ["d_modle"]}, {"exclude": ["d_modle"]}, {"aliases": {"d_modle": "d"}}]
)
def test_a_name_that_does_not_exist_is_told_with_the_nearest(options: dict[str, Any]) -> None:
    with pytest.raises(HparamError) as caught:
        Speech(**options).select(HPARAMS)
    assert f"{next(iter(options))}: no hyper-parameter 'd_modle'" in str(caught.value)
    assert "did you mean 'd_model'?" in str(caught.value)
    assert "n_heads, n_layers, dropout" in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        *[
            {"aliases": {"d_model": text}}
            for text in ("", " ", "a-b", "a.b", "é", "1d", "_d", "a__b")
        ],
        *[{"aliases": {"d_model": text}} for text in ("epoch", "r", "v", None, 3)],
        {"aliases": {"d_model": "d", "n_heads": "d"}},
        {"aliases": {1: "d"}},
        {"aliases": ["d_model"]},
        {"include": "d_model"},
        {"include": 3},
        {"include": [1]},
        {"include": ["act", "act"]},
        {"exclude": "act"},
        {"include": ["act"], "exclude": ["act"]},
    ],
)
def test_a_bad_choice_fails_when_it_is_set(options: dict[str, Any]) -> None:
    with pytest.raises(HparamError):
        Speech(**options)


def test_an_alias_may_not_be_another_spoken_name() -> None:
    with pytest.raises(HparamError, match="two hyper-parameters would be spoken as 'n_heads'"):
        Speech(aliases={"d_model": "n_heads"}).select(HPARAMS)
    swapped = Speech(aliases={"d_model": "n_heads", "n_heads": "d_model"}, include=["n_heads"])
    assert spoken(swapped) == ["d_model"]
