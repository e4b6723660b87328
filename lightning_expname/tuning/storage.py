"""Where a study lives, who may ask it for a trial, and whose trials are dead.

None                 a Journal file, `hparams/{model}/{dataset}/study.journal`: one machine
"memory"             this process only
a path               a Journal file
"postgresql://..."   Optuna's RDBStorage with a heartbeat: several machines
a storage of Optuna  as it is
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from ..errors import TuneError
from ..redaction import scrub
from .journal import lock_home, open_journal
from .locks import locked
from .plan import Plan

JOURNAL: Final = "study.journal"
_ALLOWED: Final = (
    "allowed: None (a journal), 'memory', the path of a journal's file, a database's URL, or a"
    " storage of Optuna"
)
_HEARTBEAT: Final = 30  # seconds
_GRACE: Final = 120  # seconds without a heartbeat after which a worker counts as dead

Life = Literal["lock", "heartbeat", "none"]


@dataclass(frozen=True)
class Home:
    """An open storage.

    Attributes:
        storage: Optuna's.
        text: what it is, for people and for study.json; no password.
        locks: the directory of its locks.
        life: how workers show that they live: a locked file, a database's heartbeat, or not.
    """

    storage: Any
    text: str
    locks: Path
    life: Life

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """One worker at a time counts the trials and asks for the next one."""
        with _advisory(self.storage) or locked(self.locks / "ask"):
            yield


def open_home(spec: Any, plan: Plan) -> Home:
    """Opens what `tune(storage=...)` says.

    Raises:
        TuneError: it says nothing usable, or a database's driver is missing.
    """
    journal = plan.home / JOURNAL
    locks = lock_home(journal)
    if spec is None:
        return _journal(journal, journal.relative_to(plan.root))
    if isinstance(spec, str) and spec == "memory":
        from optuna.storages import InMemoryStorage

        return Home(InMemoryStorage(), "memory", locks, life="lock")
    if isinstance(spec, str) and "://" in spec:
        return Home(_database(spec), scrub(spec), locks, life="heartbeat")
    if isinstance(spec, (str, os.PathLike)):
        return _journal(spec, spec)
    return _given(spec, locks)


def _journal(spec: str | os.PathLike[str], text: str | os.PathLike[str]) -> Home:
    if not os.fspath(spec):
        raise TuneError(f"storage is {spec!r}; {_ALLOWED}")
    path = Path(spec)
    try:
        return Home(open_journal(path), str(text), lock_home(path.absolute()), life="lock")
    except OSError as error:
        raise _unusable(str(spec), error) from error


def _given(storage: Any, locks: Path) -> Home:
    from optuna.storages import BaseStorage, RDBStorage

    if not isinstance(storage, BaseStorage):
        raise TuneError(f"storage is a {type(storage).__name__}; {_ALLOWED}")
    beats = isinstance(storage, RDBStorage) and storage.get_heartbeat_interval() is not None
    return Home(storage, type(storage).__name__, locks, life="heartbeat" if beats else "none")


def _database(url: str) -> Any:
    from optuna.storages import RDBStorage

    _check_password(url)
    lasting = {"connect_args": {"timeout": 60}} if url.startswith("sqlite") else {}
    try:
        return RDBStorage(
            url,
            engine_kwargs=lasting or {"pool_pre_ping": True},
            heartbeat_interval=_HEARTBEAT,
            grace_period=_GRACE,
        )
    except ImportError as error:
        raise TuneError(
            f"storage {scrub(url)!r} needs a driver that is not installed ({error});"
            " for PostgreSQL: pip install psycopg[binary], and postgresql+psycopg://..."
        ) from None  # SQLAlchemy's errors may hold the whole URL
    except Exception as error:
        raise _unusable(url, error) from None


def _unusable(storage: str, error: Exception) -> TuneError:
    reason = scrub(f"{type(error).__name__}: {error}".splitlines()[0])
    return TuneError(f"storage {scrub(storage)!r} cannot be opened ({reason}); {_ALLOWED}")


def _check_password(url: str) -> None:
    """A bare `@` splits a password: its end would be taken for a host, and be printed."""
    authority = url.partition("://")[2].partition("/")[0]
    if authority.count("@") > 1:
        raise TuneError(
            f"storage {scrub(url)!r}: user and password may hold no bare '@'; write it as %40"
        )


def _advisory(storage: Any) -> Any:
    """PostgreSQL's own lock, which ends with the connection; None for other storages."""
    engine = getattr(storage, "engine", None)
    if engine is None or engine.dialect.name != "postgresql":
        return None
    return _postgres_turn(engine)


@contextlib.contextmanager
def _postgres_turn(engine: Any) -> Iterator[None]:
    from sqlalchemy import text

    key = int.from_bytes(hashlib.sha256(b"lightning_expname.tune").digest()[:7], "big")
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})
        connection.commit()  # the lock is the session's; an open transaction would pin old rows
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})
            connection.commit()
