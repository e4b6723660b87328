"""One message for every fit, evaluation and prediction, by Slack and by W&B."""

from __future__ import annotations

import copy
import os
import pickle
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import pytest
from sklearn.base import clone
from sklearn.tree import DecisionTreeClassifier

from lightning_expname import EstimatorError, ExpNameAlerts, ExpNameClassifier
from lightning_expname.alerts import Alerts
from lightning_expname.records import read_record
from lightning_expname.testing.slack_server import SlackServer

RUN = "all_features-num_folds2"
LATER = 0.5  # seconds in which a second message would have come


def tree(**options: Any) -> ExpNameClassifier:
    inner = options.pop("inner", DecisionTreeClassifier(max_depth=3))
    given = {"n_splits": 2, "random_state": 0, "dataset": "wine"}
    return ExpNameClassifier(inner, **{**given, **options})


def told(slack: SlackServer, alerts: Alerts, count: int) -> list[str]:
    """What Slack took, when there is nothing more to come."""
    assert alerts.close()
    slack.wait_for(count)
    time.sleep(LATER)
    assert slack.refused == []
    return [message.text for message in slack.messages]


@pytest.mark.parametrize("kind", [ExpNameAlerts, Alerts])
def test_every_mode_is_told_once(
    expname_root: Path, expname_slack: SlackServer, expname_recorded: Any, wine: Any, kind: Any
) -> None:
    alerts = kind(slack_webhook=expname_slack.webhook_url)
    clf = tree(alerts=alerts).fit(wine.data, wine.target)
    for _ in range(2):
        clf.evaluate(wine.data, wine.target)
        clf.predict(wine.data)
    texts = told(expname_slack, alerts, 3)
    modes = {"train": RUN, "test": f"{RUN}-test", "predict": f"{RUN}-predict"}
    assert len(texts) == 3
    for text, (mode, run) in zip(texts, modes.items(), strict=True):
        assert f"{mode} finished: {run}" in text
    shown = expname_slack.messages[0].shown
    assert clf.record_.best in shown and f"{clf.record_.score:.6g}" in shown
    assert "Best accuracy" in shown and "DecisionTreeClassifier-wine" in shown
    titles = [[alert["title"] for alert in run.alerts] for run in expname_recorded()]
    assert titles == [[f"{mode} finished: {run}"] for mode, run in modes.items()]


def test_a_failing_fold_and_a_failing_test_are_told_once(
    expname_root: Path, expname_slack: SlackServer, expname_recorded: Any, wine: Any
) -> None:
    alerts = Alerts(slack_webhook=expname_slack.webhook_url)
    with pytest.raises(ValueError, match="criterion"):
        tree(alerts=alerts, inner=DecisionTreeClassifier(criterion="<nope>")).fit(
            wine.data, wine.target
        )
    clf = tree(alerts=alerts).fit(wine.data, wine.target)
    with pytest.raises(ValueError, match="feature names should match"):
        clf.evaluate(wine.data.iloc[:, :4], wine.target)
    clf.evaluate(wine.data, wine.target)
    texts = told(expname_slack, alerts, 4)
    assert [text.partition(":")[0].split()[-2:] for text in texts] == [
        ["train", "failed"],
        ["train", "finished"],
        ["test", "failed"],
        ["test", "finished"],
    ]
    failed = expname_recorded()[0]
    assert [alert["level"] for alert in failed.alerts] == ["ERROR"]
    assert failed.exit_code == 1


def test_an_interrupt_is_told_as_one(
    expname_root: Path, expname_slack: SlackServer, wine: Any
) -> None:
    class Interrupted(DecisionTreeClassifier):
        def fit(self, X: Any, y: Any) -> Any:
            raise KeyboardInterrupt

    alerts = Alerts(slack_webhook=expname_slack.webhook_url)
    clf = tree(alerts=alerts, inner=Interrupted())
    with pytest.raises(KeyboardInterrupt):
        clf.fit(wine.data, wine.target)
    (text,) = told(expname_slack, alerts, 1)
    assert "train interrupted" in text
    assert read_record(clf.record_.path).status == "interrupted"


KILLED = """
import os, signal, sys
from sklearn.datasets import load_wine
from sklearn.tree import DecisionTreeClassifier
from lightning_expname import ExpNameClassifier
from lightning_expname.alerts import Alerts

class Deadly(DecisionTreeClassifier):
    def fit(self, X, y):
        os.kill(os.getpid(), signal.SIGKILL)

X, y = load_wine(return_X_y=True)
alerts = Alerts(slack_webhook=sys.argv[1])
ExpNameClassifier(Deadly(), n_splits=2, dataset="wine", alerts=alerts).fit(X, y)
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="the watchdog needs Linux")
def test_a_killed_training_is_told_and_noted(
    expname_root: Path, expname_slack: SlackServer
) -> None:
    command = [sys.executable, "-c", KILLED, expname_slack.webhook_url]
    done = subprocess.run(command, cwd=expname_root, timeout=240, capture_output=True)
    assert done.returncode == -signal.SIGKILL
    (message,) = expname_slack.wait_for(1)
    assert f"train killed: {RUN}" in message.text
    time.sleep(LATER)
    assert len(expname_slack.messages) == 1
    path = expname_root / "save_model/Deadly/wine/all_features/num_folds2.json"
    assert read_record(path).status == "killed"


def test_a_slack_that_is_away_does_not_cost_the_training(
    expname_root: Path, expname_slack: SlackServer, wine: Any
) -> None:
    expname_slack.stop()
    alerts = Alerts(slack_webhook=expname_slack.webhook_url)
    with warnings.catch_warnings(record=True) as said:
        clf = tree(alerts=alerts).fit(wine.data, wine.target)
        assert not alerts.close(2.0)
    assert any("cannot be reached" in str(one.message) for one in said)
    assert read_record(clf.record_.path).status == "finished"
    assert clf.record_.checkpoint("best").is_dir()


def test_copies_and_inner_loops_tell_nothing(
    expname_root: Path, expname_slack: SlackServer, wine: Any
) -> None:
    alerts = Alerts(slack_webhook=expname_slack.webhook_url)
    clf = tree(alerts=alerts)
    assert clone(clf).alerts is alerts
    for one in (clone(clf), copy.deepcopy(clf), pickle.loads(pickle.dumps(clf))):
        one.fit(wine.data, wine.target).score(wine.data, wine.target)
    tree(alerts=alerts, track=False).fit(wine.data, wine.target)
    assert told(expname_slack, alerts, 0) == []


def test_what_is_no_alerts_is_refused(expname_root: Path, wine: Any) -> None:
    with pytest.raises(EstimatorError, match=r"alerts is True; give .*Alerts"):
        tree(alerts=True).fit(wine.data, wine.target)
