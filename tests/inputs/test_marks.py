"""Marks of unlabeled rows that are easily taken for something else."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_wine
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.feature_selection import SelectFromModel, SelectPercentile, VarianceThreshold
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    PredefinedSplit,
    cross_val_predict,
    cross_val_score,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ssl import (
    LabeledSplit,
    MeanTeacherRegressor,
    OnLabeled,
    PiModelClassifier,
    SemiSupervisedGaussianMixture,
    hide_labels,
    labeled_scorer,
)


@pytest.fixture(scope="module")
def wine():
    X, truth = load_wine(return_X_y=True)
    return X, hide_labels(truth, 45, random_state=0), truth


def net(**params):
    return PiModelClassifier(max_steps=5, random_state=0, **params)


# ------------------------------------------------------------------ y that was encoded


@pytest.mark.parametrize(
    "tool",
    [
        lambda X, y: cross_val_predict(net(), X, y, cv=4, method="predict_log_proba"),
        lambda X, y: OneVsRestClassifier(net()).fit(X, y),
        lambda X, y: VotingClassifier([("a", net())]).fit(X, y),
        lambda X, y: BaggingClassifier(net(), n_estimators=2, random_state=0).fit(X, y),
        lambda X, y: VotingClassifier([("a", SemiSupervisedGaussianMixture())]).fit(X, y),
    ],
)
def test_tools_that_encode_y_are_refused(wine, tool):
    X, few, truth = wine
    with pytest.raises(ValueError, match="has encoded y, and -1 has become a class"):
        tool(X, few)
    tool(X, truth)  # nothing is wrong where all rows are labeled


def test_what_the_search_for_callers_leaves_alone(wine):
    X, few, truth = wine
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cross_val_score(net(), X, few, cv=LabeledSplit(2))
        CalibratedClassifierCV(net(), cv=2).fit(X, truth)
        minus = np.where(truth == 2, -1, truth)  # -1 is a class, and said to be one
        VotingClassifier([("a", net(unlabeled_label=None))]).fit(X, minus)


# ------------------------------------------------------------------ steps that learn from y


@pytest.mark.parametrize(
    "step",
    [
        SelectPercentile(percentile=50),
        SelectFromModel(LogisticRegression()),
        LinearDiscriminantAnalysis(),
        ColumnTransformer([("a", SelectPercentile(), [0, 1, 2]), ("b", "passthrough", [3])]),
        make_pipeline(StandardScaler(), SelectPercentile()),
    ],
)
def test_supervised_steps_before_the_estimator_are_told(wine, step):
    X, few, truth = wine
    X = StandardScaler().fit_transform(X)
    with pytest.warns(UserWarning, match=r"learns from y.*put OnLabeled"):
        make_pipeline(step, net()).fit(X, few)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_pipeline(step, net()).fit(X, truth)
        make_pipeline(OnLabeled(step), net()).fit(X, few)
        make_pipeline(VarianceThreshold(), StandardScaler(), net()).fit(X, few)


def test_on_labeled_picks_what_tells_classes_apart():
    rng = np.random.default_rng(3)
    y = rng.integers(0, 3, 500)
    few, X = np.where(np.arange(500) < 90, y, -1), rng.normal(size=(500, 5))
    X[:, 4] += 3 * y
    X[:, 1] += 5 * (few >= 0)
    chosen = OnLabeled(SelectPercentile(percentile=20)).fit(X, few).transformer_
    assert chosen.get_support(indices=True).tolist() == [4]


# ------------------------------------------------------------------ numbers


def test_minus_one_is_a_number_among_numbers():
    X, y = load_diabetes(return_X_y=True)
    y = np.round((y - y.mean()) / y.std() * 2) / 2
    few = hide_labels(y, 60, stratify=False, random_state=0)
    assert np.isnan(few).sum() == len(y) - 60
    assert (y == -1).sum() > 20
    tested = np.concatenate([t for _, t in LabeledSplit(KFold(3)).split(X, few)])
    assert len(tested) == 60
    reg = MeanTeacherRegressor(max_steps=5, random_state=0).fit(X, few)
    known = np.isfinite(few)
    assert labeled_scorer("r2")(reg, X, few) == pytest.approx(reg.score(X[known], y[known]))


def test_a_regressor_tells_of_hundreds_of_minus_ones():
    X, y = load_diabetes(return_X_y=True)
    marked = np.where(np.arange(len(y)) < 100, y, -1.0)
    with pytest.warns(UserWarning, match="77% of the targets are exactly -1"):
        MeanTeacherRegressor(max_steps=2, random_state=0).fit(X, marked)


# ------------------------------------------------------------------ several marks, and text


@pytest.mark.parametrize(
    "marked",
    [
        lambda y: np.where(y == 2, np.nan, np.where(y == 1, -1.0, y)),
        lambda y: np.array([None if v == 2 else -1 if v == 1 else "a" for v in y], dtype=object),
        lambda y: pd.array([pd.NA if v == 2 else -1 if v == 1 else v for v in y], dtype="Int64"),
    ],
)
def test_two_marks_at_once_are_told(wine, marked):
    X, _, truth = wine
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Only one class")
        with pytest.warns(UserWarning, match="holds both -1 and missing values"):
            net().fit(X, marked(truth))


@pytest.mark.parametrize("mark", ["NaN", "NULL", "<NA>", "N/A", "nat"])
def test_missing_values_as_text_are_told(wine, mark):
    X, few, _ = wine
    y = np.array([mark if v < 0 else f"kind {v}" for v in few], dtype=object)
    with pytest.warns(UserWarning, match="is a class here, like any other"):
        net().fit(X, y)


@pytest.mark.parametrize("mark", ["<NA>", "NaT", "nan"])
def test_missing_values_as_text_of_fixed_width_are_refused(wine, mark):
    X, few, _ = wine
    with pytest.raises(ValueError, match="fixed-width strings"):
        net().fit(X, np.array([mark if v < 0 else "some class" for v in few]))


# ------------------------------------------------------------------ columns and masks


@pytest.mark.parametrize(
    "column",
    [
        lambda y: pd.DataFrame({"kind": y}),
        lambda y: pl.DataFrame({"kind": y}),
        lambda y: pd.DataFrame({"kind": y}, index=np.arange(len(y)) + 5),
    ],
)
def test_a_frame_of_one_column_is_a_column(wine, column):
    X, few, truth = wine
    plain = net().fit(X, few)
    clf = net().fit(X, column(few))
    assert clf.score(X, column(truth)) == plain.score(X, truth)
    scores = cross_val_score(net(), X, column(few), cv=LabeledSplit(2))
    assert (scores == cross_val_score(net(), X, few, cv=LabeledSplit(2))).all()
    hidden = np.asarray(hide_labels(column(truth), 30, random_state=1)).ravel()
    assert (hidden == hide_labels(truth, 30, random_state=1)).all()
    assert labeled_scorer()(clf, X, column(few)) == labeled_scorer()(plain, X, few)


def test_masked_entries_are_unlabeled(wine):
    X, few, truth = wine
    masked = np.ma.masked_array(truth, mask=few < 0)
    clf = net().fit(X, masked)
    assert (clf.predict_proba(X) == net().fit(X, few).predict_proba(X)).all()
    numbers = np.ma.masked_array(X[:, 0], mask=few < 0)
    reg = MeanTeacherRegressor(max_steps=3, random_state=0)
    gaps = np.where(few < 0, np.nan, X[:, 0])
    assert (reg.fit(X, numbers).predict(X) == reg.fit(X, gaps).predict(X)).all()
    assert sum(len(test) for _, test in LabeledSplit(3).split(X, masked)) == 45


# ------------------------------------------------------------------ splits


def test_fold_numbers_of_all_rows_or_of_labeled_ones():
    y = np.array([1, -1, 0, 1, -1, 0, 1, 0])
    fold = np.array([0, 0, 0, 1, 1, 1, 2, 2])
    of_all = LabeledSplit(PredefinedSplit(fold))
    assert [test.tolist() for _, test in of_all.split(y, y)] == [[0, 2], [3, 5], [6, 7]]
    of_labeled = LabeledSplit(PredefinedSplit(fold[y >= 0]))
    assert [test.tolist() for _, test in of_labeled.split(y, y)] == [[0, 2], [3, 5], [6, 7]]
    with pytest.raises(ValueError, match="beyond the 6 labeled rows"):
        list(LabeledSplit([([0, 1], [7])]).split(y, y))
    groups = np.arange(8) % 3
    assert len(list(LabeledSplit(GroupKFold(3)).split(y, y, groups))) == 3
