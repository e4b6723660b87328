"""What Slack is sent stays within its limits, and says what was meant, whatever the text."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lightning_expname.alerts.blocks import (
    HEADER_MAX,
    SECTION_MAX,
    clean,
    clip,
    code,
    escape,
    fence,
    link,
    payload,
    size,
)
from lightning_expname.alerts.message import Message, spoken_seconds, to_text
from lightning_expname.testing.slack_rules import faults, markup_faults

HOSTILE = st.text(
    st.one_of(st.sampled_from("&<>;`*_~|@!#ampltg…\n\x00\x1b[m\u202e"), st.characters())
)
TEXTS = st.one_of(st.none(), HOSTILE, st.text(min_size=200, max_size=900))
OUTCOMES = ["started", "finished", "failed", "interrupted", "killed", "pruned", "summary"]
MESSAGES = st.builds(
    Message,
    mode=HOSTILE,
    outcome=st.sampled_from(OUTCOMES),
    run=TEXTS,
    project=TEXTS,
    model=TEXTS,
    dataset=TEXTS,
    seconds=st.one_of(st.none(), st.floats(0, 1e7)),
    score=st.one_of(st.none(), st.floats()),
    monitor=TEXTS,
    checkpoint=TEXTS,
    url=st.one_of(TEXTS, HOSTILE.map("https://{}".format)),
    reason=TEXTS,
    traceback=TEXTS,
    world=st.integers(1, 9),
    consequence=st.booleans(),
    within=TEXTS,
    tally=st.dictionaries(st.sampled_from(OUTCOMES), st.integers(0, 10**6)),
    host=HOSTILE,
)


@given(HOSTILE, st.integers(2, 60), st.sampled_from(["start", "end"]))
@example("&" * 20, 10, "start")
@example("a<b>c&d" * 9, 11, "end")
@example("😀" * 30, 20, "end")
def test_a_clipped_text_is_whole_escaped_and_short(text: str, limit: int, keep: str) -> None:
    clipped = clip(text, limit, keep=keep)  # type: ignore[arg-type]
    assert size(clipped) <= limit
    assert markup_faults(clipped.replace("`", "")) == []
    shown, whole = html.unescape(clipped), clean(text)
    if shown != whole:
        assert shown.strip("…") in whole
        kept = shown.removesuffix("…") if keep == "start" else shown.removeprefix("…")
        assert whole.startswith(kept) if keep == "start" else whole.endswith(kept)
        assert size(clipped) > limit - 5 - 2  # no more was cut than the largest entity


@pytest.mark.parametrize("cut", range(1, 14))
@pytest.mark.parametrize("keep", ["start", "end"])
def test_no_cut_goes_through_an_entity(cut: int, keep: str) -> None:
    clipped = clip("<a&b>c", cut + 1, keep=keep)  # type: ignore[arg-type]
    assert not re.search(r"&(?!(amp|lt|gt);)|(^|…)[a-z]{0,3};", clipped)


@given(MESSAGES)
def test_slack_takes_every_message(message: Message) -> None:
    assert faults(payload(message)) == []
    assert size(payload(message)["blocks"][0]["text"]["text"]) <= HEADER_MAX


@given(MESSAGES)
def test_a_message_survives_json(message: Message) -> None:
    import json

    if message.score == message.score:  # NaN is not equal to itself
        assert Message.from_json(json.loads(json.dumps(message.to_json()))) == message


@given(HOSTILE)
def test_code_and_fence_cannot_be_left(text: str) -> None:
    assert code(text).count("`") in (0, 2)
    assert fence(text).count("`") == 6
    assert "\n" not in code(text)


def test_of_a_long_traceback_the_end_is_kept() -> None:
    text = "Traceback\n" + "  File <x> & y\n" * 10_000 + "ValueError: the reason\n"
    shown = payload(Message("train", "failed", traceback=text))["blocks"][-1]["text"]["text"]
    assert shown.endswith("ValueError: the reason```")
    assert SECTION_MAX - 6 < size(shown) <= SECTION_MAX


def test_nobody_is_called_and_nothing_is_linked() -> None:
    message = Message("train", "failed", run="<!channel>", reason="see <http://evil|here> <@U1>")
    said = str(payload(message))
    assert "<!channel>" not in said
    assert "&lt;!channel&gt;" in said
    assert "<http" not in said
    assert "<@U1>" not in said


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://a/b|c", "https://a/ b", "https://a/>", "ftp://x", ""]
)
def test_only_addresses_become_links(url: str) -> None:
    assert not link(url, "open").startswith("<")


def test_a_link_is_a_link() -> None:
    assert link("https://wandb.ai/a/b?c=1&d", "x<y") == "<https://wandb.ai/a/b?c=1&amp;d|x&lt;y>"


def test_colours_of_a_terminal_are_gone() -> None:
    assert clean("\x1b[31mred\x1b[0m \x1b]8;;http://x\x07y\r\nz") == "red y\nz"
    assert clean("a\u202eb\u061cc\u2067d") == "abcd"  # nor does any text turn around
    assert escape("a & b") == "a &amp; b"


@pytest.mark.parametrize(
    ("seconds", "spoken"),
    [(0.2, "0 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (18_720, "5 h 12 min")],
)
def test_a_duration_is_spoken(seconds: float, spoken: str) -> None:
    assert spoken_seconds(seconds) == spoken


def test_a_message_as_plain_text() -> None:
    message = Message("test", "finished", run="bs64", score=0.5, monitor="val_acc", host="h")
    assert to_text(message) == "✅ test finished: bs64\nBest val_acc: 0.5\nHost: h"
