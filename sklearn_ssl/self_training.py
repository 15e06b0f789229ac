"""Iterative self-training: fit, predict, keep the confident, refit.

David Yarowsky: "Unsupervised word sense disambiguation rivaling supervised methods", ACL 1995;
for deep networks, with restarts and selection by rank, Paola Cascante-Bonilla, Fuwen Tan, Yanjun
Qi, Vicente Ordonez: "Curriculum Labeling", AAAI 2021, arXiv 2001.06001, section 3.
"""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.utils._param_validation import Integral, Interval, Real, StrOptions
from torch import nn
from torch.nn.functional import cross_entropy

from .augment import GaussianNoise
from .base import SSLClassifier

__all__ = ["SelfTrainingLoss", "SelfTrainingNet", "select_confident"]


class SelfTrainingLoss(nn.Module):
    """Cross-entropy on labels + lambda_u * cross-entropy on pseudo-labels."""

    def __init__(self, view, pseudo_labels, unlabeled_weight):
        super().__init__()
        self.view, self.lambda_u = view, unlabeled_weight
        self.register_buffer("pseudo_labels", torch.as_tensor(pseudo_labels))

    def forward(self, model, batch):
        x_l, y_l, x_u, i_u, _, g = batch
        logits = model(self.view(torch.cat([x_l, x_u]), g))
        logits_l, logits_u = logits.split([len(x_l), len(x_u)])
        loss = cross_entropy(logits_l, y_l)
        parts = {"labeled_loss": loss.detach()}
        if len(x_u):
            unlabeled = cross_entropy(logits_u, self.pseudo_labels[i_u])
            parts["unlabeled_loss"] = unlabeled.detach()
            loss = loss + self.lambda_u * unlabeled
        return loss, parts


def select_confident(probabilities, threshold=None, k_best=None, balanced=True):
    """Positions of the rows whose predicted class is confident enough.

    Parameters
    ----------
    probabilities : ndarray of shape (n, K)
    threshold : float in [0, 1], or None
        Keep rows whose largest probability is above it.
    k_best : int, or None
        Keep that many, the most confident ones.
    balanced : bool
        Keep of every predicted class at most 1 / K of what is kept in all.

    Returns
    -------
    ndarray of int

    Examples
    --------
    >>> p = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.4, 0.6]])
    >>> select_confident(p, k_best=2), select_confident(p, k_best=2, balanced=False)
    (array([0, 3]), array([0, 1]))
    """
    confidence, predicted = probabilities.max(1), probabilities.argmax(1)
    order = np.argsort(-confidence, kind="stable")
    if threshold is not None:
        order = order[confidence[order] > threshold]
    quota = len(order) if k_best is None else min(k_best, len(order))
    if not balanced:
        return np.sort(order[:quota])
    share = -(-quota // probabilities.shape[1])
    return np.sort(
        np.concatenate(
            [order[predicted[order] == c][:share] for c in range(probabilities.shape[1])]
        )
    )


@dataclass(kw_only=True, eq=False, repr=False)
class SelfTrainingNet(SSLClassifier):
    criterion: str = "threshold"
    threshold: float = 0.75
    k_best: int | float = 0.2
    balanced: bool = True
    max_iter: int | None = 10
    warm_start_rounds: bool = False
    augment: object = "auto"
    max_steps: int = 300

    _parameter_constraints = {
        **SSLClassifier._parameter_constraints,
        "criterion": [StrOptions({"threshold", "k_best"})],
        "threshold": [Interval(Real, 0, 1, closed="left")],
        "k_best": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="neither"),
        ],
        "balanced": ["boolean"],
        "max_iter": [Interval(Integral, 0, None, closed="left"), None],
        "warm_start_rounds": ["boolean"],
        "augment": [StrOptions({"auto"}), callable],
    }

    def _fit(self, X, codes):
        labels = codes.copy()  # -1 until a round labels the row
        self.labeled_iter_ = np.where(codes >= 0, 0, -1)
        iteration, history, condition = 0, [], None
        while condition is None:
            self._fit_round(X, codes, labels, iteration)
            history += [{"round": iteration, **record} for record in self.history_]
            left = np.flatnonzero(labels < 0)
            if self.net_.stop_reason_ == "interrupted":
                condition = "interrupted"
            elif not len(left) or self.unlabeled_weight == 0:
                condition = "all_labeled"
            elif self.max_iter is not None and iteration >= self.max_iter:
                condition = "max_iter"
            else:
                probabilities = self._probabilities(X[left])
                chosen = self._select(probabilities, int((codes < 0).sum()))
                if not len(chosen):
                    condition = "no_change"
                else:
                    iteration += 1
                    labels[left[chosen]] = probabilities[chosen].argmax(1)
                    self.labeled_iter_[left[chosen]] = iteration
        self.n_iter_, self.history_, self.termination_condition_ = iteration, history, condition
        self._labels = labels

    def _fit_round(self, X, codes, labels, iteration):
        pool = np.flatnonzero((codes < 0) & (labels >= 0))
        view = GaussianNoise() if self.augment == "auto" else self.augment
        loss = SelfTrainingLoss(view, labels, self.unlabeled_weight)
        self._train(X, codes, pool, loss, salt=iteration)

    def _select(self, p, n_unlabeled):
        if self.criterion == "threshold":
            return select_confident(p, threshold=self.threshold, balanced=self.balanced)
        k = self.k_best if isinstance(self.k_best, Integral) else round(self.k_best * n_unlabeled)
        return select_confident(p, k_best=max(1, k), balanced=self.balanced)
