"""No secret leaves: what an estimator was told, read back byte by byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sklearn.tree import DecisionTreeClassifier

from lightning_expname import ExpNameClassifier

SECRET = "hunter2Xq"
CONFIG = {
    "api_key": SECRET,
    "wandb": {"key": SECRET},
    "hf_token": {"value": SECRET},
    "env": [{"name": "API_KEY", "value": SECRET}],
    "headers": [["Authorization", SECRET]],
    "tokens": {SECRET: "me"},
    "hook": f"https://chat.example.org/hooks/{SECRET}",
    "n_tokens": 512,
}
TOLD = {
    "config": CONFIG,
    "notes": f"curl -u me:{SECRET} https://example.org/x?key={SECRET}",
    "group": f"db_pass={SECRET}",
    "tags": [f"password=a,{SECRET}"],
}


def holders(root: Path) -> list[Path]:
    """Files that hold the secret, or are named after it."""
    files = [path for path in root.rglob("*") if path.is_file()]
    return [path for path in files if SECRET in str(path) or SECRET.encode() in path.read_bytes()]


def is_told_without_it(run: Any) -> bool:
    config = run.config
    hidden = [config["api_key"], config["wandb"]["key"], config["hf_token"]["value"]]
    hidden += [config["env"][0]["value"], config["headers"][0][1]]
    return hidden == ["<redacted>"] * 5 and config["n_tokens"] == 512


class Secretive(DecisionTreeClassifier):
    """A tree with a parameter that is a secret, and one of its kind in a dict."""

    def __init__(
        self, max_depth: int | None = None, api_key: str = "", login: dict[str, Any] | None = None
    ) -> None:
        super().__init__(max_depth=max_depth)
        self.api_key = api_key
        self.login = login


def test_an_estimator_tells_none(
    expname_root: Path, expname_recorded: Any, wine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["train.py", "--tokens", SECRET, SECRET, "-p", SECRET, f"--db_pass={SECRET}"]
    monkeypatch.setattr("sys.argv", words)
    tree = Secretive(max_depth=3, api_key=SECRET, login={"pass": SECRET, "retries": 3})
    model = ExpNameClassifier(
        tree, n_splits=2, dataset="wine", root_dir=expname_root, wandb_kwargs=TOLD
    )
    model.fit(wine.data, wine.target)
    (run,) = expname_recorded()
    assert is_told_without_it(run)
    assert (run.config["max_depth"], run.config["login"]["retries"]) == (3, 3)
    records = [path for path in holders(expname_root) if path.suffix != ".skops"]
    assert records == []
