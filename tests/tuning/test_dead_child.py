"""A trial whose process died, as the process that started it finds it."""

from __future__ import annotations

from typing import Any

import optuna
import pytest

from lightning_expname.tuning.budget import WORKER
from lightning_expname.tuning.isolate import fail_dead_child
from lightning_expname.tuning.tally import ERROR


@pytest.fixture
def study() -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study()


def left_by(worker: str, study: optuna.Study) -> optuna.Trial:
    trial = study.ask()
    trial.set_user_attr(WORKER, worker)
    return trial


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (-9, "was killed by SIGKILL"),
        (-40, "was killed by signal 40"),
        (3, "ended with exit code 3"),
    ],
)
def test_it_fails_and_says_of_what(study: optuna.Study, code: int, said: str) -> None:
    left_by("ours", study)
    left_by("another's", study)
    assert fail_dead_child(study, "ours", code)
    ours, others = study.trials
    assert ours.state.name == "FAIL"
    assert ours.user_attrs[ERROR] == f"its process {said}"
    assert others.state.name == "RUNNING"


def test_one_that_another_worker_ends_meanwhile_is_left_to_it(study: optuna.Study) -> None:
    trial = left_by("ours", study)

    class AskedEarlier:
        _storage = study._storage

        def get_trials(self, **_: Any) -> list[optuna.trial.FrozenTrial]:
            seen = study.get_trials()
            study.tell(trial, 0.5)
            return seen

        def tell(self, *args: Any, **kwargs: Any) -> None:
            study.tell(*args, **kwargs)

    assert fail_dead_child(AskedEarlier(), "ours", -9)
    assert [one.state.name for one in study.trials] == ["COMPLETE"]
    assert ERROR not in study.trials[0].user_attrs
