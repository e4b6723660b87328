"""docs/testing.md as a project of its own: its files are written, and its tests run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pages import DOCS, blocks

PAGE = DOCS / "testing.md"


@pytest.fixture
def project(pytester: pytest.Pytester) -> Path:
    for block in blocks(PAGE):
        if block.kind == "python":
            assert block.file is not None
            (pytester.path / block.file).write_text(block.text, encoding="utf-8")
    return pytester.path


def test_its_tests_pass(
    project: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPNAME_WRITE_NAMES", "1")
    tests = re.findall(r"^def test_", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=len(tests))
    assert len(tests) == 5


def test_a_renamed_hyper_parameter_is_told_as_shown(
    project: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPNAME_WRITE_NAMES", "1")
    pytester.runpytest_subprocess("test_golden.py").assert_outcomes(passed=1)
    monkeypatch.delenv("EXPNAME_WRITE_NAMES")
    for name in ("digits.py", "test_golden.py"):
        path = project / name
        path.write_text(path.read_text(encoding="utf-8").replace("depth", "n_layers"))
    result = pytester.runpytest_subprocess("test_golden.py")
    result.assert_outcomes(failed=1)
    (shown,) = (block.text for block in blocks(PAGE) if block.kind == "text")
    for line in shown.splitlines():
        assert line.strip() in result.stdout.str()
