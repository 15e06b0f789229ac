"""Every kind of label and of rows that a scikit-learn user may hold."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import torch
from sklearn.datasets import load_breast_cancer
from sklearn_ssl.data import rows_to_tensor
from sklearn_ssl.labels import is_labeled

from sklearn_ssl import FixMatchClassifier, LabeledSplit, SelfTrainingNet, hide_labels

from .conftest import ESTIMATORS, quick

every_estimator = pytest.mark.parametrize("cls", ESTIMATORS, ids=lambda cls: cls.__name__)
NAMES = np.array(["malignant", "benign"])


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return X[:200], y[:200], hide_labels(y[:200], 40, random_state=0) < 0


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


ROWS = {
    "float64": lambda X: X,
    "float16": lambda X: X.astype(np.float16),
    "float32": lambda X: X.astype(np.float32),
    "int16": lambda X: X.astype(np.int16),
    "uint8": lambda X: X.clip(0, 255).astype(np.uint8),
    "Fortran order": np.asfortranarray,
    "every second column reversed": lambda X: X[:, ::-2],
    "list": lambda X: X.tolist(),
    "DataFrame": pd.DataFrame,
    "polars": lambda X: pl.DataFrame(X, schema=[f"c{i}" for i in range(X.shape[1])]),
    "DataFrame with nullable columns": lambda X: pd.DataFrame(X).convert_dtypes(),
    "CSR matrix": sp.csr_matrix,
    "CSR array": sp.csr_array,
    "CSC array": sp.csc_array,
    "COO of int": lambda X: sp.coo_array(X.astype(int)),
}


@pytest.mark.parametrize("kind", ROWS)
@every_estimator
def test_row_kinds(cls, cancer, kind):
    X, truth, hidden = cancer
    if kind == "DataFrame":
        X = pd.DataFrame(X, columns=[f"c{i}" for i in range(X.shape[1])])
    X = ROWS[kind](X)
    clf = quick(cls).fit(X, np.where(hidden, -1, truth))
    assert clf.predict_proba(X).shape == (200, 2)
    assert np.isfinite(clf.predict_proba(X)).all()


@every_estimator
def test_sparse_rows_train_the_net_that_dense_ones_do(cls, digits):
    X, y, X_test, _ = digits
    dense = quick(cls).fit(X, y).predict_proba(X_test)
    sparse = quick(cls).fit(sp.csc_array(X), y).predict_proba(sp.csr_array(X_test))
    np.testing.assert_allclose(sparse, dense, atol=1e-6)


class InPlace(torch.nn.Linear):
    def __init__(self):
        super().__init__(64, 10)

    def forward(self, x):
        return super().forward(x.sub_(5.0))


def test_read_only_memmap_is_trained_on_where_it_lies_and_no_row_is_written_to(digits, tmp_path):
    X, y, X_test, _ = digits
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert not mapped.flags.writeable
    rows = rows_to_tensor(mapped)
    assert rows.data_ptr() == mapped.ctypes.data  # no copy
    params = {"module": InPlace, "module_params": None}
    copied = X_test.copy()
    clf = quick(FixMatchClassifier, **params).fit(mapped, y)
    first, second = clf.predict_proba(X_test), clf.predict_proba(X_test)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(X_test, copied)
    np.testing.assert_array_equal(mapped, X)
    in_memory = quick(FixMatchClassifier, **params).fit(X, y).predict_proba(X_test)
    np.testing.assert_array_equal(in_memory, first)


# -------------------------------------------------------------- weights


@every_estimator
def test_weight_zero_is_dropping_the_row(cls, digits):
    X, y, X_test, _ = digits
    rng = np.random.default_rng(0)
    weight = rng.integers(0, 2, len(y)) * 1.0
    kept = weight > 0
    weighted = quick(cls).fit(X, y, sample_weight=weight)
    dropped = quick(cls).fit(X[kept], y[kept])
    np.testing.assert_array_equal(weighted.predict_proba(X_test), dropped.predict_proba(X_test))
    assert weighted.transduction_.shape == y.shape
    np.testing.assert_array_equal(weighted.transduction_[kept], dropped.transduction_)


@every_estimator
def test_weights_move_the_decision(cls):
    """Where classes overlap, the heavier class takes the middle."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    X[150:, 0] += 1.0
    y = np.repeat([0, 1], 150)
    shares = []
    for heavy in (0, 1):
        weight = np.where(y == heavy, 10.0, 1.0)
        clf = quick(cls, max_steps=200).fit(X, y, sample_weight=weight)
        shares.append(np.mean(clf.predict(X) == heavy))
        by_class = quick(cls, max_steps=200, class_weight={heavy: 10.0, 1 - heavy: 1.0}).fit(X, y)
        np.testing.assert_array_equal(clf.predict(X), by_class.predict(X))
    assert min(shares) > 0.6


def test_balanced_class_weight_looks_at_labeled_rows_alone(digits):
    X, y, X_test, _ = digits
    few = y.copy()
    few[np.flatnonzero(y == 0)[2:]] = -1  # 2 labels of class 0, 10 of the others
    auto = quick(SelfTrainingNet, class_weight="balanced").fit(X, few)
    counts = np.bincount(few[few >= 0])
    by_hand = {c: (few >= 0).sum() / (10 * n) for c, n in enumerate(counts)}
    given = quick(SelfTrainingNet, class_weight=by_hand).fit(X, few)
    np.testing.assert_array_equal(auto.predict_proba(X_test), given.predict_proba(X_test))


@every_estimator
def test_bad_weights_are_refused_before_training(cls, blobs):
    X, y, _ = blobs
    with pytest.raises(ValueError, match="Negative"):
        quick(cls).fit(X, y, sample_weight=-np.ones(len(y)))
    with pytest.raises(ValueError, match="sample_weight"):
        quick(cls).fit(X, y, sample_weight=np.ones(3))
    with pytest.raises(ValueError, match="weight 0"):
        quick(cls).fit(X, y, sample_weight=np.where(y < 0, 1.0, 0.0))


@every_estimator
def test_text_among_the_features_is_refused_with_advice(cls, blobs):
    X, y, _ = blobs
    frame = pd.DataFrame(X, columns=list("abcd")).assign(colour=np.where(y < 0, "red", "blue"))
    with pytest.raises(ValueError, match=r"X holds text .*(red|blue).* OneHotEncoder"):
        quick(cls).fit(frame, y)


def test_channels_last_are_told_of():
    X = np.zeros((20, 8, 8, 3), dtype=np.uint8)
    X[::2] = 200
    clf = quick(FixMatchClassifier, max_steps=2, module_params={"width": 4})
    with pytest.warns(UserWarning, match=r"X\.transpose\(0, 3, 1, 2\)"):
        clf.fit(X, np.arange(20) % 2)


def test_a_mark_is_one_value(blobs):
    X, y, _ = blobs
    with pytest.raises(ValueError, match="must be a scalar"):
        quick(FixMatchClassifier, unlabeled_label=[1]).fit(X, y)
