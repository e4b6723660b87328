"""Strategies whose checkpoints are directories, for real on CPUs, and modules that they shard."""

from __future__ import annotations

from typing import Any

import torch
from flavour import DDPStrategy, DeepSpeedStrategy, FSDPStrategy, ModelParallelStrategy
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


class CpuDeepSpeedStrategy(DeepSpeedStrategy):
    """Lightning refuses it without a GPU and asks for a device's index; DeepSpeed runs on CPUs."""

    @property
    def root_device(self) -> torch.device:
        return torch.device("cpu", 0)

    def setup_environment(self) -> None:
        DDPStrategy.setup_environment(self)

    def setup_distributed(self) -> None:
        self.set_world_ranks()
        self._init_deepspeed_distributed()


def sharded(strategy: str, network: MultiModalTransformer) -> tuple[Any, LitRegressor]:
    """Strategy and module."""
    gloo = {"process_group_backend": "gloo"}
    if strategy == "fsdp":
        return CpuFSDPStrategy(state_dict_type="sharded", **gloo), FullySharded(network)
    if strategy == "deepspeed":
        config = {"zero_optimization": {"stage": 1}, "train_micro_batch_size_per_gpu": 16}
        config["zero_allow_untested_optimizer"] = True
        return CpuDeepSpeedStrategy(config=config, **gloo), LitRegressor(network)
    return ModelParallelStrategy(data_parallel_size=2, tensor_parallel_size=1), Parallel(network)
