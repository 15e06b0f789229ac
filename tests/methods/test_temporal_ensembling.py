"""Temporal ensembling: what is remembered of each row."""

import numpy as np
import pytest
import torch
from scipy.special import softmax
from torch import nn

from sklearn_ssl import TemporalEnsemblingClassifier
from sklearn_ssl.methods.temporal_ensembling import TemporalEnsemblingLoss

from ..helpers import quick
from .by_hand import K, cross_entropy, same


def test_temporal_ensemble_is_corrected_and_goes_by_row(batch):
    loss = TemporalEnsemblingLoss(
        view=same, n_rows=10, n_classes=K, unlabeled_weight=30.0, ramp_length=0.0, alpha=0.6
    )
    p1 = softmax(batch.x_u.double().numpy(), axis=1)
    first, parts = loss(nn.Identity(), batch)
    assert parts["unlabeled_loss"] == 0  # no row was seen before
    target, seen = loss.target(batch.i_u)
    np.testing.assert_allclose(target, p1, atol=1e-6)  # corrected by 1 - alpha
    assert seen.all()
    assert not loss.target(torch.tensor([0, 1, 9]))[1].any()
    other_rows = batch._replace(x_u=-batch.x_u)
    _, parts = loss(nn.Identity(), other_rows)
    p2 = softmax(-batch.x_u.double().numpy(), axis=1)
    assert parts["unlabeled_loss"].item() == pytest.approx(((p2 - p1) ** 2).mean(), rel=1e-4)
    expected = (0.6 * 0.4 * p1 + 0.4 * p2) / (1 - 0.6**2)
    np.testing.assert_allclose(loss.target(batch.i_u)[0], expected, atol=1e-6)
    assert first.item() == pytest.approx(cross_entropy(batch.x_l, batch.y_l).mean(), rel=1e-5)


def test_labeled_rows_have_an_ensemble_too(digits):
    X, y, _, _ = digits
    visits = quick(TemporalEnsemblingClassifier).fit(X, y).net_.criterion_.visits.numpy()
    assert visits.min() >= 2  # 20 steps of 128 rows pass over all 898 nearly three times
    alone = quick(TemporalEnsemblingClassifier, unlabeled_weight=0).fit(X, y)
    assert not hasattr(alone.net_.criterion_, "visits")
