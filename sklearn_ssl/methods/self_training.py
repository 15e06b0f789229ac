"""Iterative self-training: fit, predict, keep the confident, refit.

David Yarowsky: "Unsupervised word sense disambiguation rivaling supervised methods", ACL 1995;
for deep networks, with restarts and selection by rank, Paola Cascante-Bonilla, Fuwen Tan, Yanjun
Qi, Vicente Ordonez: "Curriculum Labeling", AAAI 2021, arXiv 2001.06001, section 3.
"""

from functools import partial
from itertools import count

import numpy as np
import torch
from scipy.stats import randint, uniform
from sklearn.utils._param_validation import Integral, Interval, Real, StrOptions
from torch import nn
from torch.nn.functional import cross_entropy

from ..augment import choose_views
from ..inputs.labels import mark_unlabeled
from .rounds import Round, RoundsClassifier

__all__ = ["SelfTrainingLoss", "SelfTrainingNet"]


class SelfTrainingLoss(nn.Module):
    """Cross-entropy on labels + lambda_u * cross-entropy on pseudo-labels."""

    def __init__(self, *, view, pseudo_labels, unlabeled_weight):
        super().__init__()
        self.view, self.lambda_u = view, unlabeled_weight
        self.register_buffer("pseudo_labels", torch.as_tensor(pseudo_labels))

    def forward(self, model, batch):
        x = torch.cat([batch.x_l, batch.x_u])
        logits = model(self.view(x, batch.generator))
        logits_l, logits_u = logits.split([len(batch.x_l), len(batch.x_u)])
        labeled = cross_entropy(logits_l, batch.y_l)
        unlabeled = cross_entropy(logits_u, self.pseudo_labels[batch.i_u])
        parts = {"labeled_loss": labeled, "unlabeled_loss": unlabeled}
        return labeled + self.lambda_u * unlabeled, parts


class SelfTrainingNet(RoundsClassifier):
    """Self-training in rounds: fit, predict, keep the confident rows, fit again with them.

    Yarowsky 1995; for deep networks Cascante-Bonilla et al. 2021, "Curriculum Labeling", arXiv
    2001.06001, section 3. Each round selects a growing share of the rows by rank and trains from
    scratch, so that the weights do not keep early mistakes. A row keeps its first pseudo-label, as
    in scikit-learn's ``SelfTrainingClassifier``.

    Expect a lower balanced accuracy where a class is much rarer among the unlabeled rows than among
    the labels, because the last rounds label every row. `FixMatchClassifier` is safer there.

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
    unlabeled_weight : float >= 0, default=1.0
        Weight of the loss on pseudo-labels. With 0 the unlabeled rows are left out altogether.

    Attributes
    ----------
    transduction_ : ndarray of shape (n,)
        Labels used in the last fit; rows that no round labeled hold ``unlabeled_label``.
    labeled_iter_ : ndarray of shape (n,) of int
        Round in which a row got its label: 0 if given, -1 if never.
    n_iter_ : int
        Rounds of self-training, each a fit and a selection; 1 if nothing was to be selected.
    termination_condition_ : {"max_iter", "no_change", "all_labeled", "interrupted"}
    history_ : list of dict
        One record an epoch, as in `SSLClassifier`. Each has its ``round``, the
        ``pseudo_label_shares`` of the classes among all unlabeled rows, and as ``threshold`` the
        lowest confidence that the last selection kept (None in round 0).

    See Also
    --------
    NoisyStudentClassifier : Rounds with soft labels and strong views.
    PseudoLabelClassifier : Pseudo-labels that are renewed in every step.
    LabelPropagationNet : Rounds with pseudo-labels from a graph.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import SelfTrainingNet, hide_labels
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = SelfTrainingNet(max_steps=50, max_iter=2, random_state=0)
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
    _search_space = {
        "k_best": uniform(0.05, 0.45),
        "balanced": [True, False],
        "max_iter": randint(2, 11),
    }

    def _make_view(self, rows):
        return choose_views(rows.X, self.augment)[0]

    def _make_loss(self, rows, labels):
        return SelfTrainingLoss(
            view=self._make_view(rows),
            pseudo_labels=labels,
            unlabeled_weight=self.unlabeled_weight,
        )

    def _rounds(self, rows, seed):
        unlabeled, labels, lowest = rows.unlabeled, rows.y.copy(), None
        self._pseudo_labels, self.labeled_iter_ = labels, np.where(unlabeled, -1, 0)
        self.termination_condition_ = "interrupted"  # until a round ends
        for iteration in count(1):
            given = unlabeled & (labels >= 0)
            shares = np.bincount(labels[given], minlength=rows.n_classes)
            shares = (shares / max(1, unlabeled.sum())).tolist()
            yield Round(
                given,
                partial(self._make_loss, labels=labels.copy()),
                warm=self.warm_start_rounds,
                about={"pseudo_label_shares": shares, "threshold": lowest},
            )
            left = np.flatnonzero(unlabeled & ~given)
            if not len(left):
                condition = "no_change" if self.unlabeled_weight == 0 else "all_labeled"
                break
            if self.max_iter is not None and iteration > self.max_iter:
                condition = "max_iter"
                break
            p = self._probabilities(rows.X[left])
            chosen = self._select(p, int(unlabeled.sum()))
            if not len(chosen):
                condition = "no_change"
                break
            labels[left[chosen]] = p[chosen].argmax(1)
            lowest = float(p[chosen].max(1).min())
            self.labeled_iter_[left[chosen]] = iteration
        self.termination_condition_ = condition

    def _transduce(self, X, y, used):
        super()._transduce(X, y, used)
        if self.unlabeled_weight == 0:
            used = used & (y >= 0)
        labels, rounds = y.copy(), np.where(y >= 0, 0, -1)
        new = np.flatnonzero(used)[self._pseudo_labels >= 0]
        labels[new] = self._pseudo_labels[self._pseudo_labels >= 0]
        rounds[used] = self.labeled_iter_
        self.labeled_iter_, never = rounds, labels < 0
        self.transduction_ = self.classes_[labels]
        if never.any():
            self.transduction_ = mark_unlabeled(self.transduction_, never, self.unlabeled_label)
        del self._pseudo_labels

    def _select(self, p, n_unlabeled):
        if self.criterion == "threshold":
            return select_confident(p, threshold=self.threshold, balanced=self.balanced)
        k = self.k_best if isinstance(self.k_best, Integral) else round(self.k_best * n_unlabeled)
        return select_confident(p, k_best=max(1, k), balanced=self.balanced)


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
        Give each predicted class a share of what is kept, in proportion to the square root of its
        number of candidates: half way between equal shares, which fill a rare class with wrong
        rows, and the predicted shares, which let the easiest class take over.

    Returns
    -------
    ndarray of int

    Examples
    --------
    >>> import numpy as np
    >>> p = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.45, 0.55]])
    >>> select_confident(p, k_best=2), select_confident(p, k_best=2, balanced=False)
    (array([0, 2]), array([0, 1]))
    """
    confidence, predicted = probabilities.max(1), probabilities.argmax(1)
    order = np.argsort(-confidence, kind="stable")
    if threshold is not None:
        order = order[confidence[order] > threshold]
    quota = len(order) if k_best is None else min(k_best, len(order))
    if not balanced:
        return np.sort(order[:quota])
    counts = np.bincount(predicted[order], minlength=probabilities.shape[1])
    shares = np.ceil(quota * np.sqrt(counts) / max(1.0, np.sqrt(counts).sum())).astype(int)
    kept = [order[predicted[order] == c][:share] for c, share in enumerate(shares)]
    kept = np.concatenate(kept)
    return np.sort(kept[np.argsort(-confidence[kept], kind="stable")][:quota])  # shares round up
