"""Noisy Student: a teacher labels, a noised student learns it, and becomes the teacher.

Qizhe Xie, Minh-Thang Luong, Eduard Hovy, Quoc V. Le: "Self-training with Noisy Student improves
ImageNet classification", CVPR 2020, arXiv 1911.04252, algorithm 1.
"""

from functools import partial

import numpy as np
import torch
from sklearn.utils._param_validation import Integral, Interval, StrOptions
from torch import nn
from torch.nn.functional import cross_entropy

from ..augment import choose_views
from ..losses import soft_cross_entropy
from .rounds import Round, RoundsClassifier

__all__ = ["NoisyStudentClassifier", "NoisyStudentLoss"]


class NoisyStudentLoss(nn.Module):
    """mean CE(y, f(noised x)) + lambda_u * mean CE(teacher's p, f(noised x~))."""

    def __init__(self, *, view, teacher, unlabeled_weight):
        super().__init__()
        self.view, self.lambda_u = view, unlabeled_weight
        self.register_buffer("teacher", torch.as_tensor(teacher, dtype=torch.float32))

    def forward(self, model, batch):
        x = torch.cat([batch.x_l, batch.x_u])
        logits = model(self.view(x, batch.generator))
        logits_l, logits_u = logits.split([len(batch.x_l), len(batch.x_u)])
        labeled = cross_entropy(logits_l, batch.y_l)
        unlabeled = soft_cross_entropy(logits_u, self.teacher[batch.i_u]).mean()
        parts = {"labeled_loss": labeled, "unlabeled_loss": unlabeled}
        return labeled + self.lambda_u * unlabeled, parts


class NoisyStudentClassifier(RoundsClassifier):
    """Noisy Student: a teacher labels all rows, and a student learns them under noise, in rounds.

    Xie et al. 2020, "Self-training with Noisy Student", arXiv 1911.04252, algorithm 1:

    1. Train a teacher on the labels.
    2. The teacher predicts a distribution for every unlabeled row, without noise.
    3. Train a student from scratch on both, under strong views (and dropout, if the network has
       it).
    4. The student becomes the teacher; go to 2.

    The paper makes students larger than teachers. To do so, fit twice with another ``module``.

    Parameters
    ----------
    max_iter : int >= 0, default=3
        Number of students.
    augment : "auto" or callable ``(x, generator) -> x``, default="auto"
        The student's noise; "auto": the strong view of `augment.default_views`. The first teacher
        sees the weak view.
    balanced : bool, default=True
        Scale the teacher's distributions so that their mean approaches the class shares of the
        labels, by at most a factor of 2 (the paper balances by copying rows).
    max_steps : int >= 1, default=500
        Optimizer steps of one teacher or student. With ``warm_start`` and in `partial_fit` each of
        them continues from the current weights.

    See Also
    --------
    SelfTrainingNet : Rounds with hard labels for confident rows.
    MeanTeacherClassifier : A teacher that changes in every step.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import NoisyStudentClassifier, hide_labels
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = NoisyStudentClassifier(max_steps=100, random_state=0)
    >>> clf.fit(X, hide_labels(y, 100, random_state=0)).score(X, y) > 0.85
    True
    """

    max_iter: int = 3
    augment: object = "auto"
    balanced: bool = True
    max_steps: int = 500

    _parameter_constraints = {
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "augment": [StrOptions({"auto"}), callable],
        "balanced": ["boolean"],
    }
    _search_space = {"max_iter": [1, 2, 3], "balanced": [True, False]}

    def _make_view(self, rows):
        return choose_views(rows.X)[0]  # the first teacher's

    def _rounds(self, rows, seed):
        unlabeled = rows.unlabeled
        yield Round()  # a teacher learns the labels
        if not unlabeled.any():
            return
        for _ in range(self.max_iter):
            teacher = np.zeros((len(rows.y), rows.n_classes))
            teacher[unlabeled] = self._soft_labels(rows.X[unlabeled], rows.class_prior.numpy())
            make_loss = partial(self._make_loss, teacher=teacher)
            yield Round(unlabeled, make_loss)  # and its student becomes the teacher

    def _make_loss(self, rows, teacher):
        _, strong = choose_views(rows.X, "auto", self.augment)
        return NoisyStudentLoss(
            view=strong, teacher=teacher, unlabeled_weight=self.unlabeled_weight
        )

    def _soft_labels(self, X, prior):
        p = self._probabilities(X)
        if self.balanced and len(self.classes_) > 2:
            p = p * np.clip(prior / p.mean(0).clip(1e-6), 0.5, 2)
        return p / p.sum(1, keepdims=True)
