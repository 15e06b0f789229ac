"""The Pi-model: two noisy passes over the same rows should agree.

Samuli Laine, Timo Aila: "Temporal Ensembling for Semi-Supervised Learning", ICLR 2017, arXiv
1610.02242, algorithm 1.
"""

import torch
from scipy.stats import loguniform, uniform
from sklearn.utils._param_validation import Interval, Real, StrOptions
from torch import nn
from torch.nn.functional import cross_entropy

from ..augment import noisy_view
from ..classifier import SSLClassifier
from ..losses import squared_difference
from ..schedules import sigmoid_ramp

__all__ = ["PiModelClassifier", "PiModelLoss"]


class PiModelLoss(nn.Module):
    """CE on labels + w(t) * mean over all rows and classes of (p(x) - p~(x))^2."""

    def __init__(self, *, view, unlabeled_weight, ramp_length):
        super().__init__()
        self.view, self.lambda_u, self.ramp_length = view, unlabeled_weight, ramp_length

    def forward(self, model, batch):
        x, g = torch.cat([batch.x_l, batch.x_u]), batch.generator
        z, z_other = model(torch.cat([self.view(x, g), self.view(x, g)])).chunk(2)
        labeled = cross_entropy(z[: len(batch.x_l)], batch.y_l)
        consistency = batch.mean_over_rows(squared_difference(z, z_other))  # both passes learn
        w = self.lambda_u * sigmoid_ramp(batch.t, self.ramp_length)
        parts = {"labeled_loss": labeled, "unlabeled_loss": consistency}
        return labeled + w * consistency, parts


class PiModelClassifier(SSLClassifier):
    r"""Pi-model: two passes with different views and dropout should give the same probabilities.

    Laine and Aila 2017, "Temporal Ensembling for Semi-Supervised Learning", arXiv 1610.02242,
    algorithm 1. The unlabeled loss is the mean squared difference of the two passes over rows and
    classes. Its weight grows over the first part of training:

    .. math::

        w(t) = w_{\max} \, e^{-5 (1 - t)^2}

    Parameters
    ----------
    ramp_length : float in [0, 1], default=0.27
        Share of training in which the weight grows (80 of 300 epochs in the paper).
    augment : "auto" or callable ``(x, generator) -> x``, default="auto"
        View of the rows; "auto": the strong view of `augment.default_views` on tables, the weak one
        on images.
    unlabeled_weight : float >= 0, default=30.0
        w_max. The paper's is 100 times the share of labeled rows.

    See Also
    --------
    TemporalEnsemblingClassifier : Compares with the mean of earlier passes.
    MeanTeacherClassifier : Compares with a pass of the averaged weights.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import PiModelClassifier, hide_labels
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = PiModelClassifier(max_steps=100, random_state=0)
    >>> clf.fit(X, hide_labels(y, 100, random_state=0)).score(X, y) > 0.85
    True
    """

    ramp_length: float = 0.27
    augment: object = "auto"
    unlabeled_weight: float = 30.0

    _parameter_constraints = {
        "ramp_length": [Interval(Real, 0, 1, closed="both")],
        "augment": [StrOptions({"auto"}), callable],
    }
    _search_space = {"unlabeled_weight": loguniform(1, 100), "ramp_length": uniform(0, 0.5)}

    def _make_view(self, rows):
        return noisy_view(rows.X, self.augment)

    def _make_loss(self, rows):
        return PiModelLoss(
            view=self._make_view(rows),
            unlabeled_weight=self.unlabeled_weight,
            ramp_length=self.ramp_length,
        )
