"""A training that is told secrets in every way: `python secrets_app.py ROOT`, and two of them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from flavour import ExpNameCheckpoint, ExpNameLogger
from lit_models import LitRegressor, MultiModalTransformer, fit

root, secret, allowed = sys.argv[1], os.environ["SECRET"], os.environ["ALLOWED"]


class Net(MultiModalTransformer):
    def __init__(
        self,
        d_model: int,
        api_key: str,
        login: Any,
        credentials: Any,
        style_token: str,
        hf_token: Any,
        api_keys: Any,
        headers: Any,
        db_pass: str,
    ) -> None:
        super().__init__(d_model)


class Lit(LitRegressor):
    def __init__(self, model: Any, hub_token: str) -> None:
        super().__init__(model)
        self.save_hyperparameters(ignore=["model", "hub_token"])


if __name__ == "__main__":
    net = Net(
        16,
        secret,
        {"password": secret, "retries": 3},
        {"main": secret},
        allowed,
        {"value": secret},
        {secret: 3, "of_me": {secret: "word"}},
        [["Authorization", secret]],
        secret,
    )
    config = {
        "db": {"password": secret, "host": "here"},
        "hook": f"https://hooks.slack.com/services/T0/B0/{secret}",
        "style_token": allowed,
        "wandb": {"key": secret},
        "env": [{"name": "API_KEY", "value": secret}, {"name": "PORT", "value": "8080"}],
        "mattermost": f"https://chat.example.org/hooks/{secret}",
        "study": f"postgresql://me:a/{secret}@db/study",
        "fallback": f"${{oc.env:HF_TOKEN,{secret}}}",
        "tokens": {secret: "me"},
        "size": 2**60,
        "here": Path("data"),
    }
    notes = f"pushed to https://me:{secret}@example.org/x.git by curl -u me:{secret}"
    logger = ExpNameLogger(
        root_dir=root,
        offline=True,
        not_secret=["style_token"],
        group=f"token={secret}",
        tags=[f"password={secret}"],
        job_type=f"api_key={secret}",
        wandb_kwargs={"config": config, "notes": notes},
    )
    argv = list(sys.argv)
    fit(logger, ExpNameCheckpoint(), module=Lit(net, secret), epochs=1)
    logger.close_run()
    assert sys.argv == argv  # the program's own command line is as it was
