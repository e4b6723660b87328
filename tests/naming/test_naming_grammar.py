"""Names read back, typed; they stay in their alphabet; every bad input is answered."""

from __future__ import annotations

import enum
import pickle
import re
from typing import Any

import naming_strategies as hostile
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightning_expname.errors import ExpNameError, NameSyntaxError
from lightning_expname.naming import (
    RESERVED,
    ParsedName,
    digest,
    format_field,
    format_label,
    format_name,
    parse_name,
)

ALPHABET = re.compile(r"[A-Za-z0-9._-]+")
NO_LIMIT = 10**6


@given(hostile.fields)
def test_names_read_back_with_their_types(fields: dict[str, Any]) -> None:
    name = format_name(fields, max_bytes=NO_LIMIT)
    parsed = parse_name(name)
    assert hostile.typed_fields(parsed) == hostile.typed_fields(fields)
    assert (parsed.ordinal, parsed.digest, parsed.suffix) == (None, None, {})


@given(st.lists(st.tuples(hostile.texts, hostile.scalars), min_size=2, max_size=2))
def test_two_fields_never_share_a_text(pair: list[tuple[str, Any]]) -> None:
    first, second = pair
    same = (first[0], hostile.typed(first[1])) == (second[0], hostile.typed(second[1]))
    assert (format_field(*first) == format_field(*second)) is same


@given(hostile.fields, st.integers(12, 128))
def test_alphabet_ends_and_budget(fields: dict[str, Any], max_bytes: int) -> None:
    name = format_name(fields, max_bytes=max_bytes)
    assert ALPHABET.fullmatch(name)
    assert len(name.encode()) <= max_bytes
    assert name[0] not in "-." and name[-1] not in "-."


@given(hostile.fields, st.integers(12, 60))
def test_fields_are_dropped_whole_and_never_cut(fields: dict[str, Any], max_bytes: int) -> None:
    parsed = parse_name(format_name(fields, max_bytes=max_bytes))
    shown, given_fields = hostile.typed_fields(parsed), hostile.typed_fields(fields)
    assert shown == [pair for pair in given_fields if pair in shown]
    assert parsed.digest == (None if len(shown) == len(fields) else digest(fields))


@given(hostile.fields, st.randoms(use_true_random=False))
def test_digest_ignores_order_and_only_order(fields: dict[str, Any], random: Any) -> None:
    pairs = list(fields.items())
    random.shuffle(pairs)
    assert digest(dict(pairs)) == digest(fields)
    assert digest({**fields, "one_more": 1}) != digest({**fields, "one_more": 1.0})


@given(hostile.texts.filter(bool), hostile.fields)
def test_labels_stand_among_fields(label: str, fields: dict[str, Any]) -> None:
    name = f"{format_name({'a': 1, **fields}, max_bytes=NO_LIMIT)}-{format_label(label)}-r3-epoch7"
    parsed = parse_name(name)
    assert parsed.labels == (label,)
    assert (parsed.ordinal, parsed.suffix) == (3, {"epoch": 7})


@given(st.integers(0, 999), st.integers(0, 999), st.from_regex("[a-z0-9]{6}", fullmatch=True))
def test_a_selection_of_features_is_a_label_as_it_stands(n: int, m: int, digest: str) -> None:
    label = f"{n}of{m}features-{digest}"
    assert format_label(label) == label
    for name in (f"{label}-num_folds10-r2", f"act.gelu-{label}-num_folds10-r2"):
        parsed = parse_name(name)
        assert (parsed.labels, parsed["num_folds"], parsed.ordinal) == ((label,), 10, 2)
    assert parse_name(format_field("a", f"b-{label}"))["a"] == f"b-{label}"


@given(st.text("aexhlsirv_.-015X", max_size=20) | st.text(max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parsed = parse_name(text)
    except NameSyntaxError as error:
        assert repr(text)[:5] in str(error)
    else:
        again = parse_name(format_name(parsed, max_bytes=NO_LIMIT))
        assert hostile.typed_fields(again) == hostile.typed_fields(parsed)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"d_model": 1024, "n_heads": 8, "n_layers": 4}, "d_model1024-n_heads8-n_layers4"),
        ({"act": "gelu", "norm_first": True}, "act.gelu-norm_first.True"),
        ({"beta1": 0.9, "lr": 1e-05, "pad": -1}, "beta1._0.9-lr1e-05-pad-1"),
        ({"encoder.dim": 64, "encoder_dim": 64}, "encoder__dim64-encoder_dim64"),
        ({"hidden": (256, 128), "kinds": ["conv", "attn"]}, "hidden.256_128-kinds._l.conv.attn"),
        ({"precision": "16-mixed", "ds": "allenai/c4"}, "precision.16--mixed-ds.allenai_x2fc4"),
        ({"lambda_": 0.5, "drop": None, "name": "None"}, "lambda_0.5-drop.None-name._x4eone"),
        ({}, "default"),
    ],
)
def test_names_are_readable(fields: dict[str, Any], name: str) -> None:
    assert format_name(fields) == name


@pytest.mark.parametrize(
    "values", [(1, 1.0, True, "1", "_1"), (None, "None"), (0.0, -0.0, 0, False)]
)
def test_equal_looking_values_have_different_names(values: tuple[Any, ...]) -> None:
    assert len({format_name({"x": value}) for value in values}) == len(values)


def test_tuples_read_back_as_lists_and_subclasses_as_their_base() -> None:
    class Size(int, enum.Enum):
        BIG = 3

    class Act(str, enum.Enum):
        GELU = "gelu"

    assert parse_name(format_name({"k": (3, 5), "n": ((1,),)})) == {"k": [3, 5], "n": [[1]]}
    assert format_name({"size": Size.BIG, "act": Act.GELU}) == "size3-act.gelu"


@pytest.mark.parametrize("value", [{"a": 1}, {1, 2}, b"x", object(), 1j, [{}], [b"x"], len])
def test_a_value_that_cannot_be_written_names_field_type_and_remedy(value: Any) -> None:
    with pytest.raises(NameSyntaxError) as caught:
        format_name({"fine": 1, "encoder.bad": value})
    culprit = value[0] if isinstance(value, list) else value
    assert "'encoder.bad'" in str(caught.value)
    assert type(culprit).__name__ in str(caught.value)
    assert "allowed are bool, int, float, str, None" in str(caught.value)
    assert isinstance(caught.value, (ExpNameError, ValueError))


def test_a_list_within_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(NameSyntaxError, match="'x': lists nest at most 4 deep"):
        format_name({"x": endless})


@pytest.mark.parametrize("key", [1, None, ("a",), b"a"])
def test_a_key_is_a_text(key: Any) -> None:
    with pytest.raises(NameSyntaxError, match="keys of fields are texts"):
        format_name({key: 1})


@pytest.mark.parametrize("max_bytes", [0, 11, -1, True, 50.0, "110", None])
def test_a_budget_without_room_for_a_digest_is_refused(max_bytes: Any) -> None:
    with pytest.raises(NameSyntaxError, match="max_bytes"):
        format_name({"a": 1}, max_bytes=max_bytes)


def test_one_long_text_does_not_take_other_fields_along() -> None:
    fields = {"prompt": "x" * 300, "d_model": 64, "act": "gelu"}
    assert format_name(fields) == f"d_model64-act.gelu-_h{digest(fields)}"


def test_sixty_hyperparameters_keep_the_first_whole_ones() -> None:
    fields = {f"hparam_{i}x": 1000 + i for i in range(60)}
    parsed = parse_name(format_name(fields))
    assert list(parsed.items()) == list(fields.items())[: len(parsed)]
    assert len(parsed) == 7
    assert digest({**fields, "hparam_59x": 0}) != parsed.digest


@pytest.mark.parametrize("key", sorted(RESERVED))
def test_a_hyperparameter_is_never_taken_for_what_follows_a_stem(key: str) -> None:
    name = format_name({key: 2})
    assert parse_name(name) == {key: 2}
    parsed = parse_name(f"{name}-r5-epoch3-step9-v1-last")
    assert parsed[key] == 2
    assert parsed.suffix == {"epoch": 3, "step": 9, "v": 1}
    assert (parsed.ordinal, parsed.labels) == (5, ("last",))


def test_what_follows_a_stem_is_among_the_fields() -> None:
    parsed = parse_name("d_model8-r2-lr3.49e-05-test-epoch013-val_acc0.900")
    assert parsed == {"d_model": 8, "lr": 3.49e-05, "epoch": 13, "val_acc": 0.9}
    assert (parsed.ordinal, parsed.labels) == (2, ("test",))


@pytest.mark.parametrize(
    "text",
    [
        *["", " ", "-a1", ".a1", "a1-", "a.", "1a", "a b", "a/b", "épée", "epoch=3-step=10", "a\n"],
        *[
            "a1-a2",
            "a.b-a.c",
            "r1",
            "r0",
            "r2.0",
            "a1-r2-r3",
            "_habc",
            "_foo",
            "a._z",
            "_x",
            "a-b--",
        ],
        *[
            "epoch3-epoch4",
            "_habcdefghij-_habcdefghij",
            "a._xff",
            "a.b-20",
            "a--",
            "_x8o",
            "x._l..a",
        ],
        *["a" + "9" * 5000, "k._l.", "a_.-b"],
    ],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(NameSyntaxError):
        parse_name(text)


@pytest.mark.parametrize("text", [None, 3, b"a1", ["a1"]])
def test_a_name_is_a_text(text: Any) -> None:
    with pytest.raises(NameSyntaxError, match="is no name"):
        parse_name(text)


DEVICES = [
    "con",
    "PRN",
    "Aux",
    "nul",
    *(f"{port}{i}" for port in ("com", "LPT") for i in range(10)),
]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("value", [1, "x", True, 0.5, None, [1, 2]])
def test_no_name_is_a_windows_device(device: str, value: Any) -> None:
    for fields in ({device: value}, {device[:3]: int(device[3:] or 0)}, {device: value, "b": 1}):
        name = format_name(fields)
        assert name.partition(".")[0].lower() not in {text.lower() for text in DEVICES}
        assert parse_name(name) == fields
    assert format_label(device).lower() not in {text.lower() for text in DEVICES}


def test_a_parsed_name_survives_pickle() -> None:
    parsed = parse_name("a1-test-r2")
    again = pickle.loads(pickle.dumps(parsed))
    assert isinstance(again, ParsedName)
    assert (again, again.labels, again.ordinal) == ({"a": 1}, ("test",), 2)
