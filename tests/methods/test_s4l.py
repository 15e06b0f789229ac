"""S4L: the contrastive loss, the head beside the network, and training that goes on from it."""

import copy
import pickle

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from sklearn_ssl import FreeMatchClassifier, S4LClassifier, hide_labels, load
from sklearn_ssl.augment import CropColor, ShiftFlip, SwapFeatures
from sklearn_ssl.inputs.rows import TrainingRows
from sklearn_ssl.methods.s4l import S4LLoss, WithProjection, nt_xent
from sklearn_ssl.networks import CNN, MLP

from ..helpers import quick
from .by_hand import K, cross_entropy, linear, other, same


def by_hand(a, b, temperature):
    """The formula as it is printed, in float64: a double loop over all 2n views."""
    z = np.concatenate([a, b]).astype(np.float64)
    z /= np.sqrt((z**2).sum(1, keepdims=True))
    n, losses = len(a), []
    for i in range(2 * n):
        partner = i + n if i < n else i - n
        total = sum(np.exp(z[i] @ z[j] / temperature) for j in range(2 * n) if j != i)
        losses.append(-np.log(np.exp(z[i] @ z[partner] / temperature) / total))
    return np.mean(losses)


class Flat(nn.Module):
    """Rows are logits themselves, and turned rows their projection."""

    def logits_and_projection(self, x):
        return x, x.roll(1, 1)


def views():
    """The rows themselves, then others."""
    made = iter([same, other])
    return lambda x, g: next(made)(x, g)


@pytest.mark.parametrize("temperature", [0.2, 1.0])
def test_nt_xent_is_the_formula(temperature):
    a, b = torch.randn(2, 7, 5, generator=torch.Generator().manual_seed(0))
    expected = by_hand(a.numpy(), b.numpy(), temperature)
    assert nt_xent(a, b, temperature).item() == pytest.approx(expected, rel=1e-5)


def test_nt_xent_does_not_depend_on_the_order_of_rows_or_on_lengths():
    a, b = torch.randn(2, 7, 5, generator=torch.Generator().manual_seed(0))
    order, value = torch.tensor([3, 0, 6, 1, 5, 2, 4]), nt_xent(a, b, 0.2)
    torch.testing.assert_close(nt_xent(a[order], b[order], 0.2), value)
    torch.testing.assert_close(nt_xent(b, a, 0.2), value)
    torch.testing.assert_close(nt_xent(3 * a, 0.1 * b, 0.2), value)
    assert nt_xent(a[order], b, 0.2) != value  # but on which belong together
    assert nt_xent(a[:1], b[:1], 0.2) == 0  # one row has nothing to be told from


def test_the_loss_adds_up(batch):
    loss = S4LLoss(weak=other, view=views(), temperature=0.5, unlabeled_weight=3.0)
    value, parts = loss(Flat(), batch)
    labeled = cross_entropy(other(batch.x_l, None), batch.y_l).mean()
    a, b = (v(batch.x_u, None).roll(1, 1).numpy() for v in (same, other))
    contrast = by_hand(a, b, 0.5)
    assert parts["labeled_loss"].item() == pytest.approx(labeled, rel=1e-5)
    assert parts["unlabeled_loss"].item() == pytest.approx(contrast, rel=1e-5)
    assert value.item() == pytest.approx(labeled + 3 * contrast, rel=1e-5)


def test_the_gradient_reaches_the_head_and_the_network_before_it(batch):
    model = WithProjection(nn.Sequential(linear(), nn.ReLU(), linear(1)), n_outputs=3)
    loss = S4LLoss(weak=same, view=views(), temperature=0.5, unlabeled_weight=1.0)
    loss(model, batch)[1]["unlabeled_loss"].backward()
    assert all(p.grad is not None for p in model.projection.parameters())
    assert model.projection[-1].weight.grad.norm() > 0
    assert model.network[0].weight.grad.norm() > 0
    assert model.network[2].weight.grad is None  # the classifier learns from labels alone


def test_both_views_are_draws_of_their_own(batch):
    seen = []

    class Spied(Flat):
        def logits_and_projection(self, x):
            seen.append(x)
            return super().logits_and_projection(x)

    def noise(x, g):
        return x + torch.randn(x.shape, generator=g)

    S4LLoss(weak=same, view=noise, temperature=0.5, unlabeled_weight=1.0)(Spied(), batch)
    x_l, a, b = seen[0].split([len(batch.x_l), len(batch.x_u), len(batch.x_u)])
    assert torch.equal(x_l, batch.x_l)
    assert (a - b).abs().min() > 0
    for view in (a, b):
        assert (view - batch.x_u).abs().max() < 5


def test_features_are_what_the_last_linear_layer_is_given():
    network = MLP((6,), n_classes=3, hidden_layer_sizes=(8, 5)).eval()
    model, x = WithProjection(network).eval(), torch.randn(4, 6)
    logits, z = model.logits_and_projection(x)
    torch.testing.assert_close(logits, network(x))
    torch.testing.assert_close(z, model.projection(network.layers[:-1](x)))
    assert z.shape == (4, 64)
    assert torch.equal(model(x), logits)
    assert not network.layers[-1]._forward_pre_hooks


def test_networks_without_features_are_refused(blobs):
    X, y, _ = blobs

    class NoLinear(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(4, 2))

        def forward(self, x):
            return x @ self.weight

    with pytest.raises(ValueError, match=r"NoLinear has no nn\.Linear"):
        quick(S4LClassifier, module=NoLinear(), module_params=None).fit(X, y)
    with pytest.raises(ValueError, match=r"one vector a row; 'layer' of Unused got \[\]"):
        quick(S4LClassifier, module=Unused(), module_params=None).fit(X, y)


class Unused(nn.Module):
    """Its last linear layer takes no part."""

    def __init__(self):
        super().__init__()
        self.weight, self.layer = nn.Parameter(torch.ones(4, 2)), nn.Linear(4, 2)

    def forward(self, x):
        return x @ self.weight


def views_of(X, **params):
    rows = TrainingRows.__new__(TrainingRows)
    object.__setattr__(rows, "X", X)
    return [v.view for v in S4LClassifier(**params)._views(rows)]


def test_automatic_views_fit_the_rows():
    rng = np.random.default_rng(0)
    grey, colour = np.zeros((4, 1, 8, 8), np.float32), np.zeros((4, 3, 8, 8), np.float32)
    assert views_of(grey) == [ShiftFlip(flip=False), CropColor(flip=False)]
    assert views_of(colour) == [ShiftFlip(flip=True), CropColor(flip=True)]
    assert views_of(colour, flip=False) == [ShiftFlip(flip=False), CropColor(flip=False)]
    assert views_of(grey, flip=True)[1].flip
    assert isinstance(views_of(rng.normal(size=(50, 3)).astype(np.float32))[1], SwapFeatures)
    assert views_of(grey, augment=same, weak_augment=other) == [other, same]
    with pytest.raises(ValueError, match="flip=True mirrors images"):
        views_of(np.zeros((4, 3)), flip=True)


def test_an_instance_is_trained_and_goes_on_as_a_copy(digits, tmp_path):
    X, y, X_test, _ = digits
    own = MLP((64,), n_classes=10, hidden_layer_sizes=(32,))
    clf = quick(S4LClassifier, module=own, module_params=None).fit(X, y)
    network = clf.net_.module_.network
    assert type(network) is MLP
    assert network is not own
    for old, new in zip(own.parameters(), network.parameters(), strict=True):
        assert not torch.equal(old, new)
    expected = clf.predict_proba(X_test)
    for twin in (copy.deepcopy(clf), pickle.loads(pickle.dumps(clf))):
        assert (twin.predict_proba(X_test) == expected).all()
    automatic = quick(S4LClassifier).fit(X, y)
    automatic.save(tmp_path / "s4l.safetensors")
    loaded = load(tmp_path / "s4l.safetensors")
    assert (loaded.predict_proba(X_test) == automatic.predict_proba(X_test)).all()


def test_the_head_goes_on_in_a_warm_start(digits):
    X, y, _, _ = digits
    clf = quick(S4LClassifier, warm_start=True).fit(X, y)
    head = copy.deepcopy(clf.net_.module_.projection)
    clf.set_params(lr=1e-12, max_steps=1).fit(X, y)
    for old, new in zip(head.parameters(), clf.net_.module_.projection.parameters(), strict=True):
        torch.testing.assert_close(old, new, rtol=0, atol=1e-6)


def test_groups_of_parameters_are_those_of_the_module(digits):
    X, y, _, _ = digits
    groups = {"param_groups": [("layers.2.*", {"lr": 0.0})]}  # the first linear layer
    own = MLP((64,), n_classes=10, hidden_layer_sizes=(32,))
    kept = own.layers[2].weight.detach().clone()
    clf = quick(S4LClassifier, module=own, module_params=None, optimizer_params=groups).fit(X, y)
    assert torch.equal(clf.net_.module_.network.layers[2].weight, kept)


@pytest.mark.parametrize("ema_decay", [None, 0.9])
def test_another_method_goes_on_from_the_network(ema_decay):
    X, truth = load_digits(return_X_y=True)
    X, truth = X[:400].reshape(-1, 1, 8, 8), truth[:400]
    y = hide_labels(truth, 50, stratify="balanced", random_state=0)
    small = {"max_steps": 5, "batch_size": 16, "random_state": 0}
    width = {"module_params": {"width": 4}}
    first = S4LClassifier(ema_decay=ema_decay, **small, **width).fit(X, y)
    start = first.net_.copy_to_train().network
    assert type(start) is CNN
    before = [p.detach().clone() for p in start.parameters()]
    none = FreeMatchClassifier(module=start, lr=1e-12, ema_decay=None, **small).fit(X, y)
    for old, new in zip(before, none.net_.module_.parameters(), strict=True):
        torch.testing.assert_close(old, new, rtol=0, atol=1e-6)  # it begins where the first ended
    second = FreeMatchClassifier(module=start, **small).fit(X, y)
    for old, same_, new in zip(
        before, start.parameters(), second.net_.module_.parameters(), strict=True
    ):
        assert torch.equal(old, same_)
        assert not torch.equal(old, new)


def test_labels_alone_train_the_network_of_every_other_method(digits):
    """With the weak view it is FixMatch's supervised net but for the random start."""
    X, y, _, _ = digits
    clf = quick(S4LClassifier, unlabeled_weight=0).fit(X, y)
    other_clf = quick(FreeMatchClassifier, unlabeled_weight=0).fit(X, y)
    ours, theirs = clf.net_.module_.network.state_dict(), other_clf.net_.module_.state_dict()
    assert ours.keys() == theirs.keys()
    assert "unlabeled_loss" not in clf.history_[-1]


def test_a_row_of_logits_has_k_columns(digits):
    X, y, _, _ = digits
    with pytest.raises(ValueError, match="one logit a class"):
        quick(S4LClassifier, module=nn.Linear(64, K), module_params=None).fit(X, y)
