"""A user's `train.py` under Hydra: one file, `mode=tune`, then `mode=train is_tuned=true`."""

from __future__ import annotations

import hydra
from digits_app import Digits, LitDigits, Net
from lightning.pytorch import Trainer
from omegaconf import OmegaConf

from lightning_expname import ExpNameLogger, load_best_params, tune

QUIET = {"accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False}


def train(params, logger, *callbacks, epochs):
    trainer = Trainer(logger=logger, callbacks=list(callbacks), max_epochs=epochs, **QUIET)
    trainer.fit(LitDigits(Net(params["width"]), lr=params["lr"]), Digits())
    return trainer.callback_metrics["val_loss"].item()


def tuned(config):
    return tune(
        lambda trial: train(trial.params, trial.logger(), *trial.callbacks(), epochs=config.epochs),
        n_trials=config.n_trials,
        model="Net",
        dataset="Digits",
        direction="minimize",
        monitor="val_loss",
        search_space=OmegaConf.to_container(config.search_space),
        logger={"offline": True},
        seed=0,
        plots=False,
    )


@hydra.main(version_base="1.3", config_path=None, config_name="main")
def main(config):
    if config.mode == "tune":
        print("best", tuned(config).best_params["width"])
        return
    if config.is_tuned:
        config = OmegaConf.merge(config, load_best_params("Net", "Digits", allowed=config))
    train(config, ExpNameLogger(dataset="Digits", offline=True), epochs=config.epochs)
    print("trained with width", config.width)


if __name__ == "__main__":
    main()
