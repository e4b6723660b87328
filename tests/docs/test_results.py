"""benchmarks/RESULTS.md is what the command wrote, and no miss is passed over."""

from __future__ import annotations

import json
import sys
from types import ModuleType

import pytest
from pages import ROOT

BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture
def run_all(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import run_all

    for name in ("run_all", "rows"):
        monkeypatch.delitem(sys.modules, name)
    return run_all


def test_the_table_is_drawn_from_the_figures(run_all: ModuleType) -> None:
    kept = json.loads((BENCHMARKS / "results.json").read_text(encoding="utf-8"))
    assert (BENCHMARKS / "RESULTS.md").read_text(encoding="utf-8") == run_all.table(kept)
    assert list(kept["benchmarks"].keys() ^ run_all.ARGUMENTS.keys()) == []


def test_each_miss_says_what_was_tried(run_all: ModuleType) -> None:
    results = (BENCHMARKS / "RESULTS.md").read_text(encoding="utf-8")
    assert results.count(" MISSED |") == results.count(". Tried: ")
    assert "nothing yet" not in results


def test_a_miss_without_a_word_is_seen(run_all: ModuleType) -> None:
    row = run_all.Row("a figure", 2.0, "x", most=1.0)
    assert run_all.missed([row])[2] == "- a figure: x2.000, goal ≤ 1. Tried: nothing yet."
