"""The learning curve as a picture, drawn by the process that sends it, never by the training."""

from __future__ import annotations

import io
from typing import Any

from .message import Message


def draw(message: Message) -> bytes | None:
    """A PNG of the monitored metric over the epochs; None without matplotlib or without a curve."""
    if len(message.curve) < 2:
        return None
    try:
        from matplotlib.figure import Figure  # without pyplot: no display, no global state
    except ImportError:
        return None
    figure: Any = Figure(figsize=(5, 3), dpi=150, layout="constrained")
    axes = figure.subplots()
    axes.plot(*zip(*message.curve, strict=True), marker="." if len(message.curve) < 40 else "")
    axes.set_xlabel("epoch")
    axes.set_ylabel(_literal(message.monitor or "score"))
    axes.set_title(_literal(message.run or message.mode)[:60], fontsize="medium")
    axes.grid(alpha=0.3)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _literal(text: str) -> str:
    """matplotlib reads what stands between two dollars as mathematics."""
    return text.replace("$", r"\$")
