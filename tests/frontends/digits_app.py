"""A scratch project: a network in a LightningModule, and a datamodule. Nothing of ours in it."""

from __future__ import annotations

import torch
from lightning.pytorch import LightningDataModule, LightningModule
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self, width: int, depth: int = 2, act: str = "gelu", dropout: float = 0.1):
        super().__init__()
        hidden = [nn.Linear(4, width), *(nn.Linear(width, width) for _ in range(depth - 1))]
        self.layers = nn.Sequential(*hidden, nn.Dropout(dropout), nn.Linear(width, 1))

    def forward(self, batch):
        return self.layers(batch)


class LitDigits(LightningModule):
    def __init__(self, net: nn.Module, lr: float = 1e-3, api_key: str = ""):
        super().__init__()
        self.net, self._lr = net, lr

    def training_step(self, batch, batch_idx):
        loss = self.net(batch[0]).square().mean()
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", self.net(batch[0]).square().mean())

    def test_step(self, batch, batch_idx):
        self.log("test_loss", self.net(batch[0]).square().mean())

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=self._lr)


class Digits(LightningDataModule):
    def __init__(self, batch_size: int = 16, size: int = 32):
        super().__init__()
        self._batch_size, self._size = batch_size, size

    def train_dataloader(self):
        data = torch.randn(self._size, 4, generator=torch.Generator().manual_seed(0))
        return DataLoader(TensorDataset(data), batch_size=self._batch_size)

    val_dataloader = test_dataloader = train_dataloader
