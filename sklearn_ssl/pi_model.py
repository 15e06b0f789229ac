"""The Pi-model: two noisy passes over the same rows should agree.

Samuli Laine, Timo Aila: "Temporal Ensembling for Semi-Supervised Learning", ICLR 2017, arXiv
1610.02242, algorithm 1.
"""

from dataclasses import dataclass

import torch
from sklearn.utils._param_validation import Interval, Real, StrOptions
from torch import nn
from torch.nn.functional import cross_entropy

from .augment import noisy_view
from .classifier import SSLClassifier
from .losses import squared_difference
from .schedules import sigmoid_ramp

__all__ = ["PiModelClassifier", "PiModelLoss"]


class PiModelLoss(nn.Module):
    """CE on labels + w(t) * mean over all rows and classes of (p(x) - p~(x))^2."""

    def __init__(self, view, unlabeled_weight, ramp_length):
        super().__init__()
        self.view, self.lambda_u, self.ramp_length = view, unlabeled_weight, ramp_length

    def forward(self, model, batch):
        x, g = torch.cat([batch.x_l, batch.x_u]), batch.generator
        if not len(batch.x_u):
            loss = cross_entropy(model(self.view(x, g)), batch.y_l)
            return loss, {"labeled_loss": loss.detach()}
        z, z_other = model(torch.cat([self.view(x, g), self.view(x, g)])).chunk(2)
        labeled = cross_entropy(z[: len(batch.x_l)], batch.y_l)
        consistency = squared_difference(z, z_other)  # its gradient reaches both passes
        w = self.lambda_u * sigmoid_ramp(batch.t, self.ramp_length)
        parts = {"labeled_loss": labeled.detach(), "unlabeled_loss": consistency.detach()}
        return labeled + w * consistency, parts


@dataclass(kw_only=True, eq=False, repr=False)
class PiModelClassifier(SSLClassifier):
    """Pi-model: two passes, each with its own view and dropout, are to give the same probabilities.

    Laine and Aila 2017, "Temporal Ensembling for Semi-Supervised Learning", arXiv 1610.02242,
    algorithm 1. The weight grows as w(t) = w_max exp(-5 (1 - t)^2) over the first part of training.

    Parameters
    ----------
    ramp_length : float in [0, 1], default=0.27
        Share of training in which the weight grows (80 of 300 epochs in the paper).
    augment : "auto" or callable ``(x, generator) -> x``, default="auto"
        View of the rows; "auto": the strong view of `augment.default_views` on tables, the weak one
        on images.
    unlabeled_weight : float >= 0, default=30.0
        w_max. The paper's is 100 times the share of labeled rows.
    module, module_params, max_steps, batch_size, unlabeled_ratio, \
    optimizer, lr, optimizer_params, ema_decay, validation_fraction, early_stopping, callbacks, \
    device, precision, warm_start, verbose, random_state, class_weight, \
    unlabeled_label, checkpoint_dir, input_shape, temperature_scaling, compile
        As in `SSLClassifier`.

    Attributes
    ----------
    classes_, transduction_, label_distributions_, n_iter_, history_, net_, n_features_in_
        As in `SSLClassifier`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import PiModelClassifier, hide_labels
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = PiModelClassifier(max_steps=200, random_state=0)
    >>> clf.fit(X, hide_labels(y, 100, random_state=0)).score(X, y) > 0.85
    True
    """

    ramp_length: float = 0.27
    augment: object = "auto"
    unlabeled_weight: float = 30.0

    _parameter_constraints = {
        **SSLClassifier._parameter_constraints,
        "ramp_length": [Interval(Real, 0, 1, closed="both")],
        "augment": [StrOptions({"auto"}), callable],
    }

    def _make_loss(self, X, codes):
        view = noisy_view(X, self.augment)
        return PiModelLoss(view, self.unlabeled_weight, self.ramp_length)
