"""FreeMatch: thresholds that follow the confidence of the model itself.

Yidong Wang, Hao Chen, Qiang Heng, Wenxin Hou, Yue Fan, Zhen Wu, Jindong Wang, Marios Savvides,
Takahiro Shinozaki, Bhiksha Raj, Bernt Schiele, Xing Xie: "FreeMatch: Self-adaptive Thresholding for
Semi-supervised Learning", ICLR 2023, arXiv 2205.07246, equations 5 to 11.
"""

import torch
from scipy.stats import loguniform
from sklearn.utils._param_validation import Interval, Real

from ..losses import class_shares
from .fixmatch import FixMatchLoss, WeakStrongClassifier

__all__ = ["FreeMatchClassifier", "FreeMatchLoss"]


class FreeMatchLoss(FixMatchLoss):
    """FixMatch with tau_t(c) = p~_t(c) / max p~_t * tau_t, and a term for fairness."""

    running = (*FixMatchLoss.running, "tau_t", "p_t", "h_t")

    def __init__(self, *, n_classes, decay, fairness_weight, **kwargs):
        super().__init__(**kwargs)
        self.decay, self.w_f = decay, fairness_weight
        self.register_buffer("tau_t", torch.tensor(1 / n_classes))
        self.register_buffer("p_t", torch.full((n_classes,), 1 / n_classes))
        self.register_buffer("h_t", torch.full((n_classes,), 1 / n_classes))

    def row_weight(self, q, i_u):
        """1[max q >= tau_t(argmax q)]."""
        confidence, q_hat = q.max(-1)
        share = class_shares(q_hat, torch.ones_like(confidence), q.shape[1])
        self.tau_t = self.tau_t.lerp(confidence.mean(), 1 - self.decay)  # eq. 5
        self.p_t = self.p_t.lerp(q.mean(0), 1 - self.decay)  # eq. 6
        self.h_t = self.h_t.lerp(share, 1 - self.decay)
        tau = self.p_t / self.p_t.max() * self.tau_t  # eq. 7
        return (confidence >= tau[q_hat]).to(q.dtype)

    def regularizer(self, logits_s, q, weight):
        """w_f * -H(SumNorm(p~ / h~), SumNorm(p_ / h_)) of eq. 11: predictions on strong views, each
        class divided by how often it wins, are to differ in no class from the running ones."""
        p_s = torch.softmax(logits_s.float(), -1)
        rows = weight.sum().clamp_min(1)
        mean = (p_s * weight[:, None]).sum(0) / rows
        wins = class_shares(p_s.argmax(-1), weight, q.shape[1]) * len(weight) / rows
        running, present = self.p_t / self.h_t.clamp_min(1e-6), wins > 0
        now = torch.where(present, mean / wins.clamp_min(1e-6), 0.0)
        running, now = running / running.sum(), now / now.sum().clamp_min(1e-6)
        cross_entropy = -(running * torch.where(present, now.clamp_min(1e-6), 1.0).log()).sum()
        return -self.w_f * cross_entropy


class FreeMatchClassifier(WeakStrongClassifier):
    r"""FreeMatch: FixMatch with thresholds that follow the running confidence of the network.

    Wang et al. 2023, "FreeMatch", arXiv 2205.07246, equations 5 to 7 (thresholds) and 11
    (fairness). With the running mean confidence tau_t and the running mean prediction p_t, the
    threshold of class c is

    .. math::

        \tau_t(c) = \frac{p_t(c)}{\max_k p_t(k)} \, \tau_t

    The thresholds begin at 1/K and rise with the network, so that many rows count early. Avoid it
    where two classes have unknown shares.

    Parameters
    ----------
    threshold_decay : float in [0, 1), default=0.99
        Decay of the running means. The paper's .999 needs more steps than the default budget.
    fairness_weight : float >= 0, default=0.01
        w_f, the weight of the fairness term. It is also multiplied by ``unlabeled_weight``.

    See Also
    --------
    FixMatchClassifier : One fixed threshold.
    FlexMatchClassifier : Thresholds from the number of confident rows in each class.
    SoftMatchClassifier : Weights in place of a threshold.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import FreeMatchClassifier, hide_labels
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = FreeMatchClassifier(max_steps=100, random_state=0)
    >>> clf.fit(X, hide_labels(y, 100, random_state=0)).score(X, y) > 0.85
    True
    """

    threshold_decay: float = 0.99
    fairness_weight: float = 0.01

    _parameter_constraints = {
        "threshold_decay": [Interval(Real, 0, 1, closed="left")],
        "fairness_weight": [Interval(Real, 0, None, closed="left")],
    }
    _search_space = {
        "threshold_decay": [0.9, 0.99, 0.999],
        "fairness_weight": loguniform(1e-3, 0.1),
    }

    def _make_loss(self, rows):
        return FreeMatchLoss(
            **self._shared(rows),
            n_classes=rows.n_classes,
            decay=self.threshold_decay,
            fairness_weight=self.fairness_weight,
        )
