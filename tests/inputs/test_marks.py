"""Marks of unlabeled rows that are easily taken for something else."""

import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_wine
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.feature_selection import SelectFromModel, SelectPercentile, VarianceThreshold
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
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
from sklearn_ssl.inputs.labels import is_labeled, mark_of
from sklearn_ssl.inputs.marks import mark_for, own_mark


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
    stars = hide_labels(np.arange(len(y)) % 5 + 1, 0.6, stratify=False, random_state=0)
    both = np.column_stack([y, hide_labels(y, 0.7, False, 0, unlabeled_label=-1)])
    for targets, share in ((stars, "40%"), (both, "30%")):
        with pytest.warns(UserWarning, match=f"{share} of the targets are exactly -1"):
            MeanTeacherRegressor(max_steps=2, random_state=0).fit(X, targets)


@pytest.mark.parametrize(
    "targets",
    [
        lambda y: np.where(y > 250, 1, -1),
        lambda y: np.where(np.arange(len(y)) < 60, np.where(y > 200, 1.0, -1.0), np.nan),
        lambda y: np.column_stack([y, np.where(y > 250, 1, -1)]),
        lambda y: np.sign(np.round(y / 100) - 1.5) + (y > 300),
        lambda y: np.round((y - y.mean()) / y.std()),
        lambda y: np.full(len(y), -1.0),
    ],
    ids=["signs", "signs and NaN", "a column of signs", "grades", "rounded", "nothing else"],
)
def test_a_regressor_takes_signs_and_rounded_numbers_as_they_are(targets):
    X, y = load_diabetes(return_X_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MeanTeacherRegressor(max_steps=2, random_state=0).fit(X, targets(y))


NUMBERS = {
    "floats": lambda y: y,
    "objects with None": lambda y: np.array([None if v != v else int(v) for v in y], dtype=object),
    "objects with pandas.NA": lambda y: np.array([pd.NA if v != v else v for v in y], dtype=object),
    "objects with NaN": lambda y: y.astype(object),
    "Int64": lambda y: pd.Series(y).astype("Int64"),
    "Float64": lambda y: pd.Series(y).astype("Float64"),
    "polars": lambda y: pl.Series([None if v != v else int(v) for v in y]),
    "decimals": lambda y: np.array([None if v != v else Decimal(v) for v in y], dtype=object),
    "masked": lambda y: np.ma.masked_array(np.nan_to_num(y, nan=77).astype(int), np.isnan(y)),
}


@pytest.mark.parametrize("kind", NUMBERS)
def test_the_kind_of_y_says_that_minus_one_is_a_number(kind):
    X, y = load_diabetes(return_X_y=True)
    y = np.round((y - y.mean()) / y.std())
    y[50:] = np.nan
    marked = NUMBERS[kind](y)
    assert (y == -1).sum() > 5
    cv = LabeledSplit(KFold(4))
    assert sum(len(test) for _, test in cv.split(X, marked)) == 50
    assert cv.get_n_splits(X, marked) == 4
    reg = MeanTeacherRegressor(max_steps=2, random_state=0).fit(X, marked)
    assert (reg.predict(X) == clone(reg).fit(X, y).predict(X)).all()
    assert reg.score(X, marked) == pytest.approx(reg.score(X[:50], y[:50]))
    assert labeled_scorer("r2")(reg, X, marked) == pytest.approx(reg.score(X, marked))
    few = hide_labels(marked, 20, stratify=False, random_state=0)
    kept = is_labeled(few, None)
    assert kept.sum() == 20
    assert not kept[50:].any()


def test_minus_one_marks_where_the_kind_of_y_does_not_say_otherwise():
    for y in (
        np.array([0, -1, 1, -1]),
        np.array([0.0, -1, 1, -1]),
        np.array(["a", -1, None, "b"], dtype=object),
        np.array([True, -1, None, False], dtype=object),
        pd.Series([0, -1, 1, -1], dtype="Int64"),
        np.array([None, None], dtype=object),
    ):
        assert mark_of(y, "auto") == -1


TWO = {
    "array": lambda y: y,
    "frame": lambda y: pd.DataFrame(y, columns=["low", "high"]),
    "nullable frame": lambda y: pd.DataFrame(y, columns=["low", "high"]).astype("Int64"),
    "polars": lambda y: pl.DataFrame(y, schema=["low", "high"]),
    "masked": lambda y: np.ma.masked_array(np.nan_to_num(y, nan=5), np.isnan(y)),
}


@pytest.mark.parametrize("kind", TWO)
def test_several_columns_are_rows_of_numbers(kind):
    X, y = load_diabetes(return_X_y=True)
    y = np.round(np.column_stack([y - y.mean(), y.mean() - y]) / y.std())
    y[60:], y[:5, 1] = np.nan, np.nan
    marked = TWO[kind](y)
    tested = np.concatenate([test for _, test in LabeledSplit(KFold(5)).split(X, marked)])
    assert tested.tolist() == list(range(5, 60))  # a row with an unknown target trains
    reg = MeanTeacherRegressor(max_steps=2, random_state=0).fit(X, marked)
    assert reg.score(X, marked) == pytest.approx(reg.score(X[5:60], y[5:60]))
    assert labeled_scorer("r2")(reg, X, marked) == pytest.approx(reg.score(X, marked))
    few = hide_labels(marked, 20, stratify=False, random_state=0)
    kept = is_labeled(few, None)
    assert kept.any(1).sum() == 20
    assert (np.asarray(few, float)[kept] == y[kept]).all()
    with pytest.raises(ValueError, match=r"y has 2 columns.*stratify=False"):
        hide_labels(marked, 20)


def test_a_frame_of_several_columns_stays_one():
    y = pd.DataFrame({"low": [1, 2, 3, 4], "high": [5.5, 6, 7, 8]}, index=list("wxyz"))
    few = hide_labels(y, 3, stratify=False, random_state=0)
    assert few.columns.tolist() == ["low", "high"]
    assert few.index.tolist() == list("wxyz")
    assert few.isna().to_numpy().sum(0).tolist() == [1, 1]
    with pytest.raises(ValueError, match="2 columns that are no numbers"):
        hide_labels(y.assign(high=list("abcd")), 3, stratify=False)


# ------------------------------------------------------------------ the estimator's own mark


@pytest.mark.parametrize("mark", [None, "open", -1, 99])
def test_the_mark_of_an_estimator_is_found_inside_others(mark):
    inside = net(unlabeled_label=mark)
    pipe = make_pipeline(StandardScaler(), inside)
    for outer in (
        inside,
        pipe,
        GridSearchCV(pipe, {}),
        FrozenEstimator(inside),
        OneVsRestClassifier(make_pipeline(inside)),
        VotingClassifier([("a", LogisticRegression()), ("b", pipe)]),
        make_pipeline(OnLabeled(SelectPercentile(), mark), LogisticRegression()),
        make_pipeline(OnLabeled(SelectPercentile(), "other"), inside),
    ):
        assert own_mark(outer) == mark
    assert own_mark(make_pipeline(OnLabeled(SelectPercentile()), LogisticRegression())) == "auto"
    assert own_mark(net(unlabeled_label=np.nan)) is None
    assert own_mark(make_pipeline(StandardScaler(), MeanTeacherRegressor())) is None


def test_a_named_mark_comes_first_and_different_ones_are_refused():
    open_, plain = net(unlabeled_label="open"), net()
    assert mark_for([open_], ["a", "open"], "shut") == "shut"
    assert mark_for([open_, LogisticRegression()], ["a", "open"]) == "open"
    assert mark_for([LogisticRegression()], [0.5, np.nan]) is None
    with pytest.raises(ValueError, match="different marks"):
        mark_for([open_, plain], ["a", "open"])


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


@pytest.mark.parametrize("mark", ["nan", "None", "<NA>"])
def test_missing_values_as_text_can_be_named(wine, mark):
    X, few, _ = wine
    y = np.array([mark if v < 0 else f"kind {v}" for v in few])
    clf = net(unlabeled_label=mark).fit(X, y)
    assert clf.classes_.tolist() == ["kind 0", "kind 1", "kind 2"]
    assert (clf.predict_proba(X) == net().fit(X, few).predict_proba(X)).all()
    labeled = few >= 0
    assert clf.score(X, y) == clf.score(X[labeled], y[labeled])
    assert sum(len(test) for _, test in LabeledSplit(3, mark).split(X, y)) == 45
    assert (hide_labels(y, 30, random_state=0, unlabeled_label=mark) != mark).sum() == 30
    other = np.where(few == 1, "NaT", y)
    with pytest.raises(ValueError, match="fixed-width strings"):
        net(unlabeled_label=mark).fit(X, other)


# ------------------------------------------------------------------ classes that are missing


@pytest.mark.parametrize(
    ("fit", "named"),
    [
        (lambda X, y: net(class_weight={0: 1, 1: 2, 2: 1, 5: 3}).fit(X, y), "5: named in class_w"),
        (lambda X, y: net().fit(X, kinds(y, "abcd")), "'d': named in the categories of y"),
        (lambda X, y: net().fit(X, pd.DataFrame({"y": kinds(y, "abcd")})), "'d': named"),
        (lambda X, y: SemiSupervisedGaussianMixture().fit(X, kinds(y, "abcde")), "'d', 'e': named"),
        (lambda X, y: net().fit(X, enum(y, "abcd")), "'d': named in the categories of y"),
    ],
)
def test_a_class_that_is_named_and_has_no_label_is_told(wine, fit, named):
    X, few, _ = wine
    with pytest.warns(UserWarning, match=f"^{named}"):
        fit(X, few)


def test_named_classes_that_are_there_are_not_told(wine):
    X, few, _ = wine
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net(class_weight={-1: 1, 0: 1, 1: 2, 2: 1}).fit(X, few)
        net().fit(X, kinds(few, "abc"))
        net(unlabeled_label="d").fit(X, kinds(np.where(few < 0, 3, few), "abcd"))
        clf = net().partial_fit(X, few, classes=[-1, 0, 1, 2])
        clf.partial_fit(X, np.where(few == 2, -1, few))  # a later batch need not have all
        net(class_weight="balanced").fit(X, few)


def kinds(codes, names):
    return pd.Series(pd.Categorical.from_codes(codes, categories=list(names)))


def enum(codes, names):
    return pl.Series([None if c < 0 else names[c] for c in codes], dtype=pl.Enum(list(names)))


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
    strings = ["a" if v == 0 else np.ma.masked if v < 0 else "b" for v in few]
    assert net().fit(X, strings).classes_.tolist() == ["a", "b"]


# ------------------------------------------------------------------ splits


def test_fold_numbers_of_all_rows_or_of_labeled_ones():
    y = np.array([1, -1, 0, 1, -1, 0, 1, 0])
    fold = np.array([0, 0, 0, 1, 1, 1, 2, 2])
    of_all = LabeledSplit(PredefinedSplit(fold))
    assert [test.tolist() for _, test in of_all.split(y, y)] == [[0, 2], [3, 5], [6, 7]]
    of_labeled = LabeledSplit(PredefinedSplit(fold[y >= 0]))
    assert [test.tolist() for _, test in of_labeled.split(y, y)] == [[0, 2], [3, 5], [6, 7]]
    for n in (5, 7, 9):
        of_neither = LabeledSplit(PredefinedSplit(np.arange(n) % 2))
        for ask in (lambda cv: list(cv.split(y, y)), lambda cv: cv.get_n_splits(y, y)):
            with pytest.raises(ValueError, match=f"has {n} entries, and y has 8 rows, 6 of them"):
                ask(of_neither)
    assert of_all.get_n_splits(y, y) == of_labeled.get_n_splits(y, y) == 3
    with pytest.raises(ValueError, match="beyond the 6 labeled rows"):
        list(LabeledSplit([([0, 1], [7])]).split(y, y))
    groups = np.arange(8) % 3
    assert len(list(LabeledSplit(GroupKFold(3)).split(y, y, groups))) == 3
