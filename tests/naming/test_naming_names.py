"""Every name of a run: the convention's examples, the three steps, ordinals, modes, templates."""

from __future__ import annotations

import dataclasses
import re
from pathlib import PurePosixPath
from typing import Any

import naming_strategies as hostile
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightning_expname.errors import HparamError, NameSyntaxError
from lightning_expname.facts import Facts, Hparam
from lightning_expname.naming import NamePolicy, Names, Speech, derive_names, digest, parse_name

USERS = Speech(include=["d_model", "n_heads", "n_layers"])
POLICY = NamePolicy()
USERS_STEM = "d_model1024-n_heads8-n_layers4-bs64"


def many(count: int, *, changed: int = 0, **options: Any) -> Facts:
    """Facts with so many hyper-parameters, of which the first `changed` are off their default."""
    hparams = (
        Hparam(f"hparam_{i}x", 100 + i, "int", default=100 + i + (i < changed))
        for i in range(count)
    )
    return Facts("M", "D", tuple(hparams), **{"batch_size": 64, "lr": 1e-3, **options})


def stem_of(facts: Facts, **options: Any) -> str:
    return derive_names(facts, NamePolicy(**options)).stem


def test_the_conventions_example() -> None:
    assert derive_names(hostile.example_facts(), POLICY, USERS) == Names(
        project="MultiModalTransformer-KEMDy19",
        run="d_model1024-n_heads8-n_layers4-bs64-lr1e-05",
        stem=USERS_STEM,
        checkpoint_dir="checkpoints/MultiModalTransformer/KEMDy19",
        ordinal=1,
        checkpoint_name="d_model1024-n_heads8-n_layers4-bs64-epoch{epoch}",
        record=f"checkpoints/MultiModalTransformer/KEMDy19/{USERS_STEM}.json",
    )


def test_without_a_choice_ints_and_categoricals_are_spoken_once() -> None:
    names = derive_names(hostile.example_facts(), POLICY)
    body = "d_model1024-n_heads8-n_layers4-act.gelu-norm_first.True-encoder__dim64-bs64"
    assert (names.stem, names.run) == (body, f"{body}-lr1e-05")


def test_a_hyperparameter_is_spoken_when_the_fact_is_unknown() -> None:
    facts = hostile.example_facts(batch_size=None)
    assert derive_names(facts, POLICY).stem.endswith("-encoder__dim64-batch_size64")


def test_an_ordinal_ends_the_stem_and_so_stands_in_every_name() -> None:
    names = derive_names(hostile.example_facts(), POLICY, USERS, ordinal=2)
    assert (names.stem, names.ordinal) == (f"{USERS_STEM}-r2", 2)
    assert names.run == f"{USERS_STEM}-r2-lr1e-05"
    assert names.checkpoint_name == f"{USERS_STEM}-r2-epoch{{epoch}}"
    assert names.record.endswith(f"/{USERS_STEM}-r2.json")
    assert parse_name(names.run).ordinal == 2


@pytest.mark.parametrize("ordinal", [0, -1, 100_000, True, 2.0, "2", None])
def test_an_ordinal_has_a_range(ordinal: Any) -> None:
    with pytest.raises(NameSyntaxError, match="the ordinal is"):
        derive_names(many(1), POLICY, ordinal=ordinal)


def test_a_mode_ends_stem_and_run() -> None:
    names = derive_names(hostile.example_facts(), POLICY, USERS, ordinal=2, mode="test")
    assert names.stem == f"{USERS_STEM}-test-r2"
    assert names.run == f"{USERS_STEM}-r2-lr1e-05-test"
    assert parse_name(names.run).labels == ("test",)


def test_a_template_that_says_the_mode_says_it_once() -> None:
    facts = many(1)
    in_stem = derive_names(facts, NamePolicy(stem="{mode}-{hparams}"), mode="test")
    assert (in_stem.stem, in_stem.run) == ("test-hparam_0x100", "test-hparam_0x100-lr0.001")
    in_run = derive_names(facts, NamePolicy(run="{mode}-{stem}"), mode="test")
    assert (in_run.stem, in_run.run) == ("hparam_0x100-bs64-test", "test-hparam_0x100-bs64")


@pytest.mark.parametrize("mode", ["", "a" * 17])
def test_a_mode_is_a_short_word(mode: str) -> None:
    with pytest.raises(NameSyntaxError):
        derive_names(many(1), POLICY, mode=mode)


def test_step_one_all_fields_while_they_fit() -> None:
    assert stem_of(many(2, changed=1)) == "hparam_0x100-hparam_1x101-bs64"


def test_step_two_only_what_is_off_its_default() -> None:
    assert stem_of(many(20, changed=2)) == "hparam_0x100-hparam_1x101-bs64"
    assert stem_of(many(20)) == "bs64"


def test_step_three_whole_fields_and_a_digest_of_all() -> None:
    facts = many(20, changed=20)
    told = digest({hparam.name: hparam.value for hparam in facts.hparams})
    fields = "-".join(f"hparam_{i}x{100 + i}" for i in range(6))
    assert stem_of(facts) == f"{fields}-bs64-_h{told}"


def test_show_defaults_fixes_the_first_two_steps() -> None:
    assert stem_of(many(3, changed=1), show_defaults=False) == "hparam_0x100-bs64"
    assert parse_name(stem_of(many(20, changed=2), show_defaults=True)).digest is not None
    assert parse_name(stem_of(many(20, changed=20), show_defaults=False)).digest is not None


def test_all_ordinals_show_the_same_fields() -> None:
    for count in range(1, 12):
        stems = [derive_names(many(count), POLICY, ordinal=n).stem for n in (1, 2, 99_999)]
        assert [stem.removeprefix(stems[0]) for stem in stems] == ["", "-r2", "-r99999"]


def test_types_tell_runs_apart_although_they_are_equal() -> None:
    def one(value: Any, default: Any) -> str:
        return stem_of(
            Facts("M", "D", (Hparam("x", value, "int", default=default),)), show_defaults=False
        )

    assert (one(1, 1), one(1, True), one(True, 1)) == ("default", "x1", "x.True")


@pytest.mark.parametrize(
    ("lr", "digits", "shown"),
    [
        (3.489658913104141e-05, 4, "lr3.49e-05"),
        (3.489658913104141e-05, 6, "lr3.48966e-05"),
        (3.489658913104141e-05, 17, "lr3.489658913104141e-05"),
        (1e-05, 4, "lr1e-05"),
        (0.001, 4, "lr0.001"),
        (0.00012345, 1, "lr0.0001"),
        (1, 4, "lr1.0"),
        (1e20, 4, "lr1e20"),
        (float("inf"), 4, "lr.inf"),
        (float("nan"), 4, "lr.nan"),
    ],
)
def test_the_learning_rate_has_few_digits_and_reads_back(
    lr: float, digits: int, shown: str
) -> None:
    run = derive_names(many(0, lr=lr), NamePolicy(float_digits=digits)).run
    assert run == f"bs64-{shown}"
    assert list(parse_name(run)) == ["bs", "lr"]


def test_what_is_unknown_is_left_out_with_its_key() -> None:
    facts = many(0, batch_size=None, lr=None)
    assert derive_names(facts, POLICY).run == "default"
    assert derive_names(facts, NamePolicy(stem="exp-bs{batch_size}-{strategy}")).stem == "exp"
    path = NamePolicy(checkpoint="{strategy}/{model}-{precision}/{stem}/{seed}/epoch{epoch}")
    names = derive_names(facts, path)
    assert names.checkpoint_dir == "checkpoints/M/default"
    assert (names.record, names.checkpoint_name) == ("checkpoints/M/default.json", "epoch{epoch}")


def test_the_layout_with_a_folder_for_each_stem() -> None:
    policy = NamePolicy(checkpoint="{model}/{dataset}/{strategy}/{stem}/epoch{epoch}")
    names = derive_names(hostile.example_facts(), policy, USERS)
    above = "checkpoints/MultiModalTransformer/KEMDy19/ddp"
    assert names.checkpoint_dir == f"{above}/{USERS_STEM}"
    assert names.record == f"{above}/{USERS_STEM}.json"
    assert names.checkpoint_name == "epoch{epoch}"


def test_a_prefix_of_the_stem_belongs_to_its_record() -> None:
    names = derive_names(many(0), NamePolicy(checkpoint="{model}/{dataset}-{stem}-x/{step}"))
    assert names.record == "checkpoints/M/D-bs64.json"
    assert (names.checkpoint_dir, names.checkpoint_name) == ("checkpoints/M/D-bs64-x", "step{step}")


@pytest.mark.parametrize(
    ("behind", "shown"),
    [
        ("-epoch{epoch:03d}-step{step}", "-epoch{epoch:03d}-step{step}"),
        ("-val_acc{val_acc:.3f}", "-val_acc{val_acc:.3f}"),
        ("-{val_acc:.3f}", "-val_acc{val_acc:.3f}"),
        ("-{metrics.val/loss}", "-val_loss{val/loss:.4f}"),
        ("-acc{metrics.val_acc:.2f}", "-acc{val_acc:.2f}"),
        ("-{top1:.3f}", "-top1._{top1:.3f}"),
        ("-top1{top1:.3f}", "-top1._{top1:.3f}"),
        ("-{seed}-{epoch}", "-seed7-epoch{epoch}"),
    ],
)
def test_placeholders_are_left_to_lightning(behind: str, shown: str) -> None:
    facts = many(0, fields={"seed": 7})
    name = derive_names(facts, NamePolicy(checkpoint="{model}/{stem}" + behind)).checkpoint_name
    assert name == f"bs64{shown}"
    filled = parse_name(re.sub(r"\{([^}:]*)[^}]*\}", "12", name))
    assert 12 in filled.values()


@pytest.mark.parametrize(
    ("stem", "shown"),
    [
        ("{strategy}-{precision}-{devices}", "ddp-precision.16--mixed-devices2"),
        ("prec{precision}-on{devices}", "prec.16--mixed-on2"),
        ("bs{batch_size}x{devices}", "bs.64x2"),
        ("{batch_size}x{devices}", "batch_size.64x2"),
        ("exp-{hparams.d_model}-dim{encoder.dim}", "exp-d_model1024-dim64"),
        ("{hparams.act}-drop{hparams.pool}-{hparams.dropout}", "gelu-drop.None-dropout0.1"),
        ("{dataset}-{mode}", "KEMDy19_-train"),
    ],
)
def test_templates_speak_typed_fields_and_words(stem: str, shown: str) -> None:
    assert stem_of(hostile.example_facts(), stem=stem) == shown
    parse_name(shown)


def test_what_a_template_says_is_not_said_again() -> None:
    facts = hostile.example_facts()
    fields = parse_name(stem_of(facts, stem="{hparams}-d{hparams.d_model}-e{encoder.dim}"))
    assert "d_model" not in fields and "encoder.dim" not in fields
    assert (fields["d"], fields["e"]) == (1024, 64)


def test_a_hyperparameter_under_a_key_of_the_template_still_reads_back() -> None:
    hparams = (Hparam("bs", 32, "int"), Hparam("lr", 0.5, "float"), Hparam("epoch", 3, "int"))
    facts = Facts("M", "D", hparams, batch_size=64, lr=0.001)
    names = derive_names(facts, POLICY, Speech(include=["bs", "lr", "epoch"]))
    told = {"hparams.bs": 32, "hparams.lr": 0.5, "epoch": 3, "bs": 64, "lr": 0.001}
    assert parse_name(names.run) == told


def test_a_template_with_a_missing_hyperparameter_is_told_with_the_nearest() -> None:
    with pytest.raises(HparamError, match=r"\{hparams.d_modle\}: .*did you mean 'd_model'"):
        stem_of(hostile.example_facts(), stem="{hparams.d_modle}")


def test_a_dict_among_the_spoken_names_its_field() -> None:
    facts = Facts("M", "D", (Hparam("cfg", {"a": 1}, "other"),))
    assert derive_names(facts, POLICY).stem == "default"
    with pytest.raises(NameSyntaxError, match="'cfg': a dict"):
        derive_names(facts, POLICY, Speech(include=["cfg"]))


def test_long_fields_of_the_run_press_the_stem_not_themselves() -> None:
    policy = NamePolicy(run="{stem}-lr{lr}-{strategy}-{precision}-seed{seed}")
    fields = {"strategy": "deepspeed", "precision": "bf16-mixed", "seed": 12345}
    names = derive_names(many(20, changed=20, fields=fields), policy, ordinal=3, mode="test")
    assert names.run.endswith("-r3-lr0.001-deepspeed-bf16--mixed-seed12345-test")
    assert len(names.run) <= 128


def test_names_of_models_and_datasets_in_any_script() -> None:
    facts = Facts("감정모델", "감정 데이터/v2", batch_size=64)
    names = derive_names(facts, POLICY)
    assert names.project == "감정모델-감정_데이터_v2"
    assert names.checkpoint_dir == "checkpoints/감정모델/감정_데이터_v2"


POLICIES = st.builds(
    NamePolicy,
    max_bytes=st.integers(24, 110),
    show_defaults=st.sampled_from(["auto", True, False]),
    stem=st.sampled_from(
        [
            "{hparams}-bs{batch_size}",
            "{hparams}",
            "{strategy}-{precision}-{hparams}-x{devices}x{seed}",
        ]
    ),
    run=st.sampled_from(["{stem}-lr{lr}", "{hparams}-{seed}", "{model}-{stem}-{dataset}"]),
    checkpoint=st.sampled_from(
        [
            "{model}/{dataset}/{stem}-epoch{epoch}",
            "{model}-{strategy}/{precision}/{dataset}-{stem}/epoch{epoch}-{precision}",
            "{stem}-{dataset}-{val_acc:.3f}",
        ]
    ),
)


@given(
    hostile.facts, POLICIES, st.integers(1, 99_999), st.sampled_from(["train", "test", "validate"])
)
def test_any_facts_have_safe_names(
    facts: Facts, policy: NamePolicy, ordinal: int, mode: str
) -> None:
    names = derive_names(facts, policy, ordinal=ordinal, mode=mode)
    assert len(names.stem) <= policy.max_bytes and len(names.run) <= 128
    for text in (names.stem, names.run):
        assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9._-]*[A-Za-z0-9_]", text)
        assert parse_name(text).ordinal in (ordinal, None)
    assert parse_name(names.stem).ordinal == (None if ordinal == 1 else ordinal)
    assert len(names.project) <= 128 and not set(names.project) & set("/\\#?%:")
    for path in (PurePosixPath(names.checkpoint_dir), PurePosixPath(names.record)):
        assert path.parts[0] == "checkpoints" and ".." not in path.parts
        assert all(len(part.encode()) <= 215 for part in path.parts)
    assert len(names.checkpoint_name.encode()) <= 215


@given(hostile.facts)
def test_spoken_fields_are_fields_of_the_facts(facts: Facts) -> None:
    given_fields = {hparam.name: hostile.typed(hparam.value) for hparam in facts.hparams}
    parsed = parse_name(derive_names(facts, NamePolicy(stem="{hparams}")).stem)
    assert all(given_fields[key] == hostile.typed(value) for key, value in parsed.items())


def test_names_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        derive_names(many(1), POLICY).stem = "x"  # type: ignore[misc]
