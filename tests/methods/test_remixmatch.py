"""ReMixMatch: alignment, anchors, quarter turns."""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax
from torch import nn

from sklearn_ssl import ReMixMatchClassifier
from sklearn_ssl.methods.remixmatch import ReMixMatchLoss

from ..helpers import quick
from .by_hand import K, cross_entropy, other, same


def test_remixmatch_aligns_anchors_and_adds_up(batch, monkeypatch):
    monkeypatch.setattr("sklearn_ssl.methods.remixmatch.mixup", lambda x, t, alpha, g: (x, t))
    target = torch.tensor([0.4, 0.2, 0.2, 0.2])
    loss = ReMixMatchLoss(weak=same, strong=other, target=target, n_classes=K, n_strong=1)
    start = torch.tensor([0.3, 0.3, 0.25, 0.15])
    loss.mean_q = start
    value, _ = loss(nn.Identity(), batch)
    p = softmax(batch.x_u.double().numpy(), axis=1)
    running = start.double().numpy() + (p.mean(0) - start.double().numpy()) / 128
    q = p * (target.double().numpy() / running)
    q = (q / q.sum(1, keepdims=True)) ** 2
    q /= q.sum(1, keepdims=True)

    def soft(logits):
        return -(q * log_softmax(logits.double().numpy(), axis=1)).sum(1)

    strong = soft(other(batch.x_u, None))
    L_X = cross_entropy(other(batch.x_l, None), batch.y_l).mean()
    L_U = np.concatenate([strong, soft(batch.x_u)]).mean()
    assert value.item() == pytest.approx(L_X + 1.5 * L_U + 0.5 * strong.mean(), rel=1e-4)


def test_remixmatch_turns_images_by_quarters():
    loss = ReMixMatchLoss(weak=same, strong=same, target=None, n_classes=2, rotation_weight=0.5)
    x = torch.arange(9.0).reshape(1, 1, 3, 3).repeat(64, 1, 1, 1)
    turned = []

    def model(x):
        turned.append(x)
        return x.flatten(1)[:, :2]

    loss.rotation_loss(model, x, torch.Generator().manual_seed(0))
    corners = {tuple(t.flatten()[[0, 2]].tolist()) for t in turned[0]}
    assert corners == {(0, 2), (2, 8), (8, 6), (6, 0)}


def test_turning_rows_of_a_table_is_refused(blobs):
    X, y, _ = blobs
    with pytest.raises(ValueError, match="turns square images"):
        quick(ReMixMatchClassifier, rotation_weight=0.5).fit(X, y)
