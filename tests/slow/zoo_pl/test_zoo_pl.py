"""neuralforecast's models, unchanged, under `pytorch_lightning`: recovered, named and found again.

`python -m tox run -e zoo-pl` installs the library. The golden file is made by
`python test_zoo_pl.py`, and is looked at before it is kept: whoever wrote the call must recognise
every field, and find none that they did not decide.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from forecast_calls import CALLS, HORIZON, Call, sales, train
from neuralforecast import NeuralForecast
from pages import DOCS, blocks
from passed import check_recovery

import lightning_expname
from lightning_expname import NamePolicy, find_runs, parse_name
from lightning_expname.errors import FlavourError, RecordError
from lightning_expname.facts import Facts
from lightning_expname.introspect.hparams import describe_module
from lightning_expname.naming import Speech, derive_names
from lightning_expname.pytorch_lightning import ExpNameLogger

GOLDEN = Path(__file__).parent / "golden_zoo_pl.json"


def stem_of(call: Call) -> str:
    described = describe_module(call.build())
    facts = Facts(described.model, "data", described.hparams, 32, 0.001)
    return derive_names(facts, NamePolicy(), Speech()).stem


def test_what_was_passed_is_recovered() -> None:
    check_recovery({name: (call.cls, call.build) for name, call in CALLS.items()})


@pytest.mark.parametrize("name", CALLS)
def test_names_are_what_the_caller_decided(name: str) -> None:
    stem = stem_of(CALLS[name])
    assert stem == json.loads(GOLDEN.read_text())[name]
    decided = {"h", "input_size", "bs", *CALLS[name].decided}
    assert set(parse_name(stem)) <= decided
    assert not parse_name(stem).digest


@pytest.mark.parametrize("name", CALLS)
def test_they_train_and_are_named(
    name: str, expname_root: Path, expname_recorded: Callable[[], list[Any]]
) -> None:
    train(CALLS[name], offline=True)
    (run,) = expname_recorded()
    (record,) = find_runs(f"model={name}")
    stem = json.loads(GOLDEN.read_text())[name].rpartition("-bs")[0]
    assert run.project == record.project == f"{name}-Sales"
    assert run.name == record.run and record.stem.startswith(f"{stem}-bs")
    assert run.config["h"] == HORIZON and run.config["accelerator"] == "cpu"
    assert record.status == "finished" and record.score == run.summary["best_score"]
    assert record.checkpoint("best").is_file()


def test_a_checkpoint_is_loaded_again(expname_root: Path) -> None:
    train(CALLS["NHITS"], offline=True)
    (record,) = find_runs("model=NHITS")
    with pytest.raises(RecordError, match="weights_only=False"):  # it holds neuralforecast's loss
        record.load(CALLS["NHITS"].cls)
    model = record.load(CALLS["NHITS"].cls, weights_only=False, logger=False, callbacks=None)
    saved = torch.load(record.checkpoint("best"), weights_only=False)["state_dict"]
    assert all(torch.equal(value, saved[key]) for key, value in model.state_dict().items())
    assert model.trainer_kwargs["logger"] is False
    assert len(find_runs()) == 1


def test_a_saved_forecaster_predicts_alike(
    expname_root: Path, expname_recorded: Callable[[], list[Any]]
) -> None:
    trained = train(CALLS["NHITS"], offline=True)
    expected = trained.predict()
    trained.save("saved", overwrite=True)
    assert NeuralForecast.load("saved").predict().equals(expected)
    (run,) = expname_recorded()
    assert run.summary["predict_duration_seconds"] > 0


def test_trainings_from_the_initial_model_are_runs_of_their_own(expname_root: Path) -> None:
    forecast = train(CALLS["DLinear"], offline=True)
    forecast.fit(sales(), val_size=HORIZON, use_init_models=True)
    stems = {record.stem for record in find_runs("model=DLinear")}
    assert {parse_name(stem).ordinal for stem in stems} == {None, 2}
    assert forecast.models[0].trainer_kwargs["logger"].record.stem in stems


def test_each_refit_is_a_run_of_its_own(expname_root: Path) -> None:
    model = CALLS["MLP"].build(logger=ExpNameLogger(dataset="Sales", offline=True))
    forecast = NeuralForecast([model], freq="D")
    forecast.cross_validation(sales(), n_windows=2, val_size=HORIZON, refit=True)
    first, second = find_runs("model=MLP")
    assert (first.status, second.status) == ("finished", "finished")
    assert (first.ordinal, second.ordinal, second.digest) == (1, 2, first.digest)


def test_the_other_flavours_classes_are_refused(expname_root: Path) -> None:
    model = CALLS["DLinear"].build(logger=lightning_expname.ExpNameLogger(dataset="Sales"))
    with pytest.raises(FlavourError, match=r"from lightning_expname\.pytorch_lightning import"):
        NeuralForecast([model], freq="D").fit(sales())
    assert find_runs() == []


def test_the_golden_file_holds_these_calls_and_no_others() -> None:
    assert list(json.loads(GOLDEN.read_text())) == list(CALLS)


def test_what_the_documentation_shows(expname_root: Path, expname_recorded: Any) -> None:
    (text,) = [one.text for one in blocks(DOCS / "flavours.md") if "NHITS" in one.text]
    shown: dict[str, Any] = {"sales": sales()}
    exec(compile(text, "docs/flavours.md", "exec"), shown)
    assert f"# {shown['record'].run}\n" in text
    assert expname_recorded()[0].run_id == shown["record"].id


if __name__ == "__main__":
    print(json.dumps({name: stem_of(call) for name, call in CALLS.items()}, indent=2))
