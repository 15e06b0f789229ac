"""The Pi-model: both passes are pulled."""

import torch
from torch import nn

from sklearn_ssl.methods.pi_model import PiModelLoss

from .by_hand import gradient, linear, other, same


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
