"""k folds of any estimator as one estimator: what the classifier and the regressor share."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import UNUSED, MetadataRouter, MethodMapping
from sklearn.utils.validation import check_is_fitted, validate_data

from ..naming import NamePolicy
from .columns import in_order
from .copies import unfitted
from .folds import Fold, Importance, as_labels, for_library, mean, predict
from .frames import check_names, is_frame, kinds, levels
from .learned import Learned
from .problem import Problem, check_kind, pose
from .results import Results, gather
from .running import run_folds
from .scoring import Scoring, evaluate, scorers
from .splitting import splitter_of


class KFoldEstimator(Learned, MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """What the classifier and the regressor share."""

    def __init__(
        self,
        estimator: Any,
        *,
        n_splits: int = 5,
        cv: Any = None,
        dataset: Any = None,
        model: str | None = None,
        features: str | Sequence[str | int] | None = None,
        random_state: Any = None,
        n_jobs: int | None = None,
        scoring: Scoring = None,
        early_stopping: int | None = None,
        importance: Importance = "auto",
        progress: bool | None = None,
        policy: NamePolicy | Mapping[str, Any] | None = None,
        track: bool = True,
        root_dir: str | os.PathLike[str] = ".",
        offline: bool = False,
        project: str | None = None,
        name: str | None = None,
        entity: str | None = None,
        group: str | None = None,
        tags: Sequence[str] | None = None,
        notes: str | None = None,
        log_model: bool = False,
        allow_pickle: bool = False,
        alerts: Any = None,
        wandb_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        self.estimator = estimator
        self.n_splits = n_splits
        self.cv = cv
        self.dataset = dataset
        self.model = model
        self.features = features
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.scoring = scoring
        self.early_stopping = early_stopping
        self.importance = importance
        self.progress = progress
        self.policy = policy
        self.track = track
        self.root_dir = root_dir
        self.offline = offline
        self.project = project
        self.name = name
        self.entity = entity
        self.group = group
        self.tags = tags
        self.notes = notes
        self.log_model = log_model
        self.allow_pickle = allow_pickle
        self.alerts = alerts
        self.wandb_kwargs = wandb_kwargs

    # What scikit-learn asks

    __metadata_request__fit: ClassVar = {"sample_weight": UNUSED}  # the estimator's to ask for

    def __sklearn_clone__(self) -> Any:
        """A clone is a copy for somebody's inner loop: it does not track, until told to."""
        given = self.get_params(deep=False)
        shared = {"alerts": given.pop("alerts")}  # its threads and locks cannot be copied
        copied = type(self)(**{name: unfitted(one) for name, one in given.items()}, **shared)
        if "_metadata_request" in self.__dict__:  # of `set_fit_request` and its like
            copied._metadata_request = unfitted(self._metadata_request)
        copied._is_copy = True
        return copied

    def __getstate__(self) -> dict[str, Any]:
        """A pickled or deep copy does not track either, and an open W&B run stays here."""
        state = {key: value for key, value in super().__getstate__().items() if key != "_session"}
        return {**state, "alerts": None, "_is_copy": True}

    def set_params(self, **params: Any) -> Any:
        """As everywhere; `set_params(track=True)` also makes a clone track again."""
        if "track" in params:
            self._is_copy = False
        return super().set_params(**params)

    def __sklearn_tags__(self) -> Any:
        tags, inner = super().__sklearn_tags__(), get_tags(self.estimator)
        for name in ("sparse", "allow_nan", "categorical", "string"):
            setattr(tags.input_tags, name, getattr(inner.input_tags, name))
        if tags.classifier_tags is not None and inner.classifier_tags is not None:
            tags.classifier_tags.multi_class = inner.classifier_tags.multi_class
        return tags

    def get_metadata_routing(self) -> Any:
        """Of `fit`: to the estimator's `fit` and the splitter's `split`; `score`'s are its own."""
        splitter = splitter_of(
            self.cv, self.n_splits, is_classifier=False, seed=0, y=None, has_groups=False
        )
        to = MethodMapping
        router = MetadataRouter(owner=self).add_self_request(self)
        router = router.add(
            estimator=self.estimator, method_mapping=to().add(caller="fit", callee="fit")
        )
        return router.add(splitter=splitter, method_mapping=to().add(caller="fit", callee="split"))

    # Training

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> Any:
        """Trains one estimator a fold.

        Args:
            X: shape (rows, columns): a data frame, an array, a sparse matrix.
            y: shape (rows,).
            sample_weight: shape (rows,).
            **params: `groups` for the splitter, the rest for the estimators' `fit`; what has one
                entry a row is cut to the fold. With metadata routing on, as it says.

        Returns:
            self

        Raises:
            EstimatorError: the estimator, the data, `features`, `scoring`... do not fit.
        """
        check_kind(self)
        if sample_weight is not None:
            params["sample_weight"] = sample_weight
        X = self._checked(X, reset=True)
        self._end_session()
        tracks = self.tracks
        problem = pose(self, X, y, params, watch=tracks)
        if not tracks:
            self._forget_run()
            return self._learn(problem)
        from .session import Session  # and W&B with it

        self._session = Session.of(self, X, problem)
        with self._session.training() as training:
            training.follows(self)
            training.tell_trial()
            self._learn(problem)
            training.log_results()
            self._write()
            training.saved()
        return self

    @property
    def tracks(self) -> bool:
        """Whether `fit`, `score` and `predict` leave traces: `track`, and not a copy of another."""
        return bool(self.track) and not getattr(self, "_is_copy", False)

    def _forget_run(self) -> None:
        """A refit without tracking is not the run that an earlier fit was."""
        for name in ("names_", "record_"):
            self.__dict__.pop(name, None)

    def _end_session(self) -> None:
        session = self.__dict__.pop("_session", None)
        if session is not None:
            session.close()

    def _learn(self, problem: Problem) -> Any:
        follow = self.__dict__.pop("_follow", None)  # of a study's trial, see `tuned`
        folds = run_folds(
            problem, self.n_jobs, progress=self.progress, tracks=self.tracks, follow=follow
        )
        self._keep(problem, folds, gather(problem.plan, folds, problem.y))
        return self

    def _keep(self, problem: Problem, folds: Sequence[Fold], results: Results) -> None:
        self.estimators_ = [fold.estimator for fold in folds]
        self.fold_indices_ = [fold.held_out for fold in folds]
        self.features_ = problem.features
        self.results_ = results
        self._present, self._truth = [fold.classes for fold in folds], problem.y
        if problem.classes is not None:
            self.classes_ = problem.classes

    # Asking

    def _checked(self, X: Any, *, reset: bool) -> Any:
        """X validated; a frame stays one, with its types and names, for the estimators to check."""
        tags = get_tags(self.estimator).input_tags
        if is_frame(X):
            check_names(X)
            if not reset and getattr(self, "_matches_by_name", False) and self._column_types:
                X = in_order(X, self._column_types)
            validate_data(self, X, reset=reset, skip_check_array=True)
            return self._noted(X) if reset else X
        found = validate_data(
            self,
            X,
            reset=reset,
            accept_sparse="csr" if tags.sparse else False,
            ensure_all_finite="allow-nan" if tags.allow_nan else True,
            dtype=None,
        )
        return self._noted(found) if reset else found

    def _noted(self, X: Any) -> Any:
        self._column_types, self._column_levels = kinds(X), levels(X)
        return X

    def _ask(self, X: Any) -> NDArray[Any]:
        """The mean of what the folds say: probabilities, values, or the most frequent positions."""
        check_is_fitted(self)
        X = for_library(self.estimator, self.features_.of(self._checked(X, reset=False)))
        classes = getattr(self, "classes_", None)
        pairs = zip(self.estimators_, self._present, strict=True)
        said = [predict(estimator, present, classes, X) for estimator, present in pairs]
        return mean(said, classes)

    def _spoken(self, answer: NDArray[Any]) -> NDArray[Any]:
        """What `_ask` found as labels or values."""
        classes = getattr(self, "classes_", None)
        return answer if classes is None else classes[as_labels(answer)]

    def predict(self, X: Any) -> NDArray[Any]:
        """The folds' mean: values, or the likeliest labels; shape (rows,).

        A tracked model notes the call in its W&B run of mode `predict`.
        """
        return self._spoken(self._told(X))

    def _told(self, X: Any) -> NDArray[Any]:
        if not self._logs:
            return self._ask(X)
        with self._open_session().watching("predict"):
            answer = self._ask(X)
            self._session.log_prediction(self._spoken(answer))
        return answer

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy, or R² of a regression. A tracked model logs it as `evaluate` does."""
        answer = self._tested(X, y)[0]
        return float(self._measure(y, self._spoken(answer), sample_weight=sample_weight))

    def evaluate(self, X: Any, y: Any) -> dict[str, float]:
        """Every metric of the folds' mean on a test set, by name.

        A tracked model logs them to a W&B run of mode `test` that is linked to the training run
        (one for all tests of this model in this process), to the record of that run, and to
        `result_reports/{project}-test.csv`.

        Raises:
            EstimatorError: `scoring` does not fit.
        """
        answer, found = self._tested(X, y)
        return self._metrics_of(answer, y) if found is None else found

    def _tested(self, X: Any, y: Any) -> tuple[NDArray[Any], dict[str, float] | None]:
        if not self._logs:
            return self._ask(X), None
        with self._open_session().watching("test"):
            answer = self._ask(X)
            found = self._metrics_of(answer, y)
            self._session.log_test(found, len(answer))
        return answer, found

    def _metrics_of(self, answer: NDArray[Any], y: Any) -> dict[str, float]:
        classes, is_proba = getattr(self, "classes_", None), answer.ndim == 2
        count = None if classes is None else len(classes)
        metrics = scorers(self.scoring, classes=count, has_proba=is_proba)
        proba = answer.astype(np.float64) if is_proba else None
        return evaluate(metrics, np.asarray(y).ravel(), self._spoken(answer), proba, classes)

    @property
    def _logs(self) -> bool:
        return self.tracks and getattr(self, "record_", None) is not None

    def _open_session(self) -> Any:
        from .session import Session

        if getattr(self, "_session", None) is None:
            self._session = Session.of_loaded(self)
        return self._session

    # Saving

    def save(
        self, path: str | os.PathLike[str] | None = None, *, allow_pickle: bool | None = None
    ) -> Path:
        """Writes the model's folder: whole, or not at all.

        Args:
            path: the folder; by default the run's own below `save_model/`. A model that was not
                tracked claims one now.
            allow_pickle: whether estimators without a safe format are kept by joblib, which runs
                any code on loading; by default the parameter of this name.

        Returns:
            The folder.

        Raises:
            EstimatorError: an estimator has no safe format, or skops is not installed.
            OSError: the disk refuses.
        """
        from .saving import save_model

        check_is_fitted(self)
        pickles = self.allow_pickle if allow_pickle is None else allow_pickle
        return save_model(self, None if path is None else Path(path), allow_pickle=pickles)

    def _write(self) -> None:
        """At the end of a training: a disk that is full must not cost the trained model."""
        from ..observer import warn_once

        try:
            self.save()
        except Exception as error:
            warn_once(f"the model could not be saved ({error}); save(path) tries again", key="save")

    @classmethod
    def load(
        cls,
        path: Any,
        *,
        trusted: Sequence[str] = (),
        allow_pickle: bool = False,
        track: bool = True,
        **params: Any,
    ) -> Any:
        """The model in a folder that `save` or a tracked `fit` wrote.

        Only what the folder's manifest lists is read, and only if its hash is right. Columns are
        matched by name from then on.

        Args:
            path: the folder, a file in it, the run's record or its file.
            trusted: further types that skops may load; those it would refuse are listed in the
                error. See `lightning_expname.estimators.TRUSTED_TYPES`.
            allow_pickle: whether joblib files are loaded, which may run any code.
            track: whether `score`, `evaluate` and `predict` are logged, linked to the training.
            **params: other parameters of this class, instead of those it was saved with.

        Raises:
            EstimatorError: no such model, of the other class, damaged, or not trusted.
        """
        from .loading import load_model

        model: Any = load_model(cls, path, trusted=tuple(trusted), allow_pickle=allow_pickle)
        return model.set_params(track=track, **params)

    @classmethod
    def load_from_checkpoint(cls, path: Any, *, weights_only: bool = True, **options: Any) -> Any:
        """`load`, as `RunRecord.load(ExpNameClassifier)` calls it.

        Args:
            path: the saved folder.
            weights_only: False is `allow_pickle=True`.
            **options: for `load`.
        """
        return cls.load(path, **{"allow_pickle": not weights_only, **options})
