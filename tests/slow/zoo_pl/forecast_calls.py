"""Constructor calls of neuralforecast's models, each with what a user may decide about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lightning_expname.pytorch_lightning import ExpNameCheckpoint, ExpNameLogger  # isort: skip
import numpy as np
import pandas as pd
from neuralforecast import NeuralForecast, models
from neuralforecast.losses.pytorch import MAE, MSE, DistributionLoss, MQLoss

SERIES, STEPS, HORIZON, WINDOW = ("north", "south"), 60, 4, 12


def sales() -> pd.DataFrame:
    """Two series with one covariate known of the past, as `NeuralForecast.fit` takes them."""
    frames = [
        pd.DataFrame(
            {
                "unique_id": name,
                "ds": pd.date_range("2024-01-01", periods=STEPS),
                "y": np.sin(np.arange(STEPS) / 5) + height,
                "price": np.cos(np.arange(STEPS) / 3),
            }
        )
        for height, name in enumerate(SERIES)
    ]
    return pd.concat(frames, ignore_index=True)


@dataclass(frozen=True)
class Call:
    """`cls(h=..., input_size=..., **decided)`, with a logger when it is to be trained."""

    cls: type
    decided: dict[str, Any]

    def build(self, **trainer: Any) -> Any:
        quiet = {"accelerator": "cpu", "max_steps": 2, "enable_progress_bar": False}
        sizes = {"h": HORIZON, "input_size": WINDOW}
        return self.cls(**sizes, **self.decided, **quiet, enable_model_summary=False, **trainer)


def train(call: Call, **logger: Any) -> NeuralForecast:
    """Trains the way neuralforecast does: it copies the model, and builds the Trainer itself."""
    model = call.build(
        logger=ExpNameLogger(dataset="Sales", **logger),
        callbacks=[ExpNameCheckpoint(monitor="ptl/val_loss")],
        enable_checkpointing=True,
    )
    forecast = NeuralForecast(models=[model], freq="D")
    forecast.fit(sales(), val_size=HORIZON)
    return forecast


def _calls(listed: dict[str, dict[str, Any]]) -> dict[str, Call]:
    return {name: Call(getattr(models, name), decided) for name, decided in listed.items()}


CALLS = _calls(
    {
        "Autoformer": {"hidden_size": 8, "n_head": 2, "conv_hidden_size": 8, "dropout": 0.1},
        "BiTCN": {"hidden_size": 8, "hist_exog_list": ["price"]},
        "DeepAR": {
            "lstm_n_layers": 1,
            "lstm_hidden_size": 8,
            "trajectory_samples": 10,
            "loss": DistributionLoss("Normal", level=[80]),
        },
        "DeepNPTS": {"hidden_size": 8, "batch_norm": False, "n_layers": 1},
        "DilatedRNN": {"cell_type": "GRU", "dilations": [[1, 2]], "encoder_hidden_size": 8},
        "DLinear": {"moving_avg_window": 5, "learning_rate": 0.01},
        "FEDformer": {"modes": 4, "hidden_size": 16, "n_head": 8, "conv_hidden_size": 8},
        "GRU": {"encoder_n_layers": 1, "encoder_hidden_size": 8, "decoder_layers": 1},
        "Informer": {"hidden_size": 8, "n_head": 2, "distil": False, "activation": "relu"},
        "iTransformer": {"n_series": 2, "hidden_size": 8, "n_heads": 2, "d_ff": 16},
        "KAN": {"grid_size": 3, "n_hidden_layers": 1, "hidden_size": 8},
        "LSTM": {"encoder_hidden_size": 8, "decoder_hidden_size": 8, "recurrent": True},
        "MLP": {"num_layers": 1, "hidden_size": 8, "random_seed": 7, "alias": "small"},
        "MLPMultivariate": {"n_series": 2, "num_layers": 1, "hidden_size": 8},
        "NBEATS": {
            "stack_types": ["trend", "seasonality"],
            "n_blocks": [1, 2],
            "mlp_units": 2 * [[8, 8]],
        },
        "NBEATSx": {"n_harmonics": 1, "n_polynomials": 1, "mlp_units": 3 * [[8, 8]]},
        "NHITS": {
            "n_pool_kernel_size": [2, 2, 2],
            "mlp_units": 3 * [[8, 8]],
            "scaler_type": "robust",
        },
        "NLinear": {"batch_size": 16, "loss": MAE(), "valid_loss": MSE()},
        "PatchTST": {
            "encoder_layers": 1,
            "n_heads": 2,
            "hidden_size": 8,
            "patch_len": 4,
            "stride": 2,
        },
        "RMoK": {"n_series": 2, "taylor_order": 2, "jacobi_degree": 3},
        "RNN": {"encoder_activation": "relu", "encoder_hidden_size": 8, "context_size": 3},
        "SOFTS": {"n_series": 2, "hidden_size": 8, "d_core": 8, "e_layers": 1, "d_ff": 16},
        "StemGNN": {"n_series": 2, "multi_layer": 2, "dropout_rate": 0.1},
        "TCN": {"kernel_size": 3, "dilations": [1, 2], "encoder_hidden_size": 8},
        "TFT": {"hidden_size": 8, "n_head": 2, "rnn_type": "gru", "dropout": 0},
        "TiDE": {"hidden_size": 8, "decoder_output_dim": 4, "layernorm": False},
        "TimeMixer": {"n_series": 2, "d_model": 8, "d_ff": 8, "e_layers": 1, "moving_avg": 5},
        "TimesNet": {"hidden_size": 8, "conv_hidden_size": 8, "top_k": 2, "num_kernels": 2},
        "TimeXer": {"n_series": 2, "patch_len": 4, "hidden_size": 8, "n_heads": 2, "d_ff": 16},
        "TSMixer": {"n_series": 2, "n_block": 1, "ff_dim": 8, "revin": False},
        "TSMixerx": {"n_series": 2, "ff_dim": 8, "hist_exog_list": ["price"]},
        "VanillaTransformer": {"hidden_size": 8, "n_head": 2, "loss": MQLoss(level=[80])},
        "XLinear": {"n_series": 2, "hidden_size": 8, "temporal_ff": 8, "channel_ff": 2},
    }
)
