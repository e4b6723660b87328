"""pytest fixtures for code that logs to W&B: an isolated root, and what was really recorded in it.

Every pytest run of the environment loads this module, so it imports nothing heavy.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
import warnings
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import pytest

if TYPE_CHECKING:
    from .logger import ExpNameLogger
    from .testing import Recorded, SlackServer, WandbServer

_EXIT_SECONDS: Final = 5.0
_PREFIXES: Final = ("WANDB_", "LIGHTNING_EXPNAME_", "SLACK_")
_FOREIGN: Final = pytest.StashKey[Any]()  # the W&B run that was open before the test, or None


class ReadRecorded(Protocol):
    """The type of the fixture `expname_recorded`."""

    def __call__(self, *, finish: bool = True, wait: float | None = None) -> list[Recorded]: ...


@pytest.fixture
def expname_root(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """An empty directory, the working one during the test, in which W&B writes offline.

    Its name has a space and a letter outside ASCII. Variables `WANDB_*` and `SLACK_*` of the
    developer's shell (a key, a run's id, a webhook) are hidden, and W&B's caches lie beside the
    directory. Afterwards every W&B run of this process is finished, and the environment is what
    it was.

    Example:
        def test_training(expname_root):
            train()
            assert list(expname_root.glob("checkpoints/**/*.ckpt"))
    """
    from .testing.golden import files_in

    root = tmp_path / "expname rööt"
    root.mkdir()
    foreign = request.node.stash[_FOREIGN] = _foreign_run()
    _forget(foreign)  # W&B reads the environment on its first use only
    prefixes = _hidden_prefixes(request.fixturenames)
    with _as_it_was(prefixes), files_in(Path.cwd()):
        _replace(prefixes, _isolated(root, tmp_path / "wandb home"), monkeypatch)
        monkeypatch.chdir(root)
        yield root
        _forget(foreign)


@pytest.fixture
def expname_logger(expname_root: Path, request: pytest.FixtureRequest) -> ExpNameLogger:
    """An `ExpNameLogger` that writes offline below `expname_root`, or online to `expname_wandb`.

    Build the model in the test, so that its constructor is watched. The run is read back with
    `expname_recorded`.

    Example:
        def test_names(expname_logger, expname_recorded):
            Trainer(logger=expname_logger, max_epochs=1).fit(LitNet(Net(depth=2)), loader)
            assert expname_logger.names.run == "depth2-bs8-lr0.001"
            assert expname_logger.record.checkpoint("last").exists()
            (run,) = expname_recorded()
            assert run.config["dropout"] == 0.1
    """
    from .logger import ExpNameLogger

    return ExpNameLogger(root_dir=expname_root, offline="expname_wandb" not in request.fixturenames)


@pytest.fixture
def expname_recorded(expname_root: Path, request: pytest.FixtureRequest) -> ReadRecorded:
    """Reads back what W&B recorded under `expname_root`: a function that returns a list of runs.

    The runs, of type `lightning_expname.testing.Recorded`, are in the order of their creation.
    `finish=True` first finishes the runs of this process that are still open; without it they are
    read as far as they got. `wait` is how long the ends of all runs are waited for together, 5
    seconds by default and 0 for `finish=False`: a run that was killed never has one.

    Example:
        def test_names(expname_recorded):
            train()
            (run,) = expname_recorded()
            assert run.name == "d_model64-n_heads4-n_layers2-bs64-lr0.001"
    """

    def read(*, finish: bool = True, wait: float | None = None) -> list[Recorded]:
        from .testing import find_recorded, read_recorded

        if finish:
            _forget(request.node.stash[_FOREIGN])
        patience = (_EXIT_SECONDS if finish else 0.0) if wait is None else wait
        end = time.monotonic() + patience
        paths = find_recorded(expname_root)
        return [read_recorded(path, wait=max(0.0, end - time.monotonic())) for path in paths]

    return read


@pytest.fixture
def expname_wandb(  # it lives in the root's isolation
    expname_root: Path,  # noqa: ARG001
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[WandbServer]:
    """A W&B server on the loopback, of type `lightning_expname.testing.WandbServer`.

    During the test W&B is online: runs of this process and of its children go to the server, and
    files go below `expname_root`. Afterwards runs still open are finished and the server is gone.
    What the server was asked and does not know is one warning.

    Example:
        def test_online(expname_wandb):
            train()
            (run,) = expname_wandb.runs.values()
            assert (run.project, run.state) == ("Net-digits", "running")  # until it is finished
            assert run.name == "d_model64-bs8-lr0.001"

        def test_outage(expname_wandb):
            expname_wandb.fail("UpsertBucket", status=503, times=2)
            train()
            assert len(expname_wandb.runs) == 1
            assert expname_wandb.unknown == []
    """
    from .testing.wandb_server import WandbServer, unexplained

    with WandbServer() as server, _as_it_was(_PREFIXES[:1]):
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        try:
            yield server
        finally:
            server.heal()  # or the end of an open run would be waited for in vain
            _forget(request.node.stash[_FOREIGN])
    if told := unexplained(server):
        warnings.warn(told, pytest.PytestWarning, stacklevel=1)


@pytest.fixture
def expname_slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlackServer]:
    """A Slack on this machine that records what it is sent, and refuses what Slack would refuse.

    `SLACK_WEBHOOK_URL` leads to it during the test; a bot's token and channel, and the proxies of
    the developer's shell, are hidden. `expname_slack.mode = "429"` (`500`, `502`, `hang`, `html`,
    `invalid_auth`, `channel_not_found`) makes it unwell, `stop()` unreachable. What it has not
    taken by the end of the test is dropped.

    Example:
        def test_that_the_end_is_told(expname_slack):
            with alerts.watch("train"):
                train()
            (message,) = expname_slack.wait_for(1)
            assert "train finished" in message.text
    """
    from .alerts.last_words import unfinished
    from .testing.slack_server import SlackServer

    before = unfinished()
    for name in ("SLACK_BOT_TOKEN", "SLACK_CHANNEL", *_proxies()):
        monkeypatch.delenv(name, raising=False)
    with SlackServer() as server:
        monkeypatch.setenv("SLACK_WEBHOOK_URL", server.webhook_url)
        yield server
        for alerts in unfinished() - before:
            alerts.abandon()  # or a watchdog would try for minutes, long after pytest


def _proxies() -> list[str]:
    return [name for name in os.environ if name.lower() in ("http_proxy", "https_proxy")]


def _foreign_run() -> Any:
    """The W&B run that was open before the test: not ours to finish."""
    run = getattr(sys.modules.get("wandb"), "run", None)
    if run is not None:
        warnings.warn(
            f"the W&B run {run.id!r} is open before expname_root: what this test logs may go to it,"
            " not to expname_root. Finish it first, with run.finish()",
            pytest.PytestWarning,
            stacklevel=2,
        )
    return run


def _forget(foreign: Any) -> None:
    """Finishes open runs and W&B's process; the next `wandb.init` reads the environment anew."""
    wandb: Any = sys.modules.get("wandb")
    if wandb is None or foreign is not None:
        return
    if wandb.run is not None:
        with contextlib.suppress(Exception):  # over already, if the test called `wandb.teardown`
            wandb.run.finish()
    wandb.teardown()  # also finishes runs of reinit="create_new", and waits for their files
    wandb.run = None  # a run that `wandb.teardown` ended stands there still, and takes nothing


def _hidden_prefixes(fixtures: Collection[str]) -> tuple[str, ...]:
    return _PREFIXES[:2] if "expname_slack" in fixtures else _PREFIXES


def _variables(prefixes: tuple[str, ...]) -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key.startswith(prefixes)}


def _replace(
    prefixes: tuple[str, ...], variables: dict[str, str], patch: pytest.MonkeyPatch
) -> None:
    """By the test's own `monkeypatch`: a later patch of it would bring back what stood here."""
    for key in _variables(prefixes):
        patch.delenv(key)
    for key, value in variables.items():
        patch.setenv(key, value)


@contextlib.contextmanager
def _as_it_was(prefixes: tuple[str, ...]) -> Iterator[None]:
    """Afterwards variables, directory and hooks are as before, whoever changed them."""
    outside = _variables(prefixes)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(os.getcwd())
        for hook in ("excepthook", "exit"):  # each run of W&B's adds itself to both, for good
            patch.setattr(sys, hook, getattr(sys, hook))
        try:
            yield
        finally:
            for key in _variables(prefixes):
                del os.environ[key]
            os.environ.update(outside)


def _isolated(root: Path, home: Path) -> dict[str, str]:
    folders = {f"WANDB_{kind}_DIR": home / kind.lower() for kind in ("CACHE", "CONFIG", "DATA")}
    return {
        "WANDB_MODE": "offline",
        "WANDB_CONSOLE": "off",  # else a torn-down run goes on catching what is printed
        "WANDB_SILENT": "true",
        "WANDB_ERROR_REPORTING": "false",
        "WANDB_DIR": str(root),
        **{key: str(folder) for key, folder in folders.items()},
    }
