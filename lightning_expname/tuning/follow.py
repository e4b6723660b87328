"""A follower: another rank than 0, which runs the same objective with the leader's parameters."""

from __future__ import annotations

from typing import Any

from ..errors import TuneError
from .best import TuneResult
from .channel import _PATIENCE, Channel, LeftError
from .isolate import end_after_one, given_worker
from .lead import Objective
from .plan import Plan
from .trial import SyncTrial


def follow(objective: Objective, plan: Plan, channel: Channel) -> TuneResult:
    """Takes part in every trial of the leader, then returns what it returns.

    Raises:
        TuneError: the study failed on rank 0.
        Exception: the objective failed here, and not in the same way on rank 0.
    """
    channel.join()
    sequence = 1
    while (number := _next(channel, sequence)) is not None:
        if not channel.has(f"{sequence}/end"):
            _take_part(objective, plan, channel, sequence, number)
        channel.leave(sequence)
        sequence += 1
    if given_worker(plan) is not None:
        end_after_one(None)
    return _result(channel.receive("result"), plan)


def _next(channel: Channel, sequence: int) -> int | None:
    try:
        number: int = channel.receive(f"{sequence}/start", unless="result")
    except LeftError:
        return None
    return number


def _take_part(
    objective: Objective, plan: Plan, channel: Channel, sequence: int, number: int
) -> None:
    from optuna import TrialPruned

    trial = SyncTrial(plan, channel, sequence, number)
    try:
        if plan.space is not None:
            plan.space.suggest(trial)
        objective(trial)
    except (LeftError, TrialPruned):
        return
    except plan.catch:
        channel.publish(f"{sequence}/caught", True)
        if given_worker(plan) is not None:
            raise  # the process is for this trial only: all of its ranks may end
        if _leaders_end(channel, sequence) != "failed":
            raise  # only this rank failed: its death ends the training on all of them


def _leaders_end(channel: Channel, sequence: int) -> str | None:
    try:
        state: str = channel.receive(f"{sequence}/end", patience=_PATIENCE)
    except TimeoutError:
        return None
    return state


def _result(told: dict[str, Any], plan: Plan) -> TuneResult:
    if "error" in told:
        raise TuneError(f"the study failed on rank 0: {told['error']}")
    return TuneResult.from_json(told, plan.root)
