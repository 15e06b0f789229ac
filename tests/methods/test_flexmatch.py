"""FlexMatch: a threshold for each class, by hand."""

import numpy as np
import torch

from sklearn_ssl.methods.flexmatch import FlexMatchLoss

from .by_hand import same


def test_flexmatch_thresholds_by_hand():
    """10 rows: 4 last confident of class 0, 1 of class 1, none of class 2, 5 never."""
    loss = FlexMatchLoss(weak=same, strong=same, n_rows=10, n_classes=3)
    loss.latest[:4], loss.latest[4] = 0, 1
    beta = np.array([4, 1, 0]) / 5  # the 5 never confident ones are more than any class
    np.testing.assert_allclose(loss.thresholds(), 0.95 * beta / (2 - beta), atol=1e-6)
    loss.latest[5:9] = 0
    beta = np.array([8, 1, 0]) / 8
    np.testing.assert_allclose(loss.thresholds(), 0.95 * beta / (2 - beta), atol=1e-6)
    q = torch.tensor([[0.94, 0.05, 0.01], [0.3, 0.6, 0.1], [0.01, 0.98, 0.01]])
    weight = loss.row_weight(q, torch.tensor([0, 1, 9]))
    assert weight.tolist() == [0, 1, 1]  # .95 for class 0, .063 for class 1
    assert loss.latest.tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def test_flexmatch_does_not_wait_for_rows_that_are_held_out():
    loss = FlexMatchLoss(weak=same, strong=same, n_rows=10, n_classes=2, n_held=6)
    loss.latest[:3], loss.latest[3] = 0, 1
    beta = np.array([3, 1]) / 3
    np.testing.assert_allclose(loss.thresholds(), 0.95 * beta / (2 - beta), atol=1e-6)
