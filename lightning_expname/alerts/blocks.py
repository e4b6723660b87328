"""A message as Slack's Block Kit: escaped, clipped to Slack's limits, readable on a phone.

Limits: https://docs.slack.dev/reference/block-kit/blocks (50 blocks; header 150 characters; text of
a section 3000; 10 fields of 2000). Escaping: `&`, `<` and `>` as entities, nothing else
(https://docs.slack.dev/messaging/formatting-message-text). All blocks of a message together may not
hold more than about 13 000 characters (slackapi/bolt-js#2509, undocumented).
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal

from .message import CONSEQUENCE, ICONS, Message, details

HEADER_MAX: Final = 150
SECTION_MAX: Final = 3000
TEXT_MAX: Final = 3000
VALUE_MAX: Final = 200
LONG_MAX: Final = 600
_LINK_MAX: Final = 400
_MARK: Final = "…"
_FENCE: Final = "```"

# Terminal colours, control characters, and those that turn the direction of the text around.
_ANSI: Final = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[@-_])")
_CONTROL: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ADDRESS: Final = re.compile(r"https?://[^\s<>|\"'`\x00-\x20\ud800-\udfff]+")
_PIECES: Final = re.compile(r"&(?:amp|lt|gt);|.", re.DOTALL)


def size(text: str) -> int:
    """Its length as JavaScript counts it, which is never less than the number of characters."""
    return len(text) + sum(char > "\uffff" for char in text)


def clean(text: str) -> str:
    """Without terminal colours and control characters; lone surrogates become U+FFFD."""
    plain = _CONTROL.sub("", _ANSI.sub("", text.replace("\r\n", "\n")))
    return _SURROGATE.sub("\ufffd", plain)


def escape(text: str) -> str:
    """Makes text be shown as it is: `<!channel>` calls nobody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def clip(text: str, limit: int, *, keep: Literal["start", "end"] = "start") -> str:
    """Cleans, escapes, and cuts what is longer than `limit`; never within an entity.

    Args:
        text: any text.
        limit: of the result, as `size` counts.
        keep: `"start"`, or `"end"` for a traceback, whose last lines say most.
    """
    escaped = escape(clean(text))
    if size(escaped) <= limit:
        return escaped
    pieces = _PIECES.findall(escaped)
    kept = _taken(pieces if keep == "start" else pieces[::-1], limit - size(_MARK))
    return f"{''.join(kept)}{_MARK}" if keep == "start" else f"{_MARK}{''.join(kept[::-1])}"


def _taken(pieces: list[str], room: int) -> list[str]:
    for count, piece in enumerate(pieces):
        room -= size(piece)
        if room < 0:
            return pieces[:count]
    return pieces


def code(text: str, limit: int = VALUE_MAX) -> str:
    """One line of literal text: no bold, no italics, no emoji, no mention."""
    line = " ".join(text.replace("`", "'").split())
    return f"`{clip(line, limit - 2)}`" if line else ""


def fence(text: str, limit: int = SECTION_MAX) -> str:
    """Lines of literal text, of which the end is kept."""
    body = text.replace("`", "'").strip("\n")
    return f"{_FENCE}{clip(body, limit - 2 * len(_FENCE), keep='end')}{_FENCE}"


def link(url: str, label: str) -> str:
    """A link, if the address is one; else the address as literal text."""
    if not _ADDRESS.fullmatch(url) or size(escape(url)) > _LINK_MAX:
        return code(url)
    return f"<{escape(url)}|{clip(label, 60)}>"


def payload(message: Message) -> dict[str, Any]:
    """The body of Slack's incoming webhooks and of chat.postMessage: `text` and `blocks`."""
    title = f"{ICONS[message.outcome]} {message.title}"
    blocks = [_header(title), *_rows(message)]
    if message.consequence:
        blocks.append(_section(f"_{CONSEQUENCE}_"))
    if message.traceback:
        blocks.append(_section(fence(message.traceback)))
    return {"text": _fallback(title, message), "blocks": blocks}


def _fallback(title: str, message: Message) -> str:
    """What a phone's notification shows."""
    said = " · ".join(filter(None, [title, message.reason]))
    return clip(said.replace("`", "'"), TEXT_MAX)


def _header(title: str) -> dict[str, Any]:
    """Plain text; emoji names are not replaced in it, so a name like `a:x:b` stays."""
    text = clip(" ".join(title.split()), HEADER_MAX)
    return {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": False}}


def _rows(message: Message) -> list[dict[str, Any]]:
    """One line for each detail: two columns would be torn apart on a phone.

    The reason has a section of its own, so that each stays within Slack's limit.
    """
    lines = {
        label: f"*{clip(label, 60)}* {_value(label, value)}" for label, value in details(message)
    }
    reason = lines.pop("Reason", "")
    return [_section(text) for text in (reason, "\n".join(lines.values())) if text]


def _value(label: str, value: str) -> str:
    if label == "W&B":
        return link(value, "open the run")
    return code(value, LONG_MAX if label in ("Reason", "Checkpoint") else VALUE_MAX)


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}
