"""Numbers over a graph of neighbouring rows."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.stats import multivariate_normal
from sklearn.datasets import make_friedman1, make_swiss_roll

from sklearn_ssl import LabelPropagationRegressor, LazyRows, compare_with_supervised
from sklearn_ssl.methods.label_propagation import manifold as module

RNG = np.random.default_rng(0)


def graph(**params):
    return LabelPropagationRegressor(**{"random_state": 0, **params})


def few(y, n):
    return np.where(np.arange(len(y)) < n, y, np.nan)


@pytest.fixture
def table():
    """Rows, targets of the first 30, all targets: a smooth function and some noise."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(120, 3))
    truth = np.sin(X[:, 0]) + X[:, 1] ** 2 / 3 + 0.05 * rng.normal(size=120)
    return X, few(truth, 30), truth


# ------------------------------------------------------------------------------- by hand


def kernel(X, length):
    return np.exp(-np.square(X[:, None] - X).sum(2) / (2 * length**2))


def by_hand(X, y, weight, lengths, probability, k):
    """The mean of all models, each of them a dense Gaussian process; one of equal landmarks."""
    n, labeled = len(X), np.isfinite(y)
    distances = np.sqrt(np.square(X[:, None] - X).sum(2))
    W = np.zeros((n, n))
    for i in range(n):
        near = np.argsort(distances[i])[1 : k + 1]
        W[i, near] = np.exp(-2 * (distances[i, near] / distances[i, near[-1]]) ** 2)
    W = (W + W.T) * n / (W + W.T).sum()
    L = np.diag(W.sum(0)) - W
    w, z = weight[labeled], y[labeled]
    center = np.average(z, weights=w)
    median = np.median(distances[np.triu_indices(n, 1)])
    logs, found = [], []
    for length in lengths:
        inverse = np.linalg.inv(kernel(X, length * median))
        penalties = [(0, 1, 1 - probability)]
        penalties += [(g, p, probability / 10) for p in (1, 2) for g in 10.0 ** np.arange(1, 6)]
        for gamma, power, prior in penalties:
            K = np.linalg.inv(inverse + gamma / n * np.linalg.matrix_power(L, power))
            K_l = K[labeled][:, labeled]
            best = -np.inf, None
            for v in module.NOISES * np.average(np.diag(K_l), weights=w):
                C = K_l + np.diag(v / w)
                s2 = (z - center) @ np.linalg.solve(C, z - center) / w.sum()
                log = multivariate_normal(np.zeros(len(z)), s2 * C).logpdf(z - center)
                # what copies of a row add to the density of their mean
                log -= (w.sum() - len(z)) * np.log(2 * np.pi * v * s2) / 2 + np.log(w).sum() / 2
                if log > best[0]:
                    best = log, center + K[:, labeled] @ np.linalg.solve(C, z - center)
            logs.append(best[0] + np.log(prior) - np.log2(length) ** 2 / 2)
            found.append(best[1])
    p = np.exp(np.array(logs) - max(logs))
    return p @ np.array(found) / p.sum(), 1 - p[::11].sum() / p.sum()


@pytest.mark.parametrize("weighed", [False, True])
def test_it_is_the_mean_of_dense_gaussian_processes(monkeypatch, weighed):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 4))
    y = few(X[:, 0] * X[:, 1] + 0.1 * rng.normal(size=40), 15)
    weight = rng.integers(1, 4, 40).astype(float) if weighed else np.ones(40)
    lengths = np.array([0.125, 0.25, 0.5])  # of which a kernel has an inverse
    monkeypatch.setattr(module, "LENGTHS", lengths)
    reg = graph(n_neighbors=4, graph_probability=0.4).fit(X, y, sample_weight=weight)
    scaled = (X / X.std(0)).astype(np.float32).astype(float)
    expected, probability = by_hand(scaled, y, weight, lengths, 0.4, 4)
    np.testing.assert_allclose(reg.predict(X), expected, rtol=1e-5)
    np.testing.assert_allclose(reg.graph_probability_, [probability], rtol=1e-5)
    assert 0.05 < probability < 0.95
    np.testing.assert_allclose(reg.transduction_[:15], y[:15], rtol=1e-14)
    np.testing.assert_array_equal(reg.transduction_[15:], reg.predict(X)[15:])


@pytest.mark.parametrize("shape", [(6, 9), (9, 6)])
def test_evidence_of_a_regression_in_its_two_forms(shape):
    rng = np.random.default_rng(0)
    A, z = rng.normal(size=shape), rng.normal(size=shape[0])
    log, a = module.evidence(A, z, 0.0, shape[0])
    best = -np.inf, None
    for v in module.NOISES * np.square(A).sum() / shape[0]:
        C = A @ A.T + v * np.eye(shape[0])
        s2 = z @ np.linalg.solve(C, z) / shape[0]
        likelihood = multivariate_normal(np.zeros(shape[0]), s2 * C).logpdf(z)
        best = max(best, (likelihood, v))
    constant = shape[0] / 2 * (np.log(shape[0]) - np.log(2 * np.pi) - 1)
    assert log + constant == pytest.approx(best[0])
    ridge = A.T @ A + best[1] * np.eye(shape[1])
    np.testing.assert_allclose(a, np.linalg.solve(ridge, A.T @ z), rtol=1e-8)


def test_nodes_of_several_targets_leave_a_scatter():
    y = np.array([[1.0, np.nan], [3.0, 5.0], [np.nan, np.nan], [2.0, 7.0]])
    weight, node = np.array([1.0, 3.0, 1.0, 1.0]), np.array([0, 0, 1, 2])
    mean, total, scatter = module.pooled_targets(y, weight, node)
    np.testing.assert_allclose(mean, [[2.5, 5], [0, 0], [2, 7]])
    np.testing.assert_allclose(total, [[4, 3], [0, 0], [1, 1]])
    np.testing.assert_allclose(scatter, [1.5**2 + 3 * 0.5**2, 0])


def test_landmarks_are_labeled_rows_and_at_least_half_of_the_others():
    labeled = np.arange(100) < 30
    for n, expected in [(200, 30), (40, 20), (80, 30), (10, 5)]:
        chosen = module.landmarks(labeled, n, np.random.RandomState(0))
        assert len(set(chosen)) == min(n, 100)
        assert (chosen < 30).sum() == expected
        assert (np.diff(chosen) > 0).all()
    assert len(module.landmarks(np.ones(100, bool), 10, np.random.RandomState(0))) == 10


# --------------------------------------------------------------------------- what it learns


def test_the_graph_counts_where_the_labels_say_so():
    X, truth = make_swiss_roll(500, noise=0.1, random_state=0)
    reg = graph().fit(X, few(truth, 20))
    alone = graph(unlabeled_weight=0).fit(X, few(truth, 20))
    assert reg.graph_probability_[0] > 0.95
    assert reg.score(X[20:], truth[20:]) > max(0.97, alone.score(X[20:], truth[20:]) + 0.02)
    assert alone.graph_probability_.tolist() == [0]
    X, truth = make_friedman1(500, noise=0.5, random_state=0)
    reg = graph().fit(X, few(truth, 100))
    without = graph(graph_probability=0).fit(X, few(truth, 100))
    assert reg.graph_probability_[0] < 0.5
    assert without.graph_probability_.tolist() == [0]
    assert reg.score(X[100:], truth[100:]) > without.score(X[100:], truth[100:]) - 0.01 > 0.75
    always = graph(graph_probability=1).fit(X, few(truth, 100))
    np.testing.assert_allclose(always.graph_probability_, 1)


def test_comparison_takes_it():
    X, truth = make_swiss_roll(200, noise=0.1, random_state=0)
    result = compare_with_supervised(graph(), X, few(truth, 30), cv=3)
    assert np.isfinite([result.scores, result.supervised_scores]).all()


def test_several_outputs_some_of_them_unknown(table):
    X, y, truth = table
    both = np.column_stack([y, -2 * truth + 5])
    both[:20, 1] = both[60:, 1] = np.nan
    reg = graph().fit(X, both)
    assert reg.n_outputs_ == 2
    assert reg.graph_probability_.shape == (2,)
    for t in range(2):
        one = graph().fit(X, both[:, t]).predict(X)
        np.testing.assert_allclose(reg.predict(X)[:, t], one, atol=1e-7)
    known = np.isfinite(both)
    np.testing.assert_allclose(reg.transduction_[known], both[known])
    np.testing.assert_array_equal(reg.transduction_[~known], reg.predict(X)[~known])
    column = graph().fit(X, y[:, None])
    assert column.predict(X).shape == (120, 1)


def test_a_weight_counts_as_that_many_rows(table):
    X, y, _ = table
    weight = np.arange(120) % 4.0
    twice = np.repeat(np.arange(120), weight.astype(int))
    weighed = graph().fit(X, y, sample_weight=weight)
    repeated = graph().fit(X[twice], y[twice])
    np.testing.assert_allclose(weighed.predict(X), repeated.predict(X), atol=1e-7)
    assert np.abs(weighed.predict(X) - graph().fit(X, y).predict(X)).max() > 1e-3
    changed = np.where(weight == 0, 1e6, y)  # what weighs nothing does not count
    same = graph().fit(X, changed, sample_weight=weight)
    np.testing.assert_array_equal(same.predict(X), weighed.predict(X))
    np.testing.assert_array_equal(same.transduction_[weight == 0], same.predict(X)[weight == 0])


def test_weights_that_are_no_counts_are_told_of(table):
    X, y, truth = table
    for size in (1 / 30, 1000):
        with pytest.warns(UserWarning, match="a mean weight of .* divide") as told:
            reg = graph().fit(X, y, sample_weight=np.full(120, size))
        assert len(told) == 1
        assert np.isfinite(reg.predict(X)).all()
    far_apart = np.where(np.arange(120) % 2 == 0, 1e300, 1e-300)
    assert graph().fit(X, y, sample_weight=far_apart).score(X, truth) > 0.5


def test_more_labels_than_landmarks_are_condensed(table):
    X, _, truth = table
    rng = np.random.default_rng(0)
    A, z = rng.normal(size=(20, 6)), rng.normal(size=20)
    B, x, rest = module.condensed(A, z)
    np.testing.assert_allclose(B.T @ B, A.T @ A)
    np.testing.assert_allclose(B.T @ x, A.T @ z)
    assert rest + x @ x == pytest.approx(z @ z)
    whole, part = module.evidence(A, z, 0.3, 20), module.evidence(B, x, 0.3 + rest, 20)
    assert part[0] == pytest.approx(whole[0])
    np.testing.assert_allclose(part[1], whole[1], rtol=1e-9)
    reg = graph(n_landmarks=60).fit(X, few(truth, 100))
    assert reg.score(X[100:], truth[100:]) > 0.9


def test_equal_rows_with_different_targets_have_noise(table):
    X, y, _ = table
    reg = graph().fit(np.r_[X, X], np.r_[y + 2, y - 2])
    other = graph().fit(np.r_[X, X], np.r_[y - 2, y + 2])
    np.testing.assert_allclose(reg.predict(X), other.predict(X), atol=1e-9)
    exact = graph().fit(np.r_[X, X], np.r_[y, y])
    assert np.std(reg.predict(X)[:30] - y[:30]) > 3 * np.std(exact.predict(X)[:30] - y[:30])


def test_rows_that_no_label_reaches():
    X = np.r_[RNG.normal(size=(60, 2)), RNG.normal(size=(40, 2)) + 1000]
    y = few(X[:, 0], 30)
    predicted = graph(n_neighbors=3).fit(X, y).predict(X)
    assert np.nanmin(y) < predicted[60:].min() <= predicted[60:].max() < np.nanmax(y)


def test_constant_targets_and_few_labels(table):
    X, _, truth = table
    for y in (few(np.full(120, 7.5), 30), few(np.full(120, 7.5), 1)):
        np.testing.assert_array_equal(graph().fit(X, y).predict(X), np.full(120, 7.5))
    for n in (2, 3):
        predicted = graph().fit(X, few(truth, n)).predict(X)
        assert np.isfinite(predicted).all()
    one_row = graph().fit(X[:1], truth[:1])
    np.testing.assert_allclose(one_row.predict(X), truth[0])
    assert np.isfinite(graph().fit(np.ones((9, 2)), few(truth[:9], 5)).predict(X[:, :2])).all()


def test_the_unit_of_the_targets_does_not_matter(table):
    X, y, _ = table
    one, other = graph().fit(X, y).predict(X), graph().fit(X, 1e6 * y + 1e9).predict(X)
    np.testing.assert_allclose((other - 1e9) / 1e6, one, atol=1e-8)


def test_new_rows_near_training_rows_have_their_values(table):
    X, _, _ = table
    y = few(np.sin(X[:, 0]), 60)
    reg = graph().fit(X, y)
    np.testing.assert_allclose(reg.predict(X + 1e-6), reg.transduction_, atol=0.02)
    np.testing.assert_allclose(reg.predict(X[:7]), reg.predict(X)[:7], atol=1e-9)


def test_a_pool_is_as_nan_and_weight_zero_does_not_look_at_it(table):
    X, y, _ = table
    whole, apart = graph().fit(X, y), graph().fit(X[:50], y[:50], X_unlabeled=X[50:])
    np.testing.assert_array_equal(apart.predict(X), whole.predict(X))
    rows = np.r_[apart.transduction_, apart.transduction_unlabeled_]
    np.testing.assert_array_equal(rows, whole.transduction_)
    alone = graph(unlabeled_weight=0).fit(X, y)
    strange = np.where(np.isnan(y)[:, None], 1e3 * X - 50, X)
    other = graph(unlabeled_weight=0).fit(strange, y)
    np.testing.assert_array_equal(other.predict(X), alone.predict(X))
    labeled = graph().fit(X[:30], y[:30])
    np.testing.assert_array_equal(labeled.predict(X), alone.predict(X))


# ---------------------------------------------------------------------------- kinds of rows


KINDS = {
    "sparse": sp.csr_array,
    "lazy": lambda X: LazyRows(list(X)),
    "images": lambda X: X.reshape(-1, 1, 2, 3),
    "frame": lambda X: pd.DataFrame(X, columns=list("abcdef")),
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_rows(kind):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 6)).astype(np.float32) * (rng.random((80, 6)) < 0.8)
    y = few(X[:, 0] + X[:, 1], 40)
    rows = KINDS[kind](X)
    reg, plain = graph(documents=False).fit(rows, y), graph(documents=False).fit(X, y)
    assert reg.input_kind_ == ("images" if kind == "images" else "table")
    if kind != "images":  # whose pixels have one scale
        np.testing.assert_allclose(reg.predict(rows), plain.predict(X), atol=1e-5)
    assert reg.score(rows, X[:, 0] + X[:, 1]) > 0.7


def test_sparse_rows_that_are_many_stay_sparse(monkeypatch):
    rng = np.random.default_rng(0)
    X = sp.random_array((150, 40), density=0.2, rng=rng, dtype=np.float32).tocsr()
    y = few(np.asarray(X[:, [0]].toarray()).ravel(), 80)
    dense = graph(documents=False).fit(X, y).predict(X)
    monkeypatch.setattr("sklearn_ssl.methods.label_propagation.graph.DENSE_SIZE", 10)
    reg = graph(documents=False).fit(X, y)
    assert sp.issparse(reg.function_.landmarks)
    np.testing.assert_allclose(reg.predict(X), dense, atol=1e-4)


def test_documents_have_no_length():
    rng = np.random.default_rng(0)
    topic = rng.random((90, 1))
    shares = np.hstack([np.tile(topic, 150), np.tile(1 - topic, 150)])
    X = sp.csr_array(rng.poisson(0.1 * shares).astype(float))
    y = few(topic[:, 0], 40)
    one = graph().fit(X, y)
    other = graph().fit(X.multiply(rng.integers(1, 9, (90, 1))).tocsr(), y)
    assert one.input_kind_ == "documents"
    np.testing.assert_allclose(other.predict(X), one.predict(X), atol=1e-4)
    assert one.score(X, topic[:, 0]) > 0.6


def test_categories_and_gaps(table):
    X, y, truth = table
    colour = np.where(truth > np.median(truth), "red", "blue")
    rows = pd.DataFrame(X, columns=list("abc")).assign(colour=pd.Categorical(colour))
    rows.iloc[::7, 0] = np.nan
    reg = graph().fit(rows, y)
    assert reg.input_kind_ == "mixed table"
    assert reg.score(rows, truth) > 0.6


# ------------------------------------------------------------------------------- many rows


def test_memory_is_linear_and_landmarks_suffice():
    peaks = []
    for n in (2000, 8000):
        X, truth = make_swiss_roll(n, noise=0.1, random_state=0)
        tracemalloc.start()
        reg = graph(n_landmarks=100).fit(X, few(truth, 200))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert reg.function_.landmarks.shape == (100, 3)
        assert reg.score(X, truth) > 0.98
    assert peaks[1] < 6 * peaks[0]
    assert peaks[1] < 8000**2  # a byte for each pair
    again = graph(n_landmarks=100).fit(X, few(truth, 200))
    np.testing.assert_array_equal(again.predict(X), reg.predict(X))


def test_what_is_refused(table):
    X, y, _ = table
    for params in ({"graph_probability": 1.5}, {"n_landmarks": 1}, {"n_neighbors": 0}):
        with pytest.raises(ValueError, match=next(iter(params))):
            graph(**params).fit(X, y)
    for bad, message in [
        (np.full(len(y), np.nan), "No row is labeled"),
        (np.where(np.isnan(y), np.inf, y), "infinity"),
        (np.column_stack([y, np.full(len(y), np.nan)]), r"Outputs \[1\] of y"),
        (np.array(["a"] * len(y)), "y holds text"),
    ]:
        reg = graph().fit(X, y)
        before = vars(reg).copy()
        with pytest.raises(ValueError, match=message):
            reg.fit(X, bad)
        assert vars(reg) == before
    with pytest.raises(ValueError, match="score needs labeled rows"):
        graph().fit(X, y).score(X, np.full(len(y), np.nan))
