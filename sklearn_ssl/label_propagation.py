"""Label propagation: labels diffuse over a graph of neighbours, of raw rows or of learned features.

Dengyong Zhou, Olivier Bousquet, Thomas Navin Lal, Jason Weston, Bernhard Schoelkopf: "Learning with
Local and Global Consistency", NIPS 16, 2004; with a network, Ahmet Iscen, Giorgos Tolias, Yannis
Avrithis, Ondrej Chum: "Label Propagation for Deep Semi-supervised Learning", CVPR 2019, arXiv
1904.04717, section 3.
"""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.utils._param_validation import Integral, Interval, Real, StrOptions
from sklearn.utils.metaestimators import available_if
from torch import nn
from torch.nn.functional import cross_entropy, normalize

from .augment import choose_views
from .classifier import SSLClassifier
from .graph import LabelGraph, certainty, nearest, spread
from .losses import class_shares, masked_cross_entropy

__all__ = ["LabelPropagationLoss", "LabelPropagationNet"]


class LabelPropagationLoss(nn.Module):
    """Cross-entropy on labels + lambda_u * cross-entropy on pseudo-labels times their weights."""

    def __init__(self, view, pseudo_labels, row_weight, class_weight, unlabeled_weight):
        super().__init__()
        self.view, self.lambda_u = view, unlabeled_weight
        self.register_buffer("pseudo_labels", torch.as_tensor(pseudo_labels))
        self.register_buffer("row_weight", torch.as_tensor(row_weight, dtype=torch.float32))
        self.register_buffer("class_weight", torch.as_tensor(class_weight, dtype=torch.float32))

    def forward(self, model, batch):
        x_l, y_l, x_u, i_u, _, g, *_ = batch
        logits = model(self.view(torch.cat([x_l, x_u]), g))
        logits_l, logits_u = logits.split([len(x_l), len(x_u)])
        loss = cross_entropy(logits_l, y_l)
        parts = {"labeled_loss": loss.detach()}
        if len(x_u):
            target, omega = self.pseudo_labels[i_u], self.row_weight[i_u]
            unlabeled = masked_cross_entropy(logits_u, target, omega * self.class_weight[target])
            parts["unlabeled_loss"] = unlabeled.detach()
            parts["mask_rate"] = omega.mean()
            parts["pseudo_label_shares"] = class_shares(target, omega, len(self.class_weight))
            loss = loss + self.lambda_u * unlabeled
        return loss, parts


def _has_network(estimator):
    if estimator.module is None:
        raise AttributeError("module=None has no weights to go on from or to write to a file.")
    return True


@dataclass(kw_only=True, eq=False, repr=False)
class LabelPropagationNet(SSLClassifier):
    """Labels diffuse over a graph of neighbours; with a network, over what it has learned so far.

    Zhou et al. 2004, "Learning with Local and Global Consistency": with the affinities W of
    neighbouring rows, their degrees D and S = D^-1/2 W D^-1/2, the labels Y spread to

    F = (I - alpha S)^-1 Y,

    whose rows, normalised, are class distributions.

    With a network, Iscen et al. 2019, arXiv 1904.04717, equations 8 to 11: after a round of
    training on the labels, W comes from the cosines of learned features, the argmax of F gives
    pseudo-labels, and the next round minimises

    mean of H(y, p(x_l)) + lambda_u mean of omega_i zeta_c H(c, p(x_i)), c the pseudo-label,

    with omega_i = 1 - H(F_i) / log K and zeta_c = n / (K n_c), n_c the rows of class c. Each round
    starts from scratch, for the same steps as the supervised net (the paper goes on and propagates
    every epoch; in our rounds that did no better). zeta weighs the pseudo-labels alone.

    With ``module=None`` there is no network at all: one diffusion over the rows themselves, scaled
    by their column's standard deviation, takes a second for 10,000 rows. It suits data whose
    distances mean something as they are. A new row takes the distributions of its nearest
    training rows, which are kept.

    Parameters
    ----------
    module : "auto", None, nn.Module class or instance, or callable, default="auto"
        None: no network; then all parameters of training are ignored, and there is neither
        `partial_fit` nor `save`. With ``unlabeled_weight=0``, and where all rows are labeled, the
        nearest neighbours' labels vote; another weight is as good as 1. The features of a network
        are what its last ``nn.Linear`` to run is given; where it has none inside, its logits.
    n_neighbors : int >= 1, default=5
        k, the neighbours of a row; W joins two rows if either is a neighbour of the other.
        The paper's 50 is for 50,000 images; on small tables 3 to 7 did best.
    alpha : float in (0, 1), default=0.99
        How much comes from the neighbours. Small data without long chains of rows may like .95.
    gamma : float >= 0, default=3.0
        With a network: affinities are max(0, cosine)^gamma. Without one they are Gaussian, with
        half the distance to the k-th neighbour as standard deviation.
    max_iter : int >= 0, default=3
        Rounds of propagation and training, after the first one on labels alone.
    augment : "auto" or callable ``(x, generator) -> x``, default="auto"
        View of the rows in training; "auto": the weak view of `augment.default_views`.
    max_steps : int >= 1, default=300
        Optimizer steps of *one round*.
    module_params, batch_size, unlabeled_ratio, unlabeled_weight, \
    optimizer, lr, optimizer_params, ema_decay, validation_fraction, early_stopping, callbacks, \
    device, precision, warm_start, verbose, random_state, class_weight, \
    unlabeled_label, checkpoint_dir, input_shape, temperature_scaling, compile
        As in `SSLClassifier`; ``unlabeled_weight`` is lambda_u. ``sample_weight`` and
        ``class_weight`` also multiply the rows of Y.

    Attributes
    ----------
    n_iter_ : int
        Rounds of propagation, at least 1; without a network, steps of the conjugate gradients.
    classes_, transduction_, label_distributions_, history_, net_, n_features_in_
        As in `SSLClassifier`; each record of ``history_`` has its ``round``, and its
        ``mask_rate`` is the mean omega. Without a network ``graph_`` (``graph.LabelGraph``) stands
        for ``net_``, ``history_`` is empty, and the distributions of unlabeled rows are those of F.

    Notes
    -----
    Before rows of F are normalised, its columns are scaled so that their sums are proportional to
    the square root of the classes' shares among the labels: half way between class mass
    normalisation (Zhu, Ghahramani and Lafferty 2003), which lets rare classes vanish, and equal
    sums, which make too much of them. A row that no label reaches has the shares themselves.

    Time and memory grow linearly with the rows, but for the search for neighbours: up to 50,000
    rows, and for sparse X always, each pair is compared; beyond, the search is approximate. With
    ``module=None`` a million rows of 64 columns took 4.5 minutes on one core, and 1.1 GB beside
    the rows (``benchmarks/graph.py``). A prediction compares a new row with all that are kept.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import LabelPropagationNet, hide_labels
    >>> X, y = load_digits(return_X_y=True)
    >>> few = hide_labels(y, 50, random_state=0)
    >>> LabelPropagationNet(module=None).fit(X, few).score(X, y) > 0.9
    True
    >>> LabelPropagationNet(max_steps=100, max_iter=1, random_state=0).fit(X, few).score(X, y) > 0.8
    True
    """

    n_neighbors: int = 5
    alpha: float = 0.99
    gamma: float = 3.0
    max_iter: int = 3
    augment: object = "auto"
    max_steps: int = 300

    _parameter_constraints = {
        **SSLClassifier._parameter_constraints,
        "module": [StrOptions({"auto"}), callable, None],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, 1, closed="neither")],
        "gamma": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "augment": [StrOptions({"auto"}), callable],
    }

    partial_fit = available_if(_has_network)(SSLClassifier.partial_fit)
    save = available_if(_has_network)(SSLClassifier.save)

    def _fit(self, X, codes, weight):
        if self.unlabeled_weight == 0:
            X, weight, codes = X[codes >= 0], weight[codes >= 0], codes[codes >= 0]
        if self.module is None:
            self._fit_graph(X, codes, weight)
            return
        vars(self).pop("graph_", None)  # of an earlier fit without a network
        history = []
        for iteration in range(1 + (self.max_iter if (codes < 0).any() else 0)):
            self._fit_round(X, codes, weight, iteration)
            history += [{"round": iteration, **record} for record in self.history_]
            if self.net_.stop_reason_ == "interrupted":
                break
        self.n_iter_, self.history_ = max(1, iteration), history

    def _fit_round(self, X, codes, weight, iteration):
        view, _ = choose_views(X, self.augment)
        n_classes = len(self.classes_)

        def make_loss(X, codes):  # in which labels that are held out are missing
            labels, omega, zeta = np.maximum(codes, -1), (codes >= 0) * 1.0, np.ones(n_classes)
            if iteration:
                p = self._propagate(X, codes, weight, iteration)
                labels = np.where(codes == -1, p.argmax(1), labels)
                omega = np.where(codes == -1, certainty(p), omega)
                counts = np.bincount(labels[labels >= 0], minlength=n_classes)
                zeta = counts.sum() / n_classes / np.maximum(counts, 1)
            return LabelPropagationLoss(view, labels, omega, zeta, self.unlabeled_weight)

        pool = np.flatnonzero((codes < 0) & (iteration > 0))
        self._train(X, codes, weight, pool, make_loss, self._warm, salt=iteration)

    def _propagate(self, X, codes, weight, iteration):
        """Diffuse over the features of the net as it is: distributions (n, K)."""
        features = normalize(torch.from_numpy(_features(self.net_, X)).float()).numpy()
        distances, rows = nearest(features, self.n_neighbors, int(self._seeds(iteration)[0]))
        cosine = np.maximum(1 - np.square(distances) / 2, 0)
        return spread(cosine**self.gamma, rows, codes, weight, len(self.classes_), self.alpha)[0]

    def _fit_graph(self, X, codes, weight):
        self.graph_ = LabelGraph(self.n_neighbors, self.alpha)
        self.n_iter_ = self.graph_.fit(X, codes, weight, len(self.classes_), int(self._seeds(0)[0]))
        self.history_ = []
        for name in ("net_", "temperature_"):  # of an earlier fit with a network
            vars(self).pop(name, None)

    def _probabilities(self, X):
        if "graph_" not in vars(self):
            return super()._probabilities(X)
        return self.graph_.predict_proba(X)

    def _transduce(self, X, codes, used):
        if "graph_" not in vars(self):
            return super()._transduce(X, codes, used)
        in_graph = used & (codes >= 0) if self.unlabeled_weight == 0 else used
        p = np.empty((len(codes), len(self.classes_)))
        p[in_graph] = self.graph_.distributions
        if not in_graph.all():
            p[~in_graph] = self._probabilities(X[~in_graph])
        p[codes >= 0] = np.eye(len(self.classes_))[codes[codes >= 0]]
        self.label_distributions_, self.transduction_ = p, self.classes_[p.argmax(1)]

    def __sklearn_is_fitted__(self):
        return hasattr(self, "net_") or hasattr(self, "graph_")


def _features(net, X):
    """What the last nn.Linear inside the predicting module gets, else logits: float64 (n, p)."""
    module, seen = net.predicting_module_, {}
    hooks = [
        m.register_forward_pre_hook(lambda _, args: seen.update(last=args[0]))
        for m in module.modules()
        if isinstance(m, nn.Linear) and m is not module
    ]

    def call(x):
        seen.clear()
        logits = module.forward(x)  # not the compiled call, which would pass the hooks by
        last = seen.get("last", logits)
        return (last if len(last) == len(x) else logits).flatten(1)

    try:
        return net.collect(X, call=call)
    finally:
        for hook in hooks:
            hook.remove()
