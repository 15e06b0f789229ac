"""UDA: masks, sharpening, and labels left out."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from torch import nn

from sklearn_ssl.methods.uda import UDALoss

from .by_hand import K, cross_entropy, other, same


def test_uda_masks_before_it_sharpens(batch):
    loss = UDALoss(weak=same, strong=other, unlabeled_weight=1.0, threshold=0.6)
    value, parts = loss(nn.Identity(), batch)
    p = softmax(batch.x_u.double().numpy(), axis=1)
    mask = p.max(1) > 0.6
    assert 0 < mask.mean() < 1
    target = p ** (1 / 0.4)
    target /= target.sum(1, keepdims=True)
    assert (target.max(1) > 0.6).sum() > mask.sum()  # the other order would let more rows pass
    strong = log_softmax(other(batch.x_u, None).double().numpy(), axis=1)
    unlabeled = (-(target * strong).sum(1) * mask).mean()
    assert parts["mask_rate"].item() == pytest.approx(mask.mean())
    expected = cross_entropy(batch.x_l, batch.y_l).mean() + unlabeled
    assert value.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("name", "share"), [("linear", 0.5), ("exp", np.exp(-2.5)),
                                             ("log", 1 - np.exp(-2.5))])  # fmt: skip
def test_uda_leaves_out_labels_that_are_learned(batch, name, share):
    eta = share * (1 - 1 / K) + 1 / K
    loss = UDALoss(weak=same, strong=other, unlabeled_weight=1.0, threshold=0.6, annealing=name)
    losses = cross_entropy(batch.x_l, batch.y_l)
    needed = np.exp(-losses) <= eta
    got = loss.labeled_loss(batch.x_l, batch.y_l, 0.5).item()
    assert got == pytest.approx((losses * needed).sum() / max(1, needed.sum()), rel=1e-5)
