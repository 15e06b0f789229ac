"""Pseudo-Label: the ramp, the mask, and what is refused."""

import pytest
from scipy.special import softmax
from torch import nn

from sklearn_ssl import PseudoLabelClassifier
from sklearn_ssl.methods.pseudo_label import PseudoLabelLoss

from ..helpers import quick
from .by_hand import cross_entropy, same


def test_pseudo_label_ramp_and_value(batch):
    loss = PseudoLabelLoss(view=same, unlabeled_weight=3.0, ramp=(0.1, 0.6))
    assert [loss.alpha(t) for t in (0.0, 0.1, 0.35, 0.6, 1.0)] == pytest.approx([0, 0, 1.5, 3, 3])
    value, _ = loss(nn.Identity(), batch)
    supervised = cross_entropy(batch.x_l, batch.y_l).mean()
    unlabeled = cross_entropy(batch.x_u, batch.x_u.argmax(1)).mean()
    assert value.item() == pytest.approx(supervised + 2.4 * unlabeled, rel=1e-5)
    assert loss(nn.Identity(), batch._replace(t=0.05))[0].item() == pytest.approx(supervised)
    confident = softmax(batch.x_u.double().numpy(), axis=1).max(1) >= 0.7
    loss.tau = 0.7
    masked = loss(nn.Identity(), batch)[0]
    unlabeled = (cross_entropy(batch.x_u, batch.x_u.argmax(1)) * confident).mean()
    assert masked.item() == pytest.approx(supervised + 2.4 * unlabeled, rel=1e-5)


@pytest.mark.parametrize("ramp", [(100, 600), (0.6, 0.1)])
def test_ramps_that_are_no_shares_of_the_budget_are_refused(ramp, blobs):
    X, y, _ = blobs
    with pytest.raises(ValueError, match="ramp must be"):
        quick(PseudoLabelClassifier, ramp=ramp).fit(X, y)
