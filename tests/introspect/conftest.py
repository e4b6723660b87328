"""Recording is on in these tests, and off again afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lightning_expname.introspect.capture import capture_init, uncapture_init


@pytest.fixture(autouse=True)
def _capture() -> Iterator[None]:
    capture_init()
    yield
    uncapture_init()
