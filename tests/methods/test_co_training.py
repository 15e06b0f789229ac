"""Co-training: two networks, two views."""

import pytest
import torch

from sklearn_ssl import CoTrainingNet
from sklearn_ssl.methods.co_training import CoTrainingLoss, TwoViews

from ..helpers import quick
from .by_hand import cross_entropy, linear, same


def test_co_training_each_learns_from_the_other(batch):
    model = TwoViews(linear(0), linear(1))
    loss = CoTrainingLoss(view=same, unlabeled_weight=1.0, threshold=0.0)
    _, parts = loss(model, batch)
    a, b = (m(batch.x_u).detach().double().numpy() for m in (model.first, model.second))
    assert (a.argmax(1) != b.argmax(1)).any()
    expected = (cross_entropy(a, b.argmax(1)).mean() + cross_entropy(b, a.argmax(1)).mean()) / 2
    assert parts["unlabeled_loss"].item() == pytest.approx(expected, rel=1e-4)


def test_co_training_networks_see_their_own_columns(digits):
    X, y, X_test, y_test = digits
    left, right = list(range(0, 64, 2)), list(range(1, 64, 2))
    clf = quick(CoTrainingNet, views=(left, right), max_steps=300).fit(X, y)
    assert clf.score(X_test, y_test) > 0.8
    module = clf.net_.predicting_module_
    x = torch.from_numpy(X_test[:5]).clone()
    first, second = module.both(x, x)
    x[:, right] = 0
    changed_first, changed_second = module.both(x, x)
    assert torch.equal(first, changed_first)
    assert not torch.equal(second, changed_second)
    for bad in ((left,), (left, [64]), (left, [0.5])):
        with pytest.raises(ValueError, match="views must"):
            quick(CoTrainingNet, views=bad).fit(X, y)
