"""Rows that are worth a label."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn.datasets import make_blobs, make_moons
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ssl import LazyRows, rows_to_label
from sklearn_ssl.model_selection import labeling

CENTERS = np.array([[0.0, 0.0], [30.0, 0.0], [0.0, 30.0]])


@pytest.fixture(scope="module")
def three():
    return make_blobs([120, 80, 40], centers=CENTERS, random_state=0)


def test_one_row_near_the_middle_of_each_blob_the_largest_first(three):
    X, blob = three
    rows = rows_to_label(X, 3, random_state=0)
    assert blob[rows].tolist() == [0, 1, 2]
    assert np.linalg.norm(X[rows] - CENTERS, axis=1).max() < 1


def test_blobs_with_labels_come_last_and_labeled_rows_never(three):
    X, blob = three
    y = np.full(len(X), -1)
    y[np.flatnonzero(blob == 0)[:5]] = 7
    assert set(blob[rows_to_label(X, 2, y, random_state=0)]) == {1, 2}
    every = rows_to_label(X, len(X) - 5, y, random_state=0)
    assert sorted(every) == np.flatnonzero(y == -1).tolist()


def test_the_same_seed_gives_the_same_rows(three):
    X = three[0]
    first, again, other = (rows_to_label(X, 20, random_state=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("fitted", [False, True])
def test_equal_rows_come_when_no_others_are_left(fitted):
    X = np.repeat(np.arange(12.0)[:, None], 4, axis=0)
    y = np.full(48, -1)
    y[:2], y[-1] = 0, 1
    clf = LogisticRegression().fit(X[y >= 0], y[y >= 0]) if fitted else None
    rows = rows_to_label(X, 45, y, estimator=clf, random_state=0)
    assert sorted(X[rows[:10], 0]) == list(range(1, 11))  # 0 and 11 equal labeled rows
    assert sorted(rows) == np.flatnonzero(y == -1).tolist()


def test_rows_near_the_boundary_of_moons_come_first():
    X, truth = make_moons(400, noise=0.1, random_state=0)
    y = np.where(np.arange(400) < 30, truth, -1)
    clf = LogisticRegression().fit(X[:30], truth[:30])
    margin = np.abs(2 * clf.predict_proba(X)[:, 0] - 1)
    rows = rows_to_label(X, 10, y, estimator=clf, random_state=0)
    assert margin[rows[:3]].max() < 0.5 * margin[30:].mean()
    assert margin[rows].mean() < 0.7 * margin[30:].mean()
    far = X[rows][:, None] - X[rows]
    assert np.sort(np.linalg.norm(far, axis=2), axis=1)[:, 1].min() > 0.05  # they differ


def test_rows_by_a_pipeline_and_its_own_mark(three):
    X, blob = three
    y = np.where(np.arange(len(X)) % 8 == 0, np.array(["a", "b", "c"])[blob], "-1")
    clf = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[y != "-1"], y[y != "-1"])
    rows = rows_to_label(X, 4, y, estimator=clf, random_state=0)
    assert (y[rows] == "-1").all()
    marked = np.where(y == "-1", "?", y)
    assert (marked[rows_to_label(X, 4, marked, unlabeled_label="?", random_state=0)] == "?").all()


def test_one_class_alone_is_no_error(three):
    X = three[0]
    clf = type("One", (), {"predict_proba": lambda self, X: np.ones((len(X), 1))})()
    assert len(set(rows_to_label(X, 9, estimator=clf, random_state=0))) == 9


def kinds(X):
    frame = pd.DataFrame(X, columns=["a", "b"])
    frame["color"] = np.where(X[:, 0] > 15, "red", "blue")
    frame.loc[3, "a"] = np.nan
    images = np.repeat(X.astype(np.float32), 6, axis=1).reshape(len(X), 3, 2, 2)
    return {
        "list": X.tolist(),
        "tensor": torch.from_numpy(X),
        "sparse": sp.csr_array(X),
        "frame with categories and gaps": frame,
        "images": images,
        "lazy": LazyRows(list(images)),
    }


@pytest.mark.parametrize("kind", list(kinds(np.zeros((4, 2)))))
def test_kinds_of_rows(three, kind):
    X, blob = three
    rows = rows_to_label(kinds(X)[kind], 3, random_state=0)
    assert rows.dtype.kind == "i"
    assert set(blob[rows]) == {0, 1, 2}


def test_distances_are_of_the_features(three):
    X, blob = three
    noise = np.random.default_rng(0).normal(size=(len(X), 2))
    assert set(blob[rows_to_label(noise, 3, features=X, random_state=0)]) == {0, 1, 2}


def test_of_many_rows_some_are_looked_at(three, monkeypatch):
    X = three[0]
    monkeypatch.setattr(labeling, "LOOKED_AT", 60)
    y = np.where(np.arange(len(X)) < 70, 0, -1)
    assert (y[rows_to_label(X, 5, y, random_state=0)] == -1).all()
    assert len(set(rows_to_label(X, 200, random_state=0))) == 200


def test_more_rows_than_clusters_are_drawn_from_all(three, monkeypatch):
    X, blob = three
    monkeypatch.setattr(labeling, "CLUSTERS", 3)
    counts = np.bincount(blob[rows_to_label(X, 60, random_state=0)])
    assert counts.min() > 10  # in proportion to the root of the sizes
    assert counts.tolist() == sorted(counts, reverse=True)


def test_refusals_say_what_to_do(three):
    X, blob = three
    with pytest.raises(ValueError, match="only 10 have no label"):
        rows_to_label(X, 11, np.where(np.arange(len(X)) < 10, -1, blob))
    with pytest.raises(ValueError, match="RidgeClassifier has no predict_proba"):
        rows_to_label(X, 3, estimator=RidgeClassifier().fit(X, blob))
    with pytest.raises(NotFittedError):
        rows_to_label(X, 3, estimator=LogisticRegression())
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        rows_to_label(X, 3, blob[:-1])
    with pytest.raises(ValueError, match="n == 0, must be >= 1"):
        rows_to_label(X, 0)
