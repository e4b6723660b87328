"""The example of docs/find.md runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

from runs_on_disk import put

PAGE = Path(__file__).parents[2] / "docs" / "find.md"


def test_its_example_runs(tmp_path: Path) -> None:
    put(tmp_path, "n_heads8-bs32", hparams={"n_heads": 8}, config={"lr": 0.5}, score=0.1)
    run = put(
        tmp_path,
        "n_heads8-bs64",
        hparams={"n_heads": 8},
        config={"lr": 1e-3},
        score=0.9,
        best="checkpoints/Net/Digits/n_heads8-bs64-epoch3.ckpt",
    )
    (run.path.parent / "n_heads8-bs64-epoch3.ckpt").touch()
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, object] = {"root": tmp_path}
    exec(example, names)
    assert names["same"] == run
