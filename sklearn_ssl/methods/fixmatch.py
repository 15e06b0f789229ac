"""FixMatch: confident predictions on weak views become targets for strong views.

Kihyuk Sohn, David Berthelot, Chun-Liang Li, Zizhao Zhang, Nicholas Carlini, Ekin D. Cubuk, Alex
Kurakin, Han Zhang, Colin Raffel: "FixMatch: Simplifying Semi-Supervised Learning with Consistency
and Confidence", NeurIPS 2020, arXiv 2001.07685, equations 3 and 4.
"""

import torch
from scipy.stats import uniform
from sklearn.utils._param_validation import Interval, Real, StrOptions
from torch import nn
from torch.nn.functional import cross_entropy

from ..augment import choose_views
from ..classifier import SSLClassifier
from ..losses import align_distribution, class_shares, masked_cross_entropy

__all__ = ["FixMatchClassifier", "FixMatchLoss"]


class FixMatchLoss(nn.Module):
    """l_s + lambda_u * l_u; the family's members differ in `row_weight`.

    Targets come from a pass without a gradient over the weak views, which saves a third of the
    work. Labeled rows are in both passes: BatchNorm then sees classes in nearly the same shares.
    """

    plain_labels = False  # whether alignment changes weights alone
    running = ("mean_q",)

    def __init__(self, *, weak, strong, unlabeled_weight=1.0, target=None, threshold=0.95):
        super().__init__()
        self.weak, self.strong = weak, strong
        self.lambda_u, self.tau = unlabeled_weight, threshold
        self.register_buffer("target", target)
        self.register_buffer("mean_q", None if target is None else target.clone())

    def row_weight(self, q, i_u):
        """Weights in [0, 1] of rows with predictions q: (n, K), row numbers (n,) -> (n,)."""
        return (q.amax(-1) >= self.tau).to(q.dtype)

    def regularizer(self, logits_s, q, weight):
        """What a member adds to l_u, of logits (n, K) on strong views; nothing here."""
        return 0.0

    def forward(self, model, batch):
        x_l, x_u, g = batch.x_l, batch.x_u, batch.generator
        weak = self.weak(torch.cat([x_l, x_u]), g)
        with torch.no_grad():
            q = p = torch.softmax(model(weak)[len(x_l) :].float(), -1)
            if self.target is not None:
                self.mean_q = self.mean_q.lerp(q.mean(0), 0.01)
                q = align_distribution(q, self.mean_q, self.target, limit=2)
            weight, q_hat = (
                self.row_weight(q, batch.i_u),
                (p if self.plain_labels else q).argmax(-1),
            )
        logits = model(torch.cat([weak[: len(x_l)], self.strong(x_u, g)]))
        logits_l, logits_s = logits.split([len(x_l), len(x_u)])

        l_s = cross_entropy(logits_l, batch.y_l)  # eq. 3
        l_u = masked_cross_entropy(logits_s, q_hat, weight)  # eq. 4, divided by all mu * B rows
        l_u = l_u + self.regularizer(logits_s, q, weight)

        parts = {
            "labeled_loss": l_s,
            "unlabeled_loss": l_u,
            "mask_rate": weight.mean(),
            "pseudo_label_shares": class_shares(q_hat, weight, q.shape[1]),
        }
        return l_s + self.lambda_u * l_u, parts


class WeakStrongClassifier(SSLClassifier):
    """Common part of FixMatch and its successors: two kinds of views, the pool, class alignment.

    Parameters
    ----------
    weak_augment, strong_augment : "auto" or callable ``(x, generator) -> x``, default="auto"
        Views of a float tensor (n, ...). "auto" chooses them from the kind of input.
    flip : bool or "auto", default="auto"
        Whether the automatic views of images may mirror them; "auto": only with 3 channels, so
        that grey digits and letters are not mirrored.
    distribution_alignment : bool or "auto", default="auto"
        Scale q so that its running mean approaches ``class_prior_``, by at most a factor of 2
        (ReMixMatch, arXiv 1911.09785, has no limit). "auto" is True with more than two classes,
        because a class can vanish there, and if ``class_prior`` gives the shares.
    """

    weak_augment: object = "auto"
    strong_augment: object = "auto"
    flip: object = "auto"
    distribution_alignment: bool | str = "auto"

    _labeled_rows_in_pool = True  # section 2.4

    _parameter_constraints = {
        "weak_augment": [StrOptions({"auto"}), callable],
        "strong_augment": [StrOptions({"auto"}), callable],
        "flip": ["boolean", StrOptions({"auto"})],
        "distribution_alignment": ["boolean", StrOptions({"auto"})],
    }

    def _views(self, rows):
        """The weak and the strong one."""
        return choose_views(rows.X, self.weak_augment, self.strong_augment, self.flip)

    def _make_view(self, rows):
        return self._views(rows)[0]

    def _alignment_target(self, rows):
        """Class shares that the mean prediction is moved to, (K,), or None."""
        align = self.distribution_alignment
        given = rows.given_prior is not None and rows.given_prior.trust == 1
        align = given or rows.n_classes > 2 if align == "auto" else align
        return rows.class_prior if align else None

    def _shared(self, rows):
        """What the losses of the family take alike."""
        weak, strong = self._views(rows)
        return {
            "weak": weak,
            "strong": strong,
            "unlabeled_weight": self.unlabeled_weight,
            "target": self._alignment_target(rows),
        }


class FixMatchClassifier(WeakStrongClassifier):
    r"""FixMatch: confident predictions on weak views become the targets of strong views.

    Sohn et al. 2020, "FixMatch: Simplifying Semi-Supervised Learning with Consistency and
    Confidence", arXiv 2001.07685, equations 3 and 4. With B labeled and mu B unlabeled rows in a
    batch and q_u = p(weak(x_u)), the loss is l_s + lambda_u l_u with

    .. math::

        l_s &= \frac{1}{B} \sum_l H(y_l, p(weak(x_l))) \\
        l_u &= \frac{1}{\mu B} \sum_u 1[\max q_u \ge \tau] \; H(\arg\max q_u, p(strong(x_u)))

    The sum l_u is divided by the number of all unlabeled rows, not of the confident ones. Labeled
    rows stay in the unlabeled pool. Training uses SGD with Nesterov momentum and the learning rate
    lr cos(7 pi t / 16). The averaged weights predict.

    The views and the limited alignment of class shares are not from the paper. On tables the size
    of the views follows the distance between neighbouring rows (see `augment.default_views`).
    Expect no gain, or a small loss, in three cases: the classes overlap, the supervised network is
    already near its best possible accuracy, or the few labels miss a part of a class.

    Parameters
    ----------
    threshold : float in [0, 1], default=0.95
        tau: a pseudo-label counts if the confidence is at least tau.

    Attributes
    ----------
    history_ : list of dict
        One record for each epoch, as in `SSLClassifier`. ``mask_rate`` is the share of rows above
        tau, and ``pseudo_label_shares`` are the parts of it that belong to each class.

    See Also
    --------
    FlexMatchClassifier : One threshold for each class.
    SoftMatchClassifier : Weights in place of a threshold.
    LabelPropagationNet : The best mean on our tables at 5 labels a class.
    AutoSSLClassifier : Where no single method is to be chosen.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import FixMatchClassifier, hide_labels
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = FixMatchClassifier(max_steps=100, random_state=0)
    >>> clf.fit(X, hide_labels(y, 100, random_state=0)).score(X, y) > 0.9
    True
    """

    threshold: float = 0.95

    _parameter_constraints = {
        "threshold": [Interval(Real, 0, 1, closed="both")],
    }
    _search_space = {"threshold": uniform(0.6, 0.39)}

    def _make_loss(self, rows):
        return FixMatchLoss(**self._shared(rows), threshold=self.threshold)
