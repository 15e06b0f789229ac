"""Semi-supervised GAN: both players, and what they make."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from scipy.special import logsumexp
from torch import nn

from sklearn_ssl import LazyRows, SGANClassifier
from sklearn_ssl.methods.sgan.estimator import SGANLoss
from sklearn_ssl.methods.sgan.networks import GAN, Discriminator

from ..helpers import quick
from .by_hand import K, N


def test_sgan_is_the_classifier_with_one_class_more(batch):
    """K logits with the logit of "generated" fixed at 0 give the K + 1 softmax."""
    loss = SGANLoss(noise_dim=2, unlabeled_weight=1.0)
    fake = torch.randn(N, K, generator=batch.generator)
    got = loss.discriminate(batch.x_u, fake).item()
    real = np.column_stack([batch.x_u.double().numpy(), np.zeros(N)])
    made = np.column_stack([fake.double().numpy(), np.zeros(N)])
    p_real = 1 - np.exp(-logsumexp(real, axis=1))  # 1 - p(class K + 1)
    p_made = np.exp(-logsumexp(made, axis=1))
    expected = -(np.log(p_real).mean() + np.log(p_made).mean()) / 2
    assert got == pytest.approx(expected, rel=1e-5)


def test_sgan_players_do_not_move_each_other(batch):
    discriminator = nn.Sequential(nn.Linear(K, 6), nn.Tanh(), nn.Linear(6, K))
    model = GAN(discriminator, nn.Linear(2, K))
    loss = SGANLoss(noise_dim=2, unlabeled_weight=1.0)
    fake = model.generator(torch.randn(N, 2, generator=batch.generator))
    loss.match(model, batch.x_u, fake).backward()
    assert all(p.grad is None for p in model.discriminator.parameters())
    assert all(p.grad.norm() > 0 for p in model.generator.parameters())
    assert all(p.requires_grad for p in model.parameters())
    model.zero_grad(set_to_none=True)
    loss.discriminate(model(batch.x_u), model(fake.detach())).backward()
    assert all(p.grad is None for p in model.generator.parameters())
    assert all(p.grad.norm() > 0 for p in model.discriminator.parameters())
    model.zero_grad(set_to_none=True)
    loss(model, batch._replace(generator=torch.Generator().manual_seed(5)))[0].backward()
    whole = [p.grad.clone() for p in model.generator.parameters()]
    model.zero_grad(set_to_none=True)
    z = torch.randn(N, 2, generator=torch.Generator().manual_seed(5))
    loss.match(model, batch.x_u, model.generator(z)).backward()
    alone = [p.grad for p in model.generator.parameters()]
    for one, other_one in zip(whole, alone, strict=True):  # the other losses do not reach it
        torch.testing.assert_close(one, other_one)
    real, made = model(batch.x_u).detach().numpy(), model(fake).detach().numpy()
    expected = np.square(real.mean(0) - made.mean(0)).mean()
    assert loss.match(model, batch.x_u, fake).item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("shape", [(6,), (3, 12, 12)])
def test_discriminator_starts_with_outputs_of_mean_0_and_deviation_1(shape):
    torch.manual_seed(0)
    x = 5 + 3 * torch.rand(400, *shape)
    net = Discriminator(shape, n_classes=3, mean=5.0, scale=3.0, noise=0.0, dropout=0.0)
    net.start_from(x)
    seen = []
    for layer in net.body:
        layer.register_forward_hook(lambda layer, _, out: seen.append((layer, out.detach())))
    assert net(x).abs().max() < 2
    started = [(layer, out) for layer, out in seen if hasattr(layer, "length")]
    assert len(started) >= 2
    for _, out in started:
        std, mean = torch.std_mean(out.transpose(0, 1).flatten(1), 1, correction=0)
        torch.testing.assert_close(mean, torch.zeros_like(mean), atol=1e-4, rtol=0)
        torch.testing.assert_close(std, torch.ones_like(std), atol=1e-4, rtol=0)
    lengths = [name for name, _ in net.named_parameters() if "length" in name]
    assert lengths == ["head.1.length" if len(shape) == 1 else "head.0.length"]  # others stay
    before = net.body.state_dict()["1.length" if len(shape) == 3 else "3.length"].clone()
    net.start_from(x + 7)  # and only once
    assert torch.equal(net.body.state_dict()["1.length" if len(shape) == 3 else "3.length"], before)


def test_discriminator_starts_from_constant_rows():
    net = Discriminator((2,), n_classes=3, noise=0.0)
    net.start_from(torch.ones(9, 2))
    assert all(v.isfinite().all() for v in net.state_dict().values() if v.is_floating_point())


def test_sgan_both_players_learn_and_samples_come_closer(digits):
    X, y, _, _ = digits
    short = SGANClassifier(max_steps=2, random_state=0).fit(X, y)
    long = SGANClassifier(max_steps=400, random_state=0).fit(X, y)
    assert {"labeled_loss", "unlabeled_loss", "generator_loss"} <= long.history_[-1].keys()

    def spread(clf):
        """Of generated rows, as a share of that of real ones."""
        return clf.sample(300, random_state=0).std(0).mean() / X.std(0).mean()

    assert spread(short) < 0.5
    assert 0.8 < spread(long) < 1.2
    groups = [group["base_lr"] for group in long.net_.optimizer_.param_groups]
    assert set(groups) == {1e-3}
    apart = SGANClassifier(max_steps=2, generator_lr=1e-5, random_state=0).fit(X, y)
    assert {g["base_lr"] for g in apart.net_.optimizer_.param_groups} == {1e-3, 1e-5}


def test_sgan_keeps_constant_columns(digits):
    X, y, _, _ = digits
    X = np.c_[X, np.full(len(X), 7.0)]
    made = quick(SGANClassifier, noise_dim=5).fit(X, y).sample(9, random_state=0)
    assert (made[:, -1] == 7).all()
    assert (made[:, 20] != made[0, 20]).any()


def test_sparse_and_lazy_rows_are_as_dense_ones(digits):
    X, y, X_test, _ = digits
    X = X.copy()
    X[0] = 0
    dense = quick(SGANClassifier).fit(X, y)
    sparse = quick(SGANClassifier).fit(sp.csr_array(X), y)
    np.testing.assert_allclose(sparse.predict_proba(X_test), dense.predict_proba(X_test), atol=1e-5)
    assert quick(SGANClassifier, max_steps=200).fit(LazyRows(list(X)), y).score(X, y) > 0.5
