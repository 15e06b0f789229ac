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

from .augment import choose_views
from .classifier import SSLClassifier
from .labels import mark_unlabeled, select_confident

__all__ = ["SelfTrainingLoss", "SelfTrainingNet"]


class SelfTrainingLoss(nn.Module):
    """Cross-entropy on labels + lambda_u * cross-entropy on pseudo-labels."""

    def __init__(self, view, pseudo_labels, unlabeled_weight):
        super().__init__()
        self.view, self.lambda_u = view, unlabeled_weight
        self.register_buffer("pseudo_labels", torch.as_tensor(pseudo_labels))

    def forward(self, model, batch):
        x_l, y_l, x_u, i_u, _, g, *_ = batch
        logits = model(self.view(torch.cat([x_l, x_u]), g))
        logits_l, logits_u = logits.split([len(x_l), len(x_u)])
        loss = cross_entropy(logits_l, y_l)
        parts = {"labeled_loss": loss.detach()}
        if len(x_u):
            unlabeled = cross_entropy(logits_u, self.pseudo_labels[i_u])
            parts["unlabeled_loss"] = unlabeled.detach()
            loss = loss + self.lambda_u * unlabeled
        return loss, parts


@dataclass(kw_only=True, eq=False, repr=False)
class SelfTrainingNet(SSLClassifier):
    """Self-training in rounds: fit, predict, keep the confident rows, refit on them too.

    Yarowsky 1995; for deep networks Cascante-Bonilla et al. 2021, "Curriculum Labeling", arXiv
    2001.06001, section 3: select by rank, a growing share at a time, and restart from scratch, so
    that early mistakes are not carried in the weights. A pseudo-label once given stays, as in
    scikit-learn's ``SelfTrainingClassifier``.

    Expect it to lose balanced accuracy where a class is much rarer among the unlabeled rows than
    among the labels (`FixMatchClassifier` is safer there): its last rounds label every row.

    Parameters
    ----------
    criterion : {"k_best", "threshold"}, default="k_best"
        "k_best" keeps the ``k_best`` most confident rows of a round, "threshold" all rows whose
        confidence is above ``threshold``.
    threshold : float in [0, 1), default=0.75
        Confidence above which a row is kept, with ``criterion="threshold"``.
    k_best : int, or float in (0, 1), default=0.2
        Number of rows a round, or the share of the unlabeled rows.
    balanced : bool, default=True
        Share what a round keeps among the predicted classes, by the square root of their sizes.
        Unbalanced selection collapses onto the class that is easiest at first.
    max_iter : int or None, default=10
        Largest number of rounds; None: until no row is added.
    warm_start_rounds : bool, default=False
        Continue from the weights of the round before instead of from scratch. With ``warm_start``
        and in `partial_fit` every round continues.
    augment : "auto" or callable ``(x, generator) -> x``, default="auto"
        View of the rows in training; "auto": the weak view of `augment.default_views`.
    max_steps : int >= 1, default=300
        Optimizer steps of *one round*.
    module, module_params, batch_size, unlabeled_ratio, unlabeled_weight, \
    optimizer, lr, optimizer_params, ema_decay, validation_fraction, early_stopping, callbacks, \
    device, precision, warm_start, verbose, random_state, class_weight, \
    unlabeled_label, checkpoint_dir, input_shape, temperature_scaling, compile
        As in `SSLClassifier`; ``unlabeled_weight`` is the weight of the loss on pseudo-labels.

    Attributes
    ----------
    transduction_ : ndarray of shape (n,)
        Labels used in the last fit; rows that no round labeled hold ``unlabeled_label``.
    labeled_iter_ : ndarray of shape (n,) of int
        Round in which a row got its label: 0 if given, -1 if never.
    n_iter_ : int
        Rounds of self-training, each a fit and a selection; 1 if nothing was to be selected.
    termination_condition_ : {"max_iter", "no_change", "all_labeled", "interrupted"}
    classes_, label_distributions_, history_, net_, n_features_in_
        As in `SSLClassifier`. Each record of ``history_`` has its ``round``, the
        ``pseudo_label_shares`` of the classes among all unlabeled rows, and as ``threshold`` the
        lowest confidence that the last selection kept (None in round 0).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import SelfTrainingNet, hide_labels
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = SelfTrainingNet(max_steps=100, max_iter=2, random_state=0)
    >>> clf.fit(X, hide_labels(y, 100, random_state=0)).termination_condition_
    'max_iter'
    """

    criterion: str = "k_best"
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

    def _fit(self, X, codes, weight):
        labels = codes.copy()  # -1 until a round labels the row
        self.labeled_iter_ = np.where(codes >= 0, 0, -1)
        iteration, history, condition, lowest = 0, [], None, None
        while condition is None:
            self._fit_round(X, codes, weight, labels, iteration)
            shares = np.bincount(labels[(codes < 0) & (labels >= 0)], minlength=len(self.classes_))
            shares = (shares / max(1, (codes < 0).sum())).tolist()
            about = {"round": iteration, "pseudo_label_shares": shares, "threshold": lowest}
            history += [{**about, **record} for record in self.history_]
            left = np.flatnonzero(labels < 0)
            if self.net_.stop_reason_ == "interrupted":
                condition = "interrupted"
            elif not len(left):
                condition = "all_labeled"
            elif self.unlabeled_weight == 0:
                condition = "no_change"
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
                    lowest = float(probabilities[chosen].max(1).min())
                    self.labeled_iter_[left[chosen]] = iteration
        self.n_iter_ = max(1, iteration)
        self.history_, self.termination_condition_ = history, condition
        self.pseudo_labels_ = labels

    def _transduce(self, X, codes, used):
        super()._transduce(X, codes, used)
        labels, rounds = codes.copy(), np.where(codes >= 0, 0, -1)
        labels[used], rounds[used] = self.pseudo_labels_, self.labeled_iter_
        self.labeled_iter_, never = rounds, labels < 0
        self.transduction_ = self.classes_[labels]
        if never.any():
            self.transduction_ = mark_unlabeled(self.transduction_, never, self.unlabeled_label)
        del self.pseudo_labels_

    def _fit_round(self, X, codes, weight, labels, iteration):
        if self.unlabeled_weight == 0:
            X, weight, labels = (array[codes >= 0] for array in (X, weight, labels))
            codes = codes[codes >= 0]
        view, _ = choose_views(X, self.augment)

        def make_loss(X, codes):
            return SelfTrainingLoss(view, np.where(codes == -2, -1, labels), self.unlabeled_weight)

        pool = np.flatnonzero((codes < 0) & (labels >= 0))
        warm = self._warm or (iteration > 0 and self.warm_start_rounds)
        self._train(X, codes, weight, pool, make_loss, warm=warm, salt=iteration)

    def _select(self, p, n_unlabeled):
        if self.criterion == "threshold":
            return select_confident(p, threshold=self.threshold, balanced=self.balanced)
        k = self.k_best if isinstance(self.k_best, Integral) else round(self.k_best * n_unlabeled)
        return select_confident(p, k_best=max(1, k), balanced=self.balanced)
