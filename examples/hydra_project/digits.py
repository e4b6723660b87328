"""The data and the model. Nothing of lightning_expname is in here."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import LightningDataModule, LightningModule
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

Batch = tuple[Tensor, Tensor]


class PatchTransformer(nn.Module):
    """A Transformer over the 16 patches of an image of 8 x 8 pixels."""

    def __init__(self, d_model: int, n_heads: int, n_layers: int, dropout: float) -> None:
        super().__init__()
        self.patches = nn.Unfold(kernel_size=2, stride=2)
        self.embed = nn.Linear(2 * 2, d_model)
        self.position = nn.Parameter(0.02 * torch.randn(4 * 4, d_model))
        layer = nn.TransformerEncoderLayer(
            d_model, n_heads, 2 * d_model, dropout, batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, n_layers, enable_nested_tensor=False)
        self.head = nn.Linear(4 * 4 * d_model, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Images of shape (batch, 8, 8) to logits of shape (batch, 10)."""
        patches = self.patches(images.unsqueeze(1)).transpose(1, 2)
        encoded = self.encoder(self.embed(patches) + self.position)
        logits: Tensor = self.head(encoded.flatten(start_dim=1))
        return logits


class LitDigits(LightningModule):
    """Cross-entropy and AdamW; no `save_hyperparameters()`."""

    def __init__(self, net: nn.Module, lr: float) -> None:
        super().__init__()
        self.net, self.rate = net, lr

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        return self._step(batch, "train")

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self._step(batch, "val")

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        self._step(batch, "test")

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        predicted: Tensor = self.net(batch[0]).argmax(dim=1)
        return predicted

    def _step(self, batch: Batch, stage: str) -> Tensor:
        images, labels = batch
        logits = self.net(images)
        loss = F.cross_entropy(logits, labels)
        accuracy = (logits.argmax(dim=1) == labels).float().mean()
        self.log_dict({f"{stage}_loss": loss, f"{stage}_acc": accuracy})
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=self.rate)


class DigitsDataModule(LightningDataModule):
    """scikit-learn's 1 797 scanned digits: 1 200 to train, 300 to validate, the rest to test."""

    def __init__(self, batch_size: int) -> None:
        super().__init__()
        self.batch_size = batch_size
        digits = load_digits()
        order = torch.randperm(len(digits.target), generator=torch.Generator().manual_seed(0))
        images = torch.tensor(digits.images, dtype=torch.float32)[order] / 16
        self.data = TensorDataset(images, torch.tensor(digits.target)[order])

    def train_dataloader(self) -> DataLoader[Any]:
        return self._loader(0, 1200, shuffle=True)

    def val_dataloader(self) -> DataLoader[Any]:
        return self._loader(1200, 1500)

    def test_dataloader(self) -> DataLoader[Any]:
        return self._loader(1500, 1797)

    predict_dataloader = test_dataloader

    def _loader(self, start: int, end: int, *, shuffle: bool = False) -> DataLoader[Any]:
        part = TensorDataset(*(tensor[start:end] for tensor in self.data.tensors))
        return DataLoader(part, batch_size=self.batch_size, shuffle=shuffle)
