"""`Message`: what is said of one end, whatever the channel."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from .outcome import Outcome

ICONS: Final[Mapping[str, str]] = {
    "started": "▶️",
    "finished": "✅",
    "failed": "❌",
    "interrupted": "⏹️",
    "killed": "💀",
    "pruned": "✂️",
    "summary": "🧾",
}


@dataclass(frozen=True)
class Message:
    """One end (or start) of one mode.

    Attributes:
        mode: `train`, `validate`, `test`, `predict`, `tune`, or the user's own word.
        outcome: how it ended.
        run, project, model, dataset: the run's names; None where there are none.
        began: when, in seconds since the epoch.
        seconds: how long it took; None at the start.
        score, monitor: the best value of the monitored metric, and the metric's name.
        checkpoint: the path of the best checkpoint, else of the newest.
        url: the run's page on W&B.
        reason: one line on why it ended; None after a success.
        traceback: the end of it, after a failure.
        rank, world: which process of how many speaks.
        consequence: this rank only noticed that another one is gone.
        within: what it was a part of: a trial within `tune`.
        tally: how the parts ended, by outcome.
        curve: points (epoch, value) of the monitored metric.
        thread: messages of one key belong together; a Slack bot puts them in one thread.
        host: the machine's name.
        key: the message's own id, the same in every attempt to deliver it.
    """

    mode: str
    outcome: Outcome
    run: str | None = None
    project: str | None = None
    model: str | None = None
    dataset: str | None = None
    began: float | None = None
    seconds: float | None = None
    score: float | None = None
    monitor: str | None = None
    checkpoint: str | None = None
    url: str | None = None
    reason: str | None = None
    traceback: str | None = None
    rank: int = 0
    world: int = 1
    consequence: bool = False
    within: str | None = None
    tally: Mapping[str, int] = field(default_factory=dict)
    curve: tuple[tuple[float, float], ...] = ()
    thread: str | None = None
    host: str = ""
    key: str = ""

    @property
    def title(self) -> str:
        """`train failed: d_model64-bs32-lr0.001`, in one line."""
        if self.outcome == "summary":
            return f"{self.mode}: {spoken_tally(self.tally)}"
        name = self._name
        return f"{self.mode} {self.outcome}" + (f": {name}" if name else "")

    @property
    def part_of(self) -> str:
        """What its parts say that they are within: `tune: lgbm`."""
        return f"{self.mode}: {self._name}" if self._name else self.mode

    @property
    def _name(self) -> str | None:
        return self.run or self.model or self.project

    def replace(self, **changes: Any) -> Message:
        """A copy with some attributes changed."""
        return dataclasses.replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """A dict of plain values."""
        return {**dataclasses.asdict(self), "curve": [list(point) for point in self.curve]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Message:
        """The inverse of `to_json`."""
        curve = tuple((float(x), float(y)) for x, y in data.get("curve", ()))
        return cls(**{**data, "curve": curve})


def to_text(message: Message) -> str:
    """The message as plain text, for channels without a layout; not escaped, not clipped."""
    rows = [f"{label}: {value}" for label, value in details(message)]
    note = [CONSEQUENCE] if message.consequence else []
    end = [message.traceback] if message.traceback else []
    return "\n".join([f"{ICONS[message.outcome]} {message.title}", *rows, *note, *end])


CONSEQUENCE: Final = "another rank ended first; this one only noticed that it is gone"


def details(message: Message) -> list[tuple[str, str]]:
    """What is known, as (label, value), in the order in which it is read."""
    score = None if message.score is None else f"{message.score:.6g}"
    rows: list[tuple[str, str | None]] = [
        ("Reason", message.reason),
        ("Within", message.within),
        ("Project", message.project),
        ("Dataset", message.dataset),
        (f"Best {message.monitor or 'score'}", score),
        ("Duration", None if message.seconds is None else spoken_seconds(message.seconds)),
        ("Checkpoint", message.checkpoint),
        ("Parts", spoken_tally(message.tally) or None),
        ("Rank", f"{message.rank} of {message.world}" if message.world > 1 else None),
        ("Host", message.host or None),
        ("W&B", message.url),
    ]
    return [(label, value) for label, value in rows if value]


def spoken_seconds(seconds: float) -> str:
    """`42 s`, `3 min 20 s`, `5 h 12 min`, `2 d 3 h`."""
    whole = max(0, round(seconds))
    for size, name, rest_size, rest_name in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            return f"{whole // size} {name} {whole % size // rest_size} {rest_name}"
    return f"{whole} s"


def spoken_tally(tally: Mapping[str, int]) -> str:
    """`30 finished, 7 pruned`."""
    return ", ".join(f"{count} {outcome}" for outcome, count in tally.items() if count)


@lru_cache(maxsize=1)
def host_name() -> str:
    """The machine's own name, without asking the network."""
    return socket.gethostname()
