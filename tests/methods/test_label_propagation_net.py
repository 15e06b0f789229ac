"""Label propagation over what a network has learned."""

import math

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import clone
from torch import nn

from sklearn_ssl import LabelPropagationNet, LazyRows
from sklearn_ssl.base import SSLEstimator
from sklearn_ssl.engine.batches import Batch
from sklearn_ssl.methods.label_propagation.graph import certainty, diffuse, edges
from sklearn_ssl.methods.label_propagation.neighbors import nearest
from sklearn_ssl.methods.label_propagation.network import LabelPropagationLoss, _features

from ..helpers import quick
from .by_hand import half, same


def small(**params):
    return quick(LabelPropagationNet, **{"max_steps": 60, "max_iter": 1, **params})


def test_loss_by_hand():
    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    loss = LabelPropagationLoss(
        view=same,
        pseudo_labels=np.array([0, 1, 1]),
        row_weight=np.array([1.0, 0.5, 0.2]),
        class_weight=np.array([3.0, 0.6]),
        unlabeled_weight=2.0,
    )
    i_u = torch.tensor([1, 2])
    batch = Batch(logits[:1], torch.tensor([0]), logits[1:], i_u, 0.0, None)
    total, parts = loss(nn.Identity(), batch)
    ce = [math.log(1 + math.exp(-m)) for m in (2.0, 1.0, -1.0)]
    unlabeled = (0.5 * 0.6 * ce[1] + 0.2 * 0.6 * ce[2]) / 2
    assert total.item() == pytest.approx(ce[0] + 2 * unlabeled, rel=1e-6)
    assert parts["mask_rate"].item() == pytest.approx(0.35)
    assert parts["pseudo_label_shares"].tolist() == pytest.approx([0.0, 0.35])


def test_alternation_helps_over_the_supervised_net():
    gains = []
    for seed in (10, 11):
        X, truth, y = half(seed, 5)
        hidden = y < 0
        params = {"max_steps": 200, "max_iter": 2, "batch_size": 32, "unlabeled_ratio": 3}
        ours = LabelPropagationNet(random_state=seed, **params).fit(X, y)
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
    features, _ = _features(first.net_, X)
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
    assert _features(clf.net_, X[:9])[0].shape == (9, width)
    assert not any(m._forward_pre_hooks for m in clf.net_.predicting_module_.modules())
    if network is NoLinear:
        logits = clf.net_.collect(X[:9])
        np.testing.assert_array_equal(_features(clf.net_, X[:9])[0], logits)


def test_rows_that_no_label_reaches_do_not_teach_the_network():
    """Two far groups of rows that repeat: the second one, of other features, has no label."""
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(40, 2)) + 9 * np.repeat([[0, 0], [1, -1]], 20, axis=0), 5, 0)
    y = np.full(200, -1)
    y[[0, 5, 10, 50, 60, 95]] = [0, 1, 1, 0, 1, 0]
    with pytest.warns(UserWarning, match=r"No label reaches \d+ of 200 .* do not teach") as told:
        clf = small(n_neighbors=3, max_iter=2, gamma=9.0).fit(X, y)
    assert len(told) == 1
    loss = clf.net_.criterion_
    weight = loss.row_weight.numpy()
    assert 0 < clf.n_unreached_ == (weight == 0).sum()
    counts = np.bincount(loss.pseudo_labels.numpy()[weight > 0])
    np.testing.assert_allclose(loss.class_weight, counts.sum() / 2 / counts, rtol=1e-6)
    for i in range(0, 200, 5):
        unlabeled = np.arange(i, i + 5)[y[i : i + 5] < 0]
        assert len(set(weight[unlabeled])) == 1  # equal rows


@pytest.mark.parametrize("kind", ["dense", "sparse", "lazy"])
def test_a_table_of_few_distinct_rows_is_learned(kind):
    rng = np.random.default_rng(3)
    X = rng.integers(0, 4, (900, 3)).astype(np.float32)
    truth = (X[:, 1] > 1) * 1
    y = np.where(np.arange(900) < 24, truth, -1)
    rows = {"dense": X, "sparse": sp.csr_array(X), "lazy": LazyRows(list(X))}[kind]
    clf = small(max_steps=100).fit(rows, y)
    assert clf.n_unreached_ == 0
    assert (clf.predict(rows) == truth).mean() > 0.95


def test_killed_between_rounds_it_ends_with_the_same_weights(digits, tmp_path, monkeypatch):
    X, y, X_test, _ = digits
    whole = small(max_iter=2).fit(X, y).predict_proba(X_test)
    train = SSLEstimator._train

    def killed(self, *args, number=0, **kwargs):
        if number == 2:
            raise KeyboardInterrupt
        return train(self, *args, number=number, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(SSLEstimator, "_train", killed)
        with pytest.raises(KeyboardInterrupt):
            small(max_iter=2, checkpoint_dir=tmp_path).fit(X, y)
    assert len(list(tmp_path.iterdir())) == 2
    again = small(max_iter=2, checkpoint_dir=tmp_path).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X_test), whole)


@pytest.mark.parametrize(
    "params",
    [
        {"n_neighbors": 0}, {"alpha": 1.0}, {"alpha": 0}, {"gamma": -1}, {"max_iter": None},
        {"module": "none"}, {"module": None},
    ],
)  # fmt: skip
def test_parameters_out_of_range_are_refused(blobs, params):
    X, y, _ = blobs
    with pytest.raises(ValueError, match=next(iter(params))):
        small(**params).fit(X, y)
