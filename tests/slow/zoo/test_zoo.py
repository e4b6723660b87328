"""LightningModules that nobody here wrote: what they were built with is recovered, and named.

`python -m tox run -e zoo` installs them. The golden file is made by `python test_zoo.py`, and is
looked at before it is kept: whoever wrote the call must recognise every field.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch import Trainer
from passed import check_recovery
from zoo_calls import CALLS

from lightning_expname import ExpNameLogger, NamePolicy
from lightning_expname.facts import Facts
from lightning_expname.introspect.hparams import describe_module
from lightning_expname.naming import Speech, derive_names

GOLDEN = Path(__file__).parent / "golden_zoo.json"


def stem_of(module: Any) -> str:
    described = describe_module(module)
    facts = Facts(described.model, "data", described.hparams, 16, 0.001)
    return derive_names(facts, NamePolicy(), Speech()).stem


def test_what_was_passed_is_recovered() -> None:
    check_recovery({name: (call.cls, call.build) for name, call in CALLS.items()})


@pytest.mark.parametrize("name", CALLS)
def test_names_are_what_the_caller_decided(name: str) -> None:
    assert stem_of(CALLS[name].build()) == json.loads(GOLDEN.read_text())[name]


@pytest.mark.parametrize("name", CALLS)
def test_they_train_and_are_named(
    name: str, expname_root: Path, expname_recorded: Callable[[], list[Any]]
) -> None:
    module = CALLS[name].build()
    logger = ExpNameLogger(dataset="synthetic")
    quiet = {"enable_progress_bar": False, "enable_model_summary": False}
    trainer = Trainer(
        accelerator="cpu", max_epochs=1, limit_train_batches=2, logger=logger, **quiet
    )
    trainer.fit(module, CALLS[name].loader())
    (run,) = expname_recorded()
    stem = json.loads(GOLDEN.read_text())[name].rpartition("-bs")[0]
    assert run.name.startswith(f"{stem}-bs" if stem else "bs")
    assert run.project == f"{type(module).__name__}-synthetic"
    assert run.config["optimizer"]["name"]
    assert logger.record is not None
    assert logger.record.checkpoint("last").is_file()


def test_the_golden_file_holds_these_calls_and_no_others() -> None:
    assert list(json.loads(GOLDEN.read_text())) == list(CALLS)


if __name__ == "__main__":
    print(json.dumps({name: stem_of(call.build()) for name, call in CALLS.items()}, indent=2))
