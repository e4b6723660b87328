"""Arguments that W&B would refuse: said in one line, and the training is recorded without them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import wandb
from flavour import ExpNameLogger
from lit_models import fit

from lightning_expname.observer import ExpNameWarning
from lightning_expname.wandb_settings import with_defaults

Read = Callable[[], list[Any]]


@pytest.mark.parametrize(
    ("kwargs", "said"),
    [
        ({"settings": {"nonsense": 1}}, r"no setting 'nonsense'.*Allowed: .*init_timeout"),
        ({"settings": {"init_timeot": 1}}, r"'init_timeot'; did you mean 'init_timeout'\?"),
        ({"settings": {"init_timeout": "soon"}}, r"setting init_timeout='soon': .*number"),
        ({"nonsense": 1}, r"no argument 'nonsense'.*Allowed: .*save_code"),
        ({"save_cod": True}, r"no argument 'save_cod'; did you mean 'save_code'\?"),
        ({"resume": "sometimes"}, r"resume='sometimes': .*'allow'"),
        ({"tags": 5}, r"tags=5: "),
    ],
)
def test_what_wandb_refuses_is_said_and_the_run_is_recorded(
    kwargs: dict[str, Any], said: str, expname_root: Path, expname_recorded: Read
) -> None:
    with pytest.warns(ExpNameWarning, match=f"wandb_kwargs: .*{said}.*recorded without it") as told:
        logger = ExpNameLogger(wandb_kwargs=kwargs)
    assert len([one for one in told if "wandb_kwargs" in str(one.message)]) == 1
    assert "\n" not in str(told[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ExpNameWarning)
        fit(logger, epochs=1)
    (run,) = expname_recorded()
    assert logger.record is not None and run.name == logger.record.run


def test_what_wandb_takes_is_passed_on() -> None:
    given = {"init_timeout": 3.0, "x_disable_stats": True, "console": "off"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        settings = with_defaults(given, 5.0)
        kwargs = {"save_code": False, "reinit": "finish_previous", "tags": ["a"], "prefix": "p"}
        ExpNameLogger(wandb_kwargs=kwargs)
    assert given.items() <= settings.items()
    known = "finish_timeout" in wandb.Settings.model_fields  # 0.29 has it, 0.23 has not
    assert settings.get("finish_timeout") == (5.0 if known else None)


def test_a_secret_among_them_is_not_said() -> None:
    hook = "https://hooks.slack.com/services/T0/B0/hunter2Xq"
    with pytest.warns(ExpNameWarning, match="init_timeout") as told:
        ExpNameLogger(wandb_kwargs={"settings": {"init_timeout": hook, "api_key": 7}})
    assert "hunter2Xq" not in "".join(str(one.message) for one in told)
