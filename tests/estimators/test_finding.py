"""From a name, a parameter or a feature to the model on disk, by program and by shell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from lightning_expname import ExpNameClassifier, find_runs, resolve_run
from lightning_expname.cli import main

HOME = "save_model/DecisionTreeClassifier/wine"


def tree(depth: int, **options: Any) -> ExpNameClassifier:
    inner = DecisionTreeClassifier(max_depth=depth)
    return ExpNameClassifier(inner, n_splits=2, random_state=0, dataset="wine", **options)


@pytest.fixture
def trained(expname_root: Path, wine: Any) -> dict[str, ExpNameClassifier]:
    """Two trainings of equal names, and one on two features that was tested."""
    options: dict[str, Any] = {"features": ["hue", "alcohol"]}
    models = {"first": tree(3), "second": tree(2), "chosen": tree(3, **options)}
    for one in models.values():
        one.fit(wine.data, wine.target)
    models["chosen"].score(wine.data, wine.target)
    return models


def ids(*query: str) -> set[str]:
    return {run.id for run in find_runs(*query)}


def test_find_runs_finds_trainings(trained: dict[str, ExpNameClassifier]) -> None:
    first, second, chosen = (trained[name].record_ for name in ("first", "second", "chosen"))
    trainings = ("kind=ml", "mode=train")
    assert ids(*trainings) == {first.id, second.id, chosen.id}
    assert ids("kind=dl") == set()
    assert ids(*trainings, "run=all_features-num_folds2-r2") == {second.id}
    assert ids(*trainings, "max_depth=3") == {first.id, chosen.id}
    assert ids(*trainings, "features.count=2") == {chosen.id}
    assert ids(*trainings, f"features.name={chosen.run.partition('-num')[0]}") == {chosen.id}
    assert ids(*trainings, "cv.splitter=StratifiedKFold", "data.rows=178", "num_folds=2") == {
        first.id,
        second.id,
        chosen.id,
    }
    assert ids(*trainings, f"score>={chosen.score}", f"score<={chosen.score}") >= {chosen.id}
    (tested,) = find_runs("kind=ml", "mode=test")
    assert tested.config["trained"]["id"] == chosen.id


def test_resolve_run_leads_to_the_model(
    expname_root: Path, wine: Any, trained: dict[str, ExpNameClassifier]
) -> None:
    for one in trained.values():
        record = one.record_
        folder = expname_root / record.best
        references = (
            *(record.id, record.path, folder, record.best, f"{record.best}/"),
            *(folder / "fold0.skops", folder / "manifest.json", folder / "fold_scores.csv"),
        )
        for reference in references:
            found = resolve_run(reference)
            assert found.id == record.id, reference
        again = resolve_run(record.run).load(ExpNameClassifier)
        assert np.array_equal(again.predict_proba(wine.data), one.predict_proba(wine.data))
    second = resolve_run("all_features-num_folds2-r2")
    assert (second.id, second.best) == (
        trained["second"].record_.id,
        f"{HOME}/all_features/num_folds2-r2",
    )


def test_the_shell_lists_finds_shows_and_prints_the_folder(
    expname_root: Path, trained: dict[str, ExpNameClassifier], capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = trained["chosen"].record_
    assert main(["ls"]) == 0
    assert "all_features-num_folds2-r2" in capsys.readouterr().out
    assert main(["find", "kind=ml", "mode=train", "max_depth=3", "features.count=2"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed[1:]] == [chosen.run]
    assert main(["show", chosen.id, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["config"]["features"]["used"] == ["alcohol", "hue"]
    assert main(["show", chosen.id]) == 0
    assert "num_folds" in capsys.readouterr().out
    assert main(["find", "kind=ml", "max_depth=99"]) == 1
    capsys.readouterr()
    for one in trained.values():
        assert main(["path", one.record_.id]) == 0
        printed = Path(capsys.readouterr().out.strip())
        assert expname_root / printed == expname_root / one.record_.best
        assert (expname_root / printed / "manifest.json").is_file()
    assert main(["diff", trained["first"].record_.id, trained["second"].record_.id]) == 0
    assert "max_depth" in capsys.readouterr().out


def test_a_run_of_the_shell_loads_no_scikit_learn(
    expname_root: Path, trained: dict[str, ExpNameClassifier]
) -> None:
    import subprocess
    import sys

    program = (
        "import sys; from lightning_expname.cli import main; code = main(sys.argv[1:]);"
        " assert not {'sklearn', 'torch', 'wandb'} & set(sys.modules); sys.exit(code)"
    )
    command = [sys.executable, "-c", program, "path", trained["first"].record_.id]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=expname_root)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip().endswith(f"{HOME}/all_features/num_folds2")
