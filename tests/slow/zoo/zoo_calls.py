"""Constructor calls of LightningModules from PyPI, as their documentation shows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import lightning_expname.logger  # noqa: F401  # constructors are recorded from here on

import chemprop  # isort: skip
import numpy as np
import pandas as pd
import pytorch_forecasting as forecasting
from chemprop import nn as chemnets
from pytorch_forecasting import TimeSeriesDataSet
from pytorch_forecasting.metrics import SMAPE, QuantileLoss
from pytorch_forecasting.models import NBeatsKAN, xLSTMTime

STEPS, ENCODER, PREDICTION = 60, 12, 4
SMILES = ("CCO", "CCN", "c1ccccc1", "CC(=O)O", "CCCC", "C1CCCCC1", "COC", "CC#N")


@dataclass(frozen=True)
class Call:
    """`build` makes the call; `cls` is the class that it builds; `loader` gives it data."""

    cls: type
    build: Callable[[], Any]
    loader: Callable[[], Any]


def series(**roles: Any) -> TimeSeriesDataSet:
    frames = [
        pd.DataFrame(
            {"t": range(STEPS), "y": np.sin(np.arange(STEPS) / 5) + group, "g": str(group)}
        )
        for group in range(2)
    ]
    table = pd.concat(frames, ignore_index=True)
    table["x"] = table["t"] / STEPS
    lengths = {f"{edge}_encoder_length": ENCODER for edge in ("min", "max")}
    lengths |= {f"{edge}_prediction_length": PREDICTION for edge in ("min", "max")}
    return TimeSeriesDataSet(table, time_idx="t", target="y", group_ids=["g"], **lengths, **roles)


def univariate() -> TimeSeriesDataSet:
    return series(time_varying_unknown_reals=["y"])


def with_covariates() -> TimeSeriesDataSet:
    return series(
        static_categoricals=["g"],
        time_varying_known_reals=["t", "x"],
        time_varying_unknown_reals=["y"],
    )


def molecules() -> Any:
    points = [
        chemprop.data.MoleculeDatapoint.from_smi(text, np.array([float(len(text))]))
        for text in SMILES
    ]
    return chemprop.data.MoleculeDataset(points)


def pairs_of_molecules() -> Any:
    return chemprop.data.MulticomponentDataset([molecules(), molecules()])


def molecules_of_atoms() -> Any:
    points = [
        chemprop.data.MolAtomBondDatapoint.from_smi(text, y=np.array([float(len(text))]))
        for text in SMILES
    ]
    for point in points:
        point.atom_y = np.ones((point.mol.GetNumAtoms(), 1))
        point.bond_y = np.ones((point.mol.GetNumBonds(), 1))
    return chemprop.data.MolAtomBondDataset(points)


def _loader_of(molecules: Callable[[], Any]) -> Callable[[], Any]:
    return lambda: chemprop.data.build_dataloader(molecules(), batch_size=4, num_workers=0)


def _forecaster(cls: Any, data: Callable[[], TimeSeriesDataSet], **arguments: Any) -> Call:
    return Call(
        cls,
        lambda: cls.from_dataset(data(), **arguments),
        lambda: data().to_dataloader(train=True, batch_size=16, num_workers=0),
    )


def _molecular(**arguments: Any) -> Call:
    def build() -> Any:
        return chemprop.models.MPNN(
            chemnets.BondMessagePassing(d_h=16, depth=2, dropout=0.1),
            chemnets.MeanAggregation(),
            chemnets.RegressionFFN(input_dim=16, hidden_dim=8),
            **arguments,
        )

    return Call(chemprop.models.MPNN, build, _loader_of(molecules))


def _multicomponent() -> Any:
    blocks = [
        chemnets.BondMessagePassing(d_h=16, depth=2),
        chemnets.AtomMessagePassing(d_h=8, depth=4),
    ]
    return chemprop.models.MulticomponentMPNN(
        chemnets.MulticomponentMessagePassing(blocks, n_components=2),
        chemnets.NormAggregation(),
        chemnets.RegressionFFN(input_dim=24, hidden_dim=8),
        batch_norm=True,
    )


def _of_atoms_and_bonds() -> Any:
    return chemprop.models.MolAtomBondMPNN(
        chemnets.MABBondMessagePassing(d_h=16, depth=2),
        chemnets.MeanAggregation(),
        mol_predictor=chemnets.RegressionFFN(input_dim=16, hidden_dim=8),
        atom_predictor=chemnets.RegressionFFN(input_dim=16, hidden_dim=12),
        bond_predictor=chemnets.RegressionFFN(input_dim=32, n_layers=2),
        max_lr=0.002,
    )


CALLS: dict[str, Call] = {
    "TemporalFusionTransformer": _forecaster(
        forecasting.TemporalFusionTransformer,
        with_covariates,
        hidden_size=8,
        attention_head_size=2,
        dropout=0.2,
        loss=QuantileLoss(),
        learning_rate=0.02,
    ),
    "DeepAR": _forecaster(forecasting.DeepAR, with_covariates, hidden_size=8, rnn_layers=3),
    "DecoderMLP": _forecaster(
        forecasting.DecoderMLP, with_covariates, hidden_size=8, n_hidden_layers=2
    ),
    "NBeats": _forecaster(forecasting.NBeats, univariate, widths=[8, 16], backcast_loss_ratio=0.1),
    "NBeatsKAN": _forecaster(NBeatsKAN, univariate, widths=[8, 16], num=3),
    "NHiTS": _forecaster(forecasting.NHiTS, univariate, hidden_size=8, learning_rate=0.02),
    "RecurrentNetwork": _forecaster(
        forecasting.RecurrentNetwork, univariate, cell_type="GRU", hidden_size=8
    ),
    "TiDEModel": _forecaster(
        forecasting.models.TiDEModel, with_covariates, hidden_size=8, dropout=0.3
    ),
    "TimeXer": _forecaster(
        forecasting.models.TimeXer, with_covariates, hidden_size=8, n_heads=2, patch_length=4
    ),
    "xLSTMTime": Call(
        xLSTMTime,
        # Its loss by default is one for all of them, which one training makes unfit for the next.
        lambda: xLSTMTime.from_dataset(
            univariate(),
            input_size=1,
            hidden_size=8,
            output_size=1,
            xlstm_type="mlstm",
            loss=SMAPE(),
        ),
        lambda: univariate().to_dataloader(train=True, batch_size=16, num_workers=0),
    ),
    "MPNN": _molecular(batch_norm=True, warmup_epochs=1, max_lr=0.002),
    "MPNN, defaults": _molecular(),
    "MulticomponentMPNN": Call(
        chemprop.models.MulticomponentMPNN, _multicomponent, _loader_of(pairs_of_molecules)
    ),
    "MolAtomBondMPNN": Call(
        chemprop.models.MolAtomBondMPNN, _of_atoms_and_bonds, _loader_of(molecules_of_atoms)
    ),
}
