"""The pictures of the README show what the program says today."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from pages import DOCS, ROOT


def texts(picture: Path) -> list[str]:
    """What a picture says; where it says it is rich's affair."""
    return re.findall(r"<text[^>]*>(.*?)</text>", picture.read_text(encoding="utf-8"))


def test_they_are_up_to_date(tmp_path: Path) -> None:
    screens = runpy.run_path(str(ROOT / "examples" / "screens.py"))
    screens["main"](tmp_path)
    kept = sorted((DOCS / "images").glob("*.svg"))
    assert [path.name for path in kept] == ["alert.svg", "diff.svg", "find.svg", "preview.svg"]
    for path in kept:
        drawn = texts(tmp_path / path.name)
        assert [text for text in drawn if "s`" not in text] == [
            text
            for text in texts(path)
            if "s`" not in text  # how long it took
        ]
    assert any("train" in text and "finished" in text for text in texts(tmp_path / "alert.svg"))
