"""The progress bar of a study: trials done, the best value, the time left."""

from __future__ import annotations

import sys
from typing import Any

from .plan import Plan
from .tally import Tally


class Progress:
    """A bar on standard error, where that is a terminal or a notebook; silent elsewhere."""

    def __init__(self, tally: Tally, plan: Plan, *, shown: bool) -> None:
        self._tally = tally
        self._plan = plan
        self._shown = shown
        self._bar: Any = None

    def __enter__(self) -> Progress:
        if self._shown:
            from tqdm.auto import tqdm  # comes with Lightning

            is_notebook = "ipykernel" in sys.modules
            self._bar = tqdm(
                total=self._plan.n_trials,
                desc=self._plan.study,
                unit="trial",
                disable=None if not is_notebook else False,
            )
            self.step()
        return self

    def step(self) -> None:
        """Shows what has changed since; other workers' trials too."""
        if self._bar is None:
            return
        tally = self._tally.read()
        counts, best = tally.counts, tally.best
        self._bar.n = min(counts["complete"] + counts["pruned"] + counts["failed"], self._bar.total)
        said = {"pruned": counts["pruned"]}
        self._bar.set_postfix({"best": f"{best.value:.4g}", **said} if best else said)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
