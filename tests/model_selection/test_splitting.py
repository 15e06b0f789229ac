"""Splits that test on labeled rows, scorers, hidden labels."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import config_context
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.metrics import accuracy_score, f1_score, get_scorer, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    KFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedKFold,
    StratifiedShuffleSplit,
    check_cv,
    cross_val_score,
    cross_validate,
    learning_curve,
    train_test_split,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ssl import (
    FixMatchClassifier,
    LabeledSplit,
    SelfTrainingNet,
    SemiSupervisedGaussianMixture,
    hide_labels,
    labeled_scorer,
)
from sklearn_ssl.inputs.labels import is_labeled

from ..helpers import quick

Y = np.array([0, 1, -1, 0, 1, -1, 0, 1, -1, 0, 1, 0, 1, -1])


@pytest.mark.parametrize(
    "cv",
    [2, 3, KFold(3), ShuffleSplit(4, random_state=0), RepeatedStratifiedKFold(n_splits=2)],
    ids=str,
)
def test_every_unlabeled_row_trains_and_none_tests(cv):
    splits = list(LabeledSplit(cv).split(np.zeros((14, 1)), Y))
    assert len(splits) == LabeledSplit(cv).get_n_splits(None, Y)
    for train, test in splits:
        assert (Y[test] != -1).all()
        assert set(np.flatnonzero(Y == -1)) <= set(train)
        assert not set(train) & set(test)
    if isinstance(cv, int):
        tested = np.sort(np.concatenate([test for _, test in splits]))
        assert (tested == np.flatnonzero(Y != -1)).all()


def test_groups_stay_together_among_labeled_rows():
    groups = np.arange(14) // 3
    for train, test in LabeledSplit(GroupKFold(2)).split(np.zeros((14, 1)), Y, groups):
        labeled = train[Y[train] != -1]
        assert not set(groups[labeled]) & set(groups[test])


def test_refuses_in_words_when_a_class_has_fewer_labels_than_folds():
    with pytest.raises(ValueError, match="Class 0 has 5 labeled rows, fewer than the 6 folds"):
        list(LabeledSplit(6).split(np.zeros((14, 1)), Y))
    with pytest.raises(ValueError, match="No row is labeled"):
        list(LabeledSplit(2).split(np.zeros((3, 1)), [-1, -1, -1]))


@pytest.mark.parametrize("dtype", [object, str])
def test_string_labels(dtype):
    y = np.array(["a", "b", "-1"] * 6, dtype=dtype)
    for _, test in LabeledSplit(3).split(np.zeros((18, 1)), y):
        assert set(y[test]) == {"a", "b"}


def test_works_as_cv_of_scikit_learn():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(14, 2))
    X[:, 0] += 5 * (Y == 1)
    knn = KNeighborsClassifier(1)
    assert cross_val_score(knn, X[Y >= 0], Y[Y >= 0], cv=3).mean() > 0.9
    scores = cross_val_score(KNeighborsClassifier(1), X, Y, cv=LabeledSplit(3))
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("stratify", [True, False, "balanced"])
def test_hide_labels_keeps_that_many(stratify):
    y = np.repeat([0, 1, 2], [50, 30, 20])
    hidden = hide_labels(y, 30, stratify=stratify, random_state=0)
    kept = hidden >= 0
    assert kept.sum() == 30
    assert (hidden[kept] == y[kept]).all()
    assert (y >= 0).all()
    if stratify is True:
        assert np.bincount(hidden[kept]).tolist() == [15, 9, 6]
    if stratify == "balanced":
        assert np.bincount(hidden[kept]).tolist() == [10, 10, 10]
    assert (hidden == hide_labels(y, 30, stratify=stratify, random_state=0)).all()


def test_hide_labels_of_other_kinds():
    names = pd.Series(["a", "b"] * 10, index=np.arange(20) + 3)
    hidden = hide_labels(names, 0.2, random_state=0)
    assert (hidden.index == names.index).all()
    assert is_labeled(hidden).sum() == 4
    flags = hide_labels(np.array([True, False] * 5), 4, random_state=0)
    assert is_labeled(flags).sum() == 4
    again = hide_labels(np.array([0, 1, -1, 0, 1]), 2, random_state=0)
    assert again[2] == -1
    assert (again >= 0).sum() == 2


def test_hide_labels_says_what_cannot_be():
    for n, stratify, message in [
        (0, True, "n_labeled"),
        (11, True, "10 labels"),
        (1, True, "cannot cover 2"),
        (3, "balanced", "multiple"),
        (1.5, True, "float in"),
    ]:
        with pytest.raises(ValueError, match=message):
            hide_labels(np.array([0, 1] * 5), n, stratify=stratify)


def test_metadata_reaches_the_scorer_inside(digits):
    X, y, _, _ = digits
    weight = np.random.default_rng(0).uniform(0.1, 1, len(y))
    seen = []

    def weighted(true, predicted, sample_weight=None):
        seen.append(sample_weight)
        return accuracy_score(true, predicted, sample_weight=sample_weight)

    with config_context(enable_metadata_routing=True):
        scorer = labeled_scorer(make_scorer(weighted)).set_score_request(sample_weight=True)
        clf = quick(SelfTrainingNet).set_fit_request(sample_weight=False)
        cross_val_score(
            clf, X, y, cv=LabeledSplit(2), scoring=scorer, params={"sample_weight": weight}
        )
    tests = [test for _, test in LabeledSplit(2).split(X, y)]
    for got, test in zip(seen, tests, strict=True):
        np.testing.assert_array_equal(got, weight[test])
    with pytest.raises(ValueError, match="scorer of scikit-learn"):
        labeled_scorer().set_score_request(sample_weight=True)


def test_scorers_that_score_nothing_are_refused():
    with pytest.raises(ValueError, match="make_scorer"):
        labeled_scorer(accuracy_score)
    with pytest.raises(ValueError, match="one scorer"):
        labeled_scorer(["accuracy"])
    with pytest.raises(ValueError, match="cv must be"):
        LabeledSplit(2.5)


def test_groups_reach_the_splitter_inside(digits):
    X, y, _, _ = digits
    groups = np.arange(len(y)) % 3
    with config_context(enable_metadata_routing=True):
        cv = LabeledSplit(GroupKFold(3))
        scores = cross_val_score(quick(SelfTrainingNet), X, y, cv=cv, params={"groups": groups})
    assert len(scores) == 3
    assert np.isfinite(scores).all()


@pytest.fixture(scope="module")
def few():
    X, y = load_digits(return_X_y=True)
    X, y = X[:600], y[:600]
    return X, hide_labels(y, 150, random_state=0), y


def test_labeled_scorer_is_the_scorer_on_labeled_rows(few):
    X, y, _ = few
    clf = quick(FixMatchClassifier).fit(X, y)
    rows = y >= 0
    expected = f1_score(y[rows], clf.predict(X[rows]), average="macro")
    assert labeled_scorer("f1_macro")(clf, X, y) == expected
    assert labeled_scorer()(clf, X, y) == clf.score(X, y)
    with pytest.raises(ValueError, match="LabeledSplit"):
        labeled_scorer("f1_macro")(clf, X, np.full(len(y), -1))


def test_labeled_scorer_repairs_plain_cross_validation(few):
    X, y, truth = few
    clf = quick(FixMatchClassifier, max_steps=150)
    wrong = cross_val_score(clf, X, y, scoring="accuracy", cv=3).mean()
    right = cross_val_score(clf, X, y, scoring=labeled_scorer("accuracy"), cv=3).mean()
    true = np.mean(clf.fit(X, y).predict(X[y < 0]) == truth[y < 0])
    assert wrong < 0.3
    assert abs(right - true) < 0.1


def test_labeled_split_goes_through_scikit_learns_model_selection(few):
    X, y, _ = few
    clf = make_pipeline(StandardScaler(), quick(SelfTrainingNet, max_iter=1, batch_size=32))
    cv = LabeledSplit(3)
    scores = cross_validate(clf, X, y, cv=cv, scoring=["accuracy", "roc_auc_ovr"])
    assert scores["test_accuracy"].mean() > 0.7
    assert scores["test_roc_auc_ovr"].mean() > 0.9
    grid = {"selftrainingnet__k_best": [0.1, 0.3]}
    nested = cross_val_score(GridSearchCV(clf, grid, cv=LabeledSplit(2)), X, y, cv=cv)
    assert nested.mean() > 0.7
    halving = HalvingGridSearchCV(clf, grid, cv=LabeledSplit(2), random_state=0, min_resources=300)
    assert halving.fit(X, y).best_params_ in [{"selftrainingnet__k_best": k} for k in (0.1, 0.3)]
    split = LabeledSplit(StratifiedShuffleSplit(2, test_size=0.3, random_state=0))
    shuffled = dict(cv=split, shuffle=True, random_state=0)
    sizes, _, test = learning_curve(clf, X, y, train_sizes=[0.5, 1.0], **shuffled)
    assert sizes[1] == len(y) - 45
    assert test.shape == (2, 2)
    groups = np.arange(len(y)) % 4
    for train, held in LabeledSplit(GroupKFold(4)).split(X, y, groups):
        labeled = train[y[train] >= 0]
        assert not np.intersect1d(groups[labeled], groups[held]).size


def test_calibration_with_labeled_split(few):
    X, y, truth = few
    calibrated = CalibratedClassifierCV(
        quick(FixMatchClassifier, max_steps=60), cv=LabeledSplit(3), method="sigmoid"
    ).fit(X, y)
    assert calibrated.score(X[y < 0], truth[y < 0]) > 0.7


def test_labeled_split_takes_a_generator_of_splits(blobs):
    X, y, _ = blobs
    cv = LabeledSplit((a, b) for a, b in [(np.arange(3), np.arange(3, 6))] * 2)
    assert cv.get_n_splits(X, y) == len(list(cv.split(X, y))) == len(list(cv.split(X, y))) == 2


def test_hide_labels_keeps_a_label_of_the_rarest_class():
    y = np.array([0] * 98 + [1] * 2)
    kept = hide_labels(y, 3, random_state=0)  # shares would give 2.94 and .06
    assert np.bincount(kept[kept >= 0]).tolist() == [2, 1]


# ------------------------------------------------------------------ scikit-learn's own splitters

CODES = np.where(np.arange(30) % 3, np.arange(30) // 10, -1)  # three classes, one by one
TEXT = np.array([None, "no", "yes", "both"], dtype=object)[CODES + 1]
NUMBERS = np.where(CODES < 0, np.nan, CODES)

REFUSED = {
    "floats": NUMBERS,
    "Int64": pd.Series(NUMBERS).astype("Int64"),
    "boolean": pd.Series(NUMBERS > 0).where(CODES >= 0).astype("boolean"),
    "categories of numbers": pd.Series(NUMBERS).astype("category"),
    "polars integers": pl.Series([None if v < 0 else int(v) for v in CODES]),
}
NOT_KNOWN = {
    "text and None": TEXT,
    "text and NaN": np.where(CODES < 0, np.nan, TEXT),
    "text and pandas.NA": np.where(CODES < 0, pd.NA, TEXT),
    "integers and None": np.array([None, 0, 1, 2], dtype=object)[CODES + 1],
    "list of text and None": TEXT.tolist(),
    "string": pd.Series(TEXT, dtype="string"),
    "categories of text": pd.Series(TEXT, dtype="category"),
    "polars text": pl.Series(TEXT.tolist()),
}


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("kind", REFUSED)
def test_missing_values_that_an_int_as_cv_refuses(kind):
    with pytest.raises(ValueError, match="NaN"):
        check_cv(3, REFUSED[kind], classifier=True)


@pytest.mark.parametrize("kind", NOT_KNOWN)
def test_missing_values_for_which_an_int_as_cv_does_not_shuffle(kind):
    y, X = NOT_KNOWN[kind], np.arange(30.0)[:, None]
    assert isinstance(check_cv(3, y, classifier=True), KFold)
    clf = SemiSupervisedGaussianMixture()
    for search in (
        lambda: cross_val_score(clf, X, y, cv=3),
        lambda: GridSearchCV(clf, {}, cv=3).fit(X, y),
    ):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            search()
        assert len({str(w.message) for w in told if "has left no label of" in str(w.message)}) == 3
    splits = list(LabeledSplit(3).split(X, y))
    assert all(set(CODES[train]) == {-1, 0, 1, 2} for train, _ in splits)


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("kind", [*REFUSED, *NOT_KNOWN])
def test_what_stratifies_refuses_missing_values_and_what_does_not_never_looks(kind):
    y, X = {**REFUSED, **NOT_KNOWN}[kind], np.zeros((30, 1))
    with pytest.raises((ValueError, TypeError)):
        list(StratifiedKFold(3).split(X, y))
    with pytest.raises((ValueError, TypeError)):
        train_test_split(X, y, stratify=y)
    for cv, groups in ((KFold(3), None), (GroupKFold(3), CODES), (ShuffleSplit(3), None)):
        assert len(list(cv.split(X, y, groups))) == 3
    assert len(train_test_split(X, y)) == 4


def test_minus_one_is_a_class_of_its_own_for_an_int_as_cv():
    for y in (CODES, CODES * 1.0, np.array(["-1", "no", "yes", "both"])[CODES + 1]):
        cv = check_cv(3, y, classifier=True)
        assert isinstance(cv, StratifiedKFold)
        for train, test in cv.split(CODES, y):
            assert set(CODES[train]) == set(CODES[test]) == {-1, 0, 1, 2}


def test_scorers_refuse_objects_of_numbers_with_none():
    X, y = np.arange(30.0)[:, None], NOT_KNOWN["integers and None"]
    clf = SemiSupervisedGaussianMixture().fit(X, y)
    with pytest.raises((TypeError, ValueError)):
        get_scorer("accuracy")(clf, X, y)
    assert labeled_scorer("accuracy")(clf, X, y) == clf.score(X, y)
    known = pd.Series(y).astype("Int64")[CODES >= 0]
    assert get_scorer("accuracy")(clf, X[CODES >= 0], known) == clf.score(X, y)


THREE_WORDS, THREE_CODES = (
    np.array(["a", "b", None], dtype=object),
    np.array([0, 1, None], dtype=object),
)
WITH_GAPS = {
    "floats": (THREE_CODES.astype(float), "refused"),
    "Int64": (pd.array(THREE_CODES, dtype="Int64"), "refused"),
    "numbers": (THREE_CODES, "unknown"),
    "strings": (THREE_WORDS, "first"),
    "string": (pd.array(THREE_WORDS, dtype=pd.StringDtype("python")), "first"),  # not pyarrow's
    "category": (pd.Categorical(THREE_WORDS), "first"),
}


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("first", ["labeled", "unlabeled"])
@pytest.mark.parametrize("kind", WITH_GAPS)
def test_what_scikit_learn_does_with_missing_values(kind, first):
    """As docs/labels.md says, of these versions."""
    values, known = WITH_GAPS[kind]
    order = np.array([0, 1, 2] if first == "labeled" else [2, 0, 1])
    X, y = np.zeros((18, 1)), values.take(np.tile(order, 6))
    with pytest.raises((ValueError, TypeError)):
        list(StratifiedKFold(3).split(X, y))
    with pytest.raises((ValueError, TypeError)):
        train_test_split(X, y, stratify=y)
    for cv, groups in ((KFold(3), None), (GroupKFold(3), np.arange(18)), (ShuffleSplit(3), None)):
        assert len(list(cv.split(X, y, groups))) == 3
    train_test_split(X, y)
    if known == "unknown" or (known == "first" and first == "unlabeled"):
        assert isinstance(check_cv(3, y, classifier=True), KFold)  # and does not shuffle
    else:
        with pytest.raises((ValueError, TypeError)):
            check_cv(3, y, classifier=True)
