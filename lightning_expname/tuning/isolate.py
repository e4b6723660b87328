"""A process for each trial: what kills it (out of memory, a segfault) fails the trial only.

The process that called `tune` starts the script again, once for each trial. There the same call
of `tune` claims one trial, runs it (under `ddp` with ranks of its own) and ends the process. The
cost is the start of a process and its imports, once for each trial.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from ..errors import TuneError
from .budget import WORKER, fail, is_spent
from .locks import new_worker
from .plan import Plan
from .progress import Progress
from .storage import Home
from .tally import ERROR, Tally

ONE_TRIAL: Final = "LIGHTNING_EXPNAME_TUNE_ONE"
"""The environment variable that gives a process its worker's id and lets it run one trial."""

_OF_STUDY: Final = f"{ONE_TRIAL}_OF"
_UNCAUGHT: Final = 70  # the exit code of a trial that raised what `catch` does not name
_PATIENCE: Final = 30.0
_IDLE: Final = 3  # processes in a row that claim no trial: other workers may be quicker once


def given_worker(plan: Plan) -> str | None:
    """The worker's id, in a process that runs one trial, and of this study.

    Its script may come to other studies before: those are over, or run as they always do.
    """
    return os.environ.get(ONE_TRIAL) if os.environ.get(_OF_STUDY) == _call(plan) else None


def _call(plan: Plan) -> str:
    """What tells one call of `tune` in a script from the others, in whatever directory."""
    said = (plan.study, plan.model, plan.dataset, plan.features, plan.n_trials, plan.digest)
    return hashlib.sha256(repr(said).encode("utf-8", "backslashreplace")).hexdigest()


def is_one_trials_process() -> bool:
    """Whether the script was started again for one trial, of whichever of its studies."""
    return ONE_TRIAL in os.environ


def run_isolated(tally: Tally, plan: Plan, home: Home, bar: Progress) -> None:
    """Runs the trials of a study, each in a process of its own.

    Raises:
        TuneError: the storage cannot be shared, there is no script to start again, or a trial's
            process ended in another way than by a trial's end.
    """
    if home.text == "memory":
        raise TuneError(
            "isolate='process' needs a storage that processes share; drop storage='memory'"
        )
    study, idle = tally.study, 0
    while not is_spent(tally, plan, home):
        if is_one_trials_process():  # or each process would start another, without an end
            raise TuneError(
                f"the process of a trial came to study {plan.study!r} instead, which is not over;"
                " the script must come to the same calls of tune() whenever it is started"
            )
        worker = new_worker()
        code = run_one(worker, plan)
        left = fail_dead_child(study, worker, code)
        if code == _UNCAUGHT:
            raise TuneError("a trial raised what catch= does not name; its error is printed above")
        if code and not left:
            raise TuneError(f"the process of a trial {_died(code)}, not through a trial's end")
        idle = 0 if claimed(study, worker) else idle + 1
        if idle == _IDLE:
            raise TuneError(
                f"isolate='process' started the script {_IDLE} times, and no process took a trial;"
                " the script must come to the same call of tune() whenever it is started"
            )
        bar.step()


def claimed(study: Any, worker: str) -> bool:
    """Whether a worker ever had a trial."""
    return any(one.user_attrs.get(WORKER) == worker for one in study.get_trials(deepcopy=False))


def end_after_one(error: BaseException | None) -> NoReturn:
    """Ends the process of one trial; what it raised is printed as usual."""
    if error is None:
        raise SystemExit(0)
    sys.excepthook(type(error), error, error.__traceback__)
    raise SystemExit(_UNCAUGHT)


def run_one(worker: str, plan: Plan) -> int:
    """Runs the script again for one trial; gives the exit code, negative for a signal.

    Raises:
        TuneError: there is no script: a notebook or an interactive session.
    """
    command = _command()
    environment = {**os.environ, ONE_TRIAL: worker, _OF_STUDY: _call(plan)}
    child = subprocess.Popen(command, env=environment, start_new_session=True)
    with _killing(child):
        return child.wait()


def _command() -> list[str]:
    script = getattr(sys.modules["__main__"], "__file__", None)
    # Python calls its standard input "<stdin>": started again, that would be empty, for ever.
    if not script or not os.path.isfile(script) or hasattr(sys, "ps1"):
        raise TuneError(
            "isolate='process' starts the script again for each trial, and there is none: this is"
            " a notebook or an interactive session. Use isolate='none'"
        )
    return [sys.executable, *sys.orig_argv[1:]]


@contextlib.contextmanager
def _killing(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Nothing of a trial stays behind: neither itself when we end, nor its ranks when it does."""
    try:
        yield
    except BaseException:
        child.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_PATIENCE)
        raise
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def fail_dead_child(study: Any, worker: str, code: int) -> bool:
    """Fails the trial that a dead process left; whether there was one."""
    for trial in study.get_trials(deepcopy=False):
        if trial.state.name == "RUNNING" and trial.user_attrs.get(WORKER) == worker:
            with contextlib.suppress(RuntimeError):  # another worker has ended it since we asked
                study._storage.set_trial_user_attr(
                    trial._trial_id, ERROR, f"its process {_died(code)}"
                )
            fail(study, trial.number)
            return True
    return False


def _died(code: int) -> str:
    if code < 0:
        known = {one.value: one.name for one in signal.Signals}  # real-time signals have no name
        return f"was killed by {known.get(-code, f'signal {-code}')}"
    return f"ended with exit code {code}"
