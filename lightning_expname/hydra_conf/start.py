"""`ExpNameStart`: what must happen in a Hydra job before its models are built."""

from __future__ import annotations

from typing import Any

from hydra.experimental.callback import Callback


class ExpNameStart(Callback):
    """Records constructors from the start of the job on, and keeps the composed config.

    `hydra.utils.instantiate` builds the model, in most programs, before it imports the logger: too
    late to see what the model was given. Comes with `logger: expname`; whoever writes the logger's
    `_target_` by hand takes it with `override hydra/callbacks: expname`, or imports
    `lightning_expname.logger` on top of the script.
    """

    def on_job_start(self, config: Any, **kwargs: Any) -> None:
        """Runs in the process of the job, also in a worker and on every rank."""
        from ..introspect.capture import install_by_default
        from ..introspect.main_config import remember_main
        from ..introspect.safe_config import task_config

        install_by_default()
        remember_main(task_config(config))

    def on_job_end(self, config: Any, job_return: Any, **kwargs: Any) -> None:
        """The next job of this process has a config of its own."""
        from ..introspect.main_config import forget_main

        forget_main()
