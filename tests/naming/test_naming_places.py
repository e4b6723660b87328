"""Folders and projects: any text becomes a name that is safe on every file system."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import naming_strategies as hostile
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lightning_expname.naming import place

FORBIDDEN = set("/\\#?%:*\"<>|$&;()[]{}'`!~^=,@ \t\n\x00\x7f\u202e\u2066\u200f\u200b")


@given(hostile.texts | st.text(max_size=200), st.sampled_from([40, 80, 128]))
def test_any_text_becomes_a_safe_place(text: str, max_bytes: int) -> None:
    name = place(text, max_bytes=max_bytes)
    assert name and not FORBIDDEN & set(name)
    assert name[0] not in ".- " and name[-1] not in ".- "
    assert len(name.encode("utf-8")) <= max_bytes
    assert name == unicodedata.normalize("NFC", name)
    assert all(unicodedata.category(char)[0] != "C" for char in name)
    assert place(name, max_bytes=max_bytes) == name


@given(hostile.texts | st.text(max_size=100))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
def test_a_place_is_a_folder_that_is_listed_back(tmp_path: Path, text: str) -> None:
    folder = tmp_path / place(text)
    folder.mkdir(exist_ok=True)
    assert folder.parent == tmp_path
    assert folder.name in {entry.name for entry in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("KEMDy19", "KEMDy19"),
        ("한국어 감정 데이터", "한국어_감정_데이터"),
        ("日本語", "日本語"),
        ("हिन्दी", "हिन्दी"),
        ("e\u0301", "é"),
        ("wikitext-103+noise", "wikitext-103+noise"),
        ("a/b\\c", "a_b_c"),
        ("../..", "_"),
        ("../../x", "_.._x"),
        (" .x-", "x"),
        ("\u202eexe.txt", "_exe.txt"),
        *[(text, "unnamed") for text in ("", ".", "..", "--", " ")],
        *[
            ("con", "con_"),
            ("NUL.tar.gz", "NUL_.tar.gz"),
            ("com¹", "com¹_"),
            ("console", "console"),
        ],
    ],
)
def test_places(text: str, name: str) -> None:
    assert place(text) == name


def test_a_long_text_is_cut_at_a_character_and_told_apart() -> None:
    first, second = place("감" * 100 + "가"), place("감" * 100 + "나")
    assert first != second
    assert first.startswith("감" * 22 + "_h") and len(first.encode()) == 78
