"""How the ranks of one training hear of the same trial: rank 0 leads, the others follow.

The leader publishes what Optuna suggests under a key, and the followers wait for that key, so an
objective may suggest whatever it likes, in any order, and floats arrive exactly (as JSON). The
medium is torch's TCPStore: it needs no process group, which does not exist before the first `fit`.

How a process knows what it is:
    torchrun       `RANK`; the store is the agent's own
    SLURM          as Lightning's SLURMEnvironment says; the port is the main one plus one
    several nodes  `MASTER_ADDR`, `MASTER_PORT` set beforehand; the port is the main one plus one
    Lightning      starts the script again for the other ranks: `LOCAL_RANK`, and the address of
                   the store in a variable that they inherit
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import threading
import time
from dataclasses import dataclass
from typing import Any, Final

from ..errors import TuneError

ADDRESS: Final = "LIGHTNING_EXPNAME_TUNE"
"""The environment variable by which the ranks that Lightning starts find the leader's store."""

_PATIENCE: Final = 60.0
"""Seconds that ranks wait for one another after a failure, before the study is given up."""

_POLL: Final = 0.02
_GRACE: Final = 5.0  # for a follower to notice by itself that its leader is gone


class LeftError(Exception):
    """The leader has left the trial that this rank is still in."""


@dataclass(frozen=True)
class Place:
    """Where this process stands: its rank, and the store's address if it is fixed beforehand."""

    rank: int
    host: str | None = None
    port: int = 0
    agent: bool = False  # torchrun's agent hosts the store


def find_place() -> Place:
    """What the environment says of this process.

    Raises:
        TuneError: this is not rank 0, and nothing says where the leader is.
    """
    env = os.environ
    if "TORCHELASTIC_RUN_ID" in env:
        agent = env.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
        port = int(env["MASTER_PORT"]) + (0 if agent else 1)
        return Place(int(env["RANK"]), env["MASTER_ADDR"], port, agent)
    if slurm := _slurm():
        return slurm
    rank = int(env.get("LOCAL_RANK", 0)) + int(env.get("NODE_RANK", env.get("GROUP_RANK", 0)))
    if rank and ADDRESS in env:
        host, _, text = env[ADDRESS].rpartition(":")
        return Place(rank, host, int(text))
    if ADDRESS not in env and {"MASTER_ADDR", "MASTER_PORT", "NODE_RANK"} <= set(env):
        return Place(rank, env["MASTER_ADDR"], int(env["MASTER_PORT"]) + 1)
    if rank:
        raise TuneError(
            f"this process is rank {rank} (LOCAL_RANK or NODE_RANK), but nothing says where rank 0"
            " is. Call tune() before the first fit, at the same place on every rank; on several"
            " nodes set MASTER_ADDR and MASTER_PORT for all of them"
        )
    return Place(0)


def _slurm() -> Place | None:
    """Lightning's own reading of SLURM: an interactive shell in an allocation is no rank."""
    if int(os.environ.get("SLURM_NTASKS", 1)) < 2:
        return None
    from lightning.fabric.plugins.environments.slurm import SLURMEnvironment

    if not SLURMEnvironment.detect():
        return None
    slurm = SLURMEnvironment()
    return Place(slurm.global_rank(), slurm.main_address, slurm.main_port + 1)


class Channel:
    """One `tune` call's part of the store.

    Attributes:
        is_leader: whether this process asks Optuna.
        rank: of this process.
    """

    def __init__(self, store: Any, rank: int) -> None:
        self._store = store
        self.rank = rank
        self.is_leader = rank == 0

    def publish(self, key: str, value: Any) -> None:
        """Tells the followers a JSON value."""
        self._store.set(key, json.dumps(value))

    def receive(self, key: str, *, unless: str | None = None, patience: float | None = None) -> Any:
        """Waits for a value.

        Raises:
            LeftError: `unless` was published, and `key` was not.
            TimeoutError: `patience` seconds passed.
        """
        end = None if patience is None else time.monotonic() + patience
        while not self.has(key):
            if unless is not None and self.has(unless) and not self.has(key):
                raise LeftError(key)
            if end is not None and time.monotonic() > end:
                raise TimeoutError(key)
            time.sleep(_POLL)
        return json.loads(self._store.get(key))

    def has(self, key: str) -> bool:
        """Whether something was published under a key."""
        return bool(self._store.check([key]))

    def join(self) -> None:
        """A follower says that it is there."""
        self._store.add("followers", 1)

    def leave(self, trial: int) -> None:
        """A follower says that it has left a trial."""
        self._store.add(f"{trial}/left", 1)

    def await_followers(self, trial: int, patience: float = _PATIENCE) -> bool:
        """Whether all followers left a trial in time, which the leader has left."""
        end = time.monotonic() + patience
        while self._store.add(f"{trial}/left", 0) < self._store.add("followers", 0):
            if time.monotonic() > end:
                return False
            time.sleep(_POLL)
        return True


_store: Any = None  # lives as long as the process: ranks that start later must still find it
_calls = 0


def connect() -> Channel:
    """The channel of the next `tune` call; every rank makes the same calls in the same order."""
    global _store, _calls
    from torch.distributed import PrefixStore  # type: ignore[attr-defined]  # public, not exported

    if _store is None:
        _store = _open(find_place())
    _calls += 1
    store, rank = _store
    return Channel(PrefixStore(f"lightning_expname/{_calls}", store), rank)


def _open(place: Place) -> tuple[Any, int]:
    from torch.distributed import TCPStore  # type: ignore[attr-defined]  # public, not exported

    inherited = place.host is not None and place.rank > 0 and ADDRESS in os.environ
    store = TCPStore(
        place.host or "127.0.0.1",
        place.port,
        is_master=place.rank == 0 and not place.agent,
        wait_for_workers=False,
        multi_tenant=place.host is not None,
        timeout=datetime.timedelta(seconds=_PATIENCE),
    )
    if place.rank == 0 and place.host is None:
        os.environ[ADDRESS] = f"127.0.0.1:{store.port}"
    if inherited:
        leave_no_orphan()
    return store, place.rank


def leave_no_orphan() -> None:
    """Ends this process soon after the one that started it, however that one died.

    Gloo notices a dead peer by itself; NCCL may wait for half an hour.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        time.sleep(_GRACE)
        os._exit(1)

    threading.Thread(target=watch, name="expname-orphan", daemon=True).start()


@contextlib.contextmanager
def leading(channel: Channel, key: str) -> Any:
    """Whatever happens inside, the followers hear of it."""
    try:
        yield
    except BaseException as error:
        channel.publish(key, {"error": f"{type(error).__name__}: {error}"})
        raise
