"""The last words of a program, for which Python starts no thread any more.

From 3.12 on it refuses while `atexit` runs. The environments of the pure core run this file under
such a Python; under an earlier one the program below refuses by itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import atexit, os, sys, threading
from lightning_expname.alerts import Alerts

class Written:
    def send(self, message):
        with open(sys.argv[2], "a") as file:
            print(message.mode, message.outcome, file=file)

def refuse(self):
    raise RuntimeError("can't create new thread at interpreter shutdown")

alerts = Alerts(wandb=False, watchdog=sys.argv[3] == "watched", senders=[Written()])

def clean_up():
    with alerts.watch("clean up"):
        pass

if sys.argv[1] == "begun at exit":
    atexit.register(clean_up)
else:
    alerts.watch("train").__enter__()
if sys.version_info < (3, 12):
    atexit.register(setattr, threading.Thread, "start", refuse)
"""


@pytest.mark.parametrize("watchdog", ["watched", "alone"])
@pytest.mark.parametrize(
    ("when", "ranks", "told"),
    [
        ("open at exit", "1", "train interrupted\n"),
        ("open at exit", "2", "train interrupted\n"),
        ("begun at exit", "1", "clean up finished\n"),
        ("begun at exit", "2", "clean up finished\n"),
    ],
)
def test_what_is_said_at_exit_is_delivered(
    tmp_path: Path, when: str, ranks: str, told: str, watchdog: str
) -> None:
    file, port = tmp_path / "told", str(20_000 + os.getpid() % 10_000)
    launched = {"WORLD_SIZE": ranks, "RANK": "0", "MASTER_PORT": port, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, when, str(file), watchdog],
        env={**os.environ, **launched},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr and done.returncode == 0
    assert file.read_text() == told


LATER = """
import builtins, os, sys
from lightning_expname.alerts import Alerts

class Quiet:
    def send(self, message):
        pass

class Kept:
    def __init__(self):
        self.alerts = Alerts(wandb=False, senders=[Quiet()])

    def __del__(self):
        with self.alerts.watch("late"):
            pass

builtins.kept = Kept()  # destroyed last
"""


def test_a_mode_of_a_destructor_does_not_keep_the_program_from_its_end() -> None:
    variables = {name: one for name, one in os.environ.items() if not name.startswith("SLACK_")}
    done = subprocess.run(
        [sys.executable, "-c", LATER], env=variables, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0
