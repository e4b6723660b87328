"""`ExpNameAlerts` in a real Trainer: what is told, and what is not."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flavour import (
    AlertError,
    Callback,
    CSVLogger,
    ExpNameAlerts,
    ExpNameLogger,
    ModelCheckpoint,
    Tuner,
)
from lit_models import fit, lit, loader, trainer

from lightning_expname.alerts import Message
from lightning_expname.testing.slack_server import CHANNEL, TOKEN, SlackServer

STEM = "d_model16-n_heads8-n_layers4-activation.gelu-bs16"
Read = Callable[[], list[Any]]


@pytest.fixture
def alerts(expname_root: Path, expname_slack: SlackServer) -> ExpNameAlerts:
    return ExpNameAlerts()


def texts(alerts: ExpNameAlerts, slack: SlackServer) -> list[str]:
    assert alerts.close(60)
    assert slack.refused == []
    return [message.text[2:].strip() for message in slack.messages]


def test_fit_and_test_are_two_ends_of_one_run(
    alerts: ExpNameAlerts, expname_slack: SlackServer, expname_recorded: Read
) -> None:
    module = lit()
    best = ModelCheckpoint(monitor="val_acc", mode="max")
    ran = fit(ExpNameLogger(), alerts, best, module=module)
    ran.test(module, loader(), verbose=False)
    name = f"{STEM}-lr1e-05"
    assert texts(alerts, expname_slack) == [f"train finished: {name}", f"test finished: {name}"]
    (shown,) = [one.shown for one in expname_slack.messages if "train finished" in one.text]
    assert "*Project* `MultiModalTransformer-KEMDy19`" in shown
    assert "*Dataset* `KEMDy19`" in shown
    assert "*Best val_acc* `0." in shown
    assert f"{STEM}-epoch" in shown
    (run,) = expname_recorded()
    assert [alert["title"] for alert in run.alerts] == [
        f"train finished: {name}"[:63],
        f"test finished: {name}"[:63],
    ]


def test_without_our_logger_the_module_names_it(
    alerts: ExpNameAlerts, expname_root: Path, expname_slack: SlackServer
) -> None:
    fit(CSVLogger(expname_root), alerts)
    trainer(False, alerts).validate(lit(), loader(), verbose=False)
    trainer(False, alerts).predict(lit(), loader())
    name = "MultiModalTransformer"
    assert texts(alerts, expname_slack) == [
        f"train finished: {name}",
        f"validate finished: {name}",
        f"predict finished: {name}",
    ]


def test_each_fit_of_one_trainer_is_told(
    alerts: ExpNameAlerts, expname_root: Path, expname_slack: SlackServer
) -> None:
    module, ran = lit(), trainer(False, alerts, epochs=1)
    ran.fit(module, loader(), loader())
    ran.fit_loop.max_epochs = 2
    ran.fit(module, loader(), loader())
    module.on_train_epoch_start = lambda: 1 / 0  # type: ignore[assignment,method-assign,return-value]
    ran.fit_loop.max_epochs = 3
    with pytest.raises(ZeroDivisionError):
        ran.fit(module, loader(), loader())
    told = [text.split(":")[0] for text in texts(alerts, expname_slack)]
    assert told == ["train finished", "train finished", "train failed"]


class Nested(Callback):
    """Trains another model within the training, once."""

    def __init__(self, *callbacks: Any) -> None:
        self.callbacks, self.is_done = callbacks, False

    def on_train_start(self, ran: Any, module: Any) -> None:
        if not self.is_done:
            self.is_done = True
            trainer(False, *self.callbacks, epochs=1).fit(lit(), loader(), loader())


def test_a_training_within_a_training_does_not_end_it(
    alerts: ExpNameAlerts, expname_slack: SlackServer
) -> None:
    module = lit()
    module.on_train_epoch_end = lambda: 1 / 0  # type: ignore[assignment,method-assign,return-value]
    with pytest.raises(ZeroDivisionError):
        fit(False, alerts, Nested(alerts), module=module)
    told = "train failed: MultiModalTransformer · ZeroDivisionError: division by zero"
    assert texts(alerts, expname_slack) == [told]


class Clumsy(Callback):
    """Fails where it is told of a failure, before anybody else is."""

    def on_exception(self, ran: Any, module: Any, exception: BaseException) -> None:
        raise OSError


def test_a_failure_that_another_callback_hides_is_told_at_last(
    alerts: ExpNameAlerts, expname_slack: SlackServer
) -> None:
    broken = lit()
    broken.on_train_epoch_start = lambda: 1 / 0  # type: ignore[assignment,method-assign,return-value]
    with pytest.raises(OSError):
        fit(False, Clumsy(), alerts, module=broken)
    fit(False, alerts)
    assert texts(alerts, expname_slack) == [
        "train failed: MultiModalTransformer · an error of which this callback was not told:"
        " another's on_exception failed before, or the Trainer's callbacks were replaced",
        "train finished: MultiModalTransformer",
    ]


@pytest.mark.filterwarnings("ignore::lightning_expname.observer.ExpNameWarning")
def test_two_that_tell_the_same_tell_it_once(
    expname_root: Path, expname_slack: SlackServer
) -> None:
    both = ExpNameAlerts(), ExpNameAlerts()
    fit(False, *both)
    broken = lit()
    broken.on_train_epoch_start = lambda: 1 / 0  # type: ignore[assignment,method-assign,return-value]
    with pytest.raises(ZeroDivisionError):
        fit(False, *both, module=broken)
    assert all(one.close(60) for one in both)
    assert ["finished" in one.text for one in expname_slack.messages] == [True, False]


def test_two_that_tell_others_tell_both(expname_root: Path, expname_slack: SlackServer) -> None:
    other = ExpNameAlerts(
        slack_token=TOKEN, slack_channel=CHANNEL, slack_api_url=expname_slack.api_url
    )
    both = ExpNameAlerts(), other
    fit(False, *both)
    assert all(one.close(60) for one in both)
    assert len(expname_slack.messages) == 2


def test_a_trial_run_and_the_search_for_a_rate_are_silent(
    alerts: ExpNameAlerts, expname_slack: SlackServer
) -> None:
    fit(False, alerts, fast_dev_run=True)
    module = lit()
    module.lr = 1e-3  # type: ignore[assignment]
    Tuner(trainer(False, alerts)).lr_find(module, loader(), loader(), num_training=3)
    assert texts(alerts, expname_slack) == []


def test_a_failure_in_the_sanity_check_is_the_fits(
    alerts: ExpNameAlerts, expname_slack: SlackServer
) -> None:
    module = lit()
    module.validation_step = lambda *batch: 1 / 0  # type: ignore[method-assign,return-value]
    with pytest.raises(ZeroDivisionError), alerts.watch("tune"):
        fit(False, alerts, module=module)
    told = "train failed: MultiModalTransformer · ZeroDivisionError: division by zero"
    assert texts(alerts, expname_slack) == [told]
    assert "*Within* `tune started`" not in expname_slack.messages[0].shown
    assert "*Within* `tune`" in expname_slack.messages[0].shown


def test_a_failure_before_anything_is_set_up_is_told(
    alerts: ExpNameAlerts, expname_slack: SlackServer
) -> None:
    module = lit()
    module.prepare_data = lambda: 1 / 0  # type: ignore[assignment,method-assign,return-value]
    with pytest.raises(ZeroDivisionError):
        fit(False, alerts, module=module)
    (told,) = texts(alerts, expname_slack)
    assert told.startswith("train failed: MultiModalTransformer")


def test_pruned_is_told_when_asked_for(expname_root: Path, expname_slack: SlackServer) -> None:
    class TrialPruned(Exception): ...

    def prune() -> None:
        raise TrialPruned

    alerts = ExpNameAlerts(events=["pruned"])
    module = lit()
    module.on_train_epoch_end = prune  # type: ignore[method-assign]
    with pytest.raises(TrialPruned):
        fit(False, alerts, module=module)
    fit(False, alerts)
    (told,) = texts(alerts, expname_slack)
    assert told.startswith("train pruned: MultiModalTransformer")


def test_a_bot_keeps_a_run_in_one_thread_with_its_picture(
    expname_root: Path, expname_slack: SlackServer
) -> None:
    pytest.importorskip("matplotlib", reason="the picture needs it")
    events = ["started", "finished"]
    alerts = ExpNameAlerts(
        slack_token=TOKEN, slack_channel=CHANNEL, slack_api_url=expname_slack.api_url, events=events
    )
    module = lit()
    best = ModelCheckpoint(monitor="val_acc", mode="max")
    ran = fit(ExpNameLogger(), alerts, best, module=module)
    assert alerts.close(60)
    ran.test(module, loader(), verbose=False)
    assert alerts.close(60)
    start, end, test_start, test_end = expname_slack.messages
    assert start.thread is None
    assert {end.thread, test_start.thread, test_end.thread} == {start.stamp}
    assert end.body["reply_broadcast"] is True
    ((name, content),) = start.files[:1]
    assert name == "learning_curve.png"
    assert content.startswith(b"\x89PNG")


def test_copies_and_pickles_carry_the_settings_only(
    alerts: ExpNameAlerts, expname_slack: SlackServer
) -> None:
    with alerts.watch("outer"):
        for twin in (copy.deepcopy(alerts), pickle.loads(pickle.dumps(alerts))):
            fit(False, twin)
            assert twin.close(60)
    assert texts(alerts, expname_slack) == [
        *["train finished: MultiModalTransformer"] * 2,
        "outer finished",
    ]


def test_nothing_secret_is_shown(alerts: ExpNameAlerts, expname_slack: SlackServer) -> None:
    assert expname_slack.webhook_url not in repr(alerts)
    assert not alerts.state_dict()


def test_a_channel_of_ones_own(expname_root: Path, expname_slack: SlackServer) -> None:
    told: list[str] = []

    class Memory:
        def send(self, message: Message) -> None:
            told.append(message.title)

    alerts = ExpNameAlerts(senders=[Memory()], watchdog=False)
    fit(False, alerts)
    assert texts(alerts, expname_slack) == told == ["train finished: MultiModalTransformer"]


def test_unknown_events_are_refused_at_once() -> None:
    with pytest.raises(AlertError, match=r"\['finish'\]; allowed: started, finished, failed"):
        ExpNameAlerts(events=["finish"])


class Counting(ExpNameAlerts):
    """A user's own, which has something to do at every batch."""

    batches = 0

    def on_train_batch_end(self, *given: Any) -> None:
        self.batches += 1


def test_hooks_of_every_batch_cost_nothing_unless_a_subclass_has_them(expname_root: Path) -> None:
    for alerts in (ExpNameAlerts(), copy.deepcopy(ExpNameAlerts())):
        assert alerts.on_train_batch_end is None and alerts.on_before_zero_grad is None
    counting = copy.deepcopy(Counting())
    assert counting.on_train_batch_start is None
    fit(False, counting)
    assert counting.batches > 0
