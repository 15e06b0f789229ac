"""Pseudo-Label: the network's own classes are targets, all the time.

Dong-Hyun Lee: "Pseudo-Label: The Simple and Efficient Semi-Supervised Learning Method for Deep
Neural Networks", ICML 2013 workshop on challenges in representation learning, equations 15 and 16.
"""

import torch
from scipy.stats import loguniform
from sklearn.utils._param_validation import Interval, Real, StrOptions
from torch import nn
from torch.nn.functional import cross_entropy

from ..augment import choose_views
from ..classifier import SSLClassifier
from ..losses import class_shares, masked_cross_entropy

__all__ = ["PseudoLabelClassifier", "PseudoLabelLoss"]


class PseudoLabelLoss(nn.Module):
    """L = mean CE(y, f) + alpha(t) * mean CE(y', f'), y' = argmax f' (eq. 15)."""

    def __init__(self, *, view, unlabeled_weight, ramp, threshold=None):
        super().__init__()
        self.view, self.lambda_u = view, unlabeled_weight
        self.t1, self.t2 = ramp
        self.tau = threshold

    def alpha(self, t):
        """0 until T1, linear until T2, then alpha_f (eq. 16), in progress t in [0, 1]."""
        return self.lambda_u * min(1.0, max(0.0, (t - self.t1) / max(self.t2 - self.t1, 1e-9)))

    def forward(self, model, batch):
        x_l, x_u = batch.x_l, batch.x_u
        logits = model(self.view(torch.cat([x_l, x_u]), batch.generator))
        logits_l, logits_u = logits.split([len(x_l), len(x_u)])
        labeled = cross_entropy(logits_l, batch.y_l)
        confidence, pseudo = torch.softmax(logits_u.detach().float(), -1).max(-1)
        mask = torch.ones_like(confidence)
        if self.tau is not None:
            mask = (confidence >= self.tau).to(confidence.dtype)
        unlabeled = masked_cross_entropy(logits_u, pseudo, mask)
        parts = {
            "labeled_loss": labeled,
            "unlabeled_loss": unlabeled,
            "mask_rate": mask.mean(),
            "pseudo_label_shares": class_shares(pseudo, mask, logits_u.shape[1]),
        }
        return labeled + self.alpha(batch.t) * unlabeled, parts


class PseudoLabelClassifier(SSLClassifier):
    r"""Pseudo-Label: the class predicted for an unlabeled row is its target, renewed each step.

    Lee 2013, "Pseudo-Label", equations 15 and 16:

    .. math::

        L = \frac{1}{B} \sum_l H(y_l, p(x_l)) + \alpha(t) \,
        \frac{1}{\mu B} \sum_u H(\arg\max p(x_u), p(x_u))

    Every unlabeled row counts. alpha(t) is 0 until T1, grows linearly until T2, and stays at
    alpha_f, which is ``unlabeled_weight``.

    Parameters
    ----------
    ramp : tuple (T1, T2) of float in [0, 1], default=(0.1, 0.6)
        Begin and end of the growth of alpha, as shares of the budget.
    threshold : float in [0, 1] or None, default=None
        Rows below this confidence do not count. The paper has no threshold.
    augment : "auto" or callable ``(x, generator) -> x``, default="auto"
        View of the rows in training; "auto": the weak view of `augment.default_views`.
    unlabeled_weight : float >= 0, default=3.0
        alpha_f, the largest weight of the unlabeled loss.

    See Also
    --------
    SelfTrainingNet : Chooses pseudo-labels in rounds.
    FixMatchClassifier : Takes the pseudo-label from a weak view and trains on a strong one.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import PseudoLabelClassifier, hide_labels
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = PseudoLabelClassifier(max_steps=100, random_state=0)
    >>> clf.fit(X, hide_labels(y, 100, random_state=0)).score(X, y) > 0.85
    True
    """

    ramp: tuple = (0.1, 0.6)
    threshold: float | None = None
    augment: object = "auto"
    unlabeled_weight: float = 3.0

    _parameter_constraints = {
        "ramp": [tuple, list],
        "threshold": [Interval(Real, 0, 1, closed="both"), None],
        "augment": [StrOptions({"auto"}), callable],
    }
    _search_space = {
        "unlabeled_weight": loguniform(0.3, 10),
        "threshold": [None, 0.8, 0.95],
        "ramp": [(0.1, 0.6), (0.3, 0.8)],
    }

    def _make_view(self, rows):
        return choose_views(rows.X, self.augment)[0]

    def _make_loss(self, rows):
        if len(self.ramp) != 2 or not 0 <= self.ramp[0] <= self.ramp[1] <= 1:
            raise ValueError(
                f"ramp must be two shares of the budget, 0 <= T1 <= T2 <= 1, got {self.ramp!r}."
            )
        return PseudoLabelLoss(
            view=self._make_view(rows),
            unlabeled_weight=self.unlabeled_weight,
            ramp=self.ramp,
            threshold=self.threshold,
        )
