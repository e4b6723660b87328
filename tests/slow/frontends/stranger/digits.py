"""A stranger's project: a network on scanned digits, and what trains it."""

from __future__ import annotations

import torch
from lightning.pytorch import LightningModule, Trainer
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

BATCH_SIZE = 64


class Net(nn.Module):
    def __init__(self, d_model: int = 8, n_heads: int = 2, dropout: float = 0.1) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(64, d_model * n_heads), nn.Dropout(dropout))
        self.head = nn.Linear(d_model * n_heads, 10)

    def forward(self, images):
        return self.head(self.layers(images).relu())


class LitNet(LightningModule):
    def __init__(self, net: nn.Module, lr: float = 1e-3) -> None:
        super().__init__()
        self.net, self.rate = net, lr

    def training_step(self, batch, batch_idx):
        images, labels = batch
        loss = nn.functional.cross_entropy(self.net(images), labels)
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=self.rate)


def loader(rows: int = 128) -> DataLoader:
    digits = load_digits()
    images = torch.tensor(digits.data[:rows], dtype=torch.float32) / 16
    return DataLoader(TensorDataset(images, torch.tensor(digits.target[:rows])), BATCH_SIZE)


def train(module: LightningModule, logger, **options) -> Trainer:
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    trainer = Trainer(logger=logger, max_epochs=1, log_every_n_steps=1, **quiet, **options)
    trainer.fit(module, loader())
    return trainer
