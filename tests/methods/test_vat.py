"""Virtual adversarial training: the direction, the loss, the batches."""

import copy

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from scipy.special import log_softmax, softmax
from sklearn.datasets import make_moons
from torch import nn

from sklearn_ssl import LazyRows, VATClassifier, hide_labels
from sklearn_ssl.methods.vat import VATLoss

from ..helpers import quick
from .by_hand import K, N, cross_entropy, gradient, linear, other, same


def vat(**params):
    scale = torch.tensor([1.0, 2.0, 0.5, 0.0])
    return VATLoss(view=same, scale=scale, unlabeled_weight=1.0, **{"epsilon": 0.5, **params})


def test_vat_finds_the_direction_that_hurts(batch):
    model, loss, g = linear(), vat(n_power=3), batch.generator
    x = batch.x_u
    logits = model(x).detach()
    r = loss.adversarial(model, x, logits, g)
    length = (r[:, :3] / loss.scale[:3]).norm(dim=1)
    torch.testing.assert_close(length, torch.full((N,), 0.5), rtol=0.5, atol=0)
    assert (length <= 0.5 + 1e-6).all()
    assert (r[:, 3] == 0).all()  # a constant feature stays

    def divergence(step):
        p, q = (softmax(z.double().numpy(), axis=1) for z in (logits, model(x + step).detach()))
        return (p * np.log(p / q)).sum(1)

    random = torch.randn(200, N, K, generator=g)
    random[..., 3] = 0
    random = 0.5 * random / random.norm(dim=-1, keepdim=True) * loss.scale
    average = np.mean([divergence(step) for step in random], axis=0)
    assert (divergence(r) > average).all()


def test_vat_loss_value_gradient_and_statistics(batch):
    model, loss = nn.Sequential(nn.BatchNorm1d(K), linear()), vat()
    loss.view = other
    before = copy.deepcopy(model[0].state_dict())
    expected = copy.deepcopy(model)
    x_l, x_u = other(batch.x_l, None), other(batch.x_u, None)
    pooled = expected(torch.cat([x_l, x_u]))
    _, parts = loss(model, batch)
    assert parts["unlabeled_loss"] > 0
    for name, statistic in expected[0].state_dict().items():  # one update
        torch.testing.assert_close(model[0].state_dict()[name], statistic)
    assert not torch.equal(model[0].running_mean, before["running_mean"])
    assert model[0].momentum == 0.1
    with_vat = gradient(loss, batch, model)
    loss.lambda_u = 0.0
    without = gradient(loss, batch, model)
    assert (with_vat - without).norm() > 1e-3
    torch.nn.functional.cross_entropy(pooled[: len(x_l)], batch.y_l).backward()
    by_hand = [p.grad.flatten() for p in expected.parameters()]
    torch.testing.assert_close(without, torch.cat(by_hand))
    step = torch.full((K,), 0.3)
    step[0] = -1.0
    loss = vat(entropy_weight=2.0)
    loss.view, loss.adversarial = other, lambda model, x, logits, g: step
    rows = torch.cat([x_l, x_u])
    z, moved = (expected(rows + r).detach().double().numpy() for r in (torch.zeros(K), step))
    p, q = softmax(z, axis=1), softmax(moved, axis=1)
    unlabeled = (p * np.log(p / q)).sum(1).mean() - 2 * (p * np.log(p)).sum(1).mean()
    assert loss(model, batch)[1]["unlabeled_loss"].item() == pytest.approx(unlabeled, rel=1e-5)


def test_vat_reads_labeled_rows_as_it_reads_the_others():
    # with labeled rows in a batch of their own, both moons came out swapped
    X, y = make_moons(600, noise=0.1, random_state=2)
    few = hide_labels(y, 8, stratify="balanced", random_state=2)
    short = {"max_steps": 200, "unlabeled_ratio": 3, "random_state": 0}
    clf = VATClassifier(epsilon=0.4, **short)
    assert clf.fit(X, few).score(X[few == -1], y[few == -1]) > 0.9


def test_vat_finds_its_direction_in_full_precision(batch, monkeypatch):
    model, loss, seen = linear(), vat(), []
    adversarial = VATLoss.adversarial

    def spy(self, model, x, logits, g):
        seen.append((torch.is_autocast_enabled("cpu"), logits.dtype))
        r = adversarial(self, model, x, logits, g)
        seen.append(r)
        return r

    monkeypatch.setattr(VATLoss, "adversarial", spy)
    loss(model, batch._replace(generator=torch.Generator().manual_seed(0)))
    with torch.autocast("cpu", torch.bfloat16):
        loss(model, batch._replace(generator=torch.Generator().manual_seed(0)))
    assert seen[2] == (False, torch.float32)
    torch.testing.assert_close(seen[1], seen[3])


@pytest.mark.parametrize("share", [0.05, 0.7])
def test_vat_terms_are_means_over_all_rows_and_not_over_the_batch(batch, share):
    """eqs. 7 and 18: three of eight rows of the batch are labeled, but not three of eight rows."""
    model, loss = linear(), vat(entropy_weight=2.0)
    step = torch.tensor([-1.0, 0.3, 0.2, 0.4])
    loss.adversarial = lambda *_: step
    batch = batch._replace(labeled_share=share)
    value, parts = loss(model, batch)
    x = torch.cat([batch.x_l, batch.x_u])
    log_p, log_q = (
        log_softmax(model(rows).detach().double().numpy(), axis=1) for rows in (x, x + step)
    )
    each = (np.exp(log_p) * (log_p - log_q)).sum(1) - 2 * (np.exp(log_p) * log_p).sum(1)
    B = len(batch.x_l)
    expected = share * each[:B].mean() + (1 - share) * each[B:].mean()
    assert parts["unlabeled_loss"].item() == pytest.approx(expected, rel=1e-5)
    supervised = cross_entropy(model(batch.x_l).detach(), batch.y_l).mean()
    assert value.item() == pytest.approx(supervised + expected, rel=1e-5)


def test_sparse_and_lazy_rows_are_as_dense_ones(digits):
    X, y, X_test, _ = digits
    X = X.copy()
    X[0] = 0
    dense = quick(VATClassifier).fit(X, y)
    sparse = quick(VATClassifier).fit(sp.csr_array(X), y)
    np.testing.assert_allclose(sparse.predict_proba(X_test), dense.predict_proba(X_test), atol=1e-5)
    assert quick(VATClassifier, max_steps=200).fit(LazyRows(list(X)), y).score(X, y) > 0.5


def test_vat_target_is_a_constant(batch, monkeypatch):
    """The gradient of KL(p || p(x + r)) by the weights is that of the second argument alone."""
    step = torch.tensor([-1.0, 0.3, 0.3, 0.3])
    monkeypatch.setattr(VATLoss, "adversarial", lambda *_: step)
    model, loss = linear(), vat()
    whole = gradient(loss, batch, model)
    loss.lambda_u = 0.0
    got = (whole - gradient(loss, batch, model)).double().numpy()
    x = torch.cat([batch.x_l, batch.x_u])
    p, q = (softmax(model(z).detach().double().numpy(), axis=1) for z in (x, x + step))
    by_logits = (q - p) / len(x)
    by_weights = by_logits.T @ (x + step).double().numpy()
    expected = np.concatenate([by_weights.ravel(), by_logits.sum(0)])
    np.testing.assert_allclose(got, expected, atol=1e-6)
