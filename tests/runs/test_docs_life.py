"""The example of docs/life.md, run as it stands."""

from __future__ import annotations

import re
from pathlib import Path

from lit_models import lit, loader

PAGE = Path(__file__).parents[2] / "docs" / "life.md"


def test_the_example_continues_the_run(expname_root: Path) -> None:
    from flavour import ExpNameCheckpoint, ExpNameLogger, RunRecord, Trainer

    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    records: list[RunRecord] = []
    for epochs in (1, 2):
        names = {
            "Trainer": lambda epochs=epochs, **given: Trainer(max_epochs=epochs, **given),
            "ExpNameLogger": ExpNameLogger,
            "ExpNameCheckpoint": ExpNameCheckpoint,
            "lit": lit(),
            "train_loader": loader(),
            "val_loader": loader(),
        }
        exec(example, names)
        records.append(names["trainer"].logger.record)
    assert records[0].id == records[1].id
    assert len(records[1].resumed) == 1


def test_every_row_of_the_table_names_tests_that_exist() -> None:
    root = PAGE.parents[1]
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE.read_text(encoding="utf-8"))
    assert len(named) > 15
    for path, test in named:
        assert f"def {test or 'test_'}" in (root / path).read_text(encoding="utf-8")
