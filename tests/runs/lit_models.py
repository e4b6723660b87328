"""The user's kind of module: nothing saved, nothing kept, a network inside."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import flavour  # noqa: F401  # records constructors' arguments from here on

import torch  # isort: skip
from flavour import ExpNameLogger, LightningModule, Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset


class KEMDy19Dataset(Dataset[Tensor]):
    def __init__(self, size: int = 32) -> None:
        self.samples = torch.randn(size, 4, generator=torch.Generator().manual_seed(0))

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Tensor:
        return self.samples[index]


class MultiModalTransformer(nn.Module):
    def __init__(
        self,
        d_model: int,
        n_heads: int = 8,
        n_layers: int = 4,
        activation: str = "gelu",
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, d_model), nn.Dropout(dropout), nn.Linear(d_model, 1))

    def forward(self, batch: Tensor) -> Tensor:
        output: Tensor = self.net(batch)
        return output


class LitRegressor(LightningModule):
    def __init__(self, model: nn.Module, lr: float = 1e-5, warm_up: bool = False) -> None:
        super().__init__()
        self.model = model
        self._settings = (lr, warm_up)

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        loss = self.model(batch).square().mean()
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        self.log("val_acc", 1.0 / (1.0 + self.model(batch).square().mean()))

    def test_step(self, batch: Tensor, batch_idx: int) -> None:
        self.log("test_acc", 1.0 / (1.0 + self.model(batch).square().mean()))

    def predict_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        return self.model(batch)

    def configure_optimizers(self) -> Any:
        lr, warm_up = self._settings
        optimizer = torch.optim.AdamW(self.parameters(), lr=lr, weight_decay=0.05)
        if not warm_up:
            return optimizer
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: step / 100)
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]


def loader(batch_size: int = 16) -> DataLoader[Tensor]:
    return DataLoader(KEMDy19Dataset(), batch_size=batch_size)


def lit(d_model: int = 16, lr: float = 1e-5, **kwargs: Any) -> LitRegressor:
    return LitRegressor(MultiModalTransformer(d_model, **kwargs), lr=lr)


def trainer(logger: Any, *callbacks: Any, epochs: int = 2, **kwargs: Any) -> Trainer:
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "log_every_n_steps": 1}
    arguments = {"accelerator": "cpu", "max_epochs": epochs, **quiet, **kwargs}
    return Trainer(logger=logger, callbacks=list(callbacks), **arguments)


def fit(logger: Any, *callbacks: Any, module: Any = None, **kwargs: Any) -> Trainer:
    ran = trainer(logger, *callbacks, **kwargs)
    ran.fit(module or lit(), loader(), loader())
    return ran


def files(root: Path) -> list[str]:
    found = (root / "checkpoints").rglob("*")
    return sorted(path.relative_to(root).as_posix() for path in found if path.is_file())


if __name__ == "__main__":  # a training to be killed: `python lit_models.py ROOT`
    endless = trainer(ExpNameLogger(root_dir=sys.argv[1], offline=True), epochs=10_000)
    endless.fit(lit(), loader(), loader())
