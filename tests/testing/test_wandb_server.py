"""The loopback server, asked by wandb's own client."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lit_models
import pytest
import wandb

from lightning_expname import ExpNameLogger
from lightning_expname.pytest_plugin import ReadRecorded
from lightning_expname.testing import WandbServer


@pytest.fixture(autouse=True)
def server(expname_wandb: WandbServer) -> Iterator[WandbServer]:
    """Every test here also shows that nothing was asked that the server does not know."""
    yield expname_wandb
    assert expname_wandb.unknown == []


def test_a_training_is_seen_as_its_client_recorded_it(
    server: WandbServer, expname_recorded: ReadRecorded
) -> None:
    logger = ExpNameLogger(tags=["a"], group="g", job_type="train", notes="n")
    lit_models.fit(logger)
    assert logger.experiment.url.startswith(server.url)
    (recorded,) = expname_recorded()
    run = server.run(recorded.run_id)
    assert (run.project, run.name) == ("MultiModalTransformer-KEMDy19", recorded.name)
    assert run.name == "d_model16-n_heads8-n_layers4-activation.gelu-bs16-lr1e-05"
    assert (run.tags, run.group, run.job_type, run.notes) == (["a"], "g", "train", "n")
    assert run.config["dropout"] == 0.1
    assert run.series("train_loss") == recorded.series("train_loss") != []
    assert run.summary["best_checkpoint"].endswith(".ckpt")
    assert (run.state, run.exit_code) == ("finished", 0)


def test_rename_config_and_alert_arrive(server: WandbServer) -> None:
    with wandb.init(project="p", name="first", config={"lr": 1e-5, "net": {"depth": 2}}) as run:
        run.name = "final"
        run.config.update({"depth": 3})
        run.alert("careful", "hot", level="WARN", wait_duration=5)
    served = server.run(f"{server.entity}/p/{run.id}")
    assert (served.names[0], served.name) == ("first", "final")
    assert served.config == {"lr": 1e-5, "net": {"depth": 2}, "depth": 3}
    (alert,) = server.alerts
    assert (alert.run, alert.title, alert.text) == (served.path, "careful", "hot")
    assert (alert.level, alert.wait_seconds) == ("WARN", 5.0)


def test_a_failed_run_is_failed(server: WandbServer) -> None:
    with pytest.raises(ValueError, match="boom"), wandb.init(project="p") as run:
        raise ValueError("boom")
    assert (server.run(run.id).state, server.run(run.id).exit_code) == ("failed", 1)


def test_resume_allow_goes_on(server: WandbServer) -> None:
    for start in (0, 3):
        with wandb.init(project="p", id="mine", resume="allow") as run:
            assert run.resumed == (start > 0)
            assert server.run("mine").state == "running"
            for value in range(start, start + 3):
                run.log({"value": value})
    served = server.run("p/mine")
    assert served.series("value") == [0, 1, 2, 3, 4, 5]
    assert [row["_step"] for row in served.history] == [0, 1, 2, 3, 4, 5]


def test_resume_never_and_must_are_refused() -> None:
    wandb.init(project="p", id="mine").finish()
    for resume, run_id in (("never", "mine"), ("must", "absent")):
        with pytest.raises(wandb.errors.UsageError, match=run_id):
            wandb.init(project="p", id=run_id, resume=resume)
        wandb.teardown()


def test_the_id_of_a_deleted_run_is_never_free_again(server: WandbServer) -> None:
    wandb.init(project="p", id="mine").finish()
    wandb.Api().run(f"{server.entity}/p/mine").delete()
    assert len(server.runs) == 0
    with pytest.raises(wandb.errors.CommError, match="previously created and deleted"):
        wandb.init(project="p", id="mine")


@pytest.mark.parametrize(
    ("argument", "value"),
    [("name", "n" * 129), ("job_type", "j" * 65), ("group", "g" * 129)],
)
def test_what_is_too_long_is_refused(argument: str, value: str) -> None:
    with pytest.raises(wandb.errors.CommError, match="characters or less"):
        wandb.init(project="p", **{argument: value})


def test_what_just_fits_is_taken(server: WandbServer) -> None:
    fits: dict[str, Any] = {"name": "n" * 128, "job_type": "j" * 64, "group": "g" * 128}
    wandb.init(project="p", tags=["t" * 64], **fits).finish()
    (run,) = server.runs.values()
    assert [len(text or "") for text in (run.name, run.job_type, run.group)] == [128, 64, 128]


def test_a_wrong_key_opens_nothing(server: WandbServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "f" * 40)
    with pytest.raises(wandb.errors.Error):
        wandb.init(project="p")
    assert len(server.runs) == 0


def test_an_offline_run_is_synchronised(server: WandbServer) -> None:
    with wandb.init(project="p", name="first", mode="offline", config={"a": 1}) as run:
        run.name = "final"
        run.log({"x": 1})
    assert len(server.runs) == 0
    command = [sys.executable, "-m", "wandb", "sync", str(Path(run.dir).parent)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    served = server.run(f"p/{run.id}")
    assert (served.name, served.config, served.series("x")) == ("final", {"a": 1}, [1])
    assert served.state == "finished"


def test_artifacts_have_versions_and_come_back(server: WandbServer, expname_root: Path) -> None:
    weights = expname_root / "weights.ckpt"
    with wandb.init(project="p") as run:
        for content in ("one", "two", "two"):
            weights.write_text(content)
            artifact = wandb.Artifact("model", "model", metadata={"score": 0.5})
            artifact.add_file(str(weights))
            run.log_artifact(artifact, aliases=["best"]).wait()
    assert [(one.version, sorted(one.aliases)) for one in server.artifacts] == [
        (0, []),
        (1, ["best", "latest"]),
    ]
    api = wandb.Api()
    found = api.artifact(f"{server.entity}/p/model:best")
    assert (found.metadata, found.logged_by().id) == ({"score": 0.5}, run.id)
    assert (Path(found.download()) / "weights.ckpt").read_text() == "two"
    logged = api.run(f"{server.entity}/p/{run.id}").logged_artifacts()
    assert [one.version for one in logged] == ["v0", "v1"]
    with wandb.init(project="p", id="user") as user:
        user.use_artifact("model:v0")
    assert [one.name for one in api.run(f"{server.entity}/p/user").used_artifacts()] == ["model:v0"]


def test_the_public_api_finds_filters_orders_and_pages(server: WandbServer) -> None:
    for depth in range(5):
        with wandb.init(project="p", id=f"r{depth}", config={"depth": depth}) as run:
            run.log({"score": depth / 10})
    api = wandb.Api()
    path = f"{server.entity}/p"
    every = api.runs(path, per_page=2, order="-created_at")
    assert [run.id for run in every] == ["r4", "r3", "r2", "r1", "r0"]
    deep = {"$and": [{"config.depth": {"$gte": 2}}, {"summary_metrics.score": {"$lt": 0.4}}]}
    assert [run.id for run in api.runs(path, filters=deep, order="+created_at")] == ["r2", "r3"]
    run = api.run(f"{path}/r1")
    assert (run.config["depth"], run.summary["score"], run.state) == (1, 0.1, "finished")
    assert [row["score"] for row in run.scan_history()] == [0.1]
    run.config["note"], run.name = "new", "renamed"
    run.update()
    assert (server.run("r1").name, server.run("r1").config["note"]) == ("renamed", "new")
    assert [project.name for project in api.projects(server.entity)] == ["p"]


def test_an_outage_in_the_middle_loses_nothing(server: WandbServer) -> None:
    address = server.url
    with wandb.init(project="p") as run:
        for step in range(60):
            run.log({"step": step})
            if step == 20:
                server.stop()
            if step == 50:
                server.start()
    assert server.url == address
    assert server.run(run.id).series("step") == list(range(60))


def test_ordered_faults_happen_as_often_as_ordered(server: WandbServer) -> None:
    server.fail("UpsertBucket", status=503)
    wandb.init(project="p").finish()
    upserts = [one for one in server.requests if one.operation == "UpsertBucket"]
    assert len(upserts) >= 2
    assert len(server.runs) == 1


# W&B's own end after a refused start may wait for ever: such a process leaves without it.
INIT = """
import os, wandb
try:
    wandb.init(project="p").finish()
except wandb.errors.CommError as error:
    print("refused:", error, flush=True)
    os._exit(3)
"""


def _init() -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-c", INIT], capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout


def test_refused_is_refused_until_healed(server: WandbServer) -> None:
    server.refuse("UpsertBucket", message="no right to this project")
    for _ in range(2):
        code, told = _init()
        assert code == 3
        assert "no right to this project" in told
    server.heal()
    assert _init() == (0, "")
    assert len(server.runs) == 1


def test_what_is_asked_of_no_server_is_listed(server: WandbServer) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{server.url}/nowhere", timeout=10)
    assert server.unknown == ["GET /nowhere"]
    server.unknown.clear()


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"query": 1}'])
def test_nonsense_does_not_stop_it(server: WandbServer, body: bytes) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(f"{server.url}/graphql", data=body, timeout=10)
    wandb.init(project="p").finish()
    assert len(server.runs) == 1


def test_too_large_a_body_is_refused(server: WandbServer) -> None:
    request = urllib.request.Request(f"{server.url}/graphql", method="POST", data=b"x")
    request.add_unredirected_header("Content-length", str(2**40))
    with pytest.raises(urllib.error.HTTPError, match="413"):
        urllib.request.urlopen(request, timeout=10)


def test_a_run_is_looked_up_by_as_much_of_its_path_as_is_unique(server: WandbServer) -> None:
    for project in ("p", "q"):
        wandb.init(project=project, id="mine").finish()
    assert server.run("q/mine").project == "q"
    with pytest.raises(LookupError, match="2 runs fit 'mine'; the server has testers/p/mine"):
        server.run("mine")


OUTSIDE = """
    import os, socket
    import pytest, wandb
    servers = []

    def test_leaves_a_run_open_and_the_server_away(expname_wandb):
        wandb.init(project="p")
        expname_wandb.refuse()
        expname_wandb.stop()
        servers.append(expname_wandb)
        assert os.environ["WANDB_MODE"] == "online"

    def test_afterwards_nothing_is_left():
        (server,) = servers
        assert [run.state for run in server.runs.values()] == ["finished"]
        assert not [key for key in os.environ if key.startswith("WANDB_")]
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), 1)

    def test_the_unknown_is_told(expname_wandb):
        expname_wandb.unknown.append("NewOperation")
"""


def test_nothing_is_left_of_it(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, server: WandbServer
) -> None:
    for key in server.environment():
        monkeypatch.delenv(key)
    for key in [key for key in os.environ if key.startswith("WANDB_")]:
        monkeypatch.delenv(key)
    pytester.makepyfile(OUTSIDE)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", timeout=120)
    result.assert_outcomes(passed=3, warnings=1)
    result.stdout.fnmatch_lines(["*the loopback server does not know: NewOperation*"])
