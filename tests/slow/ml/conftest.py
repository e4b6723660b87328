"""Every warning is said anew; small real data."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from lightning_expname.observer import _said


@pytest.fixture(autouse=True)
def _as_in_a_new_process() -> None:
    _said.clear()


@pytest.fixture(scope="session")
def cancer() -> Any:
    return load_breast_cancer(as_frame=True)


@pytest.fixture(scope="session")
def wine() -> Any:
    return load_wine(as_frame=True)


@pytest.fixture(scope="session")
def diabetes() -> Any:
    return load_diabetes(as_frame=True)
