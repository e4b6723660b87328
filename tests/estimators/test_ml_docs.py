"""What docs/ml.md shows is so."""

from __future__ import annotations

import doctest
from pathlib import Path

TEXT = (Path(__file__).parents[2] / "docs/ml.md").read_text(encoding="utf-8")


def test_its_prompts_answer_as_shown(expname_root: Path) -> None:
    text = TEXT.replace("```", "")
    parsed = doctest.DocTestParser().get_doctest(text, {}, "ml", "docs/ml.md", 0)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    assert runner.run(parsed).attempted > 10
    assert runner.failures == 0
