"""A program that ends in the way it is told: `python plain_ends.py END [SECONDS]`."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable

from lightning_expname.alerts import Alerts


class TrialPruned(Exception):
    """Called like optuna's."""


def fail() -> None:
    raise ValueError("the reason <!channel> with xoxb-123456789-secret")


def fail_within_a_signal_free_thread() -> None:
    raise RuntimeError("nested") from ValueError("first")


def leave(code: object) -> Callable[[], None]:
    return lambda: sys.exit(code)  # type: ignore[arg-type]


def hit(number: int) -> Callable[[], None]:
    def strike() -> None:
        os.kill(os.getpid(), number)
        time.sleep(30)

    return strike


def prune() -> None:
    raise TrialPruned


def segfault() -> None:
    ctypes.string_at(0)


def die_while_a_child_lives() -> None:
    """The child has the watchdog's pipe, and keeps it open."""
    if os.fork() == 0:
        time.sleep(20)
        os._exit(0)
    os.kill(os.getpid(), signal.SIGKILL)


def end_well_in_a_child() -> None:
    """A forked child leaves the same `with` block: not an end of the parent's mode."""
    if (pid := os.fork()) == 0:
        sys.exit(3)
    os.waitpid(pid, 0)


def eat_all_memory(limit: int = 300 << 20) -> None:
    """Python's own end is a MemoryError; a memory cgroup that allows less is the kernel's."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    blocks = []
    while True:
        blocks.append(bytearray(b"x") * (16 << 20))  # written to: it is not only promised


def used_memory() -> int:
    """Bytes of addresses in use, as RLIMIT_AS counts them."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


ENDS: dict[str, Callable[[], None]] = {
    "well": lambda: None,
    "exception": fail,
    "sys.exit(0)": leave(0),
    "sys.exit(3)": leave(3),
    "SIGINT": hit(signal.SIGINT),
    "SIGTERM": hit(signal.SIGTERM),
    "SIGHUP": hit(signal.SIGHUP),
    "SIGUSR1": hit(signal.SIGUSR1),
    "SIGKILL": hit(signal.SIGKILL),
    "os._exit": lambda: os._exit(5),
    "segfault": segfault,
    "memory": eat_all_memory,
    "OOM killer": lambda: eat_all_memory(4 << 30),
    "pruned": prune,
    "child": die_while_a_child_lives,
    "child ends": end_well_in_a_child,
}


if __name__ == "__main__":
    end, seconds = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
    with Alerts().watch("train", run="d_model64-bs32"):
        print("begun", flush=True)
        time.sleep(seconds)
        ENDS[end]()
