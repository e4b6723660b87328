"""Three real trainings that name themselves, and the way back from a name to its checkpoint.

Trains a small Transformer on scikit-learn's 1 797 scanned digits, W&B offline, on the CPU. Two
runs differ in the learning rate only, the third repeats the first; nobody types a name.

    python examples/demo.py [--root DIRECTORY] [--epochs N]
"""

from __future__ import annotations

import argparse
import os
import warnings
from functools import partial
from pathlib import Path

from lightning_expname import ExpNameCheckpoint, ExpNameLogger, RunRecord  # before any model

import lightning.pytorch as pl  # isort: skip
import torch
from lightning.pytorch.callbacks import TQDMProgressBar
from rich.console import Console
from rich.table import Table
from rich.tree import Tree
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, Subset, random_split

LEARNING_RATES = (1e-3, 3e-3, 1e-3)


class DigitsDataset(Dataset[tuple[Tensor, Tensor]]):
    """Images of shape (8, 8), grey values 0 to 1, and the digit each one shows."""

    def __init__(self) -> None:
        digits = load_digits()
        self.images = torch.tensor(digits.images, dtype=torch.float32) / 16.0
        self.labels = torch.tensor(digits.target)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.images[index], self.labels[index]


class PatchTransformer(nn.Module):
    """A Transformer over the image's patches. It keeps none of its arguments as attributes."""

    def __init__(
        self,
        d_model: int = 64,
        n_heads: int = 4,
        n_layers: int = 2,
        dropout: float = 0.1,
    ) -> None:
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


class LitDigits(pl.LightningModule):
    """Cross-entropy and AdamW; no `save_hyperparameters()`."""

    def __init__(self, model: nn.Module, lr: float = 1e-3, weight_decay: float = 0.01) -> None:
        super().__init__()
        self.model = model
        self.build_optimizer = partial(torch.optim.AdamW, lr=lr, weight_decay=weight_decay)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        return self._step(batch, "train")

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        self._step(batch, "val")

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        self._step(batch, "test")

    def _step(self, batch: tuple[Tensor, Tensor], stage: str) -> Tensor:
        images, labels = batch
        logits = self.model(images)
        loss = F.cross_entropy(logits, labels)
        accuracy = (logits.argmax(dim=1) == labels).float().mean()
        self.log_dict({f"{stage}_loss": loss, f"{stage}_acc": accuracy}, prog_bar=True)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return self.build_optimizer(self.parameters())


def train(
    lr: float, root: Path, epochs: int, parts: list[Subset[tuple[Tensor, Tensor]]]
) -> RunRecord:
    """One training; all that names it is the code above."""
    pl.seed_everything(0, verbose=False)
    trainer = pl.Trainer(
        logger=ExpNameLogger(root_dir=root, offline=True),
        callbacks=[
            ExpNameCheckpoint(monitor="val_acc", mode="max"),
            TQDMProgressBar(refresh_rate=5),
        ],
        max_epochs=epochs,
        accelerator="cpu",
        log_every_n_steps=5,
        enable_model_summary=False,
    )
    loaders = (
        DataLoader(parts[0], batch_size=64, shuffle=True),
        DataLoader(parts[1], batch_size=64),
    )
    trainer.fit(LitDigits(PatchTransformer(), lr=lr), *loaders)
    assert isinstance(trainer.logger, ExpNameLogger)
    assert trainer.logger.record is not None
    return trainer.logger.record


def test(record: RunRecord, part: Subset[tuple[Tensor, Tensor]]) -> float:
    """The accuracy of the run's best checkpoint, loaded through its record."""
    names = ("d_model", "n_heads", "n_layers", "dropout")
    network = PatchTransformer(**{name: record.hparams[name] for name in names})
    module = record.load(LitDigits, model=network)
    trainer = pl.Trainer(logger=False, accelerator="cpu", enable_checkpointing=False)
    return trainer.test(module, DataLoader(part, batch_size=64), verbose=False)[0]["test_acc"]


def show(records: list[RunRecord], root: Path) -> None:
    """The table that W&B shows, with the checkpoint that each name finds, and the tree on disk."""
    console = Console(width=112)
    table = Table(
        "W&B run", "val_acc", "best checkpoint", title=f"W&B project {records[0].project}"
    )
    for record in records:
        best = record.checkpoint("best").relative_to(root.absolute())
        table.add_row(record.run, f"{record.score:.4f}", f"{best.parent}/\n{best.name}")
    console.print(table)
    console.print(_tree(root / "checkpoints", Tree("checkpoints/")))


def _tree(directory: Path, tree: Tree) -> Tree:
    for path in sorted(directory.iterdir()):
        branch = tree.add(path.name + ("/" if path.is_dir() else ""))
        if path.is_dir():
            _tree(path, branch)
    return tree


def main() -> None:
    """Trains, shows, loads, tests."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path("demo_runs"), help="where files go")
    parser.add_argument("--epochs", type=int, default=25)
    options = parser.parse_args()
    os.environ.setdefault("WANDB_SILENT", "true")
    warnings.filterwarnings("ignore", ".*does not have many workers.*")
    generator = torch.Generator().manual_seed(0)
    parts = random_split(DigitsDataset(), [1203, 297, 297], generator)
    records = [train(lr, options.root, options.epochs, parts) for lr in LEARNING_RATES]
    show(records, options.root)
    best = max(records, key=lambda record: record.score or 0.0)
    print(f"best run         {best.run}\nits checkpoint   {best.checkpoint('best')}")
    print(f"test accuracy    {test(best, parts[2]):.4f}")


if __name__ == "__main__":
    main()
