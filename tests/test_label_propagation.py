"""Diffusion over a graph, without a network and with one."""

import math
import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits, make_moons
from sklearn.model_selection import train_test_split
from sklearn.neighbors import NearestNeighbors
from sklearn.semi_supervised import LabelSpreading
from sklearn_ssl.data import Batch
from sklearn_ssl.graph import certainty, diffuse, edges, nearest
from sklearn_ssl.label_propagation import LabelPropagationLoss, LabelPropagationNet, _features
from torch import nn

from sklearn_ssl import LazyRows, compare_with_supervised, hide_labels
from sklearn_ssl import graph as module


def graph(**params):
    return LabelPropagationNet(module=None, random_state=0, **params)


def small(**params):
    net = {"module_params": {"hidden_layer_sizes": (32, 32)}, "unlabeled_ratio": 2}
    return LabelPropagationNet(
        **{"max_steps": 60, "max_iter": 1, "random_state": 0, **net, **params}
    )


def half(seed, labels_a_class):
    """A half of digits, its labels hidden but for some: the other half is for tests, not for us."""
    X, y = load_digits(return_X_y=True)
    X, _, y, _ = train_test_split(X, y, test_size=0.5, stratify=y, random_state=seed)
    return X, y, hide_labels(y, 10 * labels_a_class, "balanced", random_state=seed)


def affinity(n, seed=0):
    rng = np.random.default_rng(seed)
    W = sp.random_array((n, n), density=0.1, rng=rng, format="csr")
    return sp.csr_array(W + W.T), rng


# -------------------------------------------------------------- diffusion


@pytest.mark.parametrize("alpha", [0.5, 0.99, 0.999])
def test_diffusion_is_the_dense_solution(alpha):
    W, rng = affinity(80)
    kept = sp.diags_array((np.arange(80) != 7) * 1.0)
    W = sp.csr_array(kept @ W @ kept)  # a row with no edge keeps its own Y
    Y = (rng.random((80, 3)) < 0.1) * rng.random((80, 3))
    Y[7] = [1.0, 0.0, 2.0]
    d = W.toarray().sum(1)
    root = np.where(d > 0, 1 / np.sqrt(np.where(d > 0, d, 1)), 0)
    S = root[:, None] * W.toarray() * root
    expected = np.linalg.solve(np.eye(80) - alpha * S, Y)
    F, n_iter = diffuse(W, Y, alpha)
    np.testing.assert_allclose(F, expected, atol=1e-6 * expected.max())
    np.testing.assert_allclose(F[7], Y[7])
    assert n_iter <= 80
    assert (F >= 0).all()


def test_a_class_without_labels_stays_empty():
    W, _ = affinity(20)
    Y = np.zeros((20, 2))
    Y[0, 0] = 1
    F, _ = diffuse(W, Y, 0.9)
    assert (F[:, 1] == 0).all()
    assert np.isfinite(F).all()


def test_certainty_by_hand():
    p = np.array([[1.0, 0, 0, 0], [0.25, 0.25, 0.25, 0.25], [0.5, 0.5, 0, 0], [0.9, 0.1, 0, 0]])
    entropy = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    np.testing.assert_allclose(certainty(p), [1, 0, 0.5, 1 - entropy / math.log(4)], atol=1e-12)
    np.testing.assert_array_equal(certainty(np.ones((2, 1))), [1, 1])  # one class


def test_loss_by_hand():
    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    loss = LabelPropagationLoss(
        lambda x, g: x, np.array([0, 1, 1]), np.array([1.0, 0.5, 0.2]), np.array([3.0, 0.6]), 2.0
    )
    i_u = torch.tensor([1, 2])
    batch = Batch(logits[:1], torch.tensor([0]), logits[1:], i_u, 0.0, None)
    total, parts = loss(nn.Identity(), batch)
    ce = [math.log(1 + math.exp(-m)) for m in (2.0, 1.0, -1.0)]
    unlabeled = (0.5 * 0.6 * ce[1] + 0.2 * 0.6 * ce[2]) / 2
    assert total.item() == pytest.approx(ce[0] + 2 * unlabeled, rel=1e-6)
    assert parts["mask_rate"].item() == pytest.approx(0.35)
    assert parts["pseudo_label_shares"].tolist() == pytest.approx([0.0, 0.35])


# -------------------------------------------------------------- neighbours


def test_neighbours_leave_the_row_itself_out_also_among_equal_rows():
    X = np.repeat(np.arange(5.0), 3)[:, None]
    distances, rows = nearest(X, 2)
    assert (rows != np.arange(15)[:, None]).all()
    assert (distances == 0).all()
    assert nearest(X, 99)[1].shape == (15, 14)
    assert nearest(X[:1], 5)[1].shape == (1, 0)


def sheets(n, d=16):
    rng = np.random.default_rng(0)
    y = rng.integers(4, size=n)
    z = 2 * rng.normal(size=(4, 4))[y] + rng.normal(size=(n, 4))
    return np.tanh(z @ rng.normal(size=(4, d)) / 2).astype(np.float32) + 100, y


@pytest.mark.parametrize("k", [5, 25])
def test_the_approximate_search_finds_nearly_all(monkeypatch, k):
    X, _ = sheets(6000)
    true, found = nearest(X, k), []
    monkeypatch.setattr(module, "EXACT_ROWS", 1000)
    for _ in range(2):
        distances, rows = nearest(X, k, seed=3)
        found.append(rows)
    np.testing.assert_array_equal(*found)
    assert np.mean([np.isin(a, b).mean() for a, b in zip(rows, true[1], strict=True)]) > 0.97
    assert (rows != np.arange(6000)[:, None]).all()
    assert all(len(set(r)) == k for r in rows.tolist())
    by_hand = np.linalg.norm(X[:, None].astype(float) - X[rows], axis=2)
    np.testing.assert_allclose(distances, by_hand, atol=1e-3)
    assert (np.diff(distances, axis=1) >= 0).all()


def test_the_approximate_search_stands_equal_rows(monkeypatch):
    monkeypatch.setattr(module, "EXACT_ROWS", 100)
    X = np.repeat(np.arange(30.0, dtype=np.float32), 40)[:, None]
    distances, rows = nearest(X, 5)
    assert (distances == 0).all()
    assert (X[rows, 0] == X).all()


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


# -------------------------------------------------------- without a network


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


def test_rows_without_a_labeled_neighbour_have_the_shares_of_the_labels():
    X = np.array([[0.0], [0.1], [0.2], [9.0], [9.1], [9.3]])
    y = np.array([0, 1, 1, -1, -1, -1])
    clf = graph(n_neighbors=1).fit(X, y)
    np.testing.assert_allclose(clf.label_distributions_[3:], [[1 / 3, 2 / 3]] * 3)


def test_rare_classes_do_not_vanish():
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1], [900, 100])
    X = rng.normal(size=(1000, 4)) + 3 * truth[:, None]
    y = hide_labels(truth, 50, random_state=0)
    predicted = graph().fit(X, y).transduction_
    assert np.mean(predicted[truth == 1] == 1) > 0.85
    assert np.mean(predicted[truth == 0] == 0) > 0.97


def test_what_comes_in_other_forms_is_the_same_graph(digits):
    X, y, X_test, _ = digits
    expected = graph().fit(X, y).predict_proba(X_test)
    sparse = graph().fit(sp.csc_array(X), y)
    np.testing.assert_allclose(sparse.predict_proba(sp.csr_array(X_test)), expected, atol=1e-5)
    np.testing.assert_allclose(sparse.predict_proba(X_test), expected, atol=1e-5)
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


def test_graph_keeps_the_contract(blobs):
    X, y, truth = blobs
    clf = graph().fit(X, np.where(y < 0, None, np.array(["a", "b"])[truth]))
    assert list(clf.classes_) == ["a", "b"]
    assert (clf.transduction_ == np.array(["a", "b"])[truth]).all()
    assert clf.label_distributions_[0].tolist() == [1.0, 0.0]
    assert clf.n_iter_ >= 1
    assert clf.history_ == []
    assert not hasattr(clf, "net_")
    assert repr(clone(clf)) == repr(clf)
    with pytest.raises(ValueError, match="features"):
        clf.predict(X[:, :2])
    with pytest.warns(UserWarning, match="Only one class"):
        assert graph().fit(X[:1], [1]).predict(X[:2]).tolist() == [1, 1]
    result = compare_with_supervised(graph(), X, y, cv=3)
    assert np.isfinite(result.difference)


def test_without_a_network_there_is_nothing_to_continue_or_to_write(blobs, tmp_path):
    X, y, _ = blobs
    clf = graph().fit(X, y)
    assert not hasattr(clf, "partial_fit")
    assert hasattr(LabelPropagationNet(), "partial_fit")
    with pytest.raises(AttributeError) as info:
        clf.save(tmp_path / "graph")
    assert "module=None has no weights" in str(info.value.__cause__)


def test_with_and_without_a_network_in_turn(blobs):
    X, y, _ = blobs
    clf = small().fit(X, y)
    net = clf.predict_proba(X)
    clf.set_params(module=None)
    with pytest.raises(ValueError, match="inconsistent"):
        clf.fit(X, y[:-1])
    np.testing.assert_array_equal(clf.predict_proba(X), net)
    clf.fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), graph().fit(X, y).predict_proba(X))
    np.testing.assert_array_equal(clf.set_params(module="auto").fit(X, y).predict_proba(X), net)
    assert vars(clf).keys() == vars(small().fit(X, y)).keys()


@pytest.mark.parametrize(
    "params", [{"n_neighbors": 0}, {"alpha": 1.0}, {"alpha": 0}, {"gamma": -1}, {"max_iter": None}]
)
def test_parameters_out_of_range_are_refused(blobs, params):
    X, y, _ = blobs
    with pytest.raises(ValueError, match=next(iter(params))):
        graph(**params).fit(X, y)
    with pytest.raises(ValueError, match="module"):
        LabelPropagationNet(module="none").fit(X, y)
    with pytest.raises(ValueError, match="No row is labeled"):
        graph().fit(X, np.full(len(X), -1))


# ----------------------------------------------------------- with a network


def test_alternation_helps_over_the_supervised_net():
    gains = []
    for seed in (10, 11):
        X, truth, y = half(seed, 5)
        hidden = y < 0
        ours = LabelPropagationNet(max_steps=200, max_iter=2, random_state=seed).fit(X, y)
        plain = clone(ours).set_params(unlabeled_weight=0).fit(X, y)
        gains.append(
            np.mean((ours.transduction_ == truth)[hidden])
            - np.mean((plain.transduction_ == truth)[hidden])
        )
        assert [r["round"] for r in ours.history_ if r["step"] == 200] == [0, 1, 2]
        last = ours.history_[-1]
        assert sum(last["pseudo_label_shares"]) == pytest.approx(last["mask_rate"], abs=1e-4)
    assert min(gains) > 0.03, gains


def test_pseudo_labels_are_those_of_the_diffusion(digits):
    X, y, _, _ = digits
    first, clf = small(max_iter=0).fit(X, y), small(max_iter=1).fit(X, y)
    features = _features(first.net_, X)
    assert features.shape == (len(X), 32)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    rows = nearest(unit.astype(np.float32), 5)[1]
    cosine = np.einsum("nd,nkd->nk", unit, unit[rows])
    A = edges(np.maximum(cosine, 0) ** 3, rows, len(X))
    labeled = y >= 0
    Y = np.zeros((len(X), 10))
    Y[labeled, y[labeled]] = 1
    F = diffuse(A + A.T, Y, 0.99)[0]
    p = F / F.sum(0)  # as many labels in every class
    p /= p.sum(1, keepdims=True)
    expected = np.where(labeled, y, p.argmax(1))
    loss = clf.net_.criterion_
    assert np.mean(loss.pseudo_labels.numpy() == expected) > 0.998
    weights = np.where(labeled, 1, certainty(p))
    np.testing.assert_allclose(loss.row_weight.numpy(), weights, atol=1e-3)
    counts = np.bincount(loss.pseudo_labels.numpy(), minlength=10)
    np.testing.assert_allclose(loss.class_weight.numpy(), len(X) / 10 / counts, rtol=1e-6)


class NoLinear(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.conv = nn.Conv1d(64, n_classes, 1)

    def forward(self, x):
        return self.conv(x[:, :, None] / 16)[:, :, 0]


class Unused(nn.Module):
    """The last layer in the order of their names is not the last one that runs."""

    def __init__(self, n_classes):
        super().__init__()
        self.head = nn.Linear(7, n_classes)
        self.body = nn.Linear(64, 7)
        self.unused = nn.Linear(3, 3)

    def forward(self, x):
        return self.head(torch.relu(self.body(x / 16)))


@pytest.mark.parametrize(("network", "width"), [(NoLinear, 10), (Unused, 7)])
def test_features_of_a_network_of_ones_own(digits, network, width):
    X, y, _, _ = digits
    clf = small(module=network, module_params=None).fit(X, y)
    assert _features(clf.net_, X[:9]).shape == (9, width)
    assert not any(m._forward_pre_hooks for m in clf.net_.predicting_module_.modules())
    if network is NoLinear:
        logits = clf.net_.collect(X[:9])
        np.testing.assert_array_equal(_features(clf.net_, X[:9]), logits)


def test_killed_between_rounds_it_ends_with_the_same_weights(digits, tmp_path, monkeypatch):
    X, y, X_test, _ = digits
    whole = small(max_iter=2).fit(X, y).predict_proba(X_test)
    train = LabelPropagationNet._train

    def killed(self, *args, salt=0, **kwargs):
        if salt == 2:
            raise KeyboardInterrupt
        return train(self, *args, salt=salt, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(LabelPropagationNet, "_train", killed)
        with pytest.raises(KeyboardInterrupt):
            small(max_iter=2, checkpoint_dir=tmp_path).fit(X, y)
    assert len(list(tmp_path.iterdir())) == 2
    again = small(max_iter=2, checkpoint_dir=tmp_path).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X_test), whole)
