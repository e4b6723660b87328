"""The dataset's name on the ML side: said, written on the frame, or in a Bunch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Final

_ATTRIBUTES: Final = ("dataset", "dataset_name", "name")
_HEADING: Final = re.compile(r"\.\. _(\w+?)_dataset:")


def dataset_name(dataset: Any, X: Any) -> str | None:
    """The data's name, or None when nothing tells.

    Args:
        dataset: a text, or the Bunch of `sklearn.datasets` that the data came in.
        X: a frame may say its name in `DataFrame.attrs["dataset"]`.
    """
    if isinstance(dataset, str) and dataset:
        return dataset
    if isinstance(dataset, Mapping) and (name := _of_bunch(dataset)):
        return name
    attributes = getattr(X, "attrs", None)
    said = attributes if isinstance(attributes, Mapping) else {}
    return next((str(said[key]) for key in _ATTRIBUTES if said.get(key)), None)


def _of_bunch(bunch: Mapping[str, Any]) -> str | None:
    """OpenML says the name outright, scikit-learn's own sets in the heading of their text."""
    details = bunch.get("details")
    if isinstance(details, Mapping) and details.get("name"):
        return str(details["name"])
    if heading := _HEADING.search(str(bunch.get("DESCR", ""))):
        return heading[1]
    file = str(bunch.get("filename") or "")
    return PurePath(file).name.partition(".")[0] or None
