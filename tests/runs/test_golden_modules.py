"""Names of real modules, kept for ever: a change here is a change of released names.

To look at them: tests/golden/modules_v1.json. A new case is added by hand; an existing one never
changes while NAME_VERSION is 1.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flavour import NAME_VERSION, NamePolicy, parse_name
from lit_models import LitRegressor, MultiModalTransformer
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from lightning_expname.facts import Facts
from lightning_expname.introspect.dataset import UNKNOWN, dataset_name
from lightning_expname.introspect.hparams import describe_module
from lightning_expname.naming import Speech, derive_names

GOLDEN = Path(__file__).parents[1] / "golden" / f"modules_v{NAME_VERSION}.json"


class ConvNet(nn.Module):
    def __init__(
        self,
        in_channels: int = 3,
        channels: tuple[int, ...] = (32, 64, 128),
        kernel_size: tuple[int, int] = (3, 3),
        norm: str = "batch_norm",
        pool: type[nn.Module] = nn.MaxPool2d,
        residual: bool = False,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()


class Encoder(nn.Module):
    def __init__(self, d_model: int = 64, depth: int = 2) -> None:
        super().__init__()


class Captioner(nn.Module):
    def __init__(self, encoder: nn.Module, decoder: nn.Module, vocabulary: int = 1000) -> None:
        super().__init__()
        self.parts = nn.ModuleList([encoder, decoder])


class Forecaster(nn.Module):
    """Forty arguments, as forecasting models have."""

    def __init__(
        self,
        input_chunk: int = 24,
        output_chunk: int = 12,
        hidden_size: int = 16,
        lstm_layers: int = 1,
        num_attention_heads: int = 4,
        full_attention: bool = False,
        feed_forward: str = "GatedResidualNetwork",
        hidden_continuous_size: int = 8,
        add_relative_index: bool = False,
        use_static_covariates: bool = True,
        norm_type: str = "LayerNorm",
        use_reversible_instance_norm: bool = False,
        skip_interpolation: bool = False,
        categorical_embedding: int = 4,
        output_dim: int = 1,
        nr_params: int = 1,
        batch_first: bool = True,
        causal: bool = True,
        share_weights: bool = False,
        num_stacks: int = 30,
        num_blocks: int = 1,
        layer_widths: int = 256,
        expansion_dim: int = 5,
        trend_polynomial_degree: int = 2,
        generic_architecture: bool = True,
        kernel: int = 3,
        num_filters: int = 3,
        dilation_base: int = 2,
        weight_norm: bool = False,
        activation: str = "ReLU",
        max_pool: bool = False,
        pooling_kernel: int = 2,
        temporal_width_past: int = 4,
        temporal_width_future: int = 4,
        temporal_decoder_hidden: int = 32,
        use_layer_norm: bool = False,
        num_encoder_layers: int = 3,
        num_decoder_layers: int = 3,
        dim_feedforward: int = 512,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()


CASES: dict[str, tuple[Callable[[], nn.Module], dict[str, Any]]] = {
    "the user's transformer": (
        lambda: MultiModalTransformer(1024),
        {"batch_size": 64, "lr": 1e-5, "dataset": "KEMDy19"},
    ),
    "nn.TransformerEncoderLayer": (
        lambda: nn.TransformerEncoderLayer(16, 4, dim_feedforward=32, activation="gelu"),
        {},
    ),
    "nn.TransformerEncoder": (
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, batch_first=True), 6),
        {},
    ),
    "nn.LSTM": (lambda: nn.LSTM(4, 8, num_layers=2, bidirectional=True, dropout=0.2), {}),
    "ConvNet with tuples": (lambda: ConvNet(channels=(16, 32), pool=nn.AvgPool2d), {}),
    "two encoders": (lambda: Captioner(Encoder(64, 2), Encoder(32, depth=4), vocabulary=500), {}),
    "40 parameters, 3 of them chosen": (
        lambda: Forecaster(input_chunk=20, hidden_size=32, causal=False, dropout=0.3),
        {},
    ),
    "40 parameters, all default": (lambda: Forecaster(), {}),
    "Korean": (lambda: Encoder(8), {"model": "감정 인식", "dataset": "한국어/감정 2019"}),
    "bare TensorDataset": (lambda: Encoder(8), {"dataset": None}),
}


def spoken(build: Callable[[], nn.Module], given: dict[str, Any]) -> dict[str, str]:
    described = describe_module(LitRegressor(build()))
    loader = DataLoader(TensorDataset())
    facts = Facts(
        model=given.get("model") or described.model,
        dataset=given.get("dataset", "Digits") or dataset_name(None, loader) or UNKNOWN,
        hparams=described.hparams,
        batch_size=given.get("batch_size", 32),
        lr=given.get("lr", 1e-3),
    )
    names = derive_names(facts, NamePolicy(), Speech())
    checkpoint = f"{names.checkpoint_dir}/{names.checkpoint_name}.ckpt"
    return {"project": names.project, "run": names.run, "checkpoint": checkpoint}


@pytest.mark.parametrize("case", CASES)
def test_names_of_real_modules_never_change(case: str) -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert spoken(*CASES[case]) == golden[case]


@pytest.mark.parametrize("case", CASES)
def test_names_of_real_modules_read_back(case: str) -> None:
    run = spoken(*CASES[case])["run"]
    parsed = parse_name(run)
    assert not parsed.labels
    assert {key: parsed[key] for key in ("bs", "lr")}
    assert "dropout" not in parsed


def test_the_golden_file_holds_these_cases_and_no_others() -> None:
    assert list(json.loads(GOLDEN.read_text(encoding="utf-8"))) == list(CASES)


if __name__ == "__main__":  # prints the file, to be looked at before it is kept
    print(json.dumps({case: spoken(*CASES[case]) for case in CASES}, ensure_ascii=False, indent=2))
