"""However long a channel hangs, the process ends when the deadline that the docs state is over."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from lightning_expname.alerts import DEADLINE
from lightning_expname.alerts.senders import MESSAGE_TIMEOUT
from lightning_expname.testing import SlackServer

SLACK = 10.0  # seconds that a busy machine needs to end any process
PROGRAM = """
import time
from lightning_expname.alerts import Alerts

class Hanging:
    def send(self, message):
        time.sleep(600)

for alerts in [{alerts}]:
    with alerts.watch("train"):
        pass
print(time.monotonic(), flush=True)
"""


@pytest.mark.parametrize(
    "alerts",
    [
        "Alerts()",
        "Alerts(watchdog=False)",
        "Alerts(slack_webhook='', senders=[Hanging()])",
        "Alerts(), Alerts(watchdog=False), Alerts(senders=[Hanging(), Hanging()])",
    ],
    ids=["watchdog", "no watchdog", "a channel of one's own", "all of them"],
)
def test_the_end_is_held_up_by_the_deadline_at_most(
    expname_slack: SlackServer, alerts: str
) -> None:
    expname_slack.mode = "hang"
    program = PROGRAM.format(alerts=alerts)
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=300)
    delay = time.monotonic() - float(process.stdout)
    assert process.returncode == 0
    assert DEADLINE - 1.0 < delay < DEADLINE + SLACK < MESSAGE_TIMEOUT
    print(f"{alerts}: the end came {delay:.1f} s later")


CHILDREN = """
import multiprocessing, sys, time
from lightning_expname.alerts import Alerts

def work():
    for _ in range(3):  # as the tasks of a pool's worker
        with Alerts().watch("train"):
            pass
    print(time.monotonic(), flush=True)

if __name__ == "__main__":
    child = multiprocessing.get_context(sys.argv[1]).Process(target=work)
    child.start()
    child.join()
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_childs_end_is_held_up_once_whatever_it_holds(
    expname_slack: SlackServer, tmp_path: Path, method: str
) -> None:
    expname_slack.mode = "hang"
    program = tmp_path / "children.py"
    program.write_text(CHILDREN)
    command = [sys.executable, str(program), method]
    process = subprocess.run(command, capture_output=True, text=True, timeout=300)
    delay = time.monotonic() - float(process.stdout)
    assert process.returncode == 0
    assert DEADLINE - 1.0 < delay < 2 * DEADLINE - 1.0
    print(f"{method}: the end came {delay:.1f} s later")
