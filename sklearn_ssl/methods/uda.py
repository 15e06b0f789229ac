"""UDA: sharpened predictions on rows as they are become targets of augmented ones.

Qizhe Xie, Zihang Dai, Eduard Hovy, Minh-Thang Luong, Quoc V. Le: "Unsupervised Data Augmentation
for Consistency Training", NeurIPS 2020, arXiv 1904.12848, equation 1 and section 2.3; training
signal annealing is appendix A.
"""

import math

import torch
from scipy.stats import uniform
from sklearn.utils._param_validation import Interval, Real, StrOptions
from torch import nn
from torch.nn.functional import cross_entropy

from ..augment import choose_views
from ..classifier import SSLClassifier
from ..losses import class_shares, sharpen, soft_cross_entropy

__all__ = ["UDAClassifier", "UDALoss"]

SCHEDULES = {
    "linear": lambda t: t,
    "exp": lambda t: math.exp(5 * (t - 1)),
    "log": lambda t: 1 - math.exp(-5 * t),
}


class UDALoss(nn.Module):
    """CE on labels still needed + lambda_u * mean 1[max p > beta] CE(sharpened p, p(strong))."""

    def __init__(
        self, *, weak, strong, unlabeled_weight, temperature=0.4, threshold=0.8, annealing=None
    ):
        super().__init__()
        self.weak, self.strong, self.lambda_u = weak, strong, unlabeled_weight
        self.temperature, self.beta, self.annealing = temperature, threshold, annealing

    def labeled_loss(self, logits, y, t):
        """Labels of rows that the net gives more than eta(t) are left out (appendix A)."""
        losses = cross_entropy(logits, y, reduction="none")
        if self.annealing is None:
            return losses.mean()
        K = logits.shape[1]
        eta = SCHEDULES[self.annealing](t) * (1 - 1 / K) + 1 / K
        needed = (losses.detach().float().neg().exp() <= eta).to(losses.dtype)
        return (losses * needed).sum() / needed.sum().clamp_min(1)

    def forward(self, model, batch):
        x_l, x_u, g = batch.x_l, batch.x_u, batch.generator
        weak = self.weak(torch.cat([x_l, x_u]), g)
        logits = model(torch.cat([weak, self.strong(x_u, g)]))
        logits_l, logits_w, logits_s = logits.split([len(x_l), len(x_u), len(x_u)])
        with torch.no_grad():
            p = torch.softmax(logits_w.float(), -1)
            mask = (p.amax(-1) > self.beta).to(p.dtype)
            target = sharpen(p, self.temperature)
        l_s = self.labeled_loss(logits_l, batch.y_l, batch.t)
        l_u = (soft_cross_entropy(logits_s, target) * mask).mean()
        parts = {
            "labeled_loss": l_s,
            "unlabeled_loss": l_u,
            "mask_rate": mask.mean(),
            "pseudo_label_shares": class_shares(p.argmax(-1), mask, p.shape[1]),
        }
        return l_s + self.lambda_u * l_u, parts


class UDAClassifier(SSLClassifier):
    """UDA: sharpened soft predictions on weak views are the targets of strong views.

    Xie et al. 2020, "Unsupervised Data Augmentation for Consistency Training", arXiv 1904.12848,
    equation 1 and section 2.3. The logits of a target are divided by a temperature. Unlabeled rows
    below a confidence do not count. Training signal annealing leaves out labeled rows of which the
    network is already sure. With ``unlabeled_weight=0`` no labeled row is left out.

    Parameters
    ----------
    temperature : float in (0, 1], default=0.4
        Temperature of the targets; lower values sharpen more.
    threshold : float in [0, 1], default=0.8
        beta: a row counts if its largest probability, before sharpening, is above beta.
    annealing : {"linear", "exp", "log"} or None, default=None
        How the limit eta(t) of training signal annealing grows from 1/K to 1.
    weak_augment, strong_augment : "auto" or callable ``(x, generator) -> x``, default="auto"
        Views of a float tensor (n, ...); "auto": `augment.default_views`.
    flip : bool or "auto", default="auto"
        Whether the automatic views of images may mirror them; "auto": only with 3 channels.

    See Also
    --------
    FixMatchClassifier : Hard targets and a higher threshold.
    MixMatchClassifier : Sharpened targets and mixed rows.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import UDAClassifier, hide_labels
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = UDAClassifier(max_steps=100, random_state=0)
    >>> clf.fit(X, hide_labels(y, 100, random_state=0)).score(X, y) > 0.85
    True
    """

    temperature: float = 0.4
    threshold: float = 0.8
    annealing: str | None = None
    weak_augment: object = "auto"
    strong_augment: object = "auto"
    flip: object = "auto"

    _parameter_constraints = {
        "temperature": [Interval(Real, 0, 1, closed="right")],
        "threshold": [Interval(Real, 0, 1, closed="both")],
        "annealing": [StrOptions(set(SCHEDULES)), None],
        "weak_augment": [StrOptions({"auto"}), callable],
        "strong_augment": [StrOptions({"auto"}), callable],
        "flip": ["boolean", StrOptions({"auto"})],
    }
    _search_space = {
        "threshold": uniform(0.5, 0.45),
        "temperature": uniform(0.3, 0.7),
        "annealing": [None, "log", "linear", "exp"],
    }

    def _views(self, rows):
        return choose_views(rows.X, self.weak_augment, self.strong_augment, self.flip)

    def _make_view(self, rows):
        return self._views(rows)[0]

    def _make_loss(self, rows):
        weak, strong = self._views(rows)
        return UDALoss(
            weak=weak,
            strong=strong,
            unlabeled_weight=self.unlabeled_weight,
            temperature=self.temperature,
            threshold=self.threshold,
            annealing=self.annealing,
        )
