"""No secret leaves a study: what its trials and its own run were told, read back byte by byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flavour import tune
from lit_models import lit, loader, trainer

SECRET = "hunter2Xq"
TOLD = {
    "config": {"wandb": {"key": SECRET}, "hf_token": {"value": SECRET}, "n_tokens": 512},
    "notes": f"curl -u me:{SECRET} https://example.org/x?key={SECRET}",
    "tags": [f"password=a,{SECRET}"],
}


def objective(trial: Any) -> float:
    assert trial.params["api_key"] == SECRET  # what is trained with is what was given
    ran = trainer(trial.logger(), *trial.callbacks())
    ran.fit(lit(trial.params["d_model"]), loader(), loader())
    return float(ran.callback_metrics["val_acc"])


def test_a_study_and_its_trials_tell_none(expname_root: Path, expname_recorded: Any) -> None:
    result = tune(
        objective,
        search_space={"d_model": [8, 16]},
        n_trials=1,
        model="Net",
        dataset="Digits",
        seed=1,
        fixed={"api_key": SECRET},
        logger={"wandb_kwargs": TOLD},
        progress=False,
        plots=False,
    )
    runs = expname_recorded()
    assert [run.job_type for run in runs] == ["tune", "study"]
    for run in runs:
        assert run.config["wandb"] == {"key": "<redacted>"}
        assert run.config["hf_token"] == {"value": "<redacted>"}
        assert run.config["n_tokens"] == 512
    assert json.loads(result.path.with_name("study.json").read_text())["fixed"] == {
        "api_key": "<redacted>"
    }
    files = [path for path in expname_root.rglob("*") if path.is_file()]
    holders = {path.name for path in files if SECRET.encode() in path.read_bytes()}
    # what somebody trains with again, as it was given
    assert holders == {"best_params.json", "study.journal"}
