"""Makes docs/images/*.svg: the command line's tables and an alert, from real output.

    python examples/screens.py

Runs are claimed as a training claims them, the command line prints into a recorded console, and the
alert is what the loopback Slack server was really sent.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import shlex
import socket
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.text import Text

from lightning_expname.alerts import Alerts
from lightning_expname.cli import main as expname
from lightning_expname.records import CheckpointPlace, RunRecord, claim
from lightning_expname.testing import SlackServer

IMAGES = Path(__file__).absolute().parents[1] / "docs" / "images"
WIDTH = 132
COMMANDS = {
    "find": "expname find n_heads=4 'lr<1e-2' --sort -score --columns n_layers",
    "diff": "expname diff d_model64-n_heads4-n_layers2-bs64-lr0.001"
    " d_model64-n_heads4-n_layers2-bs64-r2-lr0.003",
    "preview": "expname preview --model Net --dataset Digits --batch-size 64 --lr 1e-3"
    " d_model=64 act=gelu",
}
RUNS = ((64, 4, 2, 1e-3, 0.9798), (64, 4, 2, 3e-3, 0.9832), (32, 4, 1, 1e-3, 0.9512))


def claim_runs(root: Path) -> None:
    """The records that trainings of these configurations leave."""
    folder = "checkpoints/PatchTransformer/Digits"
    for d_model, heads, layers, lr, score in RUNS:
        first = f"d_model{d_model}-n_heads{heads}-n_layers{layers}-bs64"
        hparams = {"d_model": d_model, "n_heads": heads, "n_layers": layers, "lr": lr}
        claim(root, partial(_record, folder, first, hparams, score))


def _record(
    folder: str, first: str, hparams: dict[str, Any], score: float, ordinal: int
) -> RunRecord:
    stem = first if ordinal == 1 else f"{first}-r{ordinal}"
    return RunRecord(
        id=f"run{hash_of(stem)}",
        project="PatchTransformer-Digits",
        run=f"{stem}-lr{hparams['lr']}",
        stem=stem,
        model="PatchTransformer",
        dataset="Digits",
        status="finished",
        created="2026-11-24T20:00:00+00:00",
        hparams=hparams,
        config={"lr": hparams["lr"], "batch_size": 64},
        score=score,
        record=f"{folder}/{stem}.json",
        places=(CheckpointPlace(folder, f"{stem}-epoch{{epoch}}", f"{stem}-last"),),
        ordinal=ordinal,
    )


def hash_of(stem: str) -> str:
    """Five characters that are the same in every picture."""
    return hashlib.sha256(stem.encode()).hexdigest()[:5]


def shot(images: Path, name: str, command: str) -> None:
    """A command and what it prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert expname(shlex.split(command)[1:]) == 0
    console = Console(record=True, width=WIDTH, file=io.StringIO(), highlight=False)
    console.print(Text(f"$ {command}", style="bold"))
    console.print(Text(printed.getvalue().rstrip()))
    save(images, console, name, "expname")


def alert(images: Path) -> None:
    """What Slack was sent at the end of a block, drawn block by block."""
    with SlackServer() as server:
        alerts = Alerts(slack_webhook=server.webhook_url, wandb=False)
        with alerts.watch("train", model="PatchTransformer", dataset="Digits") as watched:
            watched.update(score=0.9832, monitor="val_acc")
        assert alerts.close(60)
        (message,) = server.wait_for(1)
    console = Console(record=True, width=72, file=io.StringIO(), highlight=False)
    console.print(Panel("\n".join(lines(message.body["blocks"])), title="#experiments"))
    save(images, console, "alert", "Slack")


def lines(blocks: list[dict[str, Any]]) -> list[str]:
    """Slack's blocks as text; its *bold* is rich's."""
    host = socket.gethostname()  # who runs this is nobody's business
    texts = (text.replace(host, "gpu-01") for block in blocks for text in _texts(block))
    return [re.sub(r"\*(.+?)\*", r"[bold]\1[/bold]", escape(text)) for text in texts]


def _texts(block: dict[str, Any]) -> list[str]:
    found = [block["text"]] if "text" in block else []
    found += [*block.get("fields", []), *block.get("elements", [])]
    return [str(one["text"]) for one in found if isinstance(one.get("text"), str)]


def save(images: Path, console: Console, name: str, title: str) -> None:
    """The picture, without an id that differs each time."""
    images.mkdir(parents=True, exist_ok=True)
    console.save_svg(str(images / f"{name}.svg"), title=title, unique_id=f"expname-{name}")


def main(images: Path = IMAGES) -> None:
    """All pictures."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        claim_runs(Path(folder))
        for name, command in COMMANDS.items():
            shot(images, name, command)
        alert(images)
        os.chdir(before)


if __name__ == "__main__":
    main()
