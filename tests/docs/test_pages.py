"""Every code block of README and docs is run by a test, and no new page escapes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pages import DOCS, ROOT, PageRunner, blocks

import lightning_expname

# Pages with a test of their own, and the kinds of blocks that it runs: all of that kind, or it
# fails by their number.
OWN = {
    "README.md": ("tests/docs/test_readme_runs.py", {"python", "bash", "console"}),
    "alerts.md": ("tests/alerts/test_alerts_docs.py", {"python", "bash"}),  # tox -e alerts
    "config.md": ("tests/redaction/test_config_page.py", {"pycon"}),
    "find.md": ("tests/docs/test_find_page.py", {"python", "bash"}),
    "flavours.md": ("tests/slow/flavours/test_flavours.py", {"python"}),
    "hydra.md": ("tests/slow/frontends/test_docs.py", {"python", "yaml", "console"}),
    "life.md": ("tests/runs/test_docs_life.py", {"python"}),
    "lightning-cli.md": ("tests/slow/frontends/test_docs.py", {"python", "yaml", "console"}),
    "ml.md": ("tests/estimators/test_ml_docs.py", {"python"}),
    "testing.md": ("tests/docs/test_testing_page.py", {"python"}),
    "tuning.md": ("tests/tuning/test_docs.py", {"python", "yaml"}),
}
# Blocks that are not run: what a program prints, or what needs a server of the reader's own.
TEXT = {
    "README.md": 1,
    "flavours.md": 3,  # one of them by tests/slow/zoo_pl
    "naming.md": 1,
    "recipes.md": 1,
    "testing.md": 1,
    "tuning.md": 4,
}
PAGES = sorted([*DOCS.glob("*.md"), ROOT / "README.md"])
PLAIN = [page for page in PAGES if page.name not in OWN]


@pytest.mark.parametrize("page", PLAIN, ids=lambda page: page.stem)
def test_its_blocks_run(page: Path, expname_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    PageRunner(page, lambda: capsys.readouterr().out).run()


@pytest.mark.parametrize("name", OWN)
def test_a_page_with_a_test_of_its_own_has_no_block_beside_it(name: str) -> None:
    test, kinds = OWN[name]
    (page,) = [page for page in PAGES if page.name == name]
    assert page.stem in (ROOT / test).read_text(encoding="utf-8").replace("README", page.stem)
    assert {block.kind for block in blocks(page)} - {"text"} <= kinds


def test_few_blocks_are_not_run() -> None:
    unrun = {
        page.name: count
        for page in PAGES
        if (count := sum(block.kind == "text" for block in blocks(page)))
    }
    assert unrun == TEXT


def test_a_block_of_an_unknown_kind_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "new.md"
    for kind in ("", "bash", "rust"):
        page.write_text(f"# New\n\n```{kind}\nls\n```\n")
        with pytest.raises(AssertionError, match=f"new.md:3: no test runs .* {kind!r}"):
            PageRunner(page, str).run()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("```python\nassert 1 == 2\n```", AssertionError),
        ("```python\nprint(unknown_name)\n```", NameError),
        ("```pycon\n>>> 1 + 1\n3\n\n```", AssertionError),
        ("```console\n$ expname ls\nno such output\n```", AssertionError),
        ("```yaml\na: 1\n```", AssertionError),
    ],
)
def test_a_block_that_is_wrong_is_noticed(
    text: str, error: type[Exception], expname_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = expname_root / "new.md"
    page.write_text(f"# New\n\n{text}\n")
    with pytest.raises(error):
        PageRunner(page, lambda: capsys.readouterr().out).run()


def test_the_reference_knows_every_public_name() -> None:
    page = (DOCS / "api.md").read_text(encoding="utf-8")
    public = [name for name in lightning_expname.__all__ if not name.endswith("Error")]
    assert [name for name in public if not re.search(rf"\b{name}\b", page)] == []
    assert "::: lightning_expname.errors" in page  # with all of them
