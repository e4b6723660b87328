"""All benchmarks, one after the other, as one table: `benchmarks/RESULTS.md`.

After `python -m pip install '.[all]' lightgbm mlflow`, run `python benchmarks/run_all.py` on an
idle machine (about 40 minutes), or some of it again with `--only fit folds`.
`benchmarks/results.json` keeps the figures that the table is drawn from; those of another machine
are dropped. Exit status: benchmarks that broke.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from rows import FILE, Row

HERE: Final = Path(__file__).parent
ARGUMENTS: Final[dict[str, list[str]]] = {
    "fit": [],
    "startup": [],
    "naming": [],
    "capture": [],
    "config": [],
    "find": [],
    "folds": [],
    "tune": ["--ddp"],
    "alerts": [],
}
"""Benchmark to the arguments that it is run with."""

TRIED: Final[dict[str, str]] = {
    "constructors recorded": (
        "torch's own modules take a short way, before anything else is asked: a convolution, which"
        " cost 8 to 9 %, is looked at once, and its arguments are kept only when they are plain."
        " One call of Python is left, of which the least is at the limit; the median of a machine"
        " that is not idle lies on either side of it."
    ),
    "training with a dead Slack": (
        "a process of its own delivers, and the training only writes to a pipe. What is left is"
        " mostly the start of that process, some 50 ms once, whatever the training takes."
    ),
}
"""What was tried for figures that miss their goal, by how they are called."""

PACKAGES: Final = (
    *("lightning", "torch", "wandb", "optuna", "scikit-learn", "lightgbm", "mlflow"),
    "mlflow-skinny",
)


def machine() -> dict[str, str]:
    """What the figures depend on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = {name: _version(name) for name in PACKAGES}
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: one for name, one in versions.items() if one},
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def figures(name: str) -> list[dict[str, Any]] | None:
    """What a benchmark told; None when it broke. It prints as it goes."""
    print(f"\n== {name}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows"
        file.touch()
        command = [sys.executable, str(HERE / f"bench_{name}.py"), *ARGUMENTS[name]]
        code = subprocess.call(command, env={**os.environ, FILE: str(file)})
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return rows if rows and code == 0 else None


def table(kept: dict[str, Any]) -> str:
    """The Markdown: ratios first, then what has a goal, then the rest."""
    rows = [(name, Row(**one)) for name, told in kept["benchmarks"].items() for one in told["rows"]]
    rows.sort(key=lambda pair: (pair[1].unit != "x", pair[1].met is None))
    lines = [
        "# Results",
        "",
        "Written by `python benchmarks/run_all.py`. Ratios are paired in one run; medians, unless"
        " a note says otherwise.",
        "",
        "| what | figure | goal | held against, how | benchmark |",
        "|---|---:|---|---|---|",
    ]
    lines += [f"| {r.what} | {r.said} | {r.goal} | {r.note} | {name} |" for name, r in rows]
    lines += ["", *missed([row for _, row in rows if row.met is False])]
    of = ", ".join(f"{name} {told['date']}" for name, told in kept["benchmarks"].items())
    lines += [f"Measured: {of}.", "", "| machine | |", "|---|---|"]
    lines += [f"| {name} | {one} |" for name, one in kept["machine"].items()]
    return "\n".join(lines) + "\n"


def missed(rows: list[Row]) -> list[str]:
    """Each miss with what was tried."""
    lines = []
    for row in rows:
        tried = next((TRIED[name] for name in TRIED if row.what.startswith(name)), "nothing yet.")
        lines.append(
            f"- {row.what}: {row.said}, goal {row.goal.split(' MISSED')[0]}. Tried: {tried}"
        )
    return ["Missed:", "", *lines, ""] if rows else []


def main() -> None:
    """Runs what was asked for and writes both files after each benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(ARGUMENTS), default=list(ARGUMENTS))
    asked = parser.parse_args()
    file, here, broken = HERE / "results.json", machine(), 0
    kept = json.loads(file.read_text()) if file.is_file() else {}
    if kept.get("machine") != here:
        kept = {"machine": here, "benchmarks": {}}
    for name in asked.only:
        rows = figures(name)
        if rows is None:
            broken += 1
            continue
        kept["benchmarks"][name] = {"date": datetime.date.today().isoformat(), "rows": rows}
        file.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        (HERE / "RESULTS.md").write_text(table(kept), encoding="utf-8")
    sys.exit(broken)


if __name__ == "__main__":
    main()
