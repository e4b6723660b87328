"""Hostile keys, values, facts and templates for the property tests of naming."""

from __future__ import annotations

import math
import struct
from typing import Any

from hypothesis import strategies as st

from lightning_expname.facts import Facts, Hparam

HOSTILE_TEXTS = [
    *["", " ", "_", "__", "___", "-", "--", ".", "..", "_x41", "__x41", "_h", "_l", "_s", "_e"],
    *["True", "False", "None", "inf", "ninf", "nan", "NaN", "null", "1", "1.0", "-1", "1e5", "1_2"],
    *["_1", "_i5", "_l.a", "_habcdefghij", "r2", "v1", "epoch", "step", "last", "v", "r", "test"],
    *["con", "PRN", "aux", "nul", "com1", "LPT9", "con.x", "a/b", "..\\..", "/etc/x", "a\x00b"],
    *["{epoch}", "a=b", "é", "e\u0301", "감정", "日本", "\u202eabc", "\ud800", "🙂", "a-b", "a--b"],
    *["gelu-tanh", "16-mixed", "v1.5", "x.", "x-", "-x", ".x", "layer2", "1e", "lr1e", "beta1"],
    *["a__b", "a_", "_a", "_a_", "encoder.dim", "a..b", "a.", ".a", "layers.0.dim", "x_x5f", "_x5"],
]
GRAMMAR_TEXT = st.text("aexhlsirv_.-015X", max_size=12)
texts = st.one_of(st.sampled_from(HOSTILE_TEXTS), GRAMMAR_TEXT, st.text(max_size=8))
numbers = st.one_of(
    st.integers(),
    st.sampled_from([0, 1, -1, 10**30, -(10**700), 2**2000, 2**2001]),
    st.floats(),
    st.sampled_from([0.0, -0.0, 1.0, 1e16, 1e-5, -1e-10, 5e-324, 1.7976931348623157e308]),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
values = st.one_of(
    scalars,
    st.lists(scalars, max_size=4),
    st.lists(numbers, max_size=4),
    st.recursive(scalars, lambda inner: st.lists(inner, max_size=3), max_leaves=5),
)
"""Everything a name can hold; `st.recursive` may nest deeper than allowed: filter by `depth`."""

fields = st.dictionaries(texts, values.filter(lambda value: depth(value) <= 4), max_size=6)


def depth(value: Any) -> int:
    """How deep lists nest; 0 for a scalar."""
    return 1 + max((depth(item) for item in value), default=0) if isinstance(value, list) else 0


def typed(value: Any) -> Any:
    """A form in which 1, 1.0, True and "1" differ, -0.0 is not 0.0 and nan equals nan."""
    if isinstance(value, float):
        return ("float", "nan" if math.isnan(value) else struct.pack(">d", value))
    if isinstance(value, (list, tuple)):
        return ("list", tuple(typed(item) for item in value))
    return (type(value).__name__, value)


def typed_fields(given: Any) -> list[tuple[str, Any]]:
    """The fields of a mapping in order, in the form of `typed`."""
    return [(key, typed(value)) for key, value in given.items()]


def example_facts(**changes: Any) -> Facts:
    """The example of the naming convention, as facts."""
    hparams = (
        Hparam("d_model", 1024, "int", default=512),
        Hparam("n_heads", 8, "int", default=8),
        Hparam("n_layers", 4, "int", default=6),
        Hparam("dropout", 0.1, "float", default=0.1),
        Hparam("act", "gelu", "categorical", default="relu"),
        Hparam("norm_first", True, "categorical", default=False),
        Hparam("pool", None, "none", default=None),
        Hparam("encoder.dim", 64, "int"),
        Hparam("seed", 7, "int"),
        Hparam("batch_size", 64, "int"),
        Hparam("warmup", 100, "int", owner="module"),
        Hparam("base_width", 32, "int", owner="inherited"),
    )
    given: dict[str, Any] = {
        "model": "MultiModalTransformer",
        "dataset": "KEMDy19",
        "hparams": hparams,
        "batch_size": 64,
        "lr": 1e-05,
        "fields": {"strategy": "ddp", "precision": "16-mixed", "devices": 2, "seed": 7},
    }
    return Facts(**{**given, **changes})


hparams = st.builds(
    Hparam,
    name=texts,
    value=st.one_of(scalars, st.lists(scalars, max_size=3)),
    kind=st.sampled_from(["int", "categorical", "float", "none"]),
    owner=st.sampled_from(["model", "model", "model", "module", "inherited"]),
    default=scalars,
)
facts = st.builds(
    Facts,
    model=texts,
    dataset=texts,
    hparams=st.lists(hparams, max_size=12, unique_by=lambda hparam: hparam.name).map(tuple),
    batch_size=st.none() | st.integers(1, 10**6),
    lr=st.none() | st.floats(),
    fields=st.dictionaries(
        st.sampled_from(["strategy", "precision", "devices", "seed", "accumulate_grad_batches"]),
        st.none() | texts.filter(bool) | st.integers(),
    ),
)
