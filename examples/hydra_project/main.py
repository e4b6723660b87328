"""A Hydra + Lightning project in which nobody types a name.

    pip install 'lightning-expname[hydra,tune]' scikit-learn     # whose digits are the data
    python main.py                                  # train
    python main.py mode=tune                        # three trials, pruned, each a named run
    python main.py is_tuned=true                    # train with the best parameters found
    python main.py mode=test                        # the best run's best checkpoint
    python main.py mode=predict run=NAME            # of one run, by its name

Everything is in `configs/`: a logger and callbacks by `defaults: [logger: expname, callbacks:
expname]`, the search space in `configs/tuning/`.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from lightning_expname import RunRecord, SyncTrial, find_runs, load_best_params, resolve_run, tune

MODEL, DATASET = "PatchTransformer", "Digits"


def build(config: DictConfig, logger: Any = None, callbacks: Any = ()) -> tuple[Any, Any, Any]:
    """Trainer, module and data of a config; the logger and further callbacks may be a trial's."""
    import lightning.pytorch as pl

    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    pl.seed_everything(0, verbose=False)
    trainer = pl.Trainer(
        logger=logger or instantiate(config.logger),
        callbacks=[*callbacks, *instantiate(config.callbacks).values()],
        **config.trainer,
    )
    return trainer, instantiate(config.model), instantiate(config.data)


def train(config: DictConfig) -> None:
    """One named training; with `is_tuned`, of the best parameters that a study found."""
    if config.is_tuned:
        found = load_best_params(MODEL, DATASET, allowed=config)
        config = merged(config, found)
    trainer, module, data = build(config)
    trainer.fit(module, data)
    record = trainer.logger.record
    print(f"trained {record.run}: val_acc {record.score:.4f}")
    print(f"checkpoint {record.checkpoint('best').relative_to(Path.cwd())}")


def test(config: DictConfig) -> None:
    """A run of its own, called `{run}-test`, linked to the training's."""
    record, trained = chosen(config)
    trainer, module, data = build(trained)
    (result,) = trainer.test(module, data, ckpt_path=record.checkpoint("best"), verbose=False)
    print(f"tested {record.run}: test_acc {result['test_acc']:.4f}")


def predict(config: DictConfig) -> None:
    """Writes `predictions/{run}.csv`, one digit a line."""
    record, trained = chosen(config)
    trainer, module, data = build(trained)
    batches = trainer.predict(module, data, ckpt_path=record.checkpoint("best"))
    digits = [digit for batch in batches for digit in batch.tolist()]
    path = Path("predictions") / f"{record.run}.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(map(str, digits)) + "\n")
    print(f"predicted {len(digits)} digits into {path}")


def search(config: DictConfig) -> None:
    """A study whose best parameters `is_tuned=true` loads."""

    def objective(trial: SyncTrial) -> float:
        trainer, module, data = build(
            merged(config, trial.params), trial.logger(), trial.callbacks()
        )
        trainer.fit(module, data)
        return float(trainer.callback_metrics["val_acc"])

    space: Any = OmegaConf.to_container(config.tuning.search_space)
    result = tune(
        objective,
        n_trials=config.tuning.n_trials,
        model=MODEL,
        dataset=DATASET,
        search_space=space,
        monitor="val_acc",
        seed=0,
        logger={"offline": config.logger.offline},
    )
    print(f"best {result.best_value:.4f} with {result.best_params}")


def chosen(config: DictConfig) -> tuple[RunRecord, DictConfig]:
    """The run to test, and this config with the hyper-parameters that it was trained with."""
    if config.run is None:
        query = (f"model={MODEL}", f"dataset={DATASET}", "mode=train", "status=finished")
        record = find_runs(*query, sort="-score", limit=1)[0]
    else:
        record = resolve_run(config.run)
    names = ("d_model", "n_heads", "n_layers", "dropout")
    net = {name: record.hparams[name] for name in names}
    return record, merged(config, {"model": {"net": net}})


def merged(config: DictConfig, values: dict[str, Any]) -> Any:
    """The config with these values in place of its own."""
    return OmegaConf.merge(config, values)


MODES = {"train": train, "test": test, "predict": predict, "tune": search}


@hydra.main(version_base="1.3", config_path="configs", config_name="main")
def main(config: DictConfig) -> None:
    """Does what `mode` says."""
    if config.mode not in MODES:
        raise SystemExit(f"mode={config.mode!r}; allowed: {', '.join(MODES)}")
    os.environ.setdefault("WANDB_SILENT", "true")
    MODES[config.mode](config)


if __name__ == "__main__":
    main()
