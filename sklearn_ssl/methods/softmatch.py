"""SoftMatch: every row counts, by a Gaussian of its confidence.

Hao Chen, Ran Tao, Yue Fan, Yidong Wang, Jindong Wang, Bernt Schiele, Xing Xie, Bhiksha Raj, Marios
Savvides: "SoftMatch: Addressing the Quantity-Quality Trade-off in Semi-supervised Learning", ICLR
2023, arXiv 2301.10921, equations 6 to 10.
"""

import torch
from scipy.stats import uniform
from sklearn.utils._param_validation import Interval, Real

from .fixmatch import FixMatchLoss, WeakStrongClassifier

__all__ = ["SoftMatchClassifier", "SoftMatchLoss"]


class SoftMatchLoss(FixMatchLoss):
    """FixMatch with lambda(p) = exp(-(max p - mu)^2 / (2 sigma^2)) below mu, and 1 above."""

    plain_labels = True
    running = (*FixMatchLoss.running, "mu", "variance")

    def __init__(self, *, n_classes, decay, n_sigma, **kwargs):
        super().__init__(**kwargs)
        self.decay, self.n_sigma = decay, n_sigma
        self.register_buffer("mu", torch.tensor(1 / n_classes))
        self.register_buffer("variance", torch.tensor(1.0))

    def row_weight(self, q, i_u):
        """A truncated Gaussian of the confidence (eq. 7), mean and variance running (eq. 9)."""
        confidence = q.amax(-1)
        self.mu = self.mu.lerp(confidence.mean(), 1 - self.decay)
        self.variance = self.variance.lerp(confidence.var(correction=0), 1 - self.decay)
        below = (self.mu - confidence).clamp_min(0)
        return torch.exp(-below.square() * self.n_sigma**2 / (2 * self.variance.clamp_min(1e-8)))


class SoftMatchClassifier(WeakStrongClassifier):
    r"""SoftMatch: FixMatch in which every row has a weight that grows with its confidence.

    Chen et al. 2023, "SoftMatch", arXiv 2301.10921, equations 6 to 10. With the running mean mu
    and variance sigma^2 of the confidences, a row of confidence c has the weight

    .. math::

        \lambda(c) = \exp(-(c - \mu)^2 / (2 \sigma^2)) \quad \text{if } c < \mu, \text{ else } 1

    The paper aligns predictions to the uniform distribution. This estimator aligns them to the
    class shares of the labels, as `FixMatchClassifier` does. In both, the alignment changes the
    weights and not the targets.

    Parameters
    ----------
    threshold_decay : float in [0, 1), default=0.99
        Decay of the running mean and variance. The paper's .999 needs more steps than the default
        budget.
    n_sigma : float > 0, default=2
        sigma is divided by it (2 in the authors' experiments).

    See Also
    --------
    FixMatchClassifier : A row counts fully or not at all.
    FreeMatchClassifier : Thresholds that follow the confidence of the network.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import SoftMatchClassifier, hide_labels
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = SoftMatchClassifier(max_steps=100, random_state=0)
    >>> clf.fit(X, hide_labels(y, 100, random_state=0)).score(X, y) > 0.85
    True
    """

    threshold_decay: float = 0.99
    n_sigma: float = 2

    _parameter_constraints = {
        "threshold_decay": [Interval(Real, 0, 1, closed="left")],
        "n_sigma": [Interval(Real, 0, None, closed="neither")],
    }
    _search_space = {"threshold_decay": [0.9, 0.99, 0.999], "n_sigma": uniform(1, 2)}

    def _make_loss(self, rows):
        return SoftMatchLoss(
            **self._shared(rows),
            n_classes=rows.n_classes,
            decay=self.threshold_decay,
            n_sigma=self.n_sigma,
        )
