"""`ExpNameClassifier` and `ExpNameRegressor`: k folds of any estimator as one estimator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils.metaestimators import available_if

from .kfold import KFoldEstimator


def _has(method: str) -> Callable[[Any], bool]:
    def check(self: Any) -> bool:
        fitted = self.__dict__.get("estimators_")  # some know only then, as StackingClassifier
        getattr(fitted[0] if fitted else self.estimator, method)  # its error says what is missing
        return True

    return check


class ExpNameRegressor(RegressorMixin, KFoldEstimator):  # type: ignore[misc]
    """k folds of any regressor as one: names itself, logs to W&B, saves what it learned.

    The arguments are those of `ExpNameClassifier`. `predict` gives the mean of the folds.

    Example:
        >>> reg = ExpNameRegressor(Ridge(), dataset="diabetes", random_state=0)
        >>> reg.fit(X, y).names_.run
        'all_features-num_folds5'
    """

    _measure = staticmethod(r2_score)
    score = KFoldEstimator.score  # not the mixin's, which logs nothing


class ExpNameClassifier(ClassifierMixin, KFoldEstimator):  # type: ignore[misc]
    """k folds of any classifier as one: names itself, logs to W&B, saves what it learned.

    `fit` trains a clone of `estimator` on every fold, writes them to
    `save_model/{model}/{dataset}/{features}/num_folds{n}/` and logs to the W&B run
    `{features}-num_folds{n}` of the project `{model}-{dataset}`. A run of the same names becomes
    `-r2`. The folds are given positions in `classes_` as labels.

    Args:
        estimator: any scikit-learn-style estimator: LightGBM, XGBoost, CatBoost, a pipeline...
        n_splits: folds, shuffled and stratified, when `cv` is None; kept to `groups` if given.
        cv: any splitter, as in `sklearn.model_selection.cross_validate`.
        dataset: the data's name, or the Bunch it came in; else `X.attrs["dataset"]`.
        model: the model's name; the estimator's class name when None.
        features: None: all columns; names (or positions) of the columns to use; or a word of
            your own for the columns that X has.
        random_state: of the splits, and of the estimator where its own is None.
        n_jobs: folds trained at the same time, as everywhere in scikit-learn.
        scoring: scorers by name, or functions (estimator, X, y) -> float that look at predictions
            only; the first is the main one. None: accuracy, or R², and others that are usual.
        early_stopping: iterations without a gain on the held-out fold, for boosters.
        importance: `native`, `permutation` on the held-out folds, None, or `auto`: native, and in
            a tracked training permutation where there is none.
        progress: whether to show a bar; by default in a tracked training on a terminal.
        policy: templates of the names, see `NamePolicy`; a dict changes some of them.
        track: False: a plain estimator that leaves no trace. Copies (`clone`, so every inner loop
            of a search, and pickles) do not track either, until `set_params(track=True)`.
        root_dir: where `save_model/`, `result_reports/` and W&B's folder go.
        offline: write W&B's files only, for a later `wandb sync`.
        project, name: of the W&B run, instead of those derived.
        entity, group, tags, notes: as in `wandb.init`.
        log_model: upload the saved folder as an artifact.
        allow_pickle: keep estimators without a safe format by joblib, see `save`.
        alerts: an `ExpNameAlerts`.
        wandb_kwargs: further arguments of `wandb.init`.

    Attributes:
        estimators_, fold_indices_: the folds, and the rows that each has not seen.
        names_, record_: of the run; only when tracked.
        fold_scores_, fold_metrics_, oof_predictions_, feature_importances_, importances_.

    Example:
        >>> clf = ExpNameClassifier(LGBMClassifier(num_leaves=31), n_splits=10, dataset="diabetes")
        >>> clf.fit(X, y).names_.run
        'all_features-num_folds10'
        >>> clf.predict(X_test)  # the mean of the folds
    """

    _measure = staticmethod(accuracy_score)
    score = KFoldEstimator.score

    @available_if(_has("predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """The mean of the folds' probabilities, shape (rows, classes)."""
        return self._told(X)
