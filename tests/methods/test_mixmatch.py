"""MixMatch, by hand."""

import numpy as np
import pytest
from scipy.special import softmax
from torch import nn

from sklearn_ssl.methods.mixmatch import MixMatchLoss

from .by_hand import cross_entropy, other, same


def test_mixmatch_guess_and_losses(batch, monkeypatch):
    """Without mixing, L_U is the squared error of probabilities to the sharpened mean of views."""
    monkeypatch.setattr("sklearn_ssl.methods.mixmatch.mixup", lambda x, t, alpha, g: (x, t))
    views = iter([same, same, other])
    loss = MixMatchLoss(
        view=lambda x, g: next(views)(x, g), unlabeled_weight=75.0, ramp_length=0.4,
        temperature=0.5, n_views=2, alpha=0.75,
    )  # fmt: skip
    value, parts = loss(nn.Identity(), batch)
    a = softmax(batch.x_u.double().numpy(), axis=1)
    b = softmax(other(batch.x_u, None).double().numpy(), axis=1)
    q = ((a + b) / 2) ** 2
    q /= q.sum(1, keepdims=True)
    L_U = np.mean(np.stack([(a - q) ** 2, (b - q) ** 2]))
    assert parts["unlabeled_loss"].item() == pytest.approx(L_U, rel=1e-4)
    L_X = cross_entropy(batch.x_l, batch.y_l).mean()
    assert value.item() == pytest.approx(L_X + 75 * L_U, rel=1e-4)  # t = .5, the ramp is over
    views = iter([same, same, other])
    early = loss(nn.Identity(), batch._replace(t=0.1))[0]
    assert early.item() == pytest.approx(L_X + 75 * 0.25 * L_U, rel=1e-4)
