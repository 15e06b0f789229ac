"""FreeMatch: thresholds that follow, and fairness, by hand."""

import numpy as np
import pytest
import torch
from scipy.special import softmax

from sklearn_ssl.methods.freematch import FreeMatchLoss

from .by_hand import same


def test_freematch_thresholds_by_hand():
    loss = FreeMatchLoss(weak=same, strong=same, n_classes=2, decay=0.9, fairness_weight=0.0)
    q = torch.tensor([[0.9, 0.1], [0.7, 0.3], [0.4, 0.6], [0.8, 0.2]])
    weight = loss.row_weight(q, torch.arange(4))
    tau = 0.9 * 0.5 + 0.1 * 0.75
    p = 0.9 * np.array([0.5, 0.5]) + 0.1 * np.array([0.7, 0.3])
    assert loss.tau_t.item() == pytest.approx(tau)
    np.testing.assert_allclose(loss.p_t, p, atol=1e-6)
    np.testing.assert_allclose(loss.h_t, 0.9 * 0.5 + 0.1 * np.array([0.75, 0.25]), atol=1e-6)
    assert weight.tolist() == [1, 1, 1, 1]
    now = FreeMatchLoss(weak=same, strong=same, n_classes=2, decay=0.0, fairness_weight=0.0)
    # tau = .75; for class 1, a rarer one, .3 / .7 of it
    assert now.row_weight(q, torch.arange(4)).tolist() == [1, 0, 1, 1]


def test_freematch_fairness_by_hand():
    loss = FreeMatchLoss(weak=same, strong=same, n_classes=2, decay=0.9, fairness_weight=0.05)
    loss.p_t, loss.h_t = torch.tensor([0.6, 0.4]), torch.tensor([0.7, 0.3])
    logits = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.5], [9.0, 0.0]])
    weight = torch.tensor([1.0, 1.0, 1.0, 0.0])
    p = softmax(logits.double().numpy(), axis=1)[:3]
    now = p.mean(0) / np.array([2 / 3, 1 / 3])
    running = np.array([0.6, 0.4]) / np.array([0.7, 0.3])
    now, running = now / now.sum(), running / running.sum()
    expected = 0.05 * (running * np.log(now)).sum()
    assert loss.regularizer(logits, p, weight).item() == pytest.approx(expected, rel=1e-4)
