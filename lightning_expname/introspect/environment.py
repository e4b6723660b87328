"""The `environment` section: where and of what code a run was made. Two runs may differ in it."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Collection, Sequence
from typing import Any, Final

from ..redaction import scrub_arguments, scrub_remote

_VERSIONED: Final = (
    "lightning_expname",
    "torch",
    "lightning",
    "pytorch_lightning",
    "wandb",
    "torchmetrics",
    "numpy",
    "torchvision",
    "torchaudio",
    "transformers",
    "timm",
    "sklearn",
    "pandas",
    "optuna",
    "hydra",
    "omegaconf",
)
_GIT: Final = ("git", "-c", "core.fsmonitor=false")
_SECONDS: Final = 2.0


Asked = list["subprocess.Popen[str] | None"]
"""Questions to git that are under way; None where there is no git."""


def describe_environment(
    trainer: Any, allow: Collection[str] = (), git: Asked | None = None
) -> dict[str, Any]:
    """Versions, host, devices, git and the command line; secrets are scrubbed from all of it.

    Args:
        trainer: whose devices are told.
        allow: options of the command line that are no secrets, see `redact`.
        git: of `ask_git`; asked now when None.
    """
    devices = _gpus(trainer)
    return {
        "python": platform.python_version(),
        "host": platform.node(),
        "platform": sys.platform,
        "cpu_count": os.cpu_count(),
        **({"gpu": devices, "cuda": _cuda()} if devices else {}),
        **_versions(),
        **describe_git(git),
        "command": shlex.join(scrub_arguments(sys.argv, allow)),
    }


def _versions() -> dict[str, str]:
    """Of what is loaded: nothing is imported to be asked."""
    versions = {name: getattr(sys.modules.get(name), "__version__", None) for name in _VERSIONED}
    return {name: str(version) for name, version in versions.items() if version is not None}


def _gpus(trainer: Any) -> list[str]:
    """The names of the GPUs that this process uses."""
    import torch

    if type(trainer.accelerator).__name__ != "CUDAAccelerator" or not torch.cuda.is_available():
        return []
    return [torch.cuda.get_device_name(index) for index in trainer.device_ids]


def _cuda() -> str | None:
    import torch

    return torch.version.cuda


def ask_git() -> Asked:
    """Starts git, which answers while other things are read; of the working directory."""
    if _is_git_disabled():
        return [None, None]
    status = ("status", "--porcelain=v2", "--branch", "--untracked-files=no", "--no-ahead-behind")
    return [_ask(status), _ask(("config", "--get-regexp", r"^remote\..*\.url$"))]


def describe_git(asked: Asked | None = None) -> dict[str, Any]:
    """Commit, branch, whether tracked files have changed, and the remote without credentials.

    Empty outside a repository, without git, with WANDB_DISABLE_GIT, and when git takes longer than
    two seconds.

    Args:
        asked: of `ask_git`; asked now when None.
    """
    status, config = map(_answer, ask_git() if asked is None else asked)
    if status is None:
        return {}
    lines = status.splitlines()
    heads = dict(line[2:].split(" ", 1) for line in lines if line.startswith("# branch."))
    remotes = [line.split(" ", 1)[1] for line in (config or "").splitlines()]
    return {
        "git_commit": heads.get("branch.oid"),
        "git_branch": heads.get("branch.head"),
        "git_dirty": any(not line.startswith("#") for line in lines),
        **({"git_remote": scrub_remote(remotes[0])} if remotes else {}),
    }


def secret_remote(name: str = "origin") -> dict[str, str]:
    """The git remote without its credentials, and the commit; empty where it has none.

    Args:
        name: of the remote.
    """
    url = None if _is_git_disabled() else _answer(_ask(("config", "--get", f"remote.{name}.url")))
    told = scrub_remote(url.strip()) if url else ""
    if not url or told == url.strip():
        return {}
    commit = _answer(_ask(("rev-parse", "--verify", "HEAD")))
    return {"url": told, **({"commit": commit.strip()} if commit else {})}


def _is_git_disabled() -> bool:
    return os.environ.get("WANDB_DISABLE_GIT", "").lower() in ("1", "true", "yes")


def _ask(command: Sequence[str]) -> subprocess.Popen[str] | None:
    try:
        return subprocess.Popen(
            [*_GIT, *command],
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            errors="replace",
        )
    except OSError:  # no git here
        return None


def _answer(process: subprocess.Popen[str] | None) -> str | None:
    if process is None:
        return None
    with process:
        try:
            text, _ = process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return None
    return text if process.returncode == 0 else None
