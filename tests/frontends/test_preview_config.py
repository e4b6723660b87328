"""`expname preview --config`: what it says is what the run is called."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import test_lightning_cli as apps
import yaml

from lightning_expname.cli import main
from lightning_expname.pytest_plugin import ReadRecorded


@pytest.fixture
def preview(expname_root: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def ask(config: Any, *words: str) -> dict[str, str]:
        Path("asked.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
        capsys.readouterr()
        assert main(["preview", "--json", "--config", "asked.yaml", *words]) == 0
        names: dict[str, str] = json.loads(capsys.readouterr().out)
        return names

    return ask


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["preview", *words]) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"include": ["depth"], "dataset": "a/b"},
        {"policy": {"run": "{stem}-{dataset}", "show_defaults": False}},
        {"exclude": ["act"], "aliases": {"width": "w"}, "project": "p", "name": "mine"},
    ],
    ids=str,
)
def test_the_run_is_called_as_previewed(
    told: dict[str, Any], preview: Any, expname_root: Path, expname_recorded: ReadRecorded
) -> None:
    config = apps.config(logger={**apps.OURS, "init_args": told})
    trainer = apps.run(config)
    names = preview(config, *([] if "dataset" in told else ["--dataset", "Digits"]))
    config["data"] = {"class_path": "digits_app.Digits"}  # else the default batch size is unknown
    names = preview(config)
    (recorded,) = expname_recorded()
    assert (names["run"], names["project"]) == (recorded.name, recorded.project)
    real = trainer.logger.names
    assert (names["stem"], names["checkpoint_dir"]) == (real.stem, real.checkpoint_dir)


def test_the_saved_config_needs_no_import(preview: Any, expname_root: Path) -> None:
    trainer = apps.run(apps.config(logger=apps.OURS))
    saved = yaml.safe_load((expname_root / f"{apps.STEM}.config.yaml").read_text())
    names = preview(saved, "--no-import", "--dataset", "Digits")
    assert names["run"] == trainer.logger.names.run


def test_hydras_composed_config_from_a_pipe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], expname_root: Path
) -> None:
    net = {"_target_": "digits_app.Net", "width": "${width}"}
    tree = {
        "model": {"_target_": "digits_app.LitDigits", "net": net, "lr": "1e-5"},
        "data": {"_target_": "digits_app.Digits", "batch_size": 4},
        "width": 8,
        "key": "${oc.env:NOWHERE}",
    }
    monkeypatch.setattr("sys.stdin", io.StringIO(yaml.safe_dump(tree)))
    assert main(["preview", "--config", "-"]) == 0
    shown = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert shown["run"] == "width8-depth2-act.gelu-bs4-lr1e-05"
    assert shown["project"] == "Net-Digits"


@pytest.mark.parametrize(
    ("content", "words", "said"),
    [
        ("[1]", [], "holds list; a config is a mapping"),
        ("a: [", [], "cannot read the config"),
        ("defaults: [a]", [], "--cfg job | expname preview --config -"),
        ("model: {class_path: no_such.Net}", [], "cannot import 'no_such.Net'"),
        ("model: {class_path: digits_app.Nothing}", [], "cannot import 'digits_app.Nothing'"),
        ("model: {class_path: Net}", [], "cannot import 'Net'"),
        ("model: {}", ["a=1"], "beside --config only"),
        ("model: {}", ["--stem", "{hparams}"], "beside --config only"),
        (
            "{model: {class_path: digits_app.Net, init_args: {width: 1}}, logger: {class_path:"
            " lightning_expname.ExpNameLogger, init_args: {include: [depht]}}}",
            [],
            "depht",
        ),
    ],
)
def test_what_is_refused_says_what_to_do(
    content: str,
    words: list[str],
    said: str,
    expname_root: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("asked.yaml").write_text(content)
    assert said in refused(capsys, "--config", "asked.yaml", *words)
    assert "give --model and --dataset, or --config FILE" in refused(capsys, "--model", "Net")
    assert "cannot read the config absent.yaml" in refused(capsys, "--config", "absent.yaml")
