"""`${expname:...}`: names as functions of the config alone."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

import lightning_expname.hydra_conf as groups
from lightning_expname import ExpNameLogger
from lightning_expname.hydra_conf.resolver import FIELDS, config_digest, register

BASE: dict[str, Any] = {
    "model": {
        "_target_": "digits_app.LitDigits",
        "lr": 1e-3,
        "net": {"_target_": "digits_app.Net", "width": "${width}", "act": "gelu", "dropout": 0.1},
    },
    "data": {"_target_": "digits_app.DigitsDataModule", "batch_size": 8},
    "width": 8,
}


@pytest.fixture(autouse=True)
def _registered() -> None:
    register()


def resolved(text: str, config: dict[str, Any] | None = None, **changes: Any) -> str:
    tree = OmegaConf.create({**(config or BASE), "asked": text})
    for path, value in changes.items():
        OmegaConf.update(tree, path.replace("__", "."), value, force_add=True)
    return str(tree.asked)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("stem", "width8-act.gelu-bs8"),
        ("run", "width8-act.gelu-bs8-lr0.001"),
        ("project", "Net-Digits"),
        ("checkpoint_dir", "checkpoints/Net/Digits"),
    ],
)
def test_the_config_is_spoken(field: str, text: str) -> None:
    assert resolved(f"${{expname:{field}}}") == text


def test_an_unknown_field_is_refused_with_those_known() -> None:
    with pytest.raises(Exception, match="asks for 'stemm'; known are folder, stem, run"):
        resolved("${expname:stemm}")


@pytest.mark.parametrize("field", FIELDS)
def test_the_value_is_the_same_in_another_process(field: str, tmp_path: Path) -> None:
    asked = f"${{expname:{field}}}"
    path = tmp_path / "config.yaml"
    noisy = {
        **BASE,
        "when": "${now:%f}",
        "run_dir": "${hydra:run.dir}",
        "hydra": {"job": {"id": 1}},
    }
    path.write_text(yaml.safe_dump({**noisy, "asked": asked}, sort_keys=False))
    code = (
        "import sys; from omegaconf import OmegaConf;"
        "from lightning_expname.hydra_conf.resolver import register; register();"
        "print(OmegaConf.load(sys.argv[1]).asked);"
        "assert 'torch' not in sys.modules and 'wandb' not in sys.modules"
    )
    command = [sys.executable, "-c", code, str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    changed = {**noisy, "hydra": {"job": {"id": 2}, "run": {"dir": "elsewhere"}}}
    assert ran.stdout.strip() == resolved(asked, changed)


@given(st.floats(0, 1, exclude_min=True), st.floats(0, 1, exclude_min=True))
def test_a_sweep_over_floats_has_a_folder_for_each(one: float, other: float) -> None:
    folders = [resolved("${expname:folder}", model__net__dropout=rate) for rate in (one, other)]
    stems = [resolved("${expname:stem}", model__net__dropout=rate) for rate in (one, other)]
    assert (folders[0] == folders[1]) == (one == other)
    assert stems[0] == stems[1]


def test_within_the_sweep_the_stem_tells_jobs_apart() -> None:
    subdirs = []
    for rate in (0.1, 0.2):
        sweep = {"dir": "multirun", "subdir": "${expname:stem}", "project": "${expname:project}"}
        tree = OmegaConf.create(
            {**BASE, "hydra": {"sweep": sweep, "run": {"dir": sweep["subdir"]}}}
        )
        OmegaConf.update(tree, "model.net.dropout", rate)
        subdirs.append(tree.hydra.sweep.subdir)
        assert tree.hydra.run.dir == "width8-act.gelu-bs8"
        assert tree.hydra.sweep.project == "Net-Digits"
    assert subdirs[0] != subdirs[1]
    assert all(text.startswith("width8-act.gelu-bs8-") for text in subdirs)


@pytest.mark.parametrize("written", ["1e-5", "1E-05", 1e-5, "${rate}"])
def test_a_rate_is_a_number_whatever_parsed_it(written: Any) -> None:
    name = resolved("${expname:run}", model__lr=written, rate="1e-5")
    assert name == "width8-act.gelu-bs8-lr1e-05"


def test_the_digest_is_typed() -> None:
    assert config_digest({"lr": "1e-5"}) == config_digest({"lr": 1e-5})
    values: list[Any] = [1, 1.0, True, "1", None, "None", [], {}, [1], {"0": 1}]
    assert len({config_digest({"a": value}) for value in values}) == len(values)
    assert config_digest({"a": 1, "b": 2}) == config_digest({"b": 2, "a": 1})


def test_what_the_logger_is_told_counts() -> None:
    logger = {
        "_target_": "lightning_expname.ExpNameLogger",
        "dataset": "한국어",
        "include": ["act", "only_a_default"],
        "policy": {"stem": "{hparams}-x", "project": "{dataset}"},
        "project": None,
        "name": "${expname:run}",
    }
    told = {**BASE, "logger": logger}
    assert resolved("${expname:stem}", told) == "act.gelu-x"
    assert resolved("${expname:project}", told) == "한국어"
    assert resolved("${expname:project}", {**BASE, "logger": {"wandb": logger}}) == "한국어"
    assert resolved("${logger.name}", told) == "act.gelu-x-lr0.001"


@pytest.mark.parametrize("config", [{}, {"model": "${nowhere}"}, {"model": None, "data": 3}])
def test_little_config_gives_a_name_as_well(config: dict[str, Any]) -> None:
    assert resolved("${expname:stem}", {"unrelated": 1, **config})
    assert resolved("${expname:project}", {"unrelated": 1, **config}) == "model-data"


def test_a_folder_name_is_bounded_and_safe() -> None:
    width = {f"layer_{number}_{'x' * 20}": number for number in range(60)}
    text = resolved(
        "${expname:folder}", {**BASE, "model": {"_target_": "a.B", **width, "p": "../."}}
    )
    assert len(text.encode()) <= 200
    assert "/" not in text


def test_the_logger_group_has_every_argument_with_its_default() -> None:
    path = Path(groups.__file__).parent / "logger" / "expname.yaml"
    logger = yaml.safe_load(path.read_text())["logger"]
    assert logger.pop("_target_") == "lightning_expname.ExpNameLogger"
    declared = inspect.signature(ExpNameLogger).parameters.values()
    defaults = {one.name: one.default for one in declared}
    assert logger == {key: [] if value == () else value for key, value in defaults.items()}
