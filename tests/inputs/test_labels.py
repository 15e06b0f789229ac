"""Every kind of label that a scikit-learn user may hold."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from sklearn_ssl import FixMatchClassifier, LabeledSplit, hide_labels
from sklearn_ssl.inputs.labels import is_labeled

from ..helpers import quick

NAMES = np.array(["malignant", "benign"])


def objects(values, hidden, mark):
    y = np.array(values.tolist(), dtype=object)
    y[hidden] = mark
    return y


def floats(y, hidden, mark):
    return np.where(hidden, mark, y.astype(float))


LABELS = {
    "integers": lambda y, h: (np.where(h, -1, y), np.int64),
    "floats and NaN": lambda y, h: (floats(y, h, np.nan), np.float64),
    "strings and None": lambda y, h: (objects(NAMES[y], h, None), "U"),
    "strings and NaN": lambda y, h: (objects(NAMES[y], h, np.nan), "U"),
    "strings and -1": lambda y, h: (objects(NAMES[y], h, -1), "U"),
    "text -1": lambda y, h: (np.where(h, "-1", NAMES[y]), "U"),
    "booleans and -1": lambda y, h: (objects(y == 1, h, -1), np.bool_),
    "booleans and None": lambda y, h: (objects(y == 1, h, None), np.bool_),
    "numpy with pandas.NA": lambda y, h: (objects(y, h, pd.NA), np.int64),
    "list of strings": lambda y, h: (objects(NAMES[y], h, None).tolist(), "U"),
    "categorical": lambda y, h: (pd.Series(objects(NAMES[y], h, None), dtype="category"), "U"),
    "Int64": lambda y, h: (pd.Series(objects(y, h, pd.NA), dtype="Int64"), np.int64),
    "Int64 and -1": lambda y, h: (pd.Series(np.where(h, -1, y), dtype="Int64"), np.int64),
    "boolean": lambda y, h: (pd.Series(objects(y == 1, h, pd.NA), dtype="boolean"), np.bool_),
    "string": lambda y, h: (pd.Series(objects(NAMES[y], h, pd.NA), dtype="string"), "U"),
    "polars of strings": lambda y, h: (pl.Series(objects(NAMES[y], h, None).tolist()), "U"),
    "polars of integers": lambda y, h: (pl.Series(np.where(h, -1, y)), np.int64),
    "polars of integers and null": lambda y, h: (pl.Series(objects(y, h, None).tolist()), np.int64),
    "polars of booleans": lambda y, h: (pl.Series(objects(y == 1, h, None).tolist()), np.bool_),
    "polars of categories": lambda y, h: (
        pl.Series(objects(NAMES[y], h, None).tolist(), dtype=pl.Categorical),
        "U",
    ),
    "series of floats": lambda y, h: (pd.Series(floats(y, h, np.nan)), np.float64),
}


@pytest.mark.parametrize("kind", LABELS)
def test_label_kinds_train_the_same_net_and_come_back_in_their_dtype(cancer, kind):
    X, truth, hidden = cancer
    y, dtype = LABELS[kind](truth, hidden)
    clf = quick(FixMatchClassifier).fit(X, y)
    assert (is_labeled(y) == ~hidden).all()
    predicted = clf.predict(X)
    assert predicted.dtype.kind == dtype if dtype == "U" else predicted.dtype == dtype
    plain = quick(FixMatchClassifier).fit(X, np.where(hidden, -1, truth))
    order = [0, 1] if clf.classes_[0] in (0, "malignant") else [1, 0]
    if order == [0, 1]:  # the same codes, so the same weights
        np.testing.assert_array_equal(plain.predict_proba(X), clf.predict_proba(X))
    assert clf.transduction_.dtype == predicted.dtype
    assert clf.score(X, y) == np.mean(predicted[~hidden] == np.asarray(y, object)[~hidden])
    for train, test in LabeledSplit(3).split(X, y):
        assert hidden[train].sum() == hidden.sum()
        assert not hidden[test].any()


@pytest.mark.parametrize("mark", [None, np.nan, 99, "?"])
def test_minus_one_and_one_are_classes_with_another_mark(cancer, mark):
    X, truth, hidden = cancer
    signs = 2 * truth - 1
    y = objects(signs, hidden, mark)
    clf = quick(FixMatchClassifier, max_steps=60, unlabeled_label=mark).fit(X, y)
    np.testing.assert_array_equal(clf.classes_, [-1, 1])
    assert clf.score(X, signs) > 0.85
    kept = hide_labels(signs, 40, random_state=0, unlabeled_label=mark)
    assert is_labeled(kept, mark).sum() == 40
    assert set(kept[is_labeled(kept, mark)]) == {-1, 1}


@pytest.mark.parametrize("mark", ["", "unlabeled", " Unlabeled"])
def test_a_class_that_reads_like_a_mark_is_named(cancer, mark):
    X, truth, hidden = cancer
    y = np.where(hidden, mark, np.array(["benign", "malignant"])[truth])
    with pytest.warns(UserWarning, match=f"unlabeled_label='{mark}'"):
        clf = quick(FixMatchClassifier, max_steps=2).fit(X, y)
    assert len(clf.classes_) == 3
    clf = quick(FixMatchClassifier, max_steps=2, unlabeled_label=mark).fit(X, y)
    assert clf.classes_.tolist() == ["benign", "malignant"]


def test_masked_and_missing_of_several_columns_are_seen_one_by_one():
    y = np.array([[1, None], [np.ma.masked, 2.0], [pd.NaT, np.nan]], dtype=object)
    expected = [[True, False], [False, True], [False, False]]
    np.testing.assert_array_equal(is_labeled(y, None), expected)


def test_a_mark_is_one_value(blobs):
    X, y, _ = blobs
    with pytest.raises(ValueError, match="must be a scalar"):
        quick(FixMatchClassifier, unlabeled_label=[1]).fit(X, y)
