"""Secrets stay at home: what looks like one is replaced before it is recorded or told.

`redact` knows the key that a value stands under, `scrub` has free text only. Both are made to err
on the safe side, except where a usual word of machine learning would be hit (`n_tokens`,
`tokenizer`, `pad_token`); what is still taken for a secret wrongly is allowed by its name.
"""

from __future__ import annotations

import fnmatch
import functools
import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

REDACTED: Final = "<redacted>"

Grade = Literal["open", "token", "text", "secret"]
"""How a key is treated: `open` not at all; `token` texts that are no plain word; `text` any text
below it; `secret` numbers as well, because the key itself ends in a word for a secret."""

_MAX_DEPTH: Final = 64


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SECRET_WORDS: Final = _listed("""
    secret secrets password passwords passwd passphrase pwd webhook webhooks credential
    credentials creds authorization apikey apikeys accesskey secretkey privatekey accountkey
    bearer jwt cookie cookies
""")
_SECRET_KEYS: Final = _listed("api access secret private account auth ssh signing encryption")
_SECRET_PAIRS: Final = frozenset(
    {(word, "key") for word in _SECRET_KEYS}
    | {("api", "keys"), ("connection", "string"), ("auth", "header"), ("basic", "auth")}
)
_TOKEN_BEFORE: Final = _listed("""
    pad cls class mask sep bos eos unk sos special register dist distill distillation prompt image
    img text visual video audio start end begin stop n num max min per next additional extra word
    char vocab query first last prefix suffix blank time patch memory latent use no with
""")
_TOKEN_AFTER: Final = _listed("""
    type types dim dims size embedding embeddings embed emb mixing mixer mix id ids idx index
    pooling pool merge merging length len count counter counts drop dropout mask masking level
    wise classification budget limit rate per num selection pruning reduction shift norm init
    mode strategy labels learner order axis position pattern regex freq min max std
""")
_COUNTS: Final = _listed("n num max min total")
_WORDS: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
_PLAIN_WORD: Final = re.compile(r"[A-Za-z]{1,12}(?:_[a-z]{1,12}){0,2}")
_SPECIAL_TOKEN: Final = re.compile(r"\[[^\[\]\s]{1,24}\]|<[^<>\s]{1,24}>|</?s>")
_INTERPOLATION: Final = re.compile(r"\$\{[\w.:/]{1,200}\}")
_HEX_KEY: Final = re.compile(r"(?:local-)?[0-9a-f]{40}")

# Every repetition below is bounded, or stops at what the next match starts with: a hostile text
# costs time in proportion to its length.
_TOKENS: Final = re.compile(
    r"""(?<![A-Za-z0-9])(?:
      xox[a-z]-[\w-]{4,} | xapp-[\w-]{4,} | xwfp-[\w-]{4,}           # Slack
    | gh[pousr]_[A-Za-z0-9]{16,} | github_pat_\w{16,} | glpat-[\w-]{16,}
    | hf_[A-Za-z0-9]{16,} | api_org_[A-Za-z0-9]{16,}                 # Hugging Face
    | wandb_v\d_\w{16,} | local-[0-9a-f]{40}                         # W&B
    | sk-(?=[A-Za-z_-]{0,64}\d)[\w-]{16,} | [srp]k_(?:live|test)_\w{16,}
    | (?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16} | AIza[\w-]{30,}           # AWS, Google
    | pypi-[\w-]{16,} | npm_[A-Za-z0-9]{16,} | dop_v1_[0-9a-f]{16,}
    | eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?                           # JSON web tokens
    )""",
    re.VERBOSE,
)
_WEBHOOK: Final = re.compile(
    r"(https?://(?:hooks\.slack(?:-gov)?\.com|(?:\w{1,16}\.)?discord(?:app)?\.com/api/webhooks"
    r"|[\w.-]{1,128}\.webhook\.office\.com)/)[^\s\"'<>]+",
    re.IGNORECASE,
)
_HTTP_USER: Final = re.compile(r"(?i)(\bhttps?://)[^\s/?#\"'<>]{1,512}@")
_URL_PASSWORD: Final = re.compile(
    r"(\b[A-Za-z][\w+.-]{1,31}://[^\s/?#@:\"']{0,256}:)[^\s/\"']{1,512}@"
)
_URL_SIGNATURE: Final = re.compile(
    r"(?i)([?&](?:sig|x-amz-signature|x-goog-signature)=)[^\s&\"'<>]+"
)
_HEADER: Final = re.compile(
    r"(?i)(\b(?:authorization|cookie)[\"']?[ \t]{0,3}[:=][ \t]{0,3}[\"']?)[^\s\"'][^\n\"']*"
)
_BEARER: Final = re.compile(
    r"\b([Bb]earer|[Bb]asic)([ \t]{1,3})(?=[\w.~+/=-]{0,64}[\d=])[\w.~+/=-]{6,}"
)
_PRIVATE_KEY: Final = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)",
    re.DOTALL,
)
_WANDB_KEY: Final = re.compile(
    r"(?i)(\bwandb\b[^\n<]{0,40}?|\bkey\b[ \t=:\"']{1,6})(?<![0-9a-z])[0-9a-f]{40}(?![0-9a-z])"
)
_KEY: Final = re.compile(
    r"(?<![\w.-])([A-Za-z_][\w.-]{0,199})[\"']?[ \t]{0,3}[=:][ \t]{0,3}"
    r"|(?<!\S)--?([A-Za-z][\w.-]{0,199})[ \t]{1,3}(?=[^\s-])"
)
_VALUE: Final = re.compile(r"\"((?:[^\"\\\n]|\\.)*)\"|'((?:[^'\\\n]|\\.)*)'|([^\s,;&\"'{}\[\]()]+)")


def redact(
    value: Any, *, key: str = "", under: Sequence[str] = (), allow: Collection[str] = ()
) -> Any:
    """The value without its secrets: nested dicts, lists and texts are rebuilt, the rest is kept.

    A text below a key that says what it is (`slack_token`, `db_password`, `api_key`, `webhook`,
    `credentials`...) becomes `<redacted>`, and so does a number under `password`; every other text
    is scrubbed, see `scrub`. An interpolation (`${oc.env:SLACK_TOKEN}`) tells no secret and stays.
    Never raises; doing it twice is doing it once.

    Args:
        value: plain values, as JSON can hold them; other objects are kept as they are.
        key: what the value stands under.
        under: the keys that this one lies below, outermost first; what they announce holds.
        allow: keys, dotted paths or patterns of them (`bos_token`, `model.token_*`) whose values
            are no secrets, whatever they look like.

    Example:
        >>> redact({"slack_token": "xoxb-1", "n_tokens": 512, "pad_token": "[PAD]"})
        {'slack_token': '<redacted>', 'n_tokens': 512, 'pad_token': '[PAD]'}
    """
    try:
        path = (*under, key) if key else ()
        return _Redactor(allow).value(value, path, _announced(under))
    except Exception:  # an object that raises from its own methods; nothing of it may get out
        return REDACTED


def grade(key: str) -> Grade:
    """How much of a secret a key announces.

    Example:
        >>> grade("n_tokens"), grade("hf_token"), grade("webhook_url"), grade("password")
        ('open', 'token', 'text', 'secret')
    """
    return _grade(key[-512:])


def scrub(text: str, allow: Collection[str] = ()) -> str:
    """Free text without what looks like a secret: tokens, webhooks, passwords in URLs, headers.

    Takes time in proportion to the length, whatever the text; doing it twice is doing it once.

    Args:
        text: of any length.
        allow: keys whose values are no secrets where they stand beside them, see `redact`.

    Example:
        >>> scrub("cannot reach https://me:pw@host/x?token=abc with Bearer abc123def")
        'cannot reach https://<redacted>@host/x?token=<redacted> with Bearer <redacted>'
    """
    if len(text) < 5:
        return text
    text = _TOKENS.sub(REDACTED, text)
    if "://" in text:
        text = _scrub_addresses(text)
    if "-----BEGIN" in text:
        text = _PRIVATE_KEY.sub(REDACTED, text)
    if " " in text or "=" in text or ":" in text:
        text = _scrub_pairs(text, allow)
    return text


def scrub_arguments(words: Iterable[str], allow: Collection[str] = ()) -> list[str]:
    """A command line without its secrets: `--password x`, `--api-key=x`, `slack.token=x`.

    Args:
        words: as in `sys.argv`.
        allow: options whose values are no secrets, see `redact`.

    Example:
        >>> scrub_arguments(["train.py", "--hf-token", "abc", "n_tokens=8"])
        ['train.py', '--hf-token', '<redacted>', 'n_tokens=8']
    """
    kept: list[str] = []
    flag = ""
    for word in map(str, words):
        name, equals, value = word.partition("=")
        if flag and not word.startswith("-"):
            kept.append(str(redact(_number_or_text(word), key=flag, allow=allow)))
        elif equals:
            told = redact(_number_or_text(value), key=name.lstrip("-"), allow=allow)
            kept.append(f"{scrub(name)}={told}")
        else:
            kept.append(scrub(word, allow))
        flag = word.lstrip("-") if word.startswith("-") and not equals else ""
    return kept


class _Redactor:
    """One pass over nested values, holding the containers on its way against self-reference."""

    def __init__(self, allow: Collection[str]) -> None:
        self._allow = [allow] if isinstance(allow, str) else list(allow)
        self._open: set[int] = set()

    def value(self, value: Any, path: tuple[str, ...], inherited: Grade) -> Any:
        if self._allow and self._is_allowed(path):
            return value
        own = grade(path[-1]) if path else "open"
        graded = inherited if _RANK[inherited] >= _RANK[own] else own
        if isinstance(value, str):
            return _text(value, path[-1] if path else "", graded, self._allow)
        if isinstance(value, (Mapping, list, tuple, set, frozenset)):
            return self._container(value, path, graded)
        is_code = isinstance(value, _CODES) and not isinstance(value, bool)
        return REDACTED if graded == "secret" and is_code else value

    def _container(self, value: Any, path: tuple[str, ...], graded: Grade) -> Any:
        if id(value) in self._open or len(path) > _MAX_DEPTH:
            return f"<{type(value).__name__}>"
        self._open.add(id(value))
        try:
            if isinstance(value, Mapping):
                below = "open" if graded == "token" else graded
                return {_key(k): self.value(v, (*path, str(k)), below) for k, v in value.items()}
            items = [self.value(item, path, graded) for item in value]
            return items if isinstance(value, list) else type(value)(*_as_arguments(value, items))
        finally:
            self._open.discard(id(value))

    def _is_allowed(self, path: tuple[str, ...]) -> bool:
        return bool(path) and _is_allowed((path[-1], ".".join(path)), self._allow)


def _announced(keys: Sequence[str]) -> Grade:
    """What keys say of everything below them; `token` says it of its own value only."""
    grades = [one for key in keys if (one := grade(key)) != "token"]
    return max(grades, key=_RANK.__getitem__, default="open")


def _is_allowed(names: Iterable[str], allow: Collection[str]) -> bool:
    """By a name as it is, or by the last part of a dotted one."""
    spoken = {part.lower() for name in names for part in (name, name.rpartition(".")[2])}
    patterns = [allow] if isinstance(allow, str) else allow
    return any(fnmatch.fnmatchcase(name, one.lower()) for one in patterns for name in spoken)


_CODES: Final = (int, float, bytes, bytearray)  # a PIN is a number

_RANK: Final[dict[Grade, int]] = {"open": 0, "token": 1, "text": 2, "secret": 3}


def _as_arguments(value: Any, items: list[Any]) -> list[Any]:
    """What the container's type is built from: a named tuple takes its items one by one."""
    return items if hasattr(value, "_fields") else [items]


def _key(key: Any) -> Any:
    return scrub(key) if isinstance(key, str) else key


def _text(text: str, key: str, graded: Grade, allow: Collection[str]) -> str:
    if graded == "open":
        is_key = bool(_HEX_KEY.fullmatch(text)) and key.lower().endswith(("key", "wandb"))
        return REDACTED if is_key else scrub(text, allow)
    if not text or text == REDACTED or _INTERPOLATION.fullmatch(text):
        return text
    return text if graded == "token" and _is_harmless(text, key) else REDACTED


def _is_harmless(text: str, key: str) -> bool:
    """`[PAD]`, a number, and below `token_...` a plain word (`token_fusion="mean"`)."""
    if _SPECIAL_TOKEN.fullmatch(text) or text.lower() in ("none", "null", "true", "false"):
        return True
    is_last = _words(key)[-1:] != () and _is_token(_words(key)[-1])
    return not is_last and bool(_PLAIN_WORD.fullmatch(text))


def _words(key: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORDS.findall(key))


def _is_token(word: str) -> bool:
    return word.endswith(("token", "tokens"))


@functools.lru_cache(maxsize=8192)
def _grade(key: str) -> Grade:
    words = _words(key)
    if words[-2:] == ("not", "secret"):  # our own option: it names keys, and saved configs hold it
        return "open"
    pairs = tuple(itertools.pairwise(words))
    if not (_SECRET_WORDS.isdisjoint(words) and _SECRET_PAIRS.isdisjoint(pairs)):
        is_last = words[-1] in _SECRET_WORDS or not _SECRET_PAIRS.isdisjoint(pairs[-1:])
        return "secret" if is_last else "text"
    if words[-1:] == ("auth",):
        return "text"
    return "token" if any(_is_secret_token(words, i) for i in range(len(words))) else "open"


def _is_secret_token(words: tuple[str, ...], place: int) -> bool:
    if not _is_token(words[place]):
        return False
    before, after = words[max(0, place - 1) : place], words[place + 1 : place + 2]
    is_known = not _TOKEN_BEFORE.isdisjoint(before) or not _TOKEN_AFTER.isdisjoint(after)
    return not is_known and words[0] not in _COUNTS


def _scrub_addresses(text: str) -> str:
    text = _WEBHOOK.sub(rf"\1{REDACTED}", text)
    text = _HTTP_USER.sub(rf"\1{REDACTED}@", text)
    text = _URL_PASSWORD.sub(rf"\1{REDACTED}@", text)
    return _URL_SIGNATURE.sub(rf"\1{REDACTED}", text)


def _scrub_pairs(text: str, allow: Collection[str]) -> str:
    text = _HEADER.sub(rf"\1{REDACTED}", text)
    text = _BEARER.sub(rf"\1\2{REDACTED}", text)
    text = _WANDB_KEY.sub(rf"\1{REDACTED}", text)
    return "".join(_without_values(text, allow))


def _without_values(text: str, allow: Collection[str]) -> Iterator[str]:
    """The text in pieces; behind a key that is open, the search goes on with the value itself."""
    kept = place = 0
    while found := _KEY.search(text, place):
        place = found.end()
        key = found[1] or found[2]
        is_open = grade(key) == "open" or (allow and _is_allowed((key,), allow))
        value = None if is_open else _VALUE.match(text, place)
        if value is not None:
            group = value.lastindex or 3
            yield text[kept : value.start(group)]
            yield str(redact(_number_or_text(value[group]), key=key))
            kept, place = value.end(group), value.end()
    yield text[kept:]


def _number_or_text(text: str) -> Any:
    """A number stays a number: `--max-auth-tokens 5` tells no secret, `--password 5` does."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 64 else text
