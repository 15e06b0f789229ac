"""Whatever the kind of labels, marks and rows: it works, or it fails in documented words."""

import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import torch
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from sklearn_ssl import LazyRows, hide_labels
from sklearn_ssl.inputs.labels import is_labeled, is_missing

from .helpers import ESTIMATORS, every_estimator, quick

CLASSES = {
    "int": [0, 3],
    "negative": [-1, 1],
    "float": [0.0, 2.0],
    "bool": [False, True],
    "str": ["no", "yes"],
    "digits": ["1", "2"],
}

MARKS = {"-1": -1, "None": None, "NaN": np.nan, "NA": pd.NA, "text": "?", "99": 99}

DOCUMENTED = (
    "No row is labeled|mixes strings and numbers|fixed-width strings|too few for each class"
)


def series(y):
    return pd.Series(y, dtype=object)


def categorical(y):
    return pd.Series(y, dtype=object).astype("category")


def inferred(y):
    return pd.Series(y.tolist()).convert_dtypes()


def polars(y):
    return pl.Series([None if is_missing(v) else v for v in y.tolist()], strict=False)


def masked(y):
    """The mask says what is missing; what lies under it is a class."""
    missing = np.array([is_missing(v) for v in y.tolist()])
    under = y.copy()
    under[missing] = next((v for v in y.tolist() if not is_missing(v)), 0)
    return np.ma.masked_array(under, mask=missing)


def same(value):
    return str(value) if isinstance(value, str) else float(value)


HOLDERS = {
    "object array": lambda y: y,
    "list": lambda y: y.tolist(),
    "numpy's choice": lambda y: np.array(y.tolist()),
    "series": series,
    "category": categorical,
    "inferred": inferred,
    "polars": polars,
    "masked": masked,
    "Categorical": lambda y: pd.Categorical(y.tolist()),
}

ROWS = {
    "float64": lambda X: X,
    "float16": lambda X: X.astype(np.float16),
    "uint8": lambda X: (20 * (X - X.min())).astype(np.uint8),
    "list": lambda X: X.tolist(),
    "pandas": lambda X: pd.DataFrame(X, columns=list("abc")),
    "polars": lambda X: pl.DataFrame(X, schema=list("abc")),
    "csr": sp.csr_array,
    "csc": sp.csc_matrix,
    "coo": sp.coo_array,
    "tensor": lambda X: torch.tensor(X, requires_grad=True),
    "bfloat16": lambda X: torch.tensor(X).bfloat16(),
    "lazy": lambda X: LazyRows(list(X)),
    "big-endian": lambda X: X.astype(">f8"),
    "long double": lambda X: X.astype(np.longdouble),
    "columns first": np.asfortranarray,
    "backwards": lambda X: np.ascontiguousarray(X[::-1])[::-1],
    "read only": lambda X: np.frombuffer(X.tobytes()).reshape(X.shape),
    "objects": lambda X: X.astype(object),
    "nullable": lambda X: pd.DataFrame(X, columns=list("abc"), dtype="Float64"),
    "large": lambda X: X * 2.0**90,
    "small": lambda X: X * 2.0**-90,
    "far from 0": lambda X: 3e9 + X,
    "repeated": lambda X: np.repeat(X[::4], 4, axis=0)[: len(X)],
    "int64": lambda X: 2**60 + (1000 * X).astype(np.int64),
}
WEIGHTS = {"none": None, "one": 1.0, "large": 1e12, "small": 1e-12}


@settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(
    cls=st.sampled_from(ESTIMATORS),
    kind=st.sampled_from(sorted(CLASSES)),
    mark=st.sampled_from(sorted(MARKS)),
    setting=st.sampled_from([-1, None, "?", 99]),
    holder=st.sampled_from(sorted(HOLDERS)),
    rows=st.sampled_from(sorted(ROWS)),
    weight=st.sampled_from(sorted(WEIGHTS)),
    n_labeled=st.integers(0, 20),
    n=st.integers(12, 24),
    seed=st.integers(0, 3),
)
@pytest.mark.filterwarnings("ignore:Only one class", "ignore:No label reaches")
def test_fit_predict_score_work_or_say_why_not(
    cls, kind, mark, setting, holder, rows, weight, n_labeled, n, seed
):
    rng = np.random.default_rng(seed)
    codes = np.arange(n) % 2
    X = rng.normal(size=(n, 3)) + 3 * codes[:, None]
    y = np.array([CLASSES[kind][c] for c in codes], dtype=object)
    hidden = rng.permutation(n) >= n_labeled
    y[hidden] = MARKS[mark]
    recognized = is_missing(MARKS[mark]) or MARKS[mark] == setting
    clf = quick(cls, max_steps=2, unlabeled_label=setting)
    try:
        y = HOLDERS[holder](y)
        data = ROWS[rows](X)
    except (TypeError, pl.exceptions.PolarsError):
        event("no such container")
        return
    weight = {} if WEIGHTS[weight] is None else {"sample_weight": np.full(n, WEIGHTS[weight])}
    refusal = None
    with warnings.catch_warnings(record=True) as told:
        warnings.filterwarnings("always", ".* is a class here, like any other")
        warnings.filterwarnings("always", "y holds both")
        try:
            clf.fit(data, y, **weight)
        except ValueError as error:
            refusal = str(error)
    event("fitted" if refusal is None else refusal[:30])
    if refusal is not None:
        assert re.search(DOCUMENTED, refusal)
        assert not hasattr(clf, "net_")
        # numbers beside text, or a mark that nobody declared, are no fault of ours
        declared = recognized and not (kind == "negative" and setting == -1)  # nor a class -1
        assert n_labeled == 0 or holder == "numpy's choice" or not declared, refusal
        return
    texts = [str(warning.message) for warning in told]
    assert any("is a class here" in t for t in texts) == ("?" in clf.classes_.tolist())
    missing, marked = ~is_labeled(y, None), ~is_labeled(y, setting)
    two = not is_missing(setting) and missing.any() and (marked & ~missing).any()
    assert any("holds both" in text for text in texts) == two
    labeled = is_labeled(y, setting)
    if recognized and kind != "negative" and CLASSES[kind][0] != setting:
        np.testing.assert_array_equal(labeled, ~hidden)
    given_labels = {v for v, known in zip(list(y), labeled, strict=True) if known}
    assert {same(v) for v in clf.classes_} == {same(v) for v in given_labels}
    predicted, p = clf.predict(data), clf.predict_proba(data)
    assert predicted.shape == (n,)
    assert predicted.dtype == clf.classes_.dtype
    assert p.shape == (n, len(clf.classes_))
    np.testing.assert_array_equal(predicted, clf.classes_[p.argmax(1)])
    kept = np.flatnonzero(labeled)
    truth = [same(v) for v in np.asarray(list(y), dtype=object)[kept]]
    assert [same(v) for v in clf.transduction_[kept]] == truth
    right = np.array([same(v) for v in predicted[kept]]) == np.array(truth)
    assert clf.score(data, y) == pytest.approx(right.mean())
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-6)
    assert clf.transduction_.shape == (n,)
    kept = hide_labels(y, 1, stratify=False, random_state=seed, unlabeled_label=setting)
    assert is_labeled(kept, setting).sum() == 1


@pytest.mark.parametrize("kind", sorted(CLASSES))
@every_estimator
def test_each_class_gets_its_own_name(cls, kind):
    rng = np.random.default_rng(0)
    codes = np.arange(60) % 2
    X = rng.normal(size=(60, 3)) + 5 * codes[:, None]
    truth = np.array([CLASSES[kind][c] for c in codes], dtype=object)
    y = truth.copy()
    y[20:] = None
    clf = quick(cls, max_steps=30, batch_size=16, unlabeled_label=None).fit(X, y)
    assert np.mean(clf.predict(X) == truth) > 0.9
