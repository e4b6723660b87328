"""What is a secret and what only sounds like one; and that no text can hurt the scrubber."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightning_expname.redaction import REDACTED, grade, redact, scrub, scrub_arguments

SECRET = "hunter2Xq"
HEX = "0123456789abcdef0123456789abcdef01234567"


def listed(words: str) -> list[str]:
    return words.split()


SECRET_KEYS = listed("""
    token hf_token HF_TOKEN slack_token slackToken SLACK_BOT_TOKEN access_token auth_token mytoken
    token_value accessToken refresh_tokens token2 api_token.prod use.auth_token password PASSWORD
    db_password passwd dbPwd passphrase api_key apiKey API_KEY wandb_api_key apikey openai-api-key
    access_key aws_secret_access_key secret client_secret secrets webhook slack_webhook webhook_url
    slackWebhookUrl credentials gcp_credentials creds authorization Authorization private_key
    connection_string auth jwt cookie credentials.user
""")

OPEN_KEYS = listed("""
    tokenizer tokenizer_name n_tokens num_tokens max_tokens max_new_tokens tokens_per_batch
    token_dim token_type token_embedding token_ids pad_token cls_token mask_token bos_token
    eos_token special_tokens pad_token_id class_token register_tokens tokenization detokenize
    d_model key key_dim num_keys keyboard author authors passes bypass compass secretary monkey
    hockey_key d_key lr batch_size web hook forward_hook cred accredited
""")

LEAKS = [
    "https://hooks.slack.com/services/T000/B000/{}",
    "POST https://hooks.slack.com/workflows/{} failed",
    "https://discord.com/api/webhooks/1/{}",
    "xoxb-123-456-{}",
    "token xapp-1-{} was refused",
    "Authorization: Bearer {}",
    "{{'Authorization': 'Basic {}'}}",
    "authorization: {} and more of it",
    "Bearer {}=",
    "https://me:{}@example.org/x.git",
    "https://{}@github.com/me/x.git",
    "postgresql://me:{}@db:5432/study",
    "redis://:{}@localhost",
    "https://example.org/x?a=1&token={}",
    "https://example.org/x?sig={}",
    "password={}",
    "api_key: {}",
    '{{"api_key": "{}"}}',
    "Client(token='{}', n=3)",
    "x=token={}",
    "train.py --hf-token {}",
    "train.py --password '{}' --lr 1",
    "++slack.token={}",
    "${{oc.env:SLACK_TOKEN,xoxb-1-{}}}",
    "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,E\n\n{}\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\nx-y\n{}",
    "https://me:p@{}@example.org/x.git",
    "postgres://me:p@{}@db/study",
]

TOKENS = [
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "a1B2" * 9,
    "glpat-" + "a1B2" * 5,
    "hf_" + "aBcD" * 8,
    "wandb_v1_" + "a1B2" * 9,
    "local-" + HEX,
    "sk-proj-" + "a1B2" * 9,
    "AIza" + "a1B2" * 9,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
]

HARMLESS = [
    "",
    "gelu",
    "d_model1024-n_heads8-bs64-lr1e-05",
    "n_tokens=512, tokenizer=bpe, max_tokens: 8",
    "pad_token='[PAD]'",
    "partial(AdamW, lr=0.1, weight_decay=0.05)",
    "https://wandb.ai/me/project/runs/a1b2c3d4",
    "https://example.org/x?a=1&b=2",
    "ssh://git@github.com/me/x.git",
    "git@github.com:me/x.git",
    f"commit {HEX}",
    HEX,
    "${oc.env:SLACK_TOKEN}",
    "${model.dim}",
    "a risk-based sk-learn pipeline, task-specific_head_of_the_model",
    "checkpoints/Net/Digits/d_model16-epoch3.ckpt",
    "감정/모델: 한국어",
    "CUDA error: device-side assert triggered",
]


@pytest.mark.parametrize("key", SECRET_KEYS)
def test_texts_below_a_secret_key_are_redacted(key: str) -> None:
    assert redact(SECRET, key=key) == REDACTED
    assert redact({"a": [{key: SECRET}]}) == {"a": [{key: REDACTED}]}


@pytest.mark.parametrize("key", OPEN_KEYS)
def test_what_only_sounds_like_a_secret_stays(key: str) -> None:
    assert grade(key) == "open"
    assert redact({key: "word"}) == {key: "word"}


@pytest.mark.parametrize("value", [0, 512, 1.5, True, False, None])
@pytest.mark.parametrize(
    "key", ["n_tokens", "token", "hf_token", "token_fusion", "webhook_timeout"]
)
def test_numbers_stay(key: str, value: Any) -> None:
    assert redact({key: value}) == {key: value}


def test_a_number_may_be_a_password() -> None:
    given_ = {"password": 1234, "password_length": 12, "has_password": True, "api_key": 99}
    assert redact(given_) == {**given_, "password": REDACTED, "api_key": REDACTED}


def test_special_tokens_and_plain_words_are_no_secrets() -> None:
    given_ = {
        "token": "[CLS]",
        "image_token": "<image>",
        "special_tokens": ["<s>", "</s>"],
        "token_fusion": "mean",
        "use_token": "learned",
    }
    assert redact(given_) == given_


def test_everything_below_a_secret_key_is_redacted() -> None:
    below = {"credentials": {"user": "me", "more": [SECRET, (SECRET,)]}, "webhook": {"url": SECRET}}
    assert SECRET not in str(redact(below))
    assert redact({"token": {"dim": 64, "kind": "learned"}}) == {
        "token": {"dim": 64, "kind": "learned"}
    }


def test_an_interpolation_tells_no_secret_but_its_default_may() -> None:
    assert redact({"api_key": "${oc.env:API_KEY}"}) == {"api_key": "${oc.env:API_KEY}"}
    assert redact({"api_key": f"${{oc.env:API_KEY,{SECRET}}}"}) == {"api_key": REDACTED}


@pytest.mark.parametrize(
    "allow", [["hf_token"], ["HF_TOKEN"], ["hub.hf_token"], ["*token*"], "hf_token"]
)
def test_what_the_user_allows_stays_whatever_it_looks_like(allow: Any) -> None:
    given_ = {"hub": {"hf_token": "xoxb-1-2-3"}, "password": SECRET}
    assert redact(given_, allow=allow) == {"hub": {"hf_token": "xoxb-1-2-3"}, "password": REDACTED}


@pytest.mark.parametrize("leak", LEAKS)
def test_secrets_in_free_text_are_scrubbed(leak: str) -> None:
    text = leak.format(SECRET)
    assert SECRET not in scrub(text)
    assert SECRET not in scrub(f"RuntimeError: cannot do it ({text}), retry\nnext line")
    assert SECRET not in str(redact({"callbacks": [{"note": text}], text: 1}))


@pytest.mark.parametrize("token", TOKENS)
def test_tokens_are_known_by_their_form(token: str) -> None:
    assert scrub(f"refused '{token}'.") == f"refused '{REDACTED}'."
    assert redact({"x": token}) == {"x": REDACTED}


@pytest.mark.parametrize("text", HARMLESS)
def test_usual_texts_stay_as_they_are(text: str) -> None:
    assert scrub(text) == text
    assert redact({"note": text}) == {"note": text}


def test_a_wandb_key_is_told_from_a_commit() -> None:
    assert redact({"commit": HEX, "wandb_key": HEX}) == {"commit": HEX, "wandb_key": REDACTED}
    assert HEX not in scrub(f"wandb login {HEX}")
    assert HEX not in scrub(f"WANDB_API_KEY={HEX} python train.py")


def test_a_command_line() -> None:
    words = ["train.py", "--hf-token", SECRET, f"--api-key={SECRET}", f"+slack.token={SECRET}"]
    open_ = ["n_tokens=8", "--max-tokens", "512", "--verbose", "--lr", "0.1", "--password", "12"]
    assert scrub_arguments(words) == [
        "train.py",
        "--hf-token",
        REDACTED,
        f"--api-key={REDACTED}",
        f"+slack.token={REDACTED}",
    ]
    assert scrub_arguments(open_) == [*open_[:-1], REDACTED]


def test_containers_keep_their_kind_and_self_reference_ends() -> None:
    given_: dict[str, Any] = {"list": [1], "tuple": (1, "a"), "token": ("a", "b")}
    assert redact(given_) == {**given_, "token": (REDACTED, REDACTED)}
    given_["self"] = given_
    assert redact(given_)["self"] == "<dict>"
    deep: Any = SECRET
    for _ in range(10_000):
        deep = [deep]
    assert SECRET not in repr(redact({"password": deep}))[:10_000]


def test_an_object_that_raises_is_not_told() -> None:
    class Raising(dict):
        def items(self) -> Any:
            raise RuntimeError(SECRET)

    assert SECRET not in str(redact({"a": 1, "b": Raising()}))


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(SECRET_KEYS), inner)
    ),
    max_leaves=20,
)
fragments = st.lists(
    st.sampled_from(
        [
            *" \n\"'=:,&?@/-<>$}{",
            SECRET,
            HEX,
            "token",
            "password",
            "wandb",
            "key",
            "Bearer ",
            "a.b",
            "https://",
            "Authorization: ",
            "--hf-token ",
            REDACTED,
            "xoxb-1-2",
            "sk-",
            "-----BEGIN ",
            "PRIVATE KEY-----",
            "https://hooks.slack.com/",
            "\\",
            *"()[];|",
            "pass",
            "-p ",
            "-u ",
            "a:",
            "://",
            "@b.c:d",
            "/hooks/",
            "?key=",
            "bot12345678:AA",
            "${oc.env:",
            "${TOKEN:-",
            "--tokens ",
            "use_token",
            "a, b ",
        ]
    )
    | st.text(max_size=3),
    max_size=30,
).map("".join)


@given(plain)
def test_redacting_twice_is_redacting_once(value: Any) -> None:
    once = redact(value)
    assert redact(once) == once


@given(st.text() | fragments)
def test_scrubbing_twice_is_scrubbing_once(text: str) -> None:
    once = scrub(text)
    assert scrub(once) == once


@given(st.lists(fragments))
def test_a_command_line_keeps_its_words(words: list[str]) -> None:
    assert len(scrub_arguments(words)) == len(words)


@given(st.text() | fragments, st.sampled_from(SECRET_KEYS))
def test_nothing_of_a_secret_text_is_left(text: str, key: str) -> None:
    assert redact({key: text})[key] in (REDACTED, text)
    assert redact({"password": f"{text}!"}) == {"password": REDACTED}


def test_what_is_allowed_is_allowed_everywhere() -> None:
    words = ["--my_token", "a1b2c3", "model.my_token=x", "--hf_token", "y1"]
    told = ["--my_token", "a1b2c3", "model.my_token=x", "--hf_token", REDACTED]
    assert scrub_arguments(words, ["my_token"]) == told
    assert (
        scrub("my_token=a1b2c3 hf_token=y1", ["my_token"]) == f"my_token=a1b2c3 hf_token={REDACTED}"
    )
    assert redact({"encoder.my_token": "a1b2c3"}, allow=["my_token"]) == {
        "encoder.my_token": "a1b2c3"
    }
    assert redact("my_token=a1b2c3", key="command", allow="my_*") == "my_token=a1b2c3"


def test_the_names_of_what_is_allowed_are_no_secret() -> None:
    assert redact({"not_secret": ["style_token"]}) == {"not_secret": ["style_token"]}


HOSTILE = [
    "a",
    "a.",
    "a=",
    "a='",
    'a="',
    "--a ",
    "http://",
    "https://a:",
    "Bearer ",
    "xoxb-",
    "token=",
    "sk-",
]
HOSTILE += listed("""
    a:b@ a:/ a://u: a+b:// https://a/hooks/ ?key= user:pw@host: bot1234567:AA ${a.b:token,
    ${TOKEN:- password=( password=[a, password=a, tokens=[' n_tokens= -p1aB -u:a 'a"
""")
HOSTILE += ["-p a", "-u a:", "--tokens a ", "pass: "]
HOSTILE += [
    "-----BEGIN PRIVATE KEY-----",
    "wandb ",
    "eyJ",
    "Authorization:",
    "\\",
    "'\\",
    "&sig=",
    " ",
    "key ",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_text_takes_time_in_proportion(piece: str) -> None:
    def seconds(length: int) -> float:
        text = (piece * length)[:length]
        start = time.process_time()
        scrub(text)
        return time.process_time() - start

    # A quadratic pattern takes minutes for this; the processor's time does not count other jobs.
    assert seconds(400_000) < 20


def test_what_is_announced_above_holds_below() -> None:
    assert redact("x", key="main", under=("credentials",)) == REDACTED
    assert redact(4711, key="n", under=("password",)) == REDACTED
    assert redact(12345.5, key="password") == REDACTED
    assert redact("x", key="width", under=("model", "token_embedding")) == "x"
    assert redact("x", key="a_token", under=("model",), allow=["model.*_token"]) == "x"
