"""Channels: one method each. Slack's are built on slack-sdk, which is imported when they send."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, runtime_checkable

from .blocks import payload
from .message import Message

TIMEOUT: Final = 5
"""Seconds that a request may take of which nobody sees anything."""

MESSAGE_TIMEOUT: Final = 30
"""Seconds that Slack has to say that it took a message.

Slack has no key by which it would know a message again. One that it took, and whose answer was
given up too early, would be sent twice: so this is longer than Slack needs on a bad day. It is
waited for in the background, in the watchdog as a rule.
"""

SLACK_API: Final = "https://slack.com/api/"

_TEMPORARY: Final = ("ratelimited", "rate_limited", "message_limit_exceeded", "internal_error")
_TEMPORARY_TOO: Final = ("fatal_error", "service_unavailable", "request_timeout", "rollup_error")
_ADVICE: Final[Mapping[str, str]] = {
    "invalid_auth": "check SLACK_BOT_TOKEN (xoxb-...) on your Slack app's page OAuth & Permissions",
    "not_authed": "set SLACK_BOT_TOKEN to the app's bot token (xoxb-...)",
    "token_revoked": "reinstall the Slack app and set SLACK_BOT_TOKEN anew",
    "account_inactive": "reinstall the Slack app and set SLACK_BOT_TOKEN anew",
    "missing_scope": "give the Slack app the scope chat:write (files:write for pictures)",
    "channel_not_found": "check SLACK_CHANNEL (a channel's id, C...) and invite the app to it",
    "not_in_channel": "invite the app to the channel: /invite @its-name",
    "is_archived": "choose another channel",
    "channel_is_archived": "make a webhook for another channel",
    "invalid_token": "make a new webhook on the Slack app's page Incoming Webhooks",
    "no_service": "make a new webhook on the Slack app's page Incoming Webhooks",
    "no_team": "make a new webhook on the Slack app's page Incoming Webhooks",
    "no_active_hooks": "make a new webhook on the Slack app's page Incoming Webhooks",
    "action_prohibited": "ask the workspace's admin to allow the app to post here",
}
_LAYOUT_FAULTS: Final = ("invalid_blocks", "invalid_payload", "too_long", "invalid_attachments")
_LOST_THREADS: Final = ("thread_not_found", "cannot_reply_to_message")
_GOOD_PROBES: Final = ("no_text", "missing_text_or_fallback_or_attachments")


class RefusedError(Exception):
    """The channel will never take this message: trying again is of no use."""


class UnavailableError(Exception):
    """The channel cannot take the message now.

    Attributes:
        retry_after: seconds that it asks for; None where it says nothing.
    """

    def __init__(self, why: str, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class Sender(Protocol):
    """A channel.

    `send` delivers one message or raises: `UnavailableError` to be asked again later, anything else
    to give up. It runs in a thread of its own, where it may take its time.

    Example:
        >>> class Terminal:
        ...     def send(self, message: Message) -> None:
        ...         print(message.title)
    """

    def send(self, message: Message) -> None:
        """Delivers the message."""


@runtime_checkable
class Probing(Protocol):
    """A channel that can be asked at the start whether it is set up well."""

    def probe(self) -> None:
        """Raises `RefusedError` or `UnavailableError`; sends nothing that anybody sees."""


class SlackWebhook:
    """An incoming webhook: the simplest way into one Slack channel.

    Args:
        url: `https://hooks.slack.com/services/...`; whoever knows it can post.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, message: Message) -> None:
        """Posts the message; as bare text, should Slack find fault with its layout."""
        body = payload(message)
        try:
            self._post(body)
        except RefusedError as error:
            if not _is_about_layout(error):
                raise
            self._post({"text": body["text"]})

    def probe(self) -> None:
        """Posts an empty text, which Slack refuses with `no_text` if the webhook is good."""
        try:
            self._post({"text": ""}, TIMEOUT)
        except RefusedError as error:
            if not _says(error, _GOOD_PROBES):
                raise

    def _post(self, body: dict[str, Any], timeout: int = MESSAGE_TIMEOUT) -> None:
        from slack_sdk.webhook import WebhookClient

        client = WebhookClient(self._url, timeout=timeout, retry_handlers=[], logger=_quiet())
        answer = _reached(lambda: client.send_dict(body))
        if answer.status_code == 200 and answer.body.strip() == "ok":
            return
        _raise(answer.status_code, answer.body.strip(), answer.headers)


class SlackBot:
    """A bot's token: messages of one run, or one study, stand in one thread, with pictures.

    Args:
        token: `xoxb-...`, with the scope `chat:write` (`files:write` for pictures).
        channel: the channel's id, `C...`, or its name.
        api_url: where Slack's API is; GovSlack has another.
        threads: the time stamps of threads that were begun before, by `Message.thread`.
        on_thread: told of each thread that begins: its key and time stamp.
    """

    def __init__(
        self,
        token: str,
        channel: str,
        *,
        api_url: str = SLACK_API,
        threads: Mapping[str, str] | None = None,
        on_thread: Callable[[str, str], None] | None = None,
    ) -> None:
        self._token = token
        self._channel = channel
        self._api_url = api_url
        self._threads = dict(threads or {})
        self._on_thread = on_thread

    def send(self, message: Message) -> None:
        """Posts the message, in its thread if that has begun, and then its picture."""
        thread = self._threads.get(message.thread or "")
        try:
            self._post(message, thread)
        except RefusedError as error:
            if thread is None or not _says(error, _LOST_THREADS):
                raise
            del self._threads[message.thread or ""]  # somebody deleted what it began with
            self._post(message, None)

    def _post(self, message: Message, thread: str | None) -> None:
        body = {"channel": self._channel, **payload(message)}
        if thread is not None:  # an alarm that only the thread shows would be overlooked
            body |= {"thread_ts": thread, "reply_broadcast": message.within is None}
        answer = self._chat(body)
        self._begin_thread(message, str(answer.get("ts", "")))
        if len(message.curve) > 1:
            self._upload(message, thread or str(answer.get("ts", "")), str(answer.get("channel")))

    def _chat(self, body: dict[str, Any]) -> Mapping[str, Any]:
        try:
            return self._call("chat.postMessage", body)
        except RefusedError as error:
            if not _is_about_layout(error):
                raise
        return self._call("chat.postMessage", {**body, "blocks": []})

    def _begin_thread(self, message: Message, stamp: str) -> None:
        if message.thread and stamp and message.thread not in self._threads:
            self._threads[message.thread] = stamp
            if self._on_thread is not None:
                self._on_thread(message.thread, stamp)

    def _upload(self, message: Message, thread: str, channel: str) -> None:
        """A picture is an extra: without matplotlib or the scope, the message stands alone."""
        try:
            from .picture import draw

            png = draw(message)
            if png is not None:
                name = "learning_curve.png"
                self._client(MESSAGE_TIMEOUT).files_upload_v2(
                    content=png, filename=name, title=name, channel=channel, thread_ts=thread
                )
        except Exception:
            return

    def probe(self) -> None:
        """Posts an empty text, which Slack refuses with `no_text` if token and channel are good."""
        try:
            self._call("chat.postMessage", {"channel": self._channel, "text": ""}, TIMEOUT)
        except RefusedError as error:
            if not _says(error, _GOOD_PROBES):
                raise

    def _call(
        self, method: str, body: dict[str, Any], timeout: int = MESSAGE_TIMEOUT
    ) -> Mapping[str, Any]:
        from slack_sdk.errors import SlackApiError

        client = self._client(timeout)
        try:
            answer = _reached(lambda: client.api_call(method, json=body), SlackApiError)
        except SlackApiError as error:
            reply = error.response
            _raise(reply.status_code, _error_of(reply.data), reply.headers)
        return answer.data if isinstance(answer.data, dict) else {}

    def _client(self, timeout: int) -> Any:
        return _web_client()(
            self._token,
            base_url=self._api_url,
            timeout=timeout,
            retry_handlers=[],
            logger=_quiet(),
        )


@functools.lru_cache(maxsize=1)
def _web_client() -> Any:
    """slack-sdk's, which brings the token to Slack alone.

    urllib copies `Authorization` to wherever it is redirected. slack-sdk has no public way to the
    request (`_perform_urllib_http_request_internal`, seen in 3.48).
    """
    from slack_sdk import WebClient

    class _Client(WebClient):
        def _perform_urllib_http_request_internal(self, url: str, req: Any) -> dict[str, Any]:
            if token := req.headers.pop("Authorization", None):
                req.add_unredirected_header("Authorization", token)
            return super()._perform_urllib_http_request_internal(url, req)

    return _Client


def _says(error: RefusedError, words: tuple[str, ...]) -> bool:
    return any(word in str(error) for word in words)


def _is_about_layout(error: RefusedError) -> bool:
    return _says(error, _LAYOUT_FAULTS)


def _error_of(data: Any) -> str:
    """Slack's own word for the error; something else, a proxy perhaps, may have answered."""
    if isinstance(data, dict) and isinstance(data.get("error"), str):
        return str(data["error"])
    return str(data)


def _reached(call: Callable[[], Any], *answers: type[Exception]) -> Any:
    """The answer of a call; whatever came between is `UnavailableError`."""
    try:
        return call()
    except answers:
        raise
    except Exception as error:  # URLError, TimeoutError, a reply that is cut or not HTTP at all
        raise UnavailableError(f"cannot be reached ({type(error).__name__}: {error})") from None


def _raise(status: int, said: str, headers: Mapping[str, str]) -> None:
    """Turns an answer that is not a success into what is to be done.

    Raises:
        UnavailableError: 429, 5xx, or an answer that is not Slack's.
        RefusedError: Slack does not want this message, and never will.
    """
    short = said if len(said) <= 80 else f"{said[:79]}…"
    temporary = said in (*_TEMPORARY, *_TEMPORARY_TOO)
    if status == 429 or status >= 500 or temporary:
        raise UnavailableError(f"answered {status} {short}", _retry_after(headers))
    if status == 200 and "<" in said[:50]:  # a proxy's or a login portal's page
        raise UnavailableError(f"answered with a page that is not Slack's: {short}")
    advice = _ADVICE.get(said)
    raise RefusedError(f"answered {status} {short!r}" + (f": {advice}" if advice else ""))


def _retry_after(headers: Mapping[str, str]) -> float | None:
    lowered = {str(key).lower(): value for key, value in headers.items()}
    try:
        return max(0.0, float(lowered["retry-after"]))
    except (KeyError, TypeError, ValueError):
        return None


def _quiet() -> logging.Logger:
    """slack-sdk logs every failure as an error, with the address in it; we say it once."""
    logger = logging.getLogger("lightning_expname.slack_sdk")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    logger.setLevel(logging.CRITICAL)
    return logger
