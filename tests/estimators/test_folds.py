"""k folds of any estimator: what they learn, say and tell, without any tracking."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, fbeta_score, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    RepeatedStratifiedKFold,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from lightning_expname import EstimatorError, ExpNameClassifier, ExpNameRegressor


def tree(**options: Any) -> ExpNameClassifier:
    inner = DecisionTreeClassifier(max_depth=3)
    return ExpNameClassifier(inner, **{"track": False, "random_state": 0, **options})


def test_it_is_the_mean_of_a_hand_written_loop(cancer: Any) -> None:
    X, y = cancer.data, cancer.target
    splits = StratifiedKFold(5, shuffle=True, random_state=0).split(X, y)
    probabilities, scores, held_out = [], [], np.zeros((len(y), 2))
    for train, test in splits:
        one = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X.iloc[train], y.iloc[train])
        held_out[test] = one.predict_proba(X.iloc[test])
        scores.append(accuracy_score(y.iloc[test], held_out[test].argmax(1)))
        probabilities.append(one.predict_proba(X))
    clf = tree().fit(X, y)
    assert np.array_equal(clf.predict_proba(X), np.mean(probabilities, axis=0))
    assert np.array_equal(clf.oof_predictions_, held_out)
    assert clf.fold_scores_.tolist() == scores
    assert clf.score(X, y) == accuracy_score(y, clf.predict(X))
    assert np.mean([one.feature_importances_ for one in clf.estimators_], axis=0) == pytest.approx(
        clf.feature_importances_
    )


def test_a_regression_is_the_mean_of_its_folds(diabetes: Any) -> None:
    reg = ExpNameRegressor(Ridge(), track=False, random_state=0).fit(diabetes.data, diabetes.target)
    said = [one.predict(diabetes.data) for one in reg.estimators_]
    assert np.array_equal(reg.predict(diabetes.data), np.mean(said, axis=0))
    assert set(reg.fold_metrics_) == {
        "r2",
        "neg_mean_absolute_error",
        "neg_root_mean_squared_error",
    }
    assert reg.evaluate(diabetes.data, diabetes.target)["r2"] == reg.score(
        diabetes.data, diabetes.target
    )


def test_labels_may_be_texts_and_weights_of_classes_are_theirs(wine: Any) -> None:
    names = np.array(["Barolo", "Grignolino", "Barbera"])
    y = names[wine.target]
    inner = LogisticRegression(max_iter=50, class_weight={"Barolo": 5.0})
    clf = ExpNameClassifier(make_pipeline(StandardScaler(), inner), track=False).fit(wine.data, y)
    assert clf.classes_.tolist() == sorted(names)
    assert set(clf.predict(wine.data)) <= set(names)
    barolo = clf.classes_.tolist().index("Barolo")
    assert clf.estimators_[0].steps[-1][1].class_weight == {barolo: 5.0}


class LacksOne(StratifiedKFold):
    """The first fold trains without the class 1."""

    def split(self, X: Any, y: Any, groups: Any = None) -> Any:
        y = np.asarray(y)
        yield np.flatnonzero(y != 1), np.flatnonzero(y == 1)
        yield np.flatnonzero(np.arange(len(y)) % 2 == 0), np.flatnonzero(np.arange(len(y)) % 2)


@pytest.mark.parametrize("inner", [LogisticRegression(max_iter=50), LinearSVC(max_iter=20)])
def test_a_class_may_be_missing_from_a_fold(wine: Any, inner: Any) -> None:
    estimator = make_pipeline(StandardScaler(), inner)
    clf = ExpNameClassifier(estimator, cv=LacksOne(2), track=False)
    clf.fit(wine.data, np.array(["a", "b", "c"])[wine.target])
    assert set(clf.predict(wine.data)) == {"a", "b", "c"}
    assert clf.fold_scores_[0] == 0.0
    if hasattr(clf, "predict_proba"):
        assert clf.predict_proba(wine.data).sum(axis=1) == pytest.approx(1.0)
        assert np.isfinite(clf.fold_metrics_["accuracy"]).all()


def test_groups_stay_together(cancer: Any) -> None:
    groups = np.arange(len(cancer.target)) // 7
    for clf in (tree(), tree(cv=GroupKFold(3))):
        clf.fit(cancer.data, cancer.target, groups=groups)
        for held_out in clf.fold_indices_:
            rest = np.setdiff1d(np.arange(len(groups)), held_out)
            assert not set(groups[held_out]) & set(groups[rest])


def test_metadata_is_routed_when_that_is_on(cancer: Any) -> None:
    weights, groups = np.linspace(1, 2, len(cancer.target)), np.arange(len(cancer.target)) // 9
    with config_context(enable_metadata_routing=True):
        inner = DecisionTreeClassifier(max_depth=2).set_fit_request(sample_weight=True)
        clf = ExpNameClassifier(inner, cv=GroupKFold(3), track=False, random_state=0)
        clf.fit(cancer.data, cancer.target, sample_weight=weights, groups=groups)
        passed: dict[str, Any] = {"sample_weight": weights, "groups": groups}
        with pytest.raises(UnsetMetadataPassedError, match="set_score_request"):
            cross_val_score(clf, cancer.data, cancer.target, params=passed)
        said = [
            cross_val_score(
                clf.set_score_request(sample_weight=asks),
                cancer.data,
                cancer.target,
                params=passed,
                cv=GroupKFold(2),
            )
            for asks in (True, False)
        ]
        assert (said[0] != said[1]).all()
        search = GridSearchCV(clf, {"estimator__max_depth": [1, 2]}, cv=GroupKFold(2))
        search.fit(cancer.data, cancer.target, sample_weight=weights, groups=groups)
    off = tree(cv=GroupKFold(3)).set_params(estimator__max_depth=2)
    off.fit(cancer.data, cancer.target, sample_weight=weights, groups=groups)
    assert np.array_equal(clf.predict_proba(cancer.data), off.predict_proba(cancer.data))


def test_groups_may_be_a_frame_and_splitters_see_all_columns(wine: Any) -> None:
    class ByAsh(StratifiedKFold):
        def split(self, X: Any, y: Any, groups: Any = None) -> Any:
            much = np.asarray(X["ash"] > 2.4)
            yield np.flatnonzero(much), np.flatnonzero(~much)

    clf = tree(features=["hue"], cv=ByAsh(2)).fit(wine.data, wine.target)
    assert clf.fold_indices_[0].tolist() == np.flatnonzero(wine.data["ash"] <= 2.4).tolist()
    groups = pd.DataFrame({"who": np.arange(178) // 9})
    framed, plain = (
        tree(cv=GroupKFold(3)).fit(wine.data, wine.target, groups=one)
        for one in (groups, groups["who"])
    )
    assert np.array_equal(framed.oof_predictions_, plain.oof_predictions_)


def test_arguments_of_fit_that_are_none_are_not_passed(cancer: Any) -> None:
    inner = HistGradientBoostingClassifier(max_iter=3)
    clf = ExpNameClassifier(inner, n_splits=2, track=False, random_state=0)
    plain = clf.fit(cancer.data, cancer.target).predict_proba(cancer.data)
    nothing = dict.fromkeys(("X_val", "y_val", "sample_weight"))
    said = clf.fit(cancer.data, cancer.target, groups=None, **nothing).predict_proba(cancer.data)
    assert np.array_equal(said, plain)
    with config_context(enable_metadata_routing=True):
        inner.set_fit_request(X_val=True, y_val=True, sample_weight=True)
        clf.set_params(estimator=inner, cv=2).fit(cancer.data, cancer.target, **nothing)
    assert len(clf.estimators_) == 2


def test_weights_change_what_is_learned(cancer: Any) -> None:
    weights = np.where(cancer.target == 1, 50.0, 0.1)
    plain = tree().fit(cancer.data, cancer.target)
    weighted = tree().fit(cancer.data, cancer.target, sample_weight=pd.Series(weights))
    assert weighted.predict(cancer.data).sum() > plain.predict(cancer.data).sum()


def test_repeated_splits_give_the_mean_and_rows_never_held_out_nan(wine: Any) -> None:
    clf = tree(cv=RepeatedStratifiedKFold(n_splits=2, n_repeats=3, random_state=0))
    clf.fit(wine.data, wine.target)
    assert len(clf.estimators_) == 6
    assert clf.oof_predictions_.sum(axis=1) == pytest.approx(1.0)
    once = tree(cv=[(np.arange(0, 178, 2), np.arange(1, 178, 4))]).fit(wine.data, wine.target)
    assert np.isnan(once.oof_predictions_[0]).all() and not np.isnan(once.oof_predictions_[1]).any()


def test_searches_and_scores_take_it(cancer: Any) -> None:
    search = GridSearchCV(tree(n_splits=2), {"estimator__max_depth": [1, 3]}, cv=2)
    search.fit(cancer.data, cancer.target)
    assert search.best_params_["estimator__max_depth"] in (1, 3)
    assert cross_val_score(tree(n_splits=2), cancer.data, cancer.target, cv=2).min() > 0.8
    assert clone(tree(features=["mean area"])).features == ["mean area"]


def test_pipelines_take_it_with_set_output(cancer: Any) -> None:
    pipeline = make_pipeline(StandardScaler(), tree()).set_output(transform="pandas")
    pipeline.fit(cancer.data, cancer.target)
    assert pipeline[-1].feature_names_in_.tolist() == list(cancer.data.columns)


def test_sparse_input(cancer: Any) -> None:
    dense = tree().fit(cancer.data.to_numpy(), cancer.target)
    thin = tree(importance="permutation").fit(sp.csc_matrix(cancer.data.to_numpy()), cancer.target)
    X = sp.csr_matrix(cancer.data.to_numpy())
    assert np.array_equal(thin.predict_proba(X), dense.predict_proba(cancer.data.to_numpy()))
    assert thin.importances_["permutation"].shape == (30,)


def mixed(cancer: Any) -> pd.DataFrame:
    frame = cancer.data.iloc[:, :4].copy()
    frame.iloc[::5, 0] = np.nan
    size = np.where(cancer.data["mean area"] > 600, "big", "small")
    return frame.assign(size=pd.Categorical(size))


def test_categories_and_missing_values_reach_the_estimator(cancer: Any) -> None:
    X = mixed(cancer)
    inner = HistGradientBoostingClassifier(max_iter=3, categorical_features="from_dtype")
    clf = ExpNameClassifier(inner, n_splits=2, track=False).fit(X, cancer.target)
    assert clf.estimators_[0].is_categorical_.tolist() == [False] * 4 + [True]
    encode = make_column_transformer(
        (OneHotEncoder(), ["size"]), remainder=SimpleImputer(strategy="median")
    )
    pipeline = make_pipeline(encode, LogisticRegression(max_iter=50))
    clf = ExpNameClassifier(pipeline, track=False, importance="permutation")
    assert clf.fit(X, cancer.target).importances_["permutation"].shape == (5,)


def test_only_the_chosen_features_are_used(cancer: Any) -> None:
    X, used = cancer.data, ["worst area", "mean area"]
    clf = tree(features=used).fit(X, cancer.target)
    assert clf.features_.name.startswith("2of30features-")
    assert clf.features_.used == ("mean area", "worst area")
    assert clf.estimators_[0].n_features_in_ == 2
    assert clf.features_.name == tree(features=used[::-1]).fit(X, cancer.target).features_.name
    disturbed = X.assign(**{"mean radius": 0.0})
    assert np.array_equal(clf.predict_proba(X), clf.predict_proba(disturbed))
    by_position = tree(features=[23, 3]).fit(X.to_numpy(), cancer.target)
    assert np.array_equal(by_position.predict_proba(X.to_numpy()), clf.predict_proba(X))
    assert tree(features=list(X.columns)).fit(X, cancer.target).features_.name == "all_features"


def test_columns_may_be_numbers_and_a_mask_may_choose_them(wine: Any) -> None:
    X, y = wine.data, wine.target
    numbered = X.set_axis([*range(12, -1, -1)], axis="columns")  # the name 12 is position 0
    chosen = tree(features=[12, np.int64(2)]).fit(numbered, y)
    assert (chosen.features_.used, chosen.features_.positions) == (("12", "2"), (0, 10))
    assert tree(features=numbered.columns[:2]).fit(numbered, y).features_.used == ("12", "11")
    mask = np.isin(X.columns, ["alcohol", "hue"])
    for one in (mask, list(mask), X.columns[mask]):
        masked = tree(features=one).fit(X, y)
        assert masked.features_.used == ("alcohol", "hue")
        assert np.array_equal(masked.predict_proba(X), chosen.predict_proba(numbered))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"features": ["mean aera"]}, "did you mean 'mean area'"),
        ({"features": []}, "features is empty"),
        ({"features": [False] * 30}, "features is empty"),
        ({"features": [True] * 3}, "a mask of 3 for the 30 columns"),
        ({"features": [3]}, "no column 3; X has names, so give these"),
        ({"features": 3}, "features is 3; give a sequence"),
        ({"cv": []}, "cv gave no fold"),
        ({"cv": [(np.arange(9), [])]}, "fold 0 of cv trains on 9 rows and holds out 0"),
        ({"estimator": None}, "estimator is None; give a scikit-learn-style one"),
        ({"estimator": Ridge()}, "Ridge is a regressor; use ExpNameRegressor"),
        ({"scoring": "acuracy"}, "'acuracy' is no scorer"),
        ({"scoring": []}, "scoring is empty"),
        ({"scoring": [make_scorer(fbeta_score, beta=b) for b in (1, 2)]}, "two of one name"),
        ({"scoring": "roc_auc", "estimator": LinearSVC(max_iter=9)}, "needs probabilities"),
        ({"early_stopping": 5}, "DecisionTreeClassifier cannot stop on a held-out fold"),
        ({"early_stopping": True}, "early_stopping is True; give how many iterations"),
        ({"early_stopping": 0}, "early_stopping is 0; give how many iterations"),
        ({"importance": "gian"}, "importance is 'gian'"),
    ],
)
def test_wrong_arguments_are_answered(cancer: Any, options: Any, message: str) -> None:
    with pytest.raises(EstimatorError, match=message):
        tree().set_params(**options).fit(cancer.data, cancer.target)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", None, "b"], r"71 missing labels \((None|nan) in row 59\)"),
        (["a", np.nan, "b"], "missing labels"),
        (["a", pd.NA, "b"], "missing labels"),
        (["a", 1, "b"], "mixes texts and numbers"),
    ],
)
def test_labels_that_nothing_sorts_are_answered(wine: Any, labels: Any, message: str) -> None:
    y = np.array(labels, dtype=object)[wine.target]
    for given in (y, list(y), pd.Series(y)):
        with pytest.raises(EstimatorError, match=message):
            tree().fit(wine.data, given)


def test_data_that_does_not_fit_is_answered(wine: Any) -> None:
    twice = pd.concat([wine.data, wine.data[["hue"]]], axis=1)
    with pytest.raises(EstimatorError, match=r"several columns of these names: \['hue'\]"):
        tree().fit(twice, wine.target)
    clashing = wine.data.rename(columns={"hue": 1, "ash": "1"})
    with pytest.raises(EstimatorError, match=r"several columns of these names: \['1'\]"):
        tree().fit(clashing, wine.target)
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[20, 30\]"):
        tree().fit(wine.data[:20], wine.target[:30])
    with pytest.raises(ValueError, match="0 sample"):
        tree().fit(wine.data[:0], wine.target[:0])
    with pytest.raises(ValueError, match="0 feature"):
        tree().fit(wine.data[[]], wine.target)
    reg = ExpNameRegressor(DecisionTreeClassifier(), track=False)
    with pytest.raises(EstimatorError, match="use ExpNameClassifier"):
        reg.fit(wine.data, wine.target)


def test_early_stopping_on_the_held_out_fold(cancer: Any) -> None:
    inner = HistGradientBoostingClassifier(max_iter=200, learning_rate=0.5)
    clf = ExpNameClassifier(inner, n_splits=2, early_stopping=3, track=False, random_state=0)
    clf.fit(cancer.data, cancer.target)
    assert all(one.n_iter_ < 200 for one in clf.estimators_)
    (curve,) = clf.results_.curves[0].values()
    assert len(curve) == clf.estimators_[0].n_iter_ + 1


def test_parallel_folds_are_the_same_folds(cancer: Any) -> None:
    def forest(n_jobs: int) -> Any:
        inner = RandomForestClassifier(5)
        clf = ExpNameClassifier(inner, n_splits=3, n_jobs=n_jobs, random_state=0, track=False)
        return clf.fit(cancer.data, cancer.target).predict_proba(cancer.data)

    assert np.array_equal(forest(1), forest(2))


def test_a_bar_is_shown_when_asked_for(wine: Any, capsys: Any) -> None:
    tree(progress=True, n_splits=2).fit(wine.data, wine.target)
    assert "2/2" in capsys.readouterr().err


def test_own_scorers_see_the_predictions(wine: Any) -> None:
    def share_right(estimator: Any, X: Any, y: Any) -> float:
        return float(np.mean(estimator.predict(X) == y))

    clf = tree(scoring={"mine": share_right, "f1": "f1_micro"}).fit(wine.data, wine.target)
    assert np.array_equal(clf.fold_metrics_["mine"], clf.fold_metrics_["f1"])


def test_it_is_not_fitted_before_fit() -> None:
    clf = tree()
    assert not hasattr(clf, "fold_scores_") and not hasattr(clf, "feature_importances_")
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    assert hasattr(ExpNameClassifier(pipeline), "predict_proba")
    assert not hasattr(ExpNameClassifier(LinearSVC()), "predict_proba")
