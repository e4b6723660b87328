"""What Slack refuses: the documented limits of Block Kit, and its escaping.

Sources: https://docs.slack.dev/reference/block-kit/blocks (lengths and counts),
https://docs.slack.dev/messaging/formatting-message-text (entities and links). Slack itself is
lenient with some text; here it is an error, because it would not be shown as it was meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

BLOCKS_MAX: Final = 50
ALL_BLOCKS_MAX: Final = 13_000
TEXT_MAX: Final = 40_000
HEADER_MAX: Final = 150
SECTION_MAX: Final = 3000
FIELDS_MAX: Final = 10
FIELD_MAX: Final = 2000
CONTEXT_MAX: Final = 10

_LINK: Final = re.compile(r"<(https?://[^\s<>|]+)(\|[^<>|]*)?>")
_ENTITY: Final = re.compile(r"&(amp|lt|gt);")


def faults(body: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong with a message; empty when Slack would take it.

    Args:
        body: of an incoming webhook, or of chat.postMessage.
    """
    return list(_faults(body))


def _faults(body: Mapping[str, Any]) -> Iterator[str]:
    text, blocks = body.get("text", ""), body.get("blocks", [])
    if not isinstance(text, str) or len(text) > TEXT_MAX:
        yield f"text: not a string of at most {TEXT_MAX} characters"
    else:
        yield from (f"text: {fault}" for fault in markup_faults(text))
    if not isinstance(blocks, list) or len(blocks) > BLOCKS_MAX:
        yield f"blocks: not a list of at most {BLOCKS_MAX}"
        return
    if len(str(blocks)) > ALL_BLOCKS_MAX:
        yield f"blocks: together more than {ALL_BLOCKS_MAX} characters (msg_blocks_too_long)"
    for index, block in enumerate(blocks):
        yield from (f"blocks/{index}: {fault}" for fault in _block_faults(block))


def _block_faults(block: Any) -> Iterator[str]:
    kinds: dict[str, Callable[[Mapping[str, Any]], Iterator[str]]] = {
        "header": _header_faults,
        "section": _section_faults,
        "context": _context_faults,
        "divider": lambda _: iter(()),
    }
    if not isinstance(block, dict) or block.get("type") not in kinds:
        yield f"unknown block {block!r:.80}"
        return
    yield from kinds[block["type"]](block)


def _header_faults(block: Mapping[str, Any]) -> Iterator[str]:
    text = block.get("text")
    if not isinstance(text, dict) or text.get("type") != "plain_text":
        yield "the text of a header is plain_text"
        return
    yield from _text_faults(text, HEADER_MAX)


def _section_faults(block: Mapping[str, Any]) -> Iterator[str]:
    fields = block.get("fields", [])
    if "text" not in block and not fields:
        yield "a section has a text or fields"
    if "text" in block:
        yield from _text_faults(block["text"], SECTION_MAX)
    if not isinstance(fields, list) or len(fields) > FIELDS_MAX:
        yield f"fields: not a list of at most {FIELDS_MAX}"
        return
    for field in fields:
        yield from _text_faults(field, FIELD_MAX)


def _context_faults(block: Mapping[str, Any]) -> Iterator[str]:
    elements = block.get("elements", [])
    if not 1 <= len(elements) <= CONTEXT_MAX:
        yield f"a context has 1 to {CONTEXT_MAX} elements"
    for element in elements:
        yield from _text_faults(element, SECTION_MAX)


def _text_faults(text: Any, limit: int) -> Iterator[str]:
    if not isinstance(text, dict) or text.get("type") not in ("mrkdwn", "plain_text"):
        yield f"not a text object: {text!r:.80}"
        return
    if text["type"] == "mrkdwn" and "emoji" in text:
        yield "emoji belongs to plain_text only"
    said = text.get("text")
    if not isinstance(said, str) or not said:
        yield "an empty text"
        return
    units = len(said.encode("utf-16-le", "surrogatepass")) // 2
    if units > limit:
        yield f"{units} characters, more than {limit}"
    yield from markup_faults(said)


def markup_faults(text: str) -> list[str]:
    """Bare `&`, `<` and `>`, cut entities, open code fences, and half characters."""
    found = []
    bare = _ENTITY.sub("", _LINK.sub("", text))
    if sign := re.search(r"[&<>]", bare):
        found.append(f"not escaped, or cut: {bare[max(0, sign.start() - 10) : sign.end() + 10]!r}")
    if text.count("```") % 2:
        found.append("a code fence that does not end")
    if re.search("[\ud800-\udfff]", text):
        found.append("half a character (a lone surrogate)")
    if re.search("[\x00-\x08\x0b-\x1f]", text):
        found.append("a control character")
    return found
