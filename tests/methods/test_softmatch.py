"""SoftMatch: weights of rows, by hand."""

import numpy as np
import torch

from sklearn_ssl.methods.softmatch import SoftMatchLoss

from .by_hand import same


def test_softmatch_weights_by_hand():
    loss = SoftMatchLoss(weak=same, strong=same, n_classes=2, decay=0.0, n_sigma=2)
    q = torch.tensor([[0.9, 0.1], [0.7, 0.3], [0.4, 0.6], [0.8, 0.2]])
    confidence = np.array([0.9, 0.7, 0.6, 0.8])
    mu, variance = confidence.mean(), confidence.var()
    below = np.minimum(confidence - mu, 0)
    expected = np.exp(-(below**2) / (2 * variance / 4))
    np.testing.assert_allclose(loss.row_weight(q, torch.arange(4)), expected, rtol=1e-4)
    fresh = SoftMatchLoss(weak=same, strong=same, n_classes=2, decay=0.99, n_sigma=2)
    assert fresh.mu == 0.5
    assert fresh.variance == 1
