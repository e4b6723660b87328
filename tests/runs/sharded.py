"""Strategies whose checkpoints are directories, for real on CPUs, and modules that they shard."""

from __future__ import annotations

from typing import Any

import torch
from flavour import FSDPStrategy, ModelParallelStrategy
from lit_models import LitRegressor, MultiModalTransformer
from torch.distributed.fsdp import FSDPModule, FullyShardedDataParallel, fully_shard


class FullySharded(LitRegressor):
    """Wrapped by its author: the strategy's own wrapping leaves the device to be a GPU."""

    def configure_model(self) -> None:
        if not isinstance(self.model, FullyShardedDataParallel):
            self.model = FullyShardedDataParallel(self.model, device_id=torch.device("cpu"))


class CpuFSDPStrategy(FSDPStrategy):
    """Lightning refuses exactly FSDPStrategy without a GPU; torch has it on CPUs as well."""


class Parallel(LitRegressor):
    """Sharded with FSDP2."""

    def configure_model(self) -> None:
        if not isinstance(self.model, FSDPModule):
            fully_shard(self.model, mesh=self.device_mesh["data_parallel"])


def sharded(strategy: str, network: MultiModalTransformer) -> tuple[Any, LitRegressor]:
    """Strategy and module."""
    if strategy == "fsdp":
        cpu = CpuFSDPStrategy(state_dict_type="sharded", process_group_backend="gloo")
        return cpu, FullySharded(network)
    return ModelParallelStrategy(data_parallel_size=2, tensor_parallel_size=1), Parallel(network)
