"""Constructors are recorded in these tests, and every warning is said anew."""

from __future__ import annotations

import pytest
from flavour import capture_init

from lightning_expname.observer import _said


@pytest.fixture(autouse=True)
def _as_in_a_new_process() -> None:
    capture_init()
    _said.clear()
