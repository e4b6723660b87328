"""K-fold training of any scikit-learn-style regressor, on scikit-learn's diabetes data.

    pip install 'lightning-expname[hydra,ml,tune]' lightgbm
    python kfold.py                                     # train LightGBM on five folds
    python kfold.py model=svr 'features=[bmi,bp,s5]'    # a pipeline, on chosen columns
    python kfold.py mode=tune                           # four trials, each a named run
    python kfold.py is_tuned=true                       # train with the best parameters found
    python kfold.py mode=test                           # the best run: the mean of its folds
    python kfold.py mode=predict run=NAME               # of one run, by its name

Models go to `save_model/{model}/diabetes/{features}/num_folds{n}/`, parameters to `hparams/`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

from lightning_expname import (
    ExpNameRegressor,
    FoldsObjective,
    find_runs,
    load_best_params,
    resolve_run,
    tune,
)

DATASET = "diabetes"


def data(*, test: bool = False) -> tuple[Any, Any]:
    """The columns and the target, of the rows to train with or of those held out."""
    loaded = load_diabetes(as_frame=True, scaled=False)
    X, X_test, y, y_test = train_test_split(loaded.data, loaded.target, random_state=0)
    return (X_test, y_test) if test else (X, y)


def regressor(config: DictConfig) -> ExpNameRegressor:
    """The folds around the configured estimator."""
    return ExpNameRegressor(
        instantiate(config.model.estimator, _convert_="all"),
        model=config.model.name,
        dataset=DATASET,
        features=None if config.features is None else list(config.features),
        n_splits=config.n_splits,
        random_state=config.seed,
        offline=config.offline,
    )


def train(config: DictConfig) -> None:
    """One named training; with `is_tuned`, of the best parameters that a study found."""
    model = regressor(config)
    if config.is_tuned:
        found = load_best_params(config.model.name, DATASET, features=feature_set(config))
        model.estimator.set_params(**found)
    record = model.fit(*data()).record_
    print(f"trained {record.run}: {record.monitor} {record.score:.3f}")
    print(f"saved {record.best}")


def feature_set(config: DictConfig) -> str:
    """The folder of a study's results below the dataset's."""
    return "all_features" if config.features is None else "_".join(config.features)


def test(config: DictConfig) -> None:
    """A run of its own, called `{run}-test`, linked to the training's."""
    model = chosen(config)
    results = model.evaluate(*data(test=True))
    print("tested " + ", ".join(f"{name} {value:.3f}" for name, value in results.items()))


def predict(config: DictConfig) -> None:
    """Writes `predictions/{run}.csv`, one value a line."""
    model = chosen(config)
    values = model.predict(data(test=True)[0])
    path = Path("predictions") / f"{model.record_.run}.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(f"{value:.3f}" for value in values) + "\n")
    print(f"predicted {len(values)} values into {path}")


def search(config: DictConfig) -> None:
    """A study whose best parameters `is_tuned=true` loads; the folds are the pruner's steps."""
    space: Any = OmegaConf.to_container(config.model.search_space)
    result = tune(
        FoldsObjective(regressor(config), *data()),
        n_trials=config.n_trials,
        model=config.model.name,
        dataset=DATASET,
        features=feature_set(config),
        search_space=space,
        seed=config.seed,
        logger={"offline": config.offline},
    )
    print(f"best {result.best_value:.3f} with {result.best_params}")


def chosen(config: DictConfig) -> ExpNameRegressor:
    """The trained folds of a run."""
    query = (f"model={config.model.name}", f"dataset={DATASET}", "mode=train", "status=finished")
    record = (
        find_runs(*query, sort="-score", limit=1)[0]
        if config.run is None
        else resolve_run(config.run)
    )
    print(f"run {record.run}")
    return record.load(ExpNameRegressor)


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
