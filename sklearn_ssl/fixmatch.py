"""FixMatch: confident predictions on weak views become targets for strong views.

Kihyuk Sohn, David Berthelot, Chun-Liang Li, Zizhao Zhang, Nicholas Carlini, Ekin D. Cubuk, Alex
Kurakin, Han Zhang, Colin Raffel: "FixMatch: Simplifying Semi-Supervised Learning with Consistency
and Confidence", NeurIPS 2020, arXiv 2001.07685, equations 3 and 4.
"""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, Real, StrOptions
from torch import nn
from torch.nn.functional import cross_entropy

from .augment import AffineColorCutout, GaussianNoise, ShiftFlip, SwapFeatures
from .base import SSLClassifier
from .losses import align_distribution, class_balance, masked_cross_entropy

__all__ = ["FixMatchClassifier", "FixMatchLoss"]


class FixMatchLoss(nn.Module):
    """l_s + lambda_u * l_u."""

    def __init__(self, weak, strong, threshold, unlabeled_weight, target=None, n_classes=1):
        super().__init__()
        self.weak, self.strong = weak, strong
        self.tau, self.lambda_u = threshold, unlabeled_weight
        self.register_buffer("target", target)
        self.register_buffer("mean_q", torch.full((n_classes,), 1 / n_classes))

    def forward(self, model, batch):
        x_l, y_l, x_u, _, _, g = batch
        B, n_u = len(x_l), len(x_u)
        weak = self.weak(torch.cat([x_l, x_u]), g)
        if not n_u:
            loss = cross_entropy(model(weak), y_l)
            return loss, {"labeled_loss": loss.detach()}
        logits = model(torch.cat([weak, self.strong(x_u, g)]))
        logits_l, logits_w, logits_s = logits.split([B, n_u, n_u])

        l_s = cross_entropy(logits_l, y_l)  # eq. 3
        with torch.no_grad():
            q = torch.softmax(logits_w.float(), -1)
            if self.target is not None:
                self.mean_q.lerp_(q.mean(0), 0.01)
                q = align_distribution(q, self.mean_q, self.target)
            confidence, q_hat = q.max(-1)
            mask = (confidence >= self.tau).to(q.dtype)
        l_u = masked_cross_entropy(logits_s, q_hat, mask)  # eq. 4, divided by all mu * B rows

        parts = {"labeled_loss": l_s, "unlabeled_loss": l_u, "mask_rate": mask.mean()}
        return l_s + self.lambda_u * l_u, {name: v.detach() for name, v in parts.items()}


@dataclass(kw_only=True, eq=False, repr=False)
class FixMatchClassifier(SSLClassifier):
    threshold: float = 0.95
    weak_augment: object = "auto"
    strong_augment: object = "auto"
    flip: object = "auto"
    distribution_alignment: bool = False

    _parameter_constraints = {
        **SSLClassifier._parameter_constraints,
        "threshold": [Interval(Real, 0, 1, closed="both")],
        "weak_augment": [StrOptions({"auto"}), callable],
        "strong_augment": [StrOptions({"auto"}), callable],
        "flip": ["boolean", StrOptions({"auto"})],
        "distribution_alignment": ["boolean"],
    }

    def _make_loss(self, X, codes):
        weak, strong = self._views(X)
        n_classes = len(self.classes_)
        target = None
        if self.distribution_alignment:
            target = class_balance(torch.from_numpy(codes), n_classes)
        return FixMatchLoss(weak, strong, self.threshold, self.unlabeled_weight, target, n_classes)

    def _pool(self, codes):
        """All rows, labeled ones too (section 2.4), unless all are labeled."""
        return np.arange(len(codes) if (codes < 0).any() else 0)

    def _views(self, X):
        if X.ndim == 4:
            flip = X.shape[1] == 3 if self.flip == "auto" else self.flip
            weak, strong = ShiftFlip(flip=flip), AffineColorCutout(flip=flip)
        else:
            weak, strong = GaussianNoise(), SwapFeatures()
        weak = weak if self.weak_augment == "auto" else self.weak_augment
        strong = strong if self.strong_augment == "auto" else self.strong_augment
        return weak, strong
