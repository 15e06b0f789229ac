"""The loss without unlabeled rows: a view, and the kind of target's own distance."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from sklearn_ssl import CoTrainingNet, VAEClassifier
from sklearn_ssl.engine.batches import Batch
from sklearn_ssl.engine.supervised import SupervisedLoss
from sklearn_ssl.engine.training import Training
from sklearn_ssl.inputs.targets import ClassTargets
from sklearn_ssl.methods.co_training import CoTrainingLoss
from sklearn_ssl.networks import MLP

from ..helpers import (
    ESTIMATORS,
    REGRESSION_NETS,
    REGRESSORS,
    WITHOUT_NETWORK,
    assert_same_weights,
    every_estimator,
    quick,
    weights,
)


def test_it_is_cross_entropy_of_the_view():
    g, model = torch.Generator().manual_seed(0), torch.nn.Linear(2, 3)
    x, y = torch.randn(5, 2), torch.tensor([0, 1, 2, 1, 0])
    batch = Batch(x, y, x[:0], y[:0], 0.0, g)
    loss, parts = SupervisedLoss(lambda x, g: 2 * x + 1, ClassTargets.loss)(model, batch)
    assert torch.equal(loss, cross_entropy(model(2 * x + 1), y))
    assert list(parts) == ["labeled_loss"]


@pytest.mark.parametrize("cls", [*ESTIMATORS, *REGRESSION_NETS], ids=lambda cls: cls.__name__)
def test_weight_zero_trains_it_whatever_the_method(cls, blobs):
    X, y, _ = blobs
    y = np.where(y < 0, np.nan, y) if cls in REGRESSORS else y
    clf = quick(cls, max_steps=3, unlabeled_weight=0).fit(X, y)
    kind = CoTrainingLoss if cls is CoTrainingNet else SupervisedLoss
    assert type(clf.net_.criterion_) is kind
    for record in clf.history_:
        told = {name for name in record if name.endswith("loss")}
        assert told == {"loss", "labeled_loss"}
        assert record["loss"] == record["labeled_loss"]
    assert (clf._summary.n_labeled, clf._summary.n_unlabeled) == (6, 0)


@every_estimator
def test_so_do_rows_that_all_have_labels(cls, blobs):
    X, _, truth = blobs
    clf = quick(cls, max_steps=3).fit(X, truth)
    supervised = type(clf.net_.criterion_) is SupervisedLoss
    assert supervised == clf._supervised_without_pool
    assert supervised == (cls not in (CoTrainingNet, VAEClassifier))  # see their files


WEIGHED = [
    cls
    for cls in [*WITHOUT_NETWORK, *REGRESSORS]
    if "unlabeled_weight" in cls().get_params() and "module" not in cls().get_params()
]


@pytest.mark.parametrize("cls", WEIGHED, ids=lambda cls: cls.__name__)
def test_weight_zero_without_a_network_is_the_fit_on_labels_alone(cls, blobs):
    X, y, _ = blobs
    told = "predict" if cls in REGRESSORS else "predict_proba"
    y = np.where(y < 0, np.nan, y + X[:, 0]) if cls in REGRESSORS else y
    known = y >= 0 if cls not in REGRESSORS else np.isfinite(y)
    whole, alone = quick(cls, unlabeled_weight=0), quick(cls, unlabeled_weight=0)
    p = getattr(whole.fit(X, y), told)(X)
    np.testing.assert_array_equal(p, getattr(alone.fit(X[known], y[known]), told)(X))
    assert np.abs(p - getattr(quick(cls).fit(X, y), told)(X)).max() > 1e-3


def test_methods_with_the_same_view_have_one_supervised_net(digits, monkeypatch):
    """Found by what the views do, not by name: of all classifiers with the automatic network."""
    X, y, _, _ = digits
    common = {
        "unlabeled_weight": 0, "max_steps": 8, "batch_size": 16, "unlabeled_ratio": 2,
        "optimizer": "adam", "lr": 0.01, "ema_decay": 0.9,
    }  # fmt: skip
    run, seen, groups = Training.run, [], {}

    def spy(self):
        loss = self.net.criterion_
        if isinstance(loss, SupervisedLoss):
            x, g = torch.from_numpy(X[:50]), torch.Generator().manual_seed(0)
            seen.append(loss.view(x, g).numpy().tobytes())
        run(self)

    monkeypatch.setattr(Training, "run", spy)
    for cls in ESTIMATORS:
        seen.clear()
        clf = quick(cls, **common).fit(X, y)
        if type(clf.net_.module_) is MLP:
            (view,) = seen
            groups.setdefault(view, []).append(clf)
    assert len(groups) == 2  # weak views, and the noise of those that compare a row with itself
    for members in groups.values():
        assert len(members) >= 3
        for other in members[1:]:
            assert_same_weights(weights(other), weights(members[0]))
    one, two = (weights(members[0]) for members in groups.values())
    assert any(not torch.equal(one[name], two[name]) for name in one)
