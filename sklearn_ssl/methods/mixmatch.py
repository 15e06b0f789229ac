"""MixMatch: guessed labels, sharpened, and everything mixed with everything.

David Berthelot, Nicholas Carlini, Ian Goodfellow, Nicolas Papernot, Avital Oliver, Colin Raffel:
"MixMatch: A Holistic Approach to Semi-Supervised Learning", NeurIPS 2019, arXiv 1905.02249,
equations 2 to 11 and algorithm 1.
"""

import torch
from scipy.stats import loguniform, uniform
from sklearn.utils._param_validation import Integral, Interval, Real, StrOptions
from torch import nn
from torch.nn.functional import one_hot

from ..augment import choose_views
from ..classifier import SSLClassifier
from ..losses import mixup, sharpen, soft_cross_entropy, squared_distance
from ..schedules import linear_ramp

__all__ = ["MixMatchClassifier", "MixMatchLoss"]


class MixMatchLoss(nn.Module):
    """L_X + lambda_u(t) * L_U of eqs. 3 to 5."""

    def __init__(
        self, *, view, unlabeled_weight, ramp_length=0.4, temperature=0.5, n_views=2, alpha=0.75
    ):
        super().__init__()
        self.view, self.lambda_u, self.ramp_length = view, unlabeled_weight, ramp_length
        self.temperature, self.n_views, self.alpha = temperature, n_views, alpha

    def forward(self, model, batch):
        x_u, g = batch.x_u, batch.generator
        x_l = self.view(batch.x_l, g)
        views = [self.view(x_u, g) for _ in range(self.n_views)]
        with torch.no_grad():
            logits = model(torch.cat(views)).float()
            p = torch.softmax(logits, -1).reshape(self.n_views, len(x_u), -1).mean(0)  # eq. 6
            q = sharpen(p, self.temperature)  # eq. 7
            target_l = one_hot(batch.y_l, q.shape[1]).to(q.dtype)
        X = torch.cat([x_l, *views])
        P = torch.cat([target_l, q.repeat(self.n_views, 1)])
        mixed, targets = mixup(X, P, self.alpha, g)  # eqs. 8 to 11
        logits = model(mixed)
        B = len(x_l)
        L_X = soft_cross_entropy(logits[:B], targets[:B]).mean()  # eq. 3
        L_U = squared_distance(torch.softmax(logits[B:].float(), -1), targets[B:]).mean()  # eq. 4
        lambda_u = self.lambda_u * linear_ramp(batch.t, self.ramp_length)
        return L_X + lambda_u * L_U, {"labeled_loss": L_X, "unlabeled_loss": L_U}


class MixMatchClassifier(SSLClassifier):
    r"""MixMatch: average predictions over views, sharpen them, mix labeled and unlabeled rows.

    Berthelot et al. 2019, "MixMatch", arXiv 1905.02249, equations 2 to 11. The mean prediction of
    K views is sharpened with the temperature T:

    .. math::

        q_k = \frac{\bar p_k^{1/T}}{\sum_j \bar p_j^{1/T}}

    Then every row and its target are mixed with those of another row: x' = lambda x_1 + (1 -
    lambda) x_2. lambda is drawn from Beta(alpha, alpha) and replaced by max(lambda, 1 - lambda),
    so that a mixed row stays closer to x_1. The unlabeled loss is the squared error of
    *probabilities*, the mean over rows and classes.

    Parameters
    ----------
    temperature : float in (0, 1], default=0.5
        T, the temperature of the targets; lower values sharpen more.
    n_views : int >= 1, default=2
        K, the number of views whose predictions are averaged.
    alpha : float > 0, default=0.75
        Both parameters of the Beta distribution of the mixing coefficient.
    ramp_length : float in [0, 1], default=0.4
        Share of training in which the unlabeled weight grows linearly.
    augment : "auto" or callable ``(x, generator) -> x``, default="auto"
        "auto": the weak view of `augment.default_views`.
    unlabeled_weight : float >= 0, default=10.0
        lambda_u at the end of the ramp. The paper has 75 for CIFAR-10, which cost up to 25 points
        on tables.

    See Also
    --------
    ReMixMatchClassifier : Adds strong views and aligned class shares.
    FixMatchClassifier : Thresholds in place of mixing.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import MixMatchClassifier, hide_labels
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = MixMatchClassifier(max_steps=100, random_state=0)
    >>> clf.fit(X, hide_labels(y, 100, random_state=0)).score(X, y) > 0.85
    True
    """

    temperature: float = 0.5
    n_views: int = 2
    alpha: float = 0.75
    ramp_length: float = 0.4
    augment: object = "auto"
    unlabeled_weight: float = 10.0
    unlabeled_ratio: int = 1

    _parameter_constraints = {
        "temperature": [Interval(Real, 0, 1, closed="right")],
        "n_views": [Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "ramp_length": [Interval(Real, 0, 1, closed="both")],
        "augment": [StrOptions({"auto"}), callable],
    }
    _search_space = {
        "unlabeled_weight": loguniform(1, 100),
        "temperature": uniform(0.3, 0.7),
        "alpha": uniform(0.1, 0.9),
    }

    def _make_view(self, rows):
        return choose_views(rows.X, self.augment)[0]

    def _make_loss(self, rows):
        return MixMatchLoss(
            view=self._make_view(rows),
            unlabeled_weight=self.unlabeled_weight,
            ramp_length=self.ramp_length,
            temperature=self.temperature,
            n_views=self.n_views,
            alpha=self.alpha,
        )
