"""Noisy Student: a teacher labels, a noised student learns it, and becomes the teacher.

Qizhe Xie, Minh-Thang Luong, Eduard Hovy, Quoc V. Le: "Self-training with Noisy Student improves
ImageNet classification", CVPR 2020, arXiv 1911.04252, algorithm 1.
"""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.utils._param_validation import Integral, Interval, StrOptions
from torch import nn
from torch.nn.functional import cross_entropy

from .augment import choose_views
from .classifier import SSLClassifier
from .losses import soft_cross_entropy

__all__ = ["NoisyStudentClassifier", "NoisyStudentLoss"]


class NoisyStudentLoss(nn.Module):
    """mean CE(y, f(noised x)) + lambda_u * mean CE(teacher's p, f(noised x~))."""

    def __init__(self, view, teacher, unlabeled_weight):
        super().__init__()
        self.view, self.lambda_u = view, unlabeled_weight
        self.register_buffer("teacher", torch.as_tensor(teacher, dtype=torch.float32))

    def forward(self, model, batch):
        x_l, y_l, x_u, i_u, _, g, *_ = batch
        logits = model(self.view(torch.cat([x_l, x_u]), g))
        logits_l, logits_u = logits.split([len(x_l), len(x_u)])
        loss = cross_entropy(logits_l, y_l)
        parts = {"labeled_loss": loss.detach()}
        if len(x_u):
            unlabeled = soft_cross_entropy(logits_u, self.teacher[i_u]).mean()
            parts["unlabeled_loss"] = unlabeled.detach()
            loss = loss + self.lambda_u * unlabeled
        return loss, parts


@dataclass(kw_only=True, eq=False, repr=False)
class NoisyStudentClassifier(SSLClassifier):
    """Noisy Student: self-training with soft labels for all rows, and noise on the student alone.

    Xie et al. 2020, "Self-training with Noisy Student", arXiv 1911.04252, algorithm 1: train a
    teacher on the labels; let it, without noise, give every unlabeled row a distribution; train a
    student from scratch on both under strong views (and dropout, where the network has it); repeat
    with the student as the teacher. To make students larger than teachers fit twice with another
    module.

    Parameters
    ----------
    max_iter : int >= 0, default=3
        Students.
    augment : "auto" or callable ``(x, generator) -> x``, default="auto"
        The student's noise; "auto": the strong view of `augment.default_views`. The first teacher
        sees the weak view.
    balanced : bool, default=True
        Scale the teacher's distributions so that their mean approaches the class shares of the
        labels, by at most a factor of 2 (the paper balances by copying rows).
    max_steps : int >= 1, default=500
        Optimizer steps of one teacher or student. With ``warm_start`` and in `partial_fit` each of
        them goes on from the weights so far.
    module, module_params, batch_size, unlabeled_ratio, unlabeled_weight, \
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
    >>> from sklearn_ssl import NoisyStudentClassifier, hide_labels
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = NoisyStudentClassifier(max_steps=200, random_state=0)
    >>> clf.fit(X, hide_labels(y, 100, random_state=0)).score(X, y) > 0.85
    True
    """

    max_iter: int = 3
    augment: object = "auto"
    balanced: bool = True
    max_steps: int = 500

    _parameter_constraints = {
        **SSLClassifier._parameter_constraints,
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "augment": [StrOptions({"auto"}), callable],
        "balanced": ["boolean"],
    }

    def _fit(self, X, codes, weight):
        if self.unlabeled_weight == 0:
            X, weight, codes = X[codes >= 0], weight[codes >= 0], codes[codes >= 0]
        weak, strong = choose_views(X, "auto", self.augment)
        pool, history = np.flatnonzero(codes < 0), []
        teacher = np.zeros((len(codes), len(self.classes_)))
        students = self.max_iter if len(pool) else 0
        for generation in range(students + 1):

            def make_loss(X, codes, first=generation == 0, teacher=teacher):
                return NoisyStudentLoss(weak if first else strong, teacher, self.unlabeled_weight)

            rows = pool if generation else pool[:0]
            self._train(X, codes, weight, rows, make_loss, self._warm, salt=generation)
            history += [{"round": generation, **record} for record in self.history_]
            if self.net_.stop_reason_ == "interrupted":
                break
            teacher = np.zeros_like(teacher)
            if generation < students:
                teacher[pool] = self._soft_labels(X[pool], codes)
        self.history_ = history

    def _soft_labels(self, X, codes):
        p = self._probabilities(X)
        if self.balanced and len(self.classes_) > 2:
            shares = np.bincount(codes[codes >= 0], minlength=len(self.classes_))
            shares = shares / shares.sum()
            p = p * np.clip(shares / p.mean(0).clip(1e-6), 0.5, 2)
        return p / p.sum(1, keepdims=True)
