"""The types that skops may load for us beside those that it trusts itself: the stated allow-list.

Each holds numbers, texts and other objects, which skops checks one by one: a `functools.partial`
is loaded only if its function is trusted too. The functions read arrays and nothing else.
"""

from __future__ import annotations

from typing import Final

_BOOSTERS: Final = (
    "catboost.core.CatBoostClassifier",
    "catboost.core.CatBoostRegressor",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
    "xgboost.sklearn.XGBRegressor",
)
_LEARNED: Final = (
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    "sklearn.impute._iterative._ImputerTriplet",
    "sklearn.multiclass._ConstantPredictor",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
)
_DISTANCES: Final = tuple(
    f"sklearn.metrics._dist_metrics.{name}Distance64"
    for name in ("Chebyshev", "Euclidean", "Manhattan", "Minkowski", "SEuclidean")
)
_KERNELS: Final = tuple(
    f"sklearn.gaussian_process.kernels.{name}"
    for name in (
        *("ConstantKernel", "DotProduct", "ExpSineSquared", "Exponentiation", "Matern", "Product"),
        *("RBF", "RationalQuadratic", "Sum", "WhiteKernel"),
    )
)
_SPLITTERS: Final = tuple(
    f"sklearn.model_selection._split.{name}"
    for name in (
        *("GroupKFold", "KFold", "RepeatedKFold", "RepeatedStratifiedKFold", "ShuffleSplit"),
        *("StratifiedGroupKFold", "StratifiedKFold", "StratifiedShuffleSplit", "TimeSeriesSplit"),
    )
)
_PARTS: Final = (
    "collections.OrderedDict",
    "functools.partial",
    "numpy.dtype",
    "sklearn.compose._column_transformer.make_column_selector",
    "sklearn.metrics._scorer._PassthroughScorer",
    "sklearn.utils._bunch.Bunch",
)
_FUNCTIONS: Final = (
    "sklearn.feature_selection._mutual_info.mutual_info_classif",
    "sklearn.feature_selection._mutual_info.mutual_info_regression",
    "sklearn.feature_selection._univariate_selection.chi2",
    "sklearn.feature_selection._univariate_selection.f_classif",
    "sklearn.feature_selection._univariate_selection.f_regression",
    "sklearn.utils.validation.check_array",
)
TRUSTED_TYPES: Final = tuple(
    sorted(
        (*_BOOSTERS, *_LEARNED, *_DISTANCES, *_KERNELS, *_SPLITTERS, *_PARTS, *_FUNCTIONS),
        key=str.lower,
    )
)
"""Types that skops loads for us beside those it trusts itself."""
