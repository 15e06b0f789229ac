"""Searches for neighbours: exact, in lists, of a transformer, in a given graph."""

import logging
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsTransformer, NearestNeighbors, kneighbors_graph
from sklearn.pipeline import make_pipeline

from sklearn_ssl import (
    LabeledSplit,
    LabelPropagationClassifier,
    LabelPropagationNet,
    LabelPropagationRegressor,
    hide_labels,
)
from sklearn_ssl.methods.label_propagation import lists
from sklearn_ssl.methods.label_propagation import neighbors as module
from sklearn_ssl.methods.label_propagation.lists import RowLists
from sklearn_ssl.methods.label_propagation.neighbors import fitted, nearest

from .by_hand import sheets


@pytest.fixture
def many(monkeypatch):
    """So few rows are many."""
    monkeypatch.setattr(module, "EXACT_ROWS", 1000)
    monkeypatch.setattr(lists, "SIZE", 64)
    monkeypatch.setattr(lists, "OF_A_NEIGHBOR", 4)


def clustered(n):
    """Groups of 20 rows, far smaller than what is between them."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(n // 20, 8))
    return (np.repeat(centers, 20, 0) + 1e-4 * rng.normal(size=(n, 8))).astype(np.float32)


def on_a_sphere(n):
    X = sheets(n)[0] - 100
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def one_dense_group(n):
    X = np.random.default_rng(0).normal(size=(n, 8)).astype(np.float32)
    X[: n // 2] *= 1e-3
    return X


def few_kinds(n):
    return np.random.default_rng(0).integers(0, 4, size=(n, 3)).astype(np.float32)


DATA = {
    "sheets, far from the origin": lambda n: sheets(n)[0],
    "small groups": clustered,
    "length 1": on_a_sphere,
    "one dense group": one_dense_group,
}


def found(true, rows):
    return np.mean([np.isin(a, b).mean() for a, b in zip(true, rows, strict=True)])


def test_neighbours_leave_the_row_itself_out_also_among_equal_rows():
    X = np.repeat(np.arange(5.0), 3)[:, None]
    distances, rows = nearest(X, 2)
    assert (rows != np.arange(15)[:, None]).all()
    assert (distances == 0).all()
    assert nearest(X, 99)[1].shape == (15, 14)
    assert nearest(X[:1], 5)[1].shape == (1, 0)


@pytest.mark.parametrize("k", [5, 25])
@pytest.mark.parametrize("data", DATA)
def test_lists_hold_nearly_all_neighbours(many, data, k):
    X = DATA[data](4400)
    X, new = np.split(np.random.default_rng(1).permutation(X), [4000])
    search, again = (fitted(X, k, seed=3) for _ in range(2))
    assert isinstance(search, RowLists)
    assert search.n_probes < len(search.means)
    exact = NearestNeighbors(n_neighbors=k).fit(X.astype(float))
    distances, rows = search.kneighbors()
    np.testing.assert_array_equal(rows, again.kneighbors()[1])
    assert found(exact.kneighbors()[1], rows) > 0.99
    assert (rows != np.arange(4000)[:, None]).all()
    assert all(len(set(r)) == k for r in rows.tolist())
    by_hand = np.linalg.norm(X[:, None].astype(float) - X[rows], axis=2)
    np.testing.assert_allclose(distances, by_hand, rtol=1e-3, atol=1e-5)
    assert (np.diff(distances, axis=1) >= 0).all()
    distances, rows = search.kneighbors(new.astype(float))
    assert found(exact.kneighbors(new.astype(float))[1], rows) > 0.98
    by_hand = np.linalg.norm(new[:, None].astype(float) - X[rows], axis=2)
    np.testing.assert_allclose(distances, by_hand, rtol=1e-3, atol=1e-5)


def test_lists_stand_equal_rows(many):
    X = few_kinds(1500)
    distances, rows = nearest(X, 5)
    assert (distances == 0).all()
    assert (X[rows] == X[:, None]).all()
    assert (rows != np.arange(1500)[:, None]).all()
    assert (fitted(X, 5).kneighbors(X)[0] == 0).all()


def test_rows_whose_lists_are_too_short_are_compared_with_all(many):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 4)).astype(np.float32)
    search = fitted(X, 5)
    search.n_probes, search.starts = 1, np.zeros_like(search.starts)
    search.starts[-1] = 2000  # all lists but the last are empty
    exact = NearestNeighbors(n_neighbors=5).fit(X)
    np.testing.assert_array_equal(search.kneighbors()[1], exact.kneighbors()[1])
    np.testing.assert_array_equal(search.kneighbors(X[:9] + 1)[1], exact.kneighbors(X[:9] + 1)[1])


def test_many_rows_fit_and_predict_as_few_do(many, monkeypatch):
    X, truth = sheets(3000)
    y = hide_labels(truth[:2500], 40, random_state=0)
    clf = LabelPropagationClassifier(random_state=0)
    many_rows = clone(clf).fit(X[:2500], y)
    assert isinstance(many_rows.graph_.neighbors, RowLists)
    monkeypatch.setattr(module, "EXACT_ROWS", 10**6)
    exact = clone(clf).fit(X[:2500], y)
    assert (many_rows.transduction_ == exact.transduction_).mean() > 0.99
    assert (many_rows.predict(X[2500:]) == exact.predict(X[2500:])).mean() > 0.99


def test_lists_go_into_files(many):
    X, truth = sheets(1500)
    clf = LabelPropagationClassifier(random_state=0).fit(X, hide_labels(truth, 40, random_state=0))
    again = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))


def test_the_log_says_how_neighbours_are_found(many, caplog):
    X, truth = sheets(1200)
    y = hide_labels(truth, 40, random_state=0)
    with caplog.at_level(logging.INFO, "sklearn_ssl"):
        LabelPropagationClassifier(random_state=0).fit(X, y)
        LabelPropagationClassifier(random_state=0).fit(X[:900], y[:900])
    said, of_few = [r.getMessage() for r in caplog.records if "neighbours" in r.getMessage()]
    assert "1,200 rows" in said
    assert "lists" in said
    assert "exact" in of_few


# ---------------------------------------------------------------- a transformer


def exact_transformer(k=5):
    return KNeighborsTransformer(n_neighbors=k)


class Callable(BaseEstimator):
    """Has the least that is asked for, and its graph is not in order."""

    def fit(self, X, y=None):
        self.search_ = NearestNeighbors(n_neighbors=12).fit(X)
        return self

    def transform(self, X):
        graph = sp.coo_array(self.search_.kneighbors_graph(X, mode="distance"))
        order = np.random.default_rng(0).permutation(graph.nnz)
        row, column = graph.row[order], graph.col[order]
        return sp.coo_array((graph.data[order], (row, column)), graph.shape)


@pytest.fixture
def task():
    X, truth = sheets(600)
    return X[:500], hide_labels(truth[:500], 40, random_state=0), X[500:]


@pytest.mark.parametrize("transformer", [exact_transformer(), exact_transformer(9), Callable()])
def test_an_exact_transformer_changes_nothing(task, transformer):
    X, y, new = task
    plain = LabelPropagationClassifier().fit(X, y)
    clf = LabelPropagationClassifier(neighbors=transformer).fit(X, y)
    np.testing.assert_allclose(clf.label_distributions_, plain.label_distributions_, atol=1e-9)
    np.testing.assert_allclose(clf.predict_proba(new), plain.predict_proba(new), atol=1e-9)
    assert not [name for name in vars(transformer) if name.endswith("_")]
    again = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(again.predict_proba(new), clf.predict_proba(new))


def test_regressors_and_nets_take_a_transformer(task):
    X, y, new = task
    for cls, params, given in [
        (LabelPropagationRegressor, {"n_neighbors": 5}, np.where(y < 0, np.nan, y)),
        (LabelPropagationNet, {"max_steps": 5, "max_iter": 1}, y),
    ]:
        plain = cls(random_state=0, **params).fit(X, given)
        seen = cls(random_state=0, neighbors=Callable(), **params).fit(X, given)
        np.testing.assert_allclose(seen.predict(new), plain.predict(new), rtol=1e-4)
        with pytest.raises(ValueError, match=r"n_neighbors=3, but n_neighbors=5"):
            cls(neighbors=exact_transformer(3), **params).fit(X, given)
        with pytest.raises(ValueError, match="'neighbors' parameter"):
            cls(neighbors="precomputed", **params).fit(X, given)


def test_grids_search_transformers(task):
    X, y, _ = task
    grid = {"neighbors": ["auto", exact_transformer(7)], "n_neighbors": [3, 5]}
    search = GridSearchCV(LabelPropagationClassifier(), grid, cv=LabeledSplit(2)).fit(X, y)
    by_pair = search.cv_results_["mean_test_score"]
    np.testing.assert_allclose(by_pair[:2], by_pair[2:])
    nested = LabelPropagationClassifier(neighbors=exact_transformer(7))
    assert nested.set_params(neighbors__n_neighbors=6).neighbors.n_neighbors == 6


class TooFew(Callable):
    def fit(self, X, y=None):
        self.search_ = NearestNeighbors(n_neighbors=4).fit(X)
        return self


@pytest.mark.parametrize(
    ("neighbors", "message"),
    [
        ("faiss", "'neighbors' parameter"),
        (NearestNeighbors(), "'neighbors' parameter"),
        (KNeighborsTransformer(mode="connectivity"), "mode='distance'"),
        (exact_transformer(4), "n_neighbors=4, but n_neighbors=5 are needed"),
        (TooFew(), "has 3 neighbours in the graph, but n_neighbors=5 are needed: let"),
    ],
)
def test_transformers_that_will_not_do(task, neighbors, message):
    X, y, _ = task
    clf = LabelPropagationClassifier(neighbors=neighbors)
    with pytest.raises(ValueError, match=message):
        clf.fit(X, y)
    assert not hasattr(clf, "classes_")


# ---------------------------------------------------------------- a given graph


def precomputed(**params):
    return LabelPropagationClassifier(neighbors="precomputed", **params)


@pytest.fixture
def graphs(task):
    """The graph of scaled rows with and without the diagonal, that of new rows, and labels."""
    X, y, new = task
    plain = LabelPropagationClassifier().fit(X, y)
    X, new = plain.graph_._scaled(X), plain.graph_._scaled(new)
    search = exact_transformer().fit(X)
    return search.transform(X), kneighbors_graph(X, 5, mode="distance"), search.transform(new), y


@pytest.mark.parametrize("diagonal", [True, False])
def test_a_given_graph_is_that_of_its_rows(task, graphs, diagonal):
    X, y, new = task
    graph, other, of_new, _ = graphs
    plain = LabelPropagationClassifier().fit(X, y)
    clf = precomputed().fit(graph if diagonal else other, y)
    np.testing.assert_array_equal(clf.label_distributions_, plain.label_distributions_)
    np.testing.assert_array_equal(clf.predict_proba(of_new), plain.predict_proba(new))
    assert clf.n_features_in_ == 500
    assert clf.input_kind_ == "graph"
    again = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(again.predict(of_new), clf.predict(of_new))


def test_pipelines_and_splits_cut_a_graph(task):
    X, y, new = task
    pipe = make_pipeline(exact_transformer(8), precomputed(n_neighbors=4)).fit(X, y)
    assert pipe.predict(new).shape == (100,)
    every_pair = kneighbors_graph(X, 499, mode="distance")
    search = GridSearchCV(precomputed(), {"n_neighbors": [3, 5]}, cv=LabeledSplit(3))
    assert search.fit(every_pair, y).best_score_ > 0.8


def test_rows_of_weight_zero_are_cut_out_of_a_graph(task):
    X, y, new = task
    weight = np.where(np.arange(500) % 7 == 3, 0.0, 1.0)
    every_pair = kneighbors_graph(X, 499, mode="distance")
    part = np.flatnonzero(weight)
    smaller = precomputed().fit(every_pair[part][:, part], y[part])
    clf = precomputed().fit(every_pair, y, sample_weight=weight)
    np.testing.assert_array_equal(clf.label_distributions_[part], smaller.label_distributions_)
    of_new = exact_transformer(499).fit(X).transform(new)
    p = smaller.predict_proba(of_new[:, part])
    np.testing.assert_array_equal(clf.predict_proba(of_new), p)


@pytest.mark.filterwarnings("ignore:No label reaches")
def test_rows_of_a_graph_that_no_label_reaches_have_the_shares_of_the_labels():
    X = np.r_[np.arange(10.0), 1000 + np.arange(10.0)][:, None]
    y = np.full(20, -1)
    y[[0, 1, 2, 9]] = [0, 0, 0, 1]
    clf = precomputed(n_neighbors=2).fit(kneighbors_graph(X, 3, mode="distance"), y)
    assert clf.n_unreached_ == 10
    np.testing.assert_allclose(clf.label_distributions_[10:], [[0.75, 0.25]] * 10)


def test_graphs_that_will_not_do(graphs):
    graph, other, of_new, y = graphs
    with_nan = other.copy()
    with_nan.data[3] = np.nan
    beyond = other.copy()
    beyond.indices[3] = 10**6
    for wrong, message in [
        (graph.toarray(), "no sparse graph"),
        (of_new, "square graph"),
        (-graph, "no distances"),
        (with_nan, "no distances"),
        (beyond, "must be < 500"),
        (sp.csr_array(graph.shape), "Row 0 has 0 neighbours"),
        (sp.csr_array(np.exp(-graph.toarray())), "not similarities"),
        (kneighbors_graph(np.arange(500.0)[:, None], 9, include_self=True), "not similarities"),
        (kneighbors_graph(np.arange(500.0)[:, None] ** 1.1, 4, mode="distance"), "4 neighbours"),
    ]:
        clf = precomputed()
        with pytest.raises(ValueError, match=message):
            clf.fit(wrong, y)
        assert not hasattr(clf, "classes_")
    clf = precomputed().fit(graph, y)
    with pytest.raises(ValueError, match="to the 500 rows of fit"):
        clf.predict(of_new[:, :400])
    with pytest.raises(ValueError, match="has 2 neighbours"):
        clf.predict(kneighbors_graph(np.arange(500.0)[:, None] ** 1.1, 2, mode="distance"))
    with pytest.raises(ValueError, match="X_unlabeled"):
        precomputed().fit(graph, y, X_unlabeled=graph)
    with pytest.raises(ValueError, match="class_prior='estimate'"):
        precomputed(class_prior="estimate").fit(graph, y)


def test_a_search_holds_few_candidates_at_a_time(many, monkeypatch):
    X = np.random.default_rng(0).normal(size=(1500, 16)).astype(np.float32)  # no groups: all lists
    whole = nearest(X, 3)
    monkeypatch.setattr(lists, "CELLS", 500)
    for a, b in zip(whole, nearest(X, 3), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_equal_distances_are_a_graph_like_any_other():
    X = np.arange(0.0, 40, 2)[:, None]
    y = np.where(np.arange(20) % 5 == 2, np.arange(20) // 10, -1)
    search = KNeighborsTransformer(n_neighbors=2).fit(X)
    graph = search.transform(X)
    clf = LabelPropagationClassifier(n_neighbors=1, neighbors="precomputed").fit(graph, y)
    alone = clf.predict_proba(search.transform([[1.0]]))
    both = clf.predict_proba(search.transform([[1.0], [2.2]]))
    np.testing.assert_array_equal(alone[0], both[0])
    unweighted = kneighbors_graph(X, 2)  # 1 everywhere
    clf.fit(unweighted, y)
    assert clf.transduction_.tolist() == [0] * 10 + [1] * 10


@pytest.mark.parametrize("n_kinds", [1, 2, 4])
def test_a_transformer_may_find_fewer_rows_that_differ(n_kinds):
    X = np.repeat(np.arange(float(n_kinds))[:, None], 10, 0)
    truth = X[:, 0] > 0 if n_kinds > 1 else np.arange(10) % 3 > 0
    y = np.where(np.arange(len(X)) % 10 < 3, truth.astype(int), -1)
    search = KNeighborsTransformer(n_neighbors=5)
    clf = LabelPropagationClassifier(neighbors=search).fit(X, y)
    plain = LabelPropagationClassifier().fit(X, y)
    np.testing.assert_allclose(clf.label_distributions_, plain.label_distributions_)
    assert search.n_neighbors == 5  # of the user


def test_a_graph_leaves_no_names_of_columns():
    pandas = pytest.importorskip("pandas")
    X = np.random.default_rng(0).normal(size=(30, 2))
    y = np.where(np.arange(30) < 10, np.arange(30) % 2, -1)
    clf = LabelPropagationClassifier().fit(pandas.DataFrame(X, columns=["a", "b"]), y)
    clf.set_params(neighbors="precomputed")
    clf.fit(kneighbors_graph(X, 5, mode="distance"), y)
    assert not hasattr(clf, "feature_names_in_")
