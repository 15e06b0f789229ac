"""SoftMatch: weights of rows, by hand."""

import numpy as np
import pytest
import torch

from sklearn_ssl.engine.batches import Batch
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


def test_equal_confidences_weigh_one():
    loss = SoftMatchLoss(weak=same, strong=same, n_classes=2, decay=0.0, n_sigma=2)
    q = torch.tensor([[0.75, 0.25], [0.25, 0.75]])
    assert loss.row_weight(q, torch.arange(2)).tolist() == [1, 1]
    assert loss.variance == 0


def test_alignment_changes_weights_and_no_label():
    target = torch.tensor([0.5, 0.5])
    loss = SoftMatchLoss(weak=same, strong=same, n_classes=2, decay=0.0, n_sigma=2, target=target)
    loss.mean_q = torch.tensor([0.8, 0.2])
    p = torch.tensor([[0.7, 0.3], [0.9, 0.1]])  # aligned .483, .517 and .783, .217
    batch = Batch(p[:1].log(), torch.tensor([0]), p.log(), torch.arange(2), 0.0, torch.Generator())
    _, parts = loss(torch.nn.Identity(), batch)
    mean_q = np.array([0.8, 0.2]) + 0.01 * (np.array([0.8, 0.2]) - [0.8, 0.2])
    q = p.double().numpy() * np.clip(0.5 / mean_q, 0.5, 2)
    confidence = (q / q.sum(1, keepdims=True)).max(1)
    assert (q.argmax(1) == [1, 0]).all()
    below = np.minimum(confidence - confidence.mean(), 0)
    weight = np.exp(-2 * below**2 / confidence.var())
    np.testing.assert_allclose(parts["pseudo_label_shares"], [weight.mean(), 0], rtol=1e-4)
    unlabeled = -(weight * np.log(p.double().numpy()[:, 0])).mean()
    assert parts["unlabeled_loss"].item() == pytest.approx(unlabeled, rel=1e-4)
