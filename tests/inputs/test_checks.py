"""Every kind of rows and weights, and what is refused."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from sklearn.utils import get_tags

from sklearn_ssl import (
    FixMatchClassifier,
    LabelPropagationClassifier,
    LazyRows,
    SelfTrainingNet,
)
from sklearn_ssl.inputs.checks import warn_of_channels_last

from ..helpers import EVERYTHING, REGRESSORS, every_estimator, few_steps, quick

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
    clf = quick(cls, **few_steps(cls)).fit(X, np.where(hidden, -1, truth))
    assert clf.predict_proba(X).shape == (200, 2)
    assert np.isfinite(clf.predict_proba(X)).all()


@every_estimator
def test_sparse_rows_train_the_net_that_dense_ones_do(cls, digits):
    X, y, X_test, _ = digits
    dense = quick(cls, max_steps=8).fit(X, y).predict_proba(X_test)
    sparse = quick(cls, max_steps=8).fit(sp.csc_array(X), y).predict_proba(sp.csr_array(X_test))
    np.testing.assert_allclose(sparse, dense, atol=1e-6)


@every_estimator
def test_sparse_rows_that_lead_beyond_their_shape_are_refused(cls, digits, fitted):
    X, y, _, _ = digits
    for kind in (sp.csr_array, sp.csc_matrix, sp.bsr_array):
        wrong = kind(X[:40])
        wrong.indices[5] = 10**6
        with pytest.raises(ValueError, match="must be <"):
            quick(cls).fit(wrong, y[:40])
        with pytest.raises(ValueError, match="must be <"):
            fitted(cls).predict(wrong)


@every_estimator
def test_weight_zero_is_dropping_the_row(cls, digits):
    X, y, X_test, _ = digits
    rng = np.random.default_rng(0)
    weight = rng.integers(0, 2, len(y)) * 1.0
    kept = weight > 0
    weighted = quick(cls, max_steps=8).fit(X, y, sample_weight=weight)
    dropped = quick(cls, max_steps=8).fit(X[kept], y[kept])
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
    shares, params = [], {"max_steps": 60, "batch_size": 32}
    for heavy in (0, 1):
        weight = np.where(y == heavy, 10.0, 1.0)
        clf = quick(cls, **params).fit(X, y, sample_weight=weight)
        shares.append(np.mean(clf.predict(X) == heavy))
        by_class = quick(cls, class_weight={heavy: 10.0, 1 - heavy: 1.0}, **params).fit(X, y)
        np.testing.assert_array_equal(clf.predict_proba(X), by_class.predict_proba(X))
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


@pytest.mark.parametrize("size", [3e-310, 1.7e308])
@pytest.mark.parametrize("cls", EVERYTHING)
def test_equal_weights_of_any_size_are_weights_of_one(cls, blobs, size):
    X, y, _ = blobs
    y = np.where(y < 0, np.nan, y) if cls in REGRESSORS else y
    few = few_steps(cls)
    plain = quick(cls, **few).fit(X, y, sample_weight=np.ones(60))
    sized = quick(cls, **few).fit(X, y, sample_weight=np.full(60, size))
    for name in {"predict_proba", "predict"} & set(dir(plain)):
        np.testing.assert_array_equal(getattr(sized, name)(X), getattr(plain, name)(X))
    known = y >= 0
    weight = np.full(60, size)
    score = sized.score(X[known], y[known], sample_weight=weight[known])
    assert score == pytest.approx(plain.score(X[known], y[known]))


@pytest.mark.parametrize("size", [1e-250, 1e250])
@pytest.mark.parametrize("cls", [LabelPropagationClassifier, FixMatchClassifier])
def test_unequal_weights_of_any_size(cls, blobs, size):
    X, y, _ = blobs
    weight = np.random.default_rng(1).uniform(0.5, 1.0, 60)
    weight[::5] = 0
    weight[7] = 1.0
    expected = quick(cls).fit(X, y, sample_weight=weight).predict_proba(X)
    sized = quick(cls).fit(X, y, sample_weight=weight * size).predict_proba(X)
    np.testing.assert_allclose(sized, expected, atol=1e-6)
    of_class = {0: 0.25 * size, 1: size}
    by_class = quick(cls, class_weight=of_class).fit(X, y, sample_weight=weight * size)
    plain = quick(cls, class_weight={0: 0.25, 1: 1.0}).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(by_class.predict_proba(X), plain.predict_proba(X), atol=1e-6)


def test_weights_that_are_far_apart_leave_no_row_out(blobs):
    X, y, _ = blobs
    weight = np.where(y == 0, 1e300, 1e-300)
    p = quick(LabelPropagationClassifier).fit(X, y, sample_weight=weight).predict_proba(X)
    assert np.isfinite(p).all()
    both = quick(LabelPropagationClassifier, class_weight={0: 1e300, 1: 1e-300})
    assert np.isfinite(both.fit(X, y, sample_weight=weight).predict_proba(X)).all()
    with pytest.raises(ValueError, match="positive and finite"):
        quick(FixMatchClassifier, class_weight={0: 1.0, 1: np.inf}).fit(X, y)


@every_estimator
def test_text_among_the_features_is_refused_with_advice(cls, blobs):
    X, y, _ = blobs
    frame = pd.DataFrame(X, columns=list("abcd")).assign(colour=np.where(y < 0, "red", "blue"))
    with pytest.raises(ValueError, match=r"X holds text .*(red|blue).* OneHotEncoder"):
        quick(cls, categorical_features=None).fit(frame, y)


@pytest.mark.parametrize("cls", EVERYTHING, ids=lambda cls: cls.__name__)
def test_masked_entries_of_rows_are_refused_in_fit_and_after_it(cls, blobs):
    X, y, _ = blobs
    y = X[:, 0] if cls in REGRESSORS else y
    whole = np.ma.masked_array(X, mask=np.zeros(X.shape, dtype=bool))
    clf = quick(cls, **few_steps(cls)).fit(whole, y)
    predicted = clf.predict(whole)
    np.testing.assert_array_equal(predicted, quick(cls, **few_steps(cls)).fit(X, y).predict(X))
    some = whole.copy()
    some[7, 1] = np.ma.masked
    refusing = not get_tags(clf).input_tags.allow_nan
    for rows in (some, list(some)) if refusing else [list(some)]:
        with pytest.raises(ValueError, match=r"X is a masked array .* X\.filled\(value\)"):
            quick(cls).fit(rows, y)
        with pytest.raises(ValueError, match=r"X is a masked array .* SimpleImputer"):
            clf.predict(rows)
    np.testing.assert_array_equal(clf.predict(whole), predicted)
    weight = np.ma.masked_array(np.ones(len(X)), mask=y < 0)
    with pytest.raises(ValueError, match="sample_weight is a masked array"):
        quick(cls).fit(X, y, sample_weight=weight)


@pytest.mark.parametrize(
    "shape",
    [(8, 8, 3), (8, 8, 2), (9, 9, 4), (12, 12, 10), (24, 32, 6), (20, 15, 5), (6, 9, 1), (5, 5, 4)],
)
def test_channels_last_are_told_of(shape):
    X = np.zeros((20, *shape), dtype=np.uint8)
    X[::2] = 200
    clf = quick(FixMatchClassifier, max_steps=2, module_params={"width": 4})
    with pytest.warns(UserWarning, match=r"X\.transpose\(0, 3, 1, 2\)"):
        clf.fit(X, np.arange(20) % 2)


@pytest.mark.parametrize("kind", [np.asarray, lambda X: LazyRows(list(X))])
def test_predict_names_channels_that_come_last_and_a_single_image(kind):
    X = np.random.default_rng(0).random((12, 3, 8, 10), dtype=np.float32)
    clf = quick(FixMatchClassifier, max_steps=1, module_params={"width": 4})
    clf.fit(X, np.arange(12) % 3 - 1)
    expected = clf.predict(X)
    with pytest.raises(ValueError, match=r"\(12, 8, 10, 3\).*channels last.*transpose\(0, 3, 1, 2"):
        clf.predict(kind(X.transpose(0, 2, 3, 1)))
    with pytest.raises(ValueError, match=r"single row: X\[None\] of shape \(1, 3, 8, 10\)"):
        clf.predict(X[0])
    np.testing.assert_array_equal(clf.predict(kind(X)), expected)


@pytest.mark.parametrize(
    "shape",
    [
        (3, 8, 8), (2, 9, 9), (10, 12, 12), (1, 24, 5), (3, 40, 2), (2, 40, 3), (3, 9, 1),
        (4, 16, 6), (10, 32, 4), (8, 40, 4), (16, 8, 8), (12, 6, 6), (64, 4, 4),
    ],
)  # fmt: skip
def test_channels_first_are_not_told_of(shape):
    warn_of_channels_last(np.zeros((2, *shape)))


def test_images_for_rows_and_rows_for_images_are_told_apart(digits):
    X, y, _, _ = digits
    images = X.reshape(-1, 1, 8, 8)
    clf = quick(FixMatchClassifier, max_steps=1, module_params=None).fit(images, y)
    with pytest.raises(ValueError, match=r"rows of shape \(64,\), .* X.reshape\(-1, 1, 8, 8\)"):
        clf.predict(X)
    with pytest.raises(ValueError, match=r"rows of shape \(60,\), .* had \(1, 8, 8\)\.$"):
        clf.predict(X[:, :60])
    assert len(clf.predict(X.reshape(-1, 1, 8, 8)[:3])) == 3
    graph = LabelPropagationClassifier().fit(X, y)
    with pytest.raises(ValueError, match=r"rows of shape \(1, 8, 8\), .* X.reshape\(-1, 64\)"):
        graph.predict(images)
