"""Losses and schedules against numbers worked out by hand and a float64 numpy re-derivation."""

import math

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, logsumexp, softmax
from scipy.stats import norm
from sklearn_ssl.data import Batch
from sklearn_ssl.fixmatch import FixMatchLoss

from sklearn_ssl.losses import (
    align_distribution,
    bernoulli_log_likelihood,
    entropy,
    gaussian_kl,
    gaussian_log_likelihood,
    masked_cross_entropy,
)
from sklearn_ssl.schedules import cosine_7_16, linear_ramp, warmed_ema_decay


def test_masked_cross_entropy_divides_by_all_rows():
    logits = torch.log(torch.tensor([[0.5, 0.5], [0.9, 0.1], [0.2, 0.8]]))
    loss = masked_cross_entropy(logits, torch.tensor([0, 0, 0]), torch.tensor([1.0, 0.0, 1.0]))
    assert loss.item() == pytest.approx((math.log(2) + math.log(5)) / 3)


def test_entropy_and_kl_by_hand():
    assert entropy(torch.tensor([[0.0, math.log(3)]])).item() == pytest.approx(
        -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    )
    mean, log_var = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, math.log(4)]])
    # 1/2 (1 + 1 - 1 - 0) + 1/2 (0 + 4 - 1 - log 4)
    assert gaussian_kl(mean, log_var).item() == pytest.approx(0.5 + 1.5 - math.log(2))


def test_kl_against_monte_carlo():
    rng = np.random.default_rng(0)
    z = rng.normal(0.7, 1.5, size=200_000)
    estimate = np.mean(norm(0.7, 1.5).logpdf(z) - norm(0, 1).logpdf(z))
    exact = gaussian_kl(torch.tensor([[0.7]]), torch.tensor([[2 * math.log(1.5)]])).item()
    assert exact == pytest.approx(estimate, abs=0.01)


def test_likelihoods_against_scipy():
    x, mean = torch.tensor([[0.3, -1.0]]), torch.tensor([[0.0, 1.0]])
    log_var = torch.tensor([[0.0, math.log(4.0)]])
    expected = norm(0, 1).logpdf(0.3) + norm(1, 2).logpdf(-1)
    assert gaussian_log_likelihood(x, mean, log_var).item() == pytest.approx(expected, rel=1e-5)
    value = bernoulli_log_likelihood(torch.tensor([[1.0, 0.25]]), torch.tensor([[0.0, 1.0]]))
    p = 1 / (1 + math.exp(-1))
    expected = math.log(0.5) + 0.25 * math.log(p) + 0.75 * math.log(1 - p)
    assert value.item() == pytest.approx(expected, rel=1e-6)


def test_alignment_by_hand():
    q = align_distribution(
        torch.tensor([[0.8, 0.2]]), torch.tensor([0.8, 0.2]), torch.tensor([0.5, 0.5])
    )
    torch.testing.assert_close(q, torch.tensor([[0.5, 0.5]]))


def test_schedules():
    assert cosine_7_16(0) == 1
    assert cosine_7_16(0.5) == pytest.approx(math.cos(7 * math.pi / 32))
    assert [linear_ramp(t, 0.5) for t in (0, 0.25, 0.5, 1)] == [0, 0.5, 1, 1]
    assert warmed_ema_decay(0, 0.999) == 0.1
    assert warmed_ema_decay(90, 0.999) == pytest.approx(0.91)
    assert warmed_ema_decay(10**7, 0.999) == 0.999


def fixmatch_numpy(logits_l, y, logits_w, logits_s, tau, lam):
    """Equations 3 and 4 again, in float64, row by row."""
    supervised = -np.mean([log_softmax(row)[c] for row, c in zip(logits_l, y, strict=True)])
    unlabeled = 0.0
    for weak, strong in zip(logits_w, logits_s, strict=True):
        q = softmax(weak)
        if q.max() >= tau:
            unlabeled -= log_softmax(strong)[q.argmax()]
    return supervised + lam * unlabeled / len(logits_w)


@pytest.mark.parametrize("tau", [0.0, 0.5, 0.8, 0.999999])
def test_fixmatch_loss_against_numpy(tau):
    rng = np.random.default_rng(3)
    x_l, x_u = rng.normal(size=(4, 3)), rng.normal(size=(12, 3))
    y = rng.integers(3, size=4)
    loss = FixMatchLoss(
        weak=lambda x, g: 2 * x, strong=lambda x, g: x - 1, threshold=tau, unlabeled_weight=0.7
    )
    batch = Batch(
        torch.from_numpy(x_l),
        torch.from_numpy(y),
        torch.from_numpy(x_u),
        torch.arange(12),
        0.0,
        torch.Generator(),
    )
    value, parts = loss(torch.nn.Identity(), batch)
    expected = fixmatch_numpy(2 * x_l, y, 2 * x_u, x_u - 1, tau, 0.7)
    assert value.item() == pytest.approx(expected, rel=1e-6)
    passed = np.mean(softmax(2 * x_u, axis=1).max(1) >= tau)
    assert parts["mask_rate"].item() == pytest.approx(passed)


def test_fixmatch_threshold_is_inclusive_and_targets_carry_no_gradient():
    loss = FixMatchLoss(lambda x, g: x, lambda x, g: x, threshold=0.5, unlabeled_weight=1.0)
    weak = torch.zeros(1, 2, requires_grad=True)  # confidence exactly .5
    batch = Batch(
        torch.zeros(1, 2), torch.tensor([0]), weak, torch.arange(1), 0.0, torch.Generator()
    )
    value, parts = loss(torch.nn.Identity(), batch)
    assert parts["mask_rate"] == 1
    value.backward()
    # only the strong view is differentiated: softmax - onehot
    torch.testing.assert_close(weak.grad, torch.tensor([[-0.5, 0.5]]))


class ToyVAE(torch.nn.Module):
    """p(x|y,z) = N(a_y + b z, s^2) in one dimension: everything is known in closed form."""

    def __init__(self, exact):
        super().__init__()
        self.a, self.b, self.s = torch.tensor([-1.0, 2.0]), 0.8, 0.5
        self.log_pi = torch.log(torch.tensor([0.3, 0.7]))
        self.exact = exact

    def posterior(self, x, y):
        precision = 1 + self.b**2 / self.s**2
        mean = self.b * (x - self.a[y][..., None]) / self.s**2 / precision
        return mean, torch.full_like(mean, -math.log(precision))

    def encode(self, x, y):
        x = x[:, None] if y.ndim == 2 else x
        mean, log_var = self.posterior(x, y)
        return (mean, log_var) if self.exact else (mean + 0.3, log_var + 0.2)

    def decode(self, z, y):
        return self.a[y][..., None] + self.b * z

    def log_likelihood(self, x, decoded):
        return norm_logpdf(x, decoded, self.s).sum(-1)

    def log_joint(self, x):
        """log p(x, y) for both classes, z integrated out: (n, 2)."""
        return norm_logpdf(x, self.a, math.sqrt(self.b**2 + self.s**2)) + self.log_pi

    def forward(self, x):
        return self.log_joint(x) if self.exact else torch.zeros(len(x), 2)


def norm_logpdf(x, mean, s):
    return -0.5 * math.log(2 * math.pi) - math.log(s) - 0.5 * ((x - mean) / s) ** 2


@pytest.fixture
def m2():
    from sklearn_ssl.vae_losses import M2Loss

    return M2Loss(torch.tensor([0.3, 0.7]), n_labeled=3, n_rows=9, alpha=0.5, unlabeled_weight=1.0)


def test_m2_bound_is_the_marginal_likelihood_when_posteriors_are_exact(m2):
    x = torch.linspace(-3, 4, 7)[:, None]
    model = ToyVAE(exact=True)
    generator = torch.Generator().manual_seed(0)
    draws = []
    for _ in range(4000):
        noise = torch.randn(7, 2, 1, generator=generator)
        draws.append(-m2.U(model, x, model(x), lambda like, n=noise: n))
    bound = torch.stack(draws).mean(0)
    exact = logsumexp(model.log_joint(x).numpy(), axis=1)
    np.testing.assert_allclose(bound, exact, atol=0.05)


def test_m2_bound_is_below_the_marginal_likelihood_otherwise(m2):
    x = torch.linspace(-3, 4, 7)[:, None]
    model = ToyVAE(exact=False)
    generator = torch.Generator().manual_seed(0)
    draws = [
        -m2.U(model, x, model(x), lambda like: torch.randn(like.shape, generator=generator))
        for _ in range(2000)
    ]
    exact = logsumexp(ToyVAE(exact=True).log_joint(x).numpy(), axis=1)
    assert (torch.stack(draws).mean(0).numpy() < exact - 0.05).all()


def test_m2_loss_weights_follow_equation_9(m2):
    model = ToyVAE(exact=True)
    x_l, y_l = torch.tensor([[0.0], [1.0], [2.0]]), torch.tensor([0, 1, 1])
    x_u = torch.tensor([[0.5], [-1.0], [3.0], [1.0]])
    batch = Batch(x_l, y_l, x_u, torch.arange(4), 0.0, torch.Generator().manual_seed(0))
    value, parts = m2(model, batch)
    g = torch.Generator().manual_seed(0)

    def noise(like):
        return torch.randn(like.shape, generator=g)

    labeled = m2.L(model, x_l, y_l, noise).double().numpy()
    unlabeled = m2.U(model, x_u, model(x_u), noise).double().numpy()
    cross_entropy = -np.mean(log_softmax(model(x_l).numpy(), axis=1)[np.arange(3), [0, 1, 1]])
    N, N_l, alpha = 9, 3, 0.5
    # sum over labels of (L + alpha N / N_l * CE) + sum over the unlabeled of U, over N, over alpha
    J = N_l * labeled.mean() + (N - N_l) * unlabeled.mean() + alpha * N * cross_entropy
    assert value.item() == pytest.approx(J / N / alpha, rel=1e-5)
    assert parts["labeled_loss"].item() == pytest.approx(cross_entropy, rel=1e-5)


@pytest.mark.parametrize(("t", "moved"), [(0.49, False), (0.5, True)])
def test_m2_bound_moves_the_classifier_only_after_warm_up(m2, t, moved):
    m2.warm_up = 0.5
    logits = torch.zeros(4, 2, requires_grad=True)
    model = ToyVAE(exact=True)
    model.forward = lambda x: logits
    x = torch.tensor([[0.5], [-1.0], [3.0], [0.0]])
    batch = Batch(x[:1], torch.tensor([0]), x[1:], None, t, torch.Generator().manual_seed(0))
    m2(model, batch)[0].backward()
    assert logits.grad[0].abs().sum() > 0.1
    assert (logits.grad[1:].abs().sum() > 0.1) == moved
