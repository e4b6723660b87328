"""The fixtures, in this process and in projects of their own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import wandb

from lightning_expname.pytest_plugin import ReadRecorded


@pytest.fixture
def run_before(expname_root: Path) -> wandb.Run:
    """A run that another fixture opened within the root, before `expname_recorded`."""
    return wandb.init(project="fixture")


def test_the_root_is_hard_to_quote_and_empty(expname_root: Path) -> None:
    assert " " in expname_root.name
    assert not expname_root.name.isascii()
    assert Path.cwd() == expname_root
    assert list(expname_root.iterdir()) == []


def test_all_that_wandb_writes_lies_below_the_root(
    expname_root: Path, expname_recorded: ReadRecorded
) -> None:
    run = wandb.init(project="p")
    assert run.offline
    assert Path(run.dir).is_relative_to(expname_root)
    (recorded,) = expname_recorded()
    assert recorded.path.is_relative_to(expname_root)


@pytest.mark.parametrize("attempt", [1, 2])
def test_each_test_has_a_root_of_its_own(
    attempt: int, expname_root: Path, expname_recorded: ReadRecorded
) -> None:
    wandb.init(project=f"p{attempt}")
    assert [run.project for run in expname_recorded()] == [f"p{attempt}"]


def test_open_runs_are_finished_and_read_in_order(expname_recorded: ReadRecorded) -> None:
    wandb.init(project="first")
    wandb.init(project="second", reinit="create_new")
    wandb.init(project="third", reinit="create_new")
    runs = expname_recorded()
    assert [run.project for run in runs] == ["first", "second", "third"]
    assert [run.exit_code for run in runs] == [0, 0, 0]


def test_without_finish_a_run_stays_open(expname_recorded: ReadRecorded) -> None:
    run = wandb.init(project="p", settings={"x_transaction_log_flush_interval": 0.05})
    (recorded,) = expname_recorded(finish=False)
    assert recorded.exit_code is None
    run.log({"loss": 1.0})  # would raise in a finished run
    (recorded,) = expname_recorded()
    assert (recorded.exit_code, recorded.series("loss")) == (0, [1.0])


def test_a_run_of_another_fixture_is_finished_too(
    run_before: wandb.Run, expname_recorded: ReadRecorded
) -> None:
    assert [run.exit_code for run in expname_recorded()] == [0]


def test_a_test_may_tear_wandb_down_itself(expname_recorded: ReadRecorded) -> None:
    wandb.init(project="p")
    wandb.teardown()
    assert [run.exit_code for run in expname_recorded()] == [0]


def test_and_the_next_test_is_none_the_wiser(
    expname_root: Path, expname_recorded: ReadRecorded, recwarn: pytest.WarningsRecorder
) -> None:
    assert Path(wandb.init(project="p").dir).is_relative_to(expname_root)
    assert len(expname_recorded()) == 1
    assert not [one for one in recwarn if "open before" in str(one.message)]


STRANGER = """
    import os
    import pytest
    KEYS = ("WANDB_", "LIGHTNING_EXPNAME_")

    def seen():
        return {key: value for key, value in os.environ.items() if key.startswith(KEYS)}

    def test_inside(expname_root):
        assert seen().keys() == {
            "WANDB_CONSOLE", "WANDB_DIR", "WANDB_ERROR_REPORTING", "WANDB_MODE", "WANDB_SILENT",
            "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR",
        }
        assert os.environ["WANDB_MODE"] == "offline"
        os.environ["WANDB_RUN_GROUP"] = "left behind"
        del os.environ["WANDB_MODE"]

    def test_fails_inside(expname_root):
        os.environ["WANDB_NAME"] = "left behind"
        assert False

    def test_afterwards():
        assert seen() == {
            "WANDB_API_KEY": "key", "WANDB_MODE": "online", "WANDB_RUN_ID": "mine",
            "LIGHTNING_EXPNAME_CAPTURE": "0",
        }
        assert os.getcwd() == START

    START = os.getcwd()
"""


def test_the_environment_is_hidden_and_comes_back(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in [key for key in os.environ if key.startswith("WANDB_")]:
        monkeypatch.delenv(key)
    shell = {"WANDB_API_KEY": "key", "WANDB_MODE": "online", "WANDB_RUN_ID": "mine"}
    for key, value in {**shell, "LIGHTNING_EXPNAME_CAPTURE": "0"}.items():
        monkeypatch.setenv(key, value)
    pytester.makepyfile(STRANGER)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, failed=1)


FOREIGN = """
    import pytest, wandb

    @pytest.fixture
    def mine(tmp_path):
        run = wandb.init(mode="offline", project="foreign", dir=str(tmp_path))
        yield run
        run.log({"alive": 1})  # would raise if it had been finished
        run.finish()

    def test_it(mine, expname_root, expname_recorded):
        assert expname_recorded() == []
        assert wandb.run is mine
"""


def test_a_run_from_outside_is_left_alone_and_told(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(FOREIGN)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(["*is open before expname_root*"])


def test_the_fixtures_are_documented(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--fixtures", "-p", "no:cacheprovider")
    shown = ["expname_root *", "*An empty directory*", "expname_recorded *", "*Reads back*"]
    result.stdout.fnmatch_lines(shown)
