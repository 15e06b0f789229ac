"""FlexMatch: classes that are learned more slowly pass at a lower threshold.

Bowen Zhang, Yidong Wang, Wenxin Hou, Hao Wu, Jindong Wang, Manabu Okumura, Takahiro Shinozaki:
"FlexMatch: Boosting Semi-Supervised Learning with Curriculum Pseudo Labeling", NeurIPS 2021, arXiv
2110.08263, equations 5 to 8.
"""

import torch
from scipy.stats import uniform
from sklearn.utils._param_validation import Interval, Real

from .fixmatch import FixMatchLoss, WeakStrongClassifier

__all__ = ["FlexMatchClassifier", "FlexMatchLoss"]


class FlexMatchLoss(FixMatchLoss):
    """FixMatch with a threshold for each class, from how many rows were given that class."""

    per_row = ("latest",)

    def __init__(self, *, n_rows, n_classes, n_held=0, **kwargs):
        super().__init__(**kwargs)
        self.n_classes = n_classes  # also the code of rows that never were confident
        self.n_held = n_held  # rows that are not drawn
        self.register_buffer("latest", torch.full((n_rows,), n_classes))

    def thresholds(self):
        """T(c) = M(beta_c) tau with M(x) = x / (2 - x): (K,) in [0, tau]."""
        sigma = torch.zeros(self.n_classes + 1, device=self.latest.device)
        sigma = sigma.index_add(0, self.latest, torch.ones_like(self.latest, dtype=sigma.dtype))
        sigma[-1] -= self.n_held
        beta = sigma[:-1] / sigma.max().clamp_min(1)  # rows never confident: one more
        return self.tau * beta / (2 - beta)  # convex M of section 3.4

    def row_weight(self, q, i_u):
        """1[max q >= T(argmax q)]; a row's class is remembered when it is confident."""
        confidence, q_hat = q.max(-1)
        weight = (confidence >= self.thresholds()[q_hat]).to(q.dtype)
        self.latest[i_u] = torch.where(confidence >= self.tau, q_hat, self.latest[i_u])  # eq. 5
        return weight


class FlexMatchClassifier(WeakStrongClassifier):
    r"""FlexMatch: FixMatch with lower thresholds for classes that are learned more slowly.

    Zhang et al. 2021, "FlexMatch", arXiv 2110.08263, equations 5 to 8, with the warm-up and the
    mapping M of sections 3.3 and 3.4. Let sigma(c) be the number of rows whose latest confident
    prediction is class c, and beta(c) = sigma(c) / max sigma. The threshold of class c is

    .. math::

        T(c) = \tau \, \frac{\beta(c)}{2 - \beta(c)}

    Avoid it where two classes have unknown shares: the lower threshold lets too many rows of the
    larger class in.

    Parameters
    ----------
    threshold : float in [0, 1], default=0.95
        tau: the threshold of the class that is learned best. A row of confidence tau or more
        counts as learned.

    See Also
    --------
    FixMatchClassifier : One threshold for all classes.
    FreeMatchClassifier : Thresholds that follow the confidence of the network.
    SoftMatchClassifier : Weights in place of a threshold.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import FlexMatchClassifier, hide_labels
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = FlexMatchClassifier(max_steps=100, random_state=0)
    >>> clf.fit(X, hide_labels(y, 100, random_state=0)).score(X, y) > 0.85
    True
    """

    threshold: float = 0.95

    _parameter_constraints = {
        "threshold": [Interval(Real, 0, 1, closed="both")],
    }
    _search_space = {"threshold": uniform(0.6, 0.39)}

    def _make_loss(self, rows):
        return FlexMatchLoss(
            **self._shared(rows),
            threshold=self.threshold,
            n_rows=len(rows.y),
            n_held=int(rows.held_out.sum()),
            n_classes=rows.n_classes,
        )
