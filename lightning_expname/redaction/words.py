"""The words that say of a key that its value is a secret, and those that say it is none."""

from __future__ import annotations

from typing import Final

REDACTED: Final = "<redacted>"


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


SECRET_WORDS: Final = _listed("""
    secret secrets password passwords passwd passphrase passphrases passcode pwd psw webhook
    webhooks credential credentials creds authorization apikey apikeys accesskey secretkey
    privatekey accountkey bearer jwt cookie cookies otp totp
""")
SECRET_ENDS: Final = ("password", "passwords", "passwd", "passphrase", "apikey")
"""Of words that were run together: `pgpassword`."""

SERVICES: Final = _listed("""
    wandb aws azure gcp openai anthropic github gitlab hf huggingface slack discord telegram sentry
    comet neptune mlflow clearml stripe twilio sendgrid datadog kaggle ngrok
""")
_BEFORE_KEY: Final = SERVICES | _listed("""
    api access secret private account auth ssh signing encryption decryption encrypt decrypt crypto
    cipher hmac aes rsa gpg pgp pem tls ssl sas deploy license licence activation subscription bot
""")
SECRET_PAIRS: Final = frozenset(
    {(word, key) for word in _BEFORE_KEY for key in ("key", "keys")}
    | {("connection", "string"), ("auth", "header"), ("basic", "auth")}
    | {(word, "code") for word in ("pin", "access", "security", "verification")}
)
PAIRED: Final = frozenset(second for _, second in SECRET_PAIRS)

BEFORE_DOUBTFUL_KEY: Final = _listed("""
    service server client session consumer app user master storage product function db database
    redis admin root
""")
"""`user_key` may be a column's name, `storage_key` a path: what looks random is a secret."""

CODE_WORDS: Final = _listed("pass pw pin sas pat")
"""Secrets where they end a key; short numbers and `true` are none (`passes=3`, `pin=4`)."""

BEFORE_NO_CODE: Final = _listed("""
    low high band all n num one two multi single first second third last next final forward backward
    through per max min half full conv act norm dw kernel gpio by
""")

BEFORE_OPEN_TOKEN: Final = _listed("""
    pad cls class mask sep bos eos unk sos special register dist distill distillation prompt image
    img text visual video audio start end begin stop n num max min per next additional extra word
    char vocab query first last prefix suffix blank time patch memory latent
""")
AFTER_OPEN_TOKEN: Final = _listed("""
    type types dim dims size embedding embeddings embed emb mixing mixer mix id ids idx index
    pooling pool merge merging length len count counter counts drop dropout mask masking level
    wise classification budget limit rate per num selection pruning reduction shift norm init
    mode strategy labels learner order axis position pattern regex freq min max std
""")
COUNTS: Final = _listed("n num max min total")
SWITCHES: Final = _listed("use with no")
"""`use_token`: a switch, whose value may be a plain word."""

HOLDERS: Final = _listed("""
    value values main default raw data text string content current old new key
""")
"""`{"hf_token": {"value": ...}}`: a key that says no more than the one above it."""

BESIDE_A_TOKEN: Final = _listed("""
    path paths file files filename dir folder name names type kind model class target init mode
    source
""")
"""What may lie below `token` and is told: `{"token": {"path": ..., "dim": ...}}`."""

NAMING_KEYS: Final = ("name", "key", "header", "env", "variable", "field")
"""`{"name": "API_KEY", "value": ...}`: an entry that says what the value beside it is."""
