"""Temporal ensembling: what a row was given on earlier visits is the target of the next.

Samuli Laine, Timo Aila: "Temporal Ensembling for Semi-Supervised Learning", ICLR 2017, arXiv
1610.02242, algorithm 2.
"""

import torch
from scipy.stats import loguniform, uniform
from sklearn.utils._param_validation import Interval, Real, StrOptions
from torch import nn
from torch.nn.functional import cross_entropy

from ..augment import noisy_view
from ..classifier import SSLClassifier
from ..losses import squared_distance
from ..schedules import sigmoid_ramp

__all__ = ["TemporalEnsemblingClassifier", "TemporalEnsemblingLoss"]


class TemporalEnsemblingLoss(nn.Module):
    """CE on labels + w(t) * mean of (p(x_i) - Z_i / (1 - alpha^visits_i))^2."""

    per_row = ("Z", "visits")

    def __init__(self, *, view, n_rows, n_classes, unlabeled_weight, ramp_length, alpha=0.6):
        super().__init__()
        self.view, self.lambda_u = view, unlabeled_weight
        self.ramp_length, self.alpha = ramp_length, alpha
        self.register_buffer("Z", torch.zeros(n_rows, n_classes))
        self.register_buffer("visits", torch.zeros(n_rows))

    def target(self, i):
        """The ensemble of rows i without its start at 0, and who has one: (n, K), (n,)."""
        seen = self.visits[i] > 0
        share = 1 - self.alpha ** self.visits[i].clamp_min(1)
        return self.Z[i] / share[:, None], seen.float()

    def update(self, i, p):
        """Z <- alpha Z + (1 - alpha) p for rows i; one visit more."""
        self.Z[i] = self.alpha * self.Z[i] + (1 - self.alpha) * p
        self.visits[i] += 1

    def forward(self, model, batch):
        x_l, x_u, i_u = batch.x_l, batch.x_u, batch.i_u
        logits = model(self.view(torch.cat([x_l, x_u]), batch.generator))
        logits_l, logits_u = logits.split([len(x_l), len(x_u)])
        labeled = cross_entropy(logits_l, batch.y_l)
        p = torch.softmax(logits_u.float(), -1)
        target, seen = self.target(i_u)
        consistency = (squared_distance(p, target) * seen).mean()  # none in the first epoch
        self.update(i_u, p.detach())
        w = self.lambda_u * sigmoid_ramp(batch.t, self.ramp_length)
        parts = {"labeled_loss": labeled, "unlabeled_loss": consistency}
        return labeled + w * consistency, parts


class TemporalEnsemblingClassifier(SSLClassifier):
    r"""Temporal ensembling: the target of a row is the average of its earlier predictions.

    Laine and Aila 2017, "Temporal Ensembling for Semi-Supervised Learning", arXiv 1610.02242,
    algorithm 2. At every visit of row i its ensemble Z_i and its target z_i are

    .. math::

        Z_i \leftarrow \alpha Z_i + (1 - \alpha) \, p(x_i), \qquad
        z_i = Z_i / (1 - \alpha^{visits})

    A row that was not visited yet has no target. Unlabeled batches are drawn from labeled rows too,
    so that these also have ensembles.

    Parameters
    ----------
    ensemble_decay : float in [0, 1), default=0.6
        alpha, the decay of a row's ensemble.
    ramp_length : float in [0, 1], default=0.27
        Share of training in which the weight grows (80 of 300 epochs in the paper).
    augment : "auto" or callable ``(x, generator) -> x``, default="auto"
        View of the rows; "auto": the strong view of `augment.default_views` on tables, the weak one
        on images.
    unlabeled_weight : float >= 0, default=30.0
        w_max of w(t) = w_max exp(-5 (1 - t)^2).

    See Also
    --------
    PiModelClassifier : Compares two passes of the same step.
    MeanTeacherClassifier : Averages weights in place of predictions.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import TemporalEnsemblingClassifier, hide_labels
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = TemporalEnsemblingClassifier(max_steps=100, random_state=0)
    >>> clf.fit(X, hide_labels(y, 100, random_state=0)).score(X, y) > 0.85
    True
    """

    ensemble_decay: float = 0.6
    ramp_length: float = 0.27
    augment: object = "auto"
    unlabeled_weight: float = 30.0

    _labeled_rows_in_pool = True  # each has an ensemble (algorithm 2)

    _parameter_constraints = {
        "ensemble_decay": [Interval(Real, 0, 1, closed="left")],
        "ramp_length": [Interval(Real, 0, 1, closed="both")],
        "augment": [StrOptions({"auto"}), callable],
    }
    _search_space = {
        "unlabeled_weight": loguniform(1, 100),
        "ensemble_decay": uniform(0.3, 0.6),
        "ramp_length": uniform(0, 0.5),
    }

    def _make_view(self, rows):
        return noisy_view(rows.X, self.augment)

    def _make_loss(self, rows):
        return TemporalEnsemblingLoss(
            view=self._make_view(rows),
            n_rows=len(rows.y),
            n_classes=rows.n_classes,
            unlabeled_weight=self.unlabeled_weight,
            ramp_length=self.ramp_length,
            alpha=self.ensemble_decay,
        )
