"""What docs/config.md shows is so."""

from __future__ import annotations

import doctest
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "config.md"


def test_its_prompts_answer_as_shown() -> None:
    text = PAGE.read_text(encoding="utf-8").replace("```", "")
    parsed = doctest.DocTestParser().get_doctest(text, {}, "config", str(PAGE), 0)
    runner = doctest.DocTestRunner()
    assert runner.run(parsed).attempted >= 5
    assert runner.failures == 0
