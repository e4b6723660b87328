"""W&B's server and Slack, without either."""

from __future__ import annotations

import wandb

from lightning_expname import ExpNameAlerts, ExpNameLogger, capture_init

capture_init()

from digits import LitNet, Net, train


def test_online(expname_wandb) -> None:
    train(LitNet(Net()), ExpNameLogger(dataset="Digits"))
    wandb.finish()
    (run,) = expname_wandb.runs.values()
    assert (run.project, run.name) == ("Net-Digits", "d_model8-n_heads2-bs64-lr0.001")
    assert (run.state, run.config["dropout"]) == ("finished", 0.1)


def test_the_end_is_told(expname_root, expname_slack) -> None:
    alerts = ExpNameAlerts()
    train(LitNet(Net()), ExpNameLogger(dataset="Digits"), callbacks=[alerts])
    (message,) = expname_slack.wait_for(1)
    assert "train finished: d_model8-n_heads2-bs64-lr0.001" in message.text
    assert alerts.close(60)
