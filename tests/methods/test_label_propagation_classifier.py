"""Label propagation over the rows themselves."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.datasets import load_digits, make_moons
from sklearn.model_selection import train_test_split
from sklearn.neighbors import NearestNeighbors
from sklearn.semi_supervised import LabelSpreading

from sklearn_ssl import (
    LabelPropagationClassifier,
    LabelPropagationNet,
    LazyRows,
    compare_with_supervised,
    hide_labels,
)
from sklearn_ssl.methods.label_propagation import graph as module

from .by_hand import half, sheets


def graph(**params):
    return LabelPropagationClassifier(random_state=0, **params)


def test_memory_is_linear_and_the_graph_sparse(monkeypatch):
    seen = []
    solve = module.diffuse

    def spy(W, Y, alpha):
        seen.append(W)
        return solve(W, Y, alpha)

    monkeypatch.setattr(module, "diffuse", spy)
    peaks = []
    for n in (3000, 12_000):
        X, y = sheets(n)
        few = hide_labels(y, 40, random_state=0)
        tracemalloc.start()
        graph().fit(X, few)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert sp.issparse(seen[-1])
        assert 5 * n <= seen[-1].nnz <= 10 * n
        assert abs(seen[-1] - seen[-1].T).max() < 1e-12
    assert peaks[1] < 6 * peaks[0]
    assert peaks[1] < 12_000**2 / 4  # a byte for each pair would be four times that


@pytest.mark.filterwarnings("ignore:No label reaches")
@pytest.mark.parametrize(("labels_a_class", "least"), [(2, 0.86), (5, 0.89), (10, 0.91)])
def test_better_than_label_spreading_on_hidden_labels_of_digits(labels_a_class, least):
    ours, theirs = [], []
    for seed in range(10, 14):
        X, truth, y = half(seed, labels_a_class)
        hidden = y < 0
        other = LabelSpreading(kernel="knn", n_neighbors=7).fit(X, y)
        theirs.append((other.transduction_ == truth)[hidden].mean())
        ours.append((graph().fit(X, y).transduction_ == truth)[hidden].mean())
    assert np.mean(ours) >= np.mean(theirs), (ours, theirs)
    assert np.mean(ours) > least


def test_new_rows_take_the_distributions_of_their_nearest_rows(digits):
    X, y, _, _ = digits
    truth = load_digits(return_X_y=True)[1]
    X_fit, X_new, y_fit, _, _, truth_new = train_test_split(
        X, y, train_test_split(truth, test_size=0.5, stratify=truth, random_state=0)[0],
        stratify=y, random_state=1,
    )  # fmt: skip
    clf = graph().fit(X_fit, y_fit)
    p = clf.predict_proba(X_new)
    np.testing.assert_allclose(p.sum(1), 1)
    assert np.mean(clf.predict(X_new) == truth_new) > 0.9
    np.testing.assert_array_equal(p[:7], clf.predict_proba(X_new[:7]))
    scaled = clf.graph_._scaled(X_fit), clf.graph_._scaled(X_new[:1])
    distances, rows = NearestNeighbors(n_neighbors=5).fit(scaled[0]).kneighbors(scaled[1])
    weights = np.exp(-2 * (distances / distances[0, -1]) ** 2)
    by_hand = (weights.T * clf.graph_.distributions[rows[0]]).sum(0) / weights.sum()
    np.testing.assert_allclose(p[0], by_hand, atol=1e-6)


def test_two_moons_with_one_label_each_and_long_chains():
    X, truth = make_moons(2000, noise=0.05, random_state=0)
    y = np.full(2000, -1)
    y[[np.flatnonzero(truth == 0)[0], np.flatnonzero(truth == 1)[0]]] = [0, 1]
    assert graph().fit(X, y).score(X, truth) == 1


def test_on_rows_that_no_label_reaches_the_nearest_labels_vote():
    X = np.array([[0.0], [0.1], [0.2], [9.0], [9.1], [9.3], [-8.0], [-8.1]])
    y = np.array([0, 1, 1, -1, -1, -1, -1, -1])
    with pytest.warns(UserWarning, match=r"No label reaches 5 of 8 rows .* n_neighbors") as told:
        clf = graph(n_neighbors=1).fit(X, y)
    assert len(told) == 1
    assert clf.n_unreached_ == 5
    expected = [[0, 1]] * 3 + [[1, 0]] * 2
    np.testing.assert_array_equal(clf.label_distributions_[3:], expected)
    np.testing.assert_array_equal(clf.predict_proba(X[3:]), expected)
    assert graph(n_neighbors=5).fit(X, y).n_unreached_ == 0
    vote = graph(n_neighbors=2, unlabeled_weight=0).fit(X, y)  # where all is reached
    assert vote.n_unreached_ == 0
    with pytest.warns(UserWarning, match="3 of 8"):
        both = graph(n_neighbors=2).fit(X, y)
    np.testing.assert_allclose(both.label_distributions_[3:6], vote.label_distributions_[3:6])


KINDS = {
    "dense": lambda X: X,
    "sparse": sp.csr_array,
    "lazy": lambda X: LazyRows(list(X)),
    "images": lambda X: X.astype(np.uint8).reshape(-1, 1, 1, X.shape[1]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_tables_of_few_distinct_rows(kind):
    gains = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X = rng.binomial(3, 0.5, size=(2000, 3)).astype(float)
        y = (X[:, 0] + X[:, 1] > 3) * 1
        few = hide_labels(y, 25, random_state=seed)
        rows, hidden = KINDS[kind](X), few < 0
        clf, vote = graph().fit(rows, few), graph(unlabeled_weight=0).fit(rows, few)
        assert clf.n_unreached_ == 0
        of_row = {}
        for row, p in zip(X[hidden].tolist(), clf.label_distributions_[hidden], strict=True):
            assert (of_row.setdefault(tuple(row), p) == p).all()
        scores = [(m.transduction_ == y)[hidden].mean() for m in (clf, vote)]
        gains.append(scores[0] - scores[1])
        assert scores[0] > 0.8
    assert np.mean(gains) > -0.01, gains


def test_the_order_of_equal_rows_does_not_matter():
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(60, 2)), 4, axis=0)
    few = np.where(np.arange(240) % 11 == 0, np.repeat(rng.integers(0, 2, 60), 4), -1)
    p = graph().fit(X, few).label_distributions_
    order = rng.permutation(240)
    np.testing.assert_allclose(graph().fit(X[order], few[order]).label_distributions_, p[order])


def test_rare_classes_do_not_vanish():
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1], [900, 100])
    X = rng.normal(size=(1000, 4)) + 3 * truth[:, None]
    y = hide_labels(truth, 50, random_state=0)
    predicted = graph().fit(X, y).transduction_
    assert np.mean(predicted[truth == 1] == 1) > 0.85
    assert np.mean(predicted[truth == 0] == 0) > 0.97


@pytest.mark.parametrize("many", [False, True])
def test_what_comes_in_other_forms_is_the_same_graph(digits, monkeypatch, many):
    if many:
        monkeypatch.setattr(module, "DENSE_SIZE", 0)
    X, y, X_test, _ = digits
    expected = graph().fit(X, y).predict_proba(X_test)
    sparse = graph().fit(sp.csc_array(X), y)
    same = {"atol": 1e-5 if many else 0, "rtol": 1e-7 if many else 0}  # of sums in other orders
    np.testing.assert_allclose(sparse.predict_proba(sp.csr_array(X_test)), expected, **same)
    np.testing.assert_allclose(sparse.predict_proba(X_test), expected, **same)
    lazy = graph().fit(LazyRows(list(X)), y)
    np.testing.assert_array_equal(lazy.predict_proba(X_test), expected)
    units = np.geomspace(1e-2, 1e2, 64)
    scaled = graph().fit(X * units, y).predict_proba(X_test * units)
    assert np.mean(scaled.argmax(1) == expected.argmax(1)) > 0.99
    images = (X * 15).astype(np.uint8).reshape(-1, 1, 8, 8)
    assert np.mean(graph().fit(images, y).transduction_[y >= 0] == y[y >= 0]) == 1


def test_weights_and_rows_left_out(digits):
    X, y, X_test, y_test = digits
    weight = (np.arange(len(y)) % 4 > 0) * 1.0
    kept = weight > 0
    weighted = graph().fit(X, y, sample_weight=weight)
    dropped = graph().fit(X[kept], y[kept])
    np.testing.assert_array_equal(weighted.predict_proba(X_test), dropped.predict_proba(X_test))
    np.testing.assert_array_equal(weighted.transduction_[kept], dropped.transduction_)
    assert weighted.transduction_.shape == y.shape
    labeled = y >= 0
    whole = graph(unlabeled_weight=0).fit(X, y)
    alone = graph(unlabeled_weight=0).fit(X[labeled], y[labeled])
    np.testing.assert_array_equal(whole.predict_proba(X_test), alone.predict_proba(X_test))
    assert graph().fit(X, y).score(X_test, y_test) > whole.score(X_test, y_test) + 0.03
    heavy = graph(class_weight={c: 50.0 if c == 3 else 1.0 for c in range(10)}).fit(X, y)
    assert np.sum(heavy.transduction_ == 3) > np.sum(weighted.transduction_ == 3)


def test_what_it_knows_after_a_fit(blobs):
    X, y, truth = blobs
    clf = graph().fit(X, np.where(y < 0, None, np.array(["a", "b"])[truth]))
    assert list(clf.classes_) == ["a", "b"]
    assert (clf.transduction_ == np.array(["a", "b"])[truth]).all()
    assert clf.label_distributions_[0].tolist() == [1.0, 0.0]
    assert clf.n_iter_ >= 1
    assert not hasattr(clf, "net_")
    assert repr(clone(clf)) == repr(clf)
    with pytest.raises(ValueError, match="features"):
        clf.predict(X[:, :2])
    with pytest.warns(UserWarning, match="Only one class"):
        assert graph().fit(X[:1], [1]).predict(X[:2]).tolist() == [1, 1]
    result = compare_with_supervised(graph(), X, y, cv=3)
    assert np.isfinite(result.difference)


def test_without_a_network_there_is_nothing_to_continue_or_to_write(blobs):
    X, y, _ = blobs
    clf = graph().fit(X, y)
    assert not hasattr(clf, "partial_fit")
    assert hasattr(LabelPropagationNet(), "partial_fit")
    assert not hasattr(clf, "save")
    assert hasattr(LabelPropagationNet(), "save")


def test_a_refused_fit_leaves_the_graph_as_it_was(blobs):
    X, y, _ = blobs
    clf = graph().fit(X, y)
    before, known = clf.predict_proba(X), vars(clf).keys()
    for bad_X, bad_y, message in [
        (X, y[:-1], "inconsistent"),
        (X[:, :2], np.full(60, -1), "No row is labeled"),
        (np.full((60, 4), np.inf), y, "infinity"),
    ]:
        with pytest.raises(ValueError, match=message):
            clf.fit(bad_X, bad_y)
    np.testing.assert_array_equal(clf.predict_proba(X), before)
    assert vars(clf.fit(X, y)).keys() == known


@pytest.mark.parametrize("params", [{"n_neighbors": 0}, {"alpha": 1.0}, {"alpha": 0}])
def test_parameters_out_of_range_are_refused(blobs, params):
    X, y, _ = blobs
    with pytest.raises(ValueError, match=next(iter(params))):
        graph(**params).fit(X, y)
