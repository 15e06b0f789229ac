"""Label propagation with a network: labels diffuse over a graph of learned features.

Ahmet Iscen, Giorgos Tolias, Yannis
Avrithis, Ondrej Chum: "Label Propagation for Deep Semi-supervised Learning", CVPR 2019, arXiv
1904.04717, section 3.
"""

from functools import partial

import numpy as np
import torch
from scipy.stats import randint, uniform
from sklearn.utils._param_validation import Integral, Interval, Real, StrOptions
from torch import nn
from torch.nn.functional import cross_entropy, normalize

from ..._warnings import warn
from ...augment import choose_views
from ...inputs.points import digests, nodes_of
from ...inputs.sparse_rows import SparseRows
from ...losses import class_shares, masked_cross_entropy
from ..rounds import Round, RoundsClassifier
from .graph import certainty, pooled, spread, with_prior
from .neighbors import CONSTRAINT, check_transformer, nearest

__all__ = ["LabelPropagationLoss", "LabelPropagationNet"]


class LabelPropagationLoss(nn.Module):
    """Cross-entropy on labels + lambda_u * cross-entropy on pseudo-labels times their weights."""

    def __init__(self, *, view, pseudo_labels, row_weight, class_weight, unlabeled_weight):
        super().__init__()
        self.view, self.lambda_u = view, unlabeled_weight
        self.register_buffer("pseudo_labels", torch.as_tensor(pseudo_labels))
        self.register_buffer("row_weight", torch.as_tensor(row_weight, dtype=torch.float32))
        self.register_buffer("class_weight", torch.as_tensor(class_weight, dtype=torch.float32))

    def forward(self, model, batch):
        x = torch.cat([batch.x_l, batch.x_u])
        logits = model(self.view(x, batch.generator))
        logits_l, logits_u = logits.split([len(batch.x_l), len(batch.x_u)])
        labeled = cross_entropy(logits_l, batch.y_l)
        target, omega = self.pseudo_labels[batch.i_u], self.row_weight[batch.i_u]
        unlabeled = masked_cross_entropy(logits_u, target, omega * self.class_weight[target])
        parts = {
            "labeled_loss": labeled,
            "unlabeled_loss": unlabeled,
            "mask_rate": omega.mean(),
            "pseudo_label_shares": class_shares(target, omega, len(self.class_weight)),
        }
        return labeled + self.lambda_u * unlabeled, parts


class LabelPropagationNet(RoundsClassifier):
    r"""Label propagation over learned features: pseudo-labels from a graph, in rounds.

    Iscen et al. 2019, "Label Propagation for Deep Semi-supervised Learning", arXiv 1904.04717,
    equations 8 to 11. The first round trains on the labels. Then a graph joins rows whose learned
    features have a large cosine, and the labels spread over it to F as in
    `LabelPropagationClassifier`. The pseudo-label of row i is c_i = argmax F_i. The next round
    minimises

    .. math::

        \frac{1}{B} \sum_l H(y_l, p(x_l)) + \lambda_u \frac{1}{\mu B} \sum_u \omega_u \,
        \zeta_{c_u} H(c_u, p(x_u)), \qquad
        \omega_u = 1 - \frac{H(F_u)}{\log K}, \quad \zeta_c = \frac{n}{K n_c}

    n_c is the number of rows with pseudo-label c. zeta weighs the pseudo-labels alone. Each round
    starts from scratch and takes as many steps as the supervised network. The paper continues
    training and propagates in every epoch; with our rounds that was no better.

    Parameters
    ----------
    n_neighbors : int >= 1, default=5
        k, the neighbours of a row; W joins two rows if either is a neighbour of the other.
        The paper's 50 is for 50,000 images; on small tables 3 to 7 did best.
    alpha : float in (0, 1), default=0.99
        Share of a row's distribution that comes from its neighbours. Try .95 on small data without
        long chains of rows.
    gamma : float >= 0, default=3.0
        Affinities are max(0, cosine)^gamma.
    neighbors : "auto" or transformer, default="auto"
        Search for neighbours, as in `LabelPropagationClassifier`; "precomputed" is none, as the
        features are learned. A transformer must give Euclidean distances, of features of length 1.
    max_iter : int >= 0, default=3
        Rounds of propagation and training, after a first round on the labels alone.
    augment : "auto" or callable ``(x, generator) -> x``, default="auto"
        View of the rows in training; "auto": the weak view of `augment.default_views`.
    max_steps : int >= 1, default=300
        Optimizer steps of *one round*.
    unlabeled_weight : float >= 0, default=1.0
        lambda_u. With 0 the unlabeled rows are left out altogether.

    Attributes
    ----------
    n_iter_ : int
        Rounds of propagation, at least 1.
    n_unreached_ : int
        Rows that no label reached in the last propagation; omega is 0 for them. If they are more
        than a twentieth of all rows, a warning says so.
    history_ : list of dict
        One record an epoch, as in `SSLClassifier`; each has its ``round``, and its ``mask_rate`` is
        the mean omega.

    See Also
    --------
    LabelPropagationClassifier : The same diffusion over the rows themselves, without a network.
    SelfTrainingNet : Rounds with the network's own pseudo-labels.
    FixMatchClassifier : One training, for images and for many rows.

    Notes
    -----
    ``sample_weight`` and ``class_weight`` also multiply the rows of Y. The features of a network
    are the input of the last ``nn.Linear`` that runs, or the logits if it has no ``nn.Linear``. The
    column sums of F are scaled as in `LabelPropagationClassifier`, and equal rows share a node, as
    they do there.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import LabelPropagationNet, hide_labels
    >>> X, y = load_digits(return_X_y=True)
    >>> few = hide_labels(y, 50, random_state=0)
    >>> LabelPropagationNet(max_steps=100, max_iter=1, random_state=0).fit(X, few).score(X, y) > 0.8
    True
    """

    n_neighbors: int = 5
    alpha: float = 0.99
    gamma: float = 3.0
    neighbors: object = "auto"
    max_iter: int = 3
    augment: object = "auto"
    max_steps: int = 300

    _parameter_constraints = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, 1, closed="neither")],
        "gamma": [Interval(Real, 0, None, closed="left")],
        "neighbors": CONSTRAINT,
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "augment": [StrOptions({"auto"}), callable],
    }
    _search_space = {
        "n_neighbors": randint(3, 21),
        "alpha": [0.9, 0.97, 0.99, 0.997],
        "gamma": uniform(1, 4),
    }

    def _make_view(self, rows):
        return choose_views(rows.X, self.augment)[0]

    def _rounds(self, rows, seed):
        self.n_unreached_, unlabeled = 0, rows.unlabeled
        check_transformer(self.neighbors, min(self.n_neighbors, len(rows.y) - 1))
        yield Round()
        for _ in range(self.max_iter if unlabeled.any() else 0):
            p = self._propagate(rows, seed)
            self.n_unreached_ = int((~p.any(1)).sum())
            yield Round(unlabeled, partial(self._make_loss, p=p))
        if self.n_unreached_ > 0.05 * len(rows.y):
            warn(
                f"No label reaches {self.n_unreached_} of {len(rows.y)} rows over the graph of "
                "neighbours, and they do not teach the network: raise n_neighbors, or label a row "
                "of each group."
            )

    def _make_loss(self, rows, p):
        labels = np.where(rows.unlabeled, p.argmax(1), rows.y)
        taught = rows.labeled | (rows.unlabeled & p.any(1))
        omega = np.where(rows.unlabeled, certainty(p), 1.0) * taught
        counts = np.bincount(labels[taught], minlength=rows.n_classes)
        return LabelPropagationLoss(
            view=self._make_view(rows),
            pseudo_labels=labels,
            row_weight=omega,
            class_weight=counts.sum() / rows.n_classes / np.maximum(counts, 1),
            unlabeled_weight=self.unlabeled_weight,
        )

    def _propagate(self, rows, seed):
        """Diffuse over the features of the net as it is: distributions (n, K), 0 if unreached."""
        features, keys = _features(self.net_, rows.X)
        features = normalize(torch.from_numpy(features).float()).numpy()
        first, node = nodes_of(keys)
        if len(first) < len(node):  # equal rows in other batches differ by the last digits
            features = features[first[node]]
        first, node = nodes_of(digests(features))
        if len(first) < len(node):
            features = features[first]
        distances, others = nearest(features, self.n_neighbors, seed % 2**63, self.neighbors)
        cosine = np.maximum(1 - np.square(distances) / 2, 0)
        Y = pooled(rows.y, rows.weight, node, rows.n_classes)
        W, copies = cosine**self.gamma, np.bincount(node)
        p = spread(W, others, Y, self.alpha, copies)[0]
        return with_prior(p, Y, copies, rows.given_prior)[0][node]


def _features(net, X):
    """What the last nn.Linear inside the predicting module gets, else logits; and row digests.

    Returns
    -------
    features : float64 ndarray of shape (n, p)
    keys : list of n bytes
        As `digests` of the rows.
    """
    module, seen, keys = net.predicting_module_, {}, []
    hooks = [
        m.register_forward_pre_hook(lambda _, args: seen.update(last=args[0]))
        for m in module.modules()
        if isinstance(m, nn.Linear) and m is not module
    ]

    def call(x):
        sparse = isinstance(x, SparseRows)
        keys.extend(digests(x.matrix() if sparse else x.flatten(1).cpu().numpy()))
        seen.clear()
        logits = module.forward(x)  # not the compiled call, which would pass the hooks by
        last = seen.get("last", logits)
        return (last if len(last) == len(x) else logits).flatten(1)

    try:
        return net.collect(X, call=call), keys
    finally:
        for hook in hooks:
            hook.remove()
