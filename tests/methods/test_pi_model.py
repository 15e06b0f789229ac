"""The Pi-model: both passes are pulled, by all rows."""

import pytest
import torch
from scipy.special import softmax
from torch import nn

from sklearn_ssl.methods.pi_model import PiModelLoss

from .by_hand import cross_entropy, gradient, linear, other, same


def test_pi_model_pulls_both_passes(batch):
    """With two views a and b the gradient is that of (p(a) - p(b))^2 in both places."""
    views = iter([same, other])
    loss = PiModelLoss(view=lambda x, g: next(views)(x, g), unlabeled_weight=30.0, ramp_length=0.0)
    model = linear()
    with_both = gradient(loss, batch, model)
    x = torch.cat([batch.x_l, batch.x_u])
    model.zero_grad()
    p, q = torch.softmax(model(x), 1), torch.softmax(model(other(x, None)), 1)
    supervised = nn.functional.cross_entropy(model(batch.x_l), batch.y_l)
    (supervised + 30 * (p - q).square().mean()).backward()
    expected = torch.cat([p.grad.flatten() for p in model.parameters()])
    torch.testing.assert_close(with_both, expected)


def test_pi_model_takes_the_mean_over_all_rows_and_not_over_the_batch(batch):
    """Three of eight rows of the batch are labeled, and one of ten rows of the data."""
    views = iter([same, other])
    loss = PiModelLoss(view=lambda x, g: next(views)(x, g), unlabeled_weight=30.0, ramp_length=0.0)
    model, batch = linear(), batch._replace(labeled_share=0.1)
    value, parts = loss(model, batch)
    x = torch.cat([batch.x_l, batch.x_u])
    p, q = (softmax(model(rows).detach().double().numpy(), axis=1) for rows in (x, other(x, None)))
    each = ((p - q) ** 2).mean(1)
    B = len(batch.x_l)
    expected = 0.1 * each[:B].mean() + 0.9 * each[B:].mean()
    assert parts["unlabeled_loss"].item() == pytest.approx(expected, rel=1e-5)
    supervised = cross_entropy(model(batch.x_l).detach(), batch.y_l).mean()
    assert value.item() == pytest.approx(supervised + 30 * expected, rel=1e-5)
