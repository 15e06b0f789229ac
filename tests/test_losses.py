"""Losses against numbers worked out by hand and by scipy."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import norm

from sklearn_ssl.losses import (
    align_distribution,
    bernoulli_log_likelihood,
    entropy,
    gaussian_kl,
    gaussian_log_likelihood,
    kl_divergence,
    masked_cross_entropy,
    mixup,
    sharpen,
    squared_difference,
)


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


def test_alignment_of_a_class_that_is_never_predicted_is_finite():
    p = torch.tensor([[1.0, 0.0]])
    aligned = align_distribution(p, torch.tensor([1.0, 0.0]), torch.tensor([1.0, 0.0]), limit=2)
    torch.testing.assert_close(aligned, p)


def test_mixup_keeps_every_row_closer_to_itself():
    g = torch.Generator().manual_seed(0)
    x, targets = torch.eye(200), torch.eye(200)
    mixed, soft = mixup(x, targets, 0.75, g)
    own = mixed.diagonal()
    assert (own >= 0.5).all()
    assert 0.6 < own.mean() < 0.9
    torch.testing.assert_close(mixed, soft)
    torch.testing.assert_close(mixed.sum(1), torch.ones(200))


def test_sharpening_by_hand():
    p = torch.tensor([[0.6, 0.3, 0.1]])
    torch.testing.assert_close(sharpen(p, 0.5), torch.tensor([[0.36, 0.09, 0.01]]) / 0.46)


def test_kl_divergence_is_from_the_other_and_not_back():
    p, q = torch.tensor([[0.5, 0.5], [0.2, 0.8]]), torch.tensor([[0.9, 0.1], [0.2, 0.8]])
    expected = 0.9 * math.log(0.9 / 0.5) + 0.1 * math.log(0.1 / 0.5)
    assert kl_divergence(p.log(), q.log()).tolist() == pytest.approx([expected, 0], abs=1e-6)


def test_squared_difference_is_one_number_a_row():
    p, q = torch.tensor([[0.5, 0.5], [0.2, 0.8]]), torch.tensor([[0.9, 0.1], [0.3, 0.7]])
    assert squared_difference(p.log(), q.log()).tolist() == pytest.approx([0.16, 0.01], rel=1e-5)


def test_alignment_scales_by_two_at_most():
    half = torch.tensor([[0.5, 0.5]])
    aligned = align_distribution(half, torch.tensor([0.9, 0.1]), torch.tensor([0.5, 0.5]), limit=2)
    scaled = np.array([0.5 * 0.5 / 0.9, 0.5 * 2])  # 5 / 9, and 5 cut to 2
    np.testing.assert_allclose(aligned[0], scaled / scaled.sum(), rtol=1e-6)
