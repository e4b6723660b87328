"""Ways in which secrets once got through, and their innocent neighbours, table by table."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from lightning_expname.redaction import REDACTED, redact, scrub, scrub_arguments

SECRET, OTHER, THIRD = "hunter2Xq", "Tr0ub4dor", "corr3ctHorse"
TOKEN = "a1B2" * 9


def told(value: Any) -> str:
    return str(redact(value))


COMMANDS = [
    f"--password -{SECRET}",
    f"--password -{SECRET} --lr 0.1",
    f"--api-key -x{SECRET}",
    f"--hf-token -{SECRET}",
    f"--tokens {SECRET} {OTHER} {THIRD}",
    f"--tokens {SECRET} {OTHER} {THIRD} --lr 0.1",
    f"--password -p {SECRET}",
    f"--passwords={SECRET}",
    f"--pass {SECRET}",
    f"--db_pass {SECRET}",
    f"--db-pass={SECRET}",
    "--db-pass 123456789",
    f"--pw {SECRET}",
    f"--pin {SECRET}",
    "--pin 123456789",
    f"--sas {SECRET}",
    f"-p {SECRET}",
    f"-p{SECRET}",
    f"-p={SECRET}",
    "-p 123456789",
    f"--wandb-key {SECRET}",
    f"--wandb_key={SECRET}",
    f"wandb.key={SECRET}",
    f"--aws-key {SECRET}",
    f"--use_token={SECRET}",
    f"--use_token {SECRET}",
    f"--with-token {SECRET}",
    f"--max_tokens={SECRET}",
    f"--pad_token={SECRET}",
    f"-u user:{SECRET}",
    f"-uuser:{SECRET}",
    f"--user user:{SECRET}",
    f"--user=user:{SECRET}",
    f"--proxy-user user:{SECRET}",
    f"clone git:{SECRET}@host.org:me/x.git",
    f"clone {SECRET}@host.org:me/x.git",
    f"--otp {SECRET}",
    f"--mysql_pwd {SECRET}",
    f"--dbpassword {SECRET}",
]
SAFE_COMMANDS = [
    "num_tokens=1000",
    "tokenizer=bert",
    "--tokenizer bert-base-uncased",
    "--key_dim 64",
    "--n_keys 4",
    "--pin_memory true",
    "--pin-memory True --lr 0.1",
    "pin_memory=True",
    "passes=3",
    "--passes 3 --first-pass 2",
    "--pass_through conv2D",
    "--max_tokens 8k",
    "--max_tokens=1_000_000",
    "-p 8080",
    "-p 0.5",
    "-p /data/images",
    "-p no:cacheprovider -p lightning_expname.pytest_plugin",
    "-p8080",
    "-precision 16",
    "--pass 3",
    "--pin true",
    "--low_pass butterworth2X",
    "-u 1000:1000",
    "--user me",
    "--use_token true",
    "--use_token learned",
    "--token_mixer Conv2dMixer",
    "--pad_token [PAD]",
    "--author me --monkey 12",
    "--hockey_key x9Y8z7w6",
    "--device cuda:0",
    "--ckpt runs/v1:best",
    "pull ubuntu:22.04@sha256:0123456789abcdef",
    "--mail me@example.org",
    "clone git@github.com:me/x.git",
    "--data /data/a:/data/b",
    "--api-key-length 32",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_line_tells_none(command: str) -> None:
    words = ["train.py", *shlex.split(command)]
    shown = " ".join(scrub_arguments(words))
    for secret in (SECRET, OTHER, THIRD, "123456789"):
        assert secret not in shown
        assert secret not in told({"command": shlex.join(scrub_arguments(words))})
    if "--lr" in words:
        assert shown.endswith("--lr 0.1")


@pytest.mark.parametrize("command", SAFE_COMMANDS)
def test_a_usual_command_line_is_told(command: str) -> None:
    words = ["train.py", *shlex.split(command)]
    assert scrub_arguments(words) == words
    assert redact({"command": shlex.join(words)}) == {"command": shlex.join(words)}


def test_only_the_values_of_the_secret_flag_are_hidden() -> None:
    words = ["--tokens", SECRET, OTHER, "model=net", "--ask-password", "--lr", "0.1", "fit"]
    assert scrub_arguments(words) == ["--tokens", REDACTED, REDACTED, *words[3:]]


ADDRESSES = [
    f"https://mattermost.example.org/hooks/{SECRET}",
    f"https://chat.example.org/hooks/64f0a1b2/{SECRET}",
    f"https://example.org/webhook/{SECRET}",
    f"https://example.org/api/webhooks/123456/{SECRET}",
    f"https://discord.com/api/v10/webhooks/123456/{SECRET}",
    f"https://canary.discord.com/api/webhooks/1/{SECRET}",
    f"https://hooks.zapier.com/hooks/catch/1/{SECRET}",
    f"https://hook.eu1.make.com/{SECRET}",
    f"https://api.telegram.org/bot123456:AA{SECRET}/sendMessage",
    f"bot123456789:AA{SECRET * 4}",
    f"123456789:AA{SECRET * 4}",
    f"https://open.feishu.cn/open-apis/bot/v2/hook/{SECRET}-4c5d",
    f"https://maker.ifttt.com/trigger/done/with/key/{SECRET}",
    *(
        f"https://example.org/x?{name}={SECRET}"
        for name in ("key", "code", "sig", "token", "auth", "signature", "pw", "X-Amz-Signature")
    ),
    f"https://example.org/x?a=1&key={SECRET}&b=2",
    f"https://example.org/x#access_token={SECRET}",
    f"wss://example.org/x?token={SECRET}",
    f"postgresql://u:a/{SECRET}@host/db",
    f"postgresql://u:{SECRET}/b@host/db",
    f"postgresql+asyncpg://u:12/{SECRET}@host:5432/db",
    f"https://u:a/{SECRET}@host.org/x.git",
    f"mongodb+srv://u:a@b/{SECRET}@host/db",
    f"ssh://{SECRET}@host/me/x.git",
    f"ssh://{TOKEN}@host/me/x.git",
    f"git+ssh://{SECRET}@host/me/x.git",
    "ssh://0123456789abcdef@host/me/x.git",
    f"ssh://git:{SECRET}@host/me/x.git",
    f"git:{SECRET}@host:me/x.git",
    f"git:{SECRET}@host.org:me/x.git",
    f"{SECRET}@host.org:me/x.git",
    f"oauth2:{SECRET}@gitlab.com/me/x.git",
    f"https://{SECRET}:x-oauth-basic@github.com/me/x.git",
    f"https://{SECRET}:@github.com/me/x.git",
]
SAFE_ADDRESSES = [
    "https://example.org:8080/@scope/package",
    "https://example.org/@me/story",
    "https://pytorch.org/docs/stable/hooks/index.html",
    "https://github.com/me/x/tree/main/hooks/pre-commit",
    "https://docs.example.org/webhooks/",
    "https://example.org/x?keyword=a&encode=b&monkey=c",
    "https://example.org/x?page=2#section-3",
    "ssh://git@github.com/me/x.git",
    "ssh://ec2-user@host/x",
    "ssh://me2@host:22/x",
    "git+ssh://git@github.com/me/x.git",
    "git@github.com:me/x.git",
    "me@host.org:data/x",
    "redis://localhost:6379/0",
    "tcp://127.0.0.1:29500",
    "mailto:me@example.org",
    "nvcr.io/nvidia/pytorch:23.10-py3@sha256:0123456789abcdef",
    "at 12:30 me@example.org: done",
    "s3://bucket/key=1/part=2",
    "d_model:64 @ lr:0.1",
    "file:///data/x@y",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_below_a_neutral_key_tells_none(address: str) -> None:
    for text in (address, f"cannot reach {address}", f"({address}), retry", f"'{address}'"):
        shown = told({"target": text})
        assert SECRET not in shown and TOKEN not in shown and "0123456789abcdef" not in shown


@pytest.mark.parametrize("address", SAFE_ADDRESSES)
def test_a_usual_address_is_told(address: str) -> None:
    for text in (address, f"cannot reach {address}", f"({address}), retry"):
        assert redact({"target": text}) == {"target": text}


NESTED: list[Any] = [
    {"hf_token": {"value": SECRET}},
    {"hf_token": {"value": "onlyletters"}},
    {"hf_token": {"prod": {"main": SECRET}}},
    {"hf_token": [{"of_me": SECRET}]},
    {"tokens": {"me": SECRET, "you": OTHER}},
    {"name": "API_KEY", "value": SECRET},
    {"env": [{"name": "HF_TOKEN", "value": SECRET}]},
    {"key": "Authorization", "value": SECRET},
    {"name": "password", "default": {"text": SECRET}},
    [["Authorization", SECRET]],
    {"headers": [["Authorization", SECRET], ["Accept", "json"]]},
    {"headers": [("X-Api-Key", SECRET)]},
    {"header": ("Authorization", SECRET)},
    {"header": ["Authorization", SECRET]},
    {"wandb": {"key": SECRET}},
    {"wandb": {"login": {"key": SECRET}}},
    {"api": {"key": SECRET}},
    {"api": [{"key": SECRET}]},
    {"connection": {"string": SECRET}},
    {"aws.key": SECRET},
    {"tokens": {SECRET: "me"}},
    {"api_keys": {SECRET: {"user": "me"}}},
    {"passwords": {SECRET: 3}},
    {"credentials": [{SECRET: 1}]},
    {"passwords": {123456789: True}},
    {"db_pass": SECRET},
    {"db": {"pass": SECRET, "pin": 123456789}},
    {"pin": 123456789},
    {"wandb_key": SECRET},
    {"github_pat": SECRET},
    {"use_token": SECRET},
    {"n_tokens": SECRET},
    {"PGPASSWORD": SECRET},
]
SAFE_NESTED: list[Any] = [
    {"token": {"dim": 64, "kind": "learned", "path": "data/tokens.txt", "drop": 0.1}},
    {"token_mixer": {"value": "conv2D"}},
    {"tokens": {"train": 1000, "total": "1.2B"}},
    {"tokens": {"[PAD]": 0, "the": 5, "##ing": 7}},
    {"name": "lr", "value": "3e-4x"},
    {"name": "num_tokens", "value": 1000},
    {"columns": ["password", "email"]},
    {"columns": [["token", "label"], ["lemma", "pos"]]},
    {"steps": [("scale", "StandardScaler"), ("fit", "Ridge")]},
    {"encoder": {"key": "x9Y8z7w6"}},
    {"memory": {"key": 64, "keys": "learned"}},
    {"wandb": {"metric": {"key": "val_loss"}}},
    {"credentials": {}},
    {"num_tokens": 1000, "tokenizer": "bert", "key_dim": 64, "n_keys": 3, "pin_memory": True},
    {"passes": 3, "pass_through": "conv2D", "max_tokens": 512, "n_pass": 2, "pass": 3},
    {"pin": True, "pw": 0.5, "conv_pw": "gelu2D", "forward_pass": "full2D"},
    {"pad_token": "<|endoftext|>", "mask_token": "[unused0]", "stop_tokens": ["\n\n", "###"]},
    {"token_pattern": r"(?u)\b\w\w+\b", "token_type": "bert-base-v2", "max_tokens": "128k"},
    {"image_token": "wav2vec2", "token_mixer": "Conv2d", "text_tokens": "xlm-roberta-v1"},
    {"s3": {"key": "data/train.csv"}, "user_key": "user_id", "session_key": "session_id"},
    {"product_key_memory": 64, "query_key": "shared"},
    {"path": "patience", "pattern": "a", "sass": "x", "spin": "up", "dispatch": "d"},
]


@pytest.mark.parametrize("value", NESTED, ids=str)
def test_nested_values_tell_none(value: Any) -> None:
    for one in (value, {"a": value}, {"a": [{"b": value}]}):
        shown = told(one)
        for secret in (SECRET, OTHER, "onlyletters", "123456789"):
            assert secret not in shown
        assert redact(redact(one)) == redact(one)


@pytest.mark.parametrize("value", SAFE_NESTED, ids=str)
def test_usual_nested_values_are_told(value: Any) -> None:
    assert redact(value) == value
    assert redact({"a": [{"b": value}]}) == {"a": [{"b": value}]}


def test_what_says_nothing_of_a_secret_is_told_beside_it() -> None:
    shown = redact({"credentials": {"user_name": "me", "key_1": SECRET}})
    assert shown == {"credentials": {"user_name": REDACTED, "key_1": REDACTED}}
    assert redact({"name": "API_KEY", "value": SECRET, "kind": "env"}) == {
        "name": "API_KEY",
        "value": REDACTED,
        "kind": "env",
    }
    assert len(redact({"tokens": {SECRET: "me", OTHER: "you"}})["tokens"]) == 2
    assert redact(SECRET, key="value", under=("hf_token",)) == REDACTED
    assert redact("x9", key="value", under=("style_token",), allow=["style_token"]) == "x9"


TEXTS = [
    f"${{oc.env:TOKEN,{SECRET}}}",
    f"${{oc.env:HF_TOKEN, {SECRET}}}",
    f"${{oc.env:API_KEY,'{SECRET}'}}",
    f"${{oc.env:DB_PASSWORD,a b {SECRET}}}",
    f"${{oc.env:TOKEN,${{oc.env:OTHER,{SECRET}}}}}",
    f"${{oc.env:HOME,${{oc.env:TOKEN,{SECRET}}}}}",
    f"x/${{oc.decode:${{oc.env:TOKEN,{SECRET}}}}}/y",
    f"${{TOKEN:-{SECRET}}}",
    f"password=a,{SECRET}",
    f"password=a;{SECRET}&{OTHER}",
    f"password=({SECRET})",
    f"password=[{SECRET}, {OTHER}]",
    f"password={{{SECRET}}}",
    f'password="{SECRET}',
    f'`password="a {SECRET}"` is set',
    f'password="a {SECRET}"b',
    f'password="a"{SECRET}',
    f"password=''{SECRET}",
    f"password=(a {SECRET})b",
    f"password='{SECRET}",
    f"password=a'{SECRET}",
    f"Client(password=a,{SECRET})",
    f"tokens: ['{SECRET}', \"{OTHER}\"]",
    f"api_keys=({SECRET},{OTHER})",
    f"curl -u user:{SECRET} https://example.org",
    f"curl -u 'user:{SECRET}' https://example.org",
    f"curl --user user:{SECRET} https://example.org",
    f"curl -uuser:{SECRET} https://example.org",
    f"sshpass -p {SECRET} ssh me@host.org",
    f"mysql -u root -p{SECRET}",
    f"train.py --password -{SECRET}",
    f"train.py --tokens {SECRET} {OTHER}",
    f"db_pass={SECRET}",
    f"pass: {SECRET}",
    "pin=123456789",
    f"use_token={SECRET}",
    f"wandb_key={SECRET}",
]
SAFE_TEXTS = [
    "${oc.env:DATA,/data}",
    "${oc.env:TOKEN,null}",
    "${oc.env:TOKEN}",
    "${oc.env:HF_TOKEN,''}",
    "${oc.select:model.dim,64}",
    "${HOME:-/root}",
    "a pass: over the data, then a pin: 4",
    "mkdir -p /data/x",
    "docker run -u 1000:1000 -p 8080:80 x",
    "Net(pin_memory=True, passes=3, max_tokens=512, tokenizer=bert)",
    "tokens: [1, 2, 3]",
    "token_ids=[1,2,3]",
    "key=value, keys: [a, b]",
]


@pytest.mark.parametrize("text", TEXTS)
def test_free_text_tells_none(text: str) -> None:
    for one in (text, f"cannot: {text}", f"({text}), retry\nnext line", f"{text}\n"):
        shown = scrub(one)
        for secret in (SECRET, OTHER, "123456789"):
            assert secret not in shown
        assert scrub(shown) == shown


@pytest.mark.parametrize("text", SAFE_TEXTS)
def test_usual_text_is_told(text: str) -> None:
    assert scrub(text) == text


def test_what_follows_a_secret_is_told() -> None:
    assert scrub("Client(password=a,b, n=3)") == f"Client(password={REDACTED}, n=3)"
    assert scrub("password=a,user=me") == f"password={REDACTED},user=me"
    assert scrub("{'api_key': 'x', 'n': 3}") == f"{{'api_key': '{REDACTED}', 'n': 3}}"
    assert scrub("curl -u me:x https://example.org") == (
        f"curl -u me:{REDACTED} https://example.org"
    )
    assert scrub("${oc.env:TOKEN,x}/a") == f"${{oc.env:TOKEN,{REDACTED}}}/a"
    assert scrub("postgresql://u:a/b@host/db") == f"postgresql://u:{REDACTED}@host/db"
    assert scrub("git:x@host:me/x.git") == f"git:{REDACTED}@host:me/x.git"
    assert scrub("https://example.org/x?key=a&b=2") == f"https://example.org/x?key={REDACTED}&b=2"


def test_a_key_of_bytes_below_a_secret_is_hidden_and_nothing_else() -> None:
    shown = redact({"password": {b"x9Y8z7w6": 1, "n": 2}, "width": 8})
    assert shown["width"] == 8 and b"x9Y8z7w6" not in shown["password"]
    assert set(shown["password"]) == {REDACTED, "n"}
