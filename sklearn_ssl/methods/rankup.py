"""RankUp: a network that predicts numbers also learns which of two rows has the larger one.

Pin-Yen Huang, Szu-Wei Fu, Yu Tsao: "RankUp: Boosting Semi-Supervised Regression with an Auxiliary
Ranking Classifier", NeurIPS 2024, arXiv 2410.22124, sections 3.1 (ranking) and 3.2 (alignment).
"""

from dataclasses import replace

import torch
from scipy.stats import loguniform, uniform
from sklearn.utils._param_validation import Interval, Real, StrOptions
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from ..augment import choose_views
from ..inputs.targets import masked_mse
from ..networks import still_statistics
from ..networks.around import AroundNetwork
from ..regressor import SSLRegressor
from ..schedules import linear_ramp

__all__ = ["RankUpLoss", "RankUpRegressor", "aligned", "pair_logits", "pair_targets"]


class Ranked(AroundNetwork, nn.Module):
    """A network of three outputs for each number: the number, and two scores that rank rows."""

    inside = "body"

    def __init__(self, body, n_outputs):
        super().__init__()
        self.body, self.n_outputs = body, n_outputs

    def both(self, x):
        """Rows (n, ...) -> numbers (n, T), scores (n, T, 2)."""
        out, T = self.body(x), self.n_outputs
        if out.ndim != 2 or out.shape[1] != 3 * T:
            raise ValueError(
                f"it gives {tuple(out.shape[1:])} outputs a row, and RankUp needs {3 * T}, three "
                "for each column of y: let it take n_classes, which will be that."
            )
        return out[:, :T], out[:, T:].unflatten(1, (T, 2))

    def forward(self, x):
        """Rows (n, ...) -> numbers (n, T)."""
        return self.both(x)[0]


def pair_logits(scores):
    """Logits of y_i > y_j for all pairs of rows: (n, T, 2) -> (n, n, T).

    softmax(a_i - a_j) has two entries, so that it is the sigmoid of their difference.
    """
    margin = scores[..., 0] - scores[..., 1]
    return margin[:, None] - margin[None]


def pair_targets(y):
    """Whether y_i > y_j; 1/2 for ties, NaN where one is unknown: (n, T) -> (n, n, T)."""
    apart = y[:, None] - y[None]
    return torch.where(apart.isnan(), apart, (1 + torch.sign(apart)) / 2)  # sign(NaN) is 0 in torch


def aligned(raw, seen, labels):
    """The value of rank r becomes the r-quantile of the labels.

    Parameters
    ----------
    raw : tensor (n,)
        Predictions.
    seen : tensor (n,) of bool
        Rows that have one; the others get what does not matter.
    labels : tensor (m,)
        Known targets, sorted.

    Returns
    -------
    tensor (n,)
        Section 3.2: between labels quantiles are interpolated.
    """
    ranks = raw.masked_fill(~seen, torch.inf).argsort(stable=True).argsort()
    last = (seen.sum() - 1).clamp_min(1)
    at = (ranks / last).clamp_max(1) * (len(labels) - 1)
    below = at.floor().long()
    above = (below + 1).clamp_max(len(labels) - 1)
    return torch.lerp(labels[below], labels[above], at - below)


class RankUpLoss(nn.Module):
    """l_reg + w (l_arc + lambda_u l_arc,u) + lambda_u ramp(t) l_rda.

    Labeled rows are a batch of their own, and BatchNorm's running statistics are theirs, as in the
    supervised net.
    """

    per_row, of_first = ("raw", "seen"), ("targets",)

    def __init__(
        self,
        *,
        weak,
        strong,
        labels,
        n_rows,
        max_steps,
        steps_per_pass,
        unlabeled_weight=1.0,
        ranking_weight=0.2,
        threshold=0.95,
        rda=True,
        ramp_length=0.4,
    ):
        super().__init__()
        self.weak, self.strong, self.lambda_u = weak, strong, unlabeled_weight
        self.ranking_weight, self.tau, self.rda = ranking_weight, threshold, rda
        self.max_steps, self.every, self.ramp_length = max_steps, steps_per_pass, ramp_length
        for k, column in enumerate(labels):  # they differ in length
            self.register_buffer(f"labels_{k}", column)
        shape = n_rows, len(labels)
        self.register_buffer("raw", torch.zeros(shape))
        self.register_buffer("targets", torch.zeros(shape))
        self.register_buffer("seen", torch.zeros(n_rows, dtype=torch.bool))
        self.register_buffer("has_target", torch.zeros(n_rows, dtype=torch.bool))

    def alignment_loss(self, outputs, batch):
        """Squared error to the targets of rows that have one; now and then all get new ones."""
        i = batch.i_u
        self.raw[i], self.seen[i] = outputs.detach().float(), True
        step = round(batch.t * self.max_steps)
        if step and step % self.every == 0:
            columns = zip(self.raw.T, self.labels, strict=True)
            self.targets = torch.stack([aligned(r, self.seen, y) for r, y in columns], 1)
            self.has_target = self.seen.clone()
        return masked_mse(outputs, self.targets[i].where(self.has_target[i, None], torch.nan))

    @property
    def labels(self):
        """Known targets of each column, sorted."""
        return [getattr(self, f"labels_{k}") for k in range(self.raw.shape[1])]

    def forward(self, model, batch):
        x_l, x_u, g = batch.x_l, batch.x_u, batch.generator
        B, n = len(x_l), len(x_u)
        weak = self.weak(torch.cat([x_l, x_u]), g)
        outputs_l, scores_l = model.both(weak[:B])
        with still_statistics(model):
            outputs_u, scores_u = model.both(torch.cat([weak[B:], self.strong(x_u, g)]))
        scores_w, scores_s = scores_u.float().split([n, n])

        regression = masked_mse(outputs_l, batch.y_l)
        target = pair_targets(batch.y_l)
        known = target.isfinite()
        entropy = cross_entropy(
            pair_logits(scores_l.float()), target.nan_to_num(), reduction="none"
        )
        ranking = (entropy * known).sum() / known.sum().clamp_min(1)

        q = torch.sigmoid(pair_logits(scores_w.detach()))
        sure = (torch.maximum(q, 1 - q) >= self.tau).to(q.dtype)
        unlabeled = cross_entropy(pair_logits(scores_s), q.round(), weight=sure)  # over all pairs

        parts = {
            "labeled_loss": regression,
            "ranking_loss": ranking,
            "unlabeled_loss": unlabeled,
            "mask_rate": sure.mean(),
        }
        loss = regression + self.ranking_weight * (ranking + self.lambda_u * unlabeled)
        if self.rda:
            alignment = self.alignment_loss(outputs_u[:n], batch)
            parts["alignment_loss"] = alignment
            loss = loss + self.lambda_u * linear_ramp(batch.t, self.ramp_length) * alignment
        return loss, parts


class RankUpRegressor(SSLRegressor):
    """RankUp for numbers: ranks of unlabeled rows as in FixMatch, and an aligned distribution.

    Huang, Fu and Tsao 2024, "RankUp: Boosting Semi-Supervised Regression with an Auxiliary Ranking
    Classifier", arXiv 2410.22124. The network has two more outputs a number, a in R^2. Of two rows
    softmax(a_i - a_j) is the probability that y_i is larger, and that it is smaller. Pairs of
    labeled rows are learned by cross-entropy (halves for ties), pairs of unlabeled rows as in
    FixMatch: where the weak views are sure, their decision is the target of the strong views.

    Regression distribution alignment (RDA, ``rda``): after each pass over the unlabeled rows the
    prediction of rank r becomes the r-quantile of the labeled targets, and that is the row's target
    until the next pass. It asks that labeled rows were drawn at random.

    Parameters
    ----------
    threshold : float in [0.5, 1], default=0.95
        tau, the confidence from which the decision on a pair counts.
    rda : bool or "auto", default="auto"
        Whether aligned predictions are targets of unlabeled rows. "auto": on images alone, since on
        tables it lost as often as it won (``benchmarks/RESULTS_REGRESSION.md``).
    ranking_weight : float >= 0, default=0.2
        w, of both ranking losses, where targets have variance 1.
    ramp_length : float in [0, 1], default=0.4
        Share of training in which the weight of the alignment grows to lambda_u.
    weak_augment, strong_augment : "auto" or callable ``(x, generator) -> x``, default="auto"
        Views of a float tensor (n, ...); "auto" chooses from the input.
    flip : bool or "auto", default="auto"
        Whether the automatic views of images may mirror them; "auto": only with 3 channels.
    unlabeled_weight : float >= 0, default=1.0
        lambda_u.

    See Also
    --------
    AutoSSLRegressor : The one to start with.
    MeanTeacherRegressor : Consistency of the numbers themselves.
    compare_with_supervised : Tells whether the unlabeled rows helped.

    Notes
    -----
    Beside the authors' code: the ranking losses weigh .2, as in its files of settings (its default
    is 1). The table is aligned after each pass over the unlabeled rows, there every 1,024 steps.
    BatchNorm's running statistics are those of labeled rows alone, and labels have the squared
    error, there the absolute one. A ``sample_weight`` does not reach the quantiles of the labels.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_ssl import RankUpRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> few = np.where(np.arange(len(y)) < 100, y, np.nan)
    >>> reg = RankUpRegressor(max_steps=200, random_state=0).fit(X, few)
    >>> reg.score(X[100:], y[100:]) > 0.2
    True
    """

    threshold: float = 0.95
    rda: object = "auto"
    ranking_weight: float = 0.2
    ramp_length: float = 0.4
    weak_augment: object = "auto"
    strong_augment: object = "auto"
    flip: object = "auto"
    batch_size: int = 32
    ema_decay: float | None = 0.99
    optimizer: object = "adam"
    lr: float = 1e-3

    _search_space = {
        "threshold": uniform(0.8, 0.19),
        "rda": [False, True],
        "ranking_weight": loguniform(0.05, 1),
        "lr": loguniform(1e-4, 1e-2),
    }
    _parameter_constraints = {
        "threshold": [Interval(Real, 0.5, 1, closed="both")],
        "rda": ["boolean", StrOptions({"auto"})],
        "ranking_weight": [Interval(Real, 0, None, closed="left")],
        "ramp_length": [Interval(Real, 0, 1, closed="both")],
        "weak_augment": [StrOptions({"auto"}), callable],
        "strong_augment": [StrOptions({"auto"}), callable],
        "flip": ["boolean", StrOptions({"auto"})],
    }

    def _views(self, rows):
        return choose_views(rows.X, self.weak_augment, self.strong_augment, self.flip)

    def _make_view(self, rows):
        return self._views(rows)[0]

    def _make_network(self, summary):
        wide = replace(summary, n_classes=3 * summary.n_classes)
        return Ranked(super()._make_network(wide), summary.n_classes)

    def _optimizer_settings(self):
        return super()._optimizer_settings("body")

    def _make_loss(self, rows):
        weak, strong = self._views(rows)
        y = torch.from_numpy(rows.y[rows.labeled]).float()
        rda = rows.X.ndim == 4 if isinstance(self.rda, str) else self.rda
        a_step = self.batch_size * self.unlabeled_ratio
        return RankUpLoss(
            weak=weak,
            strong=strong,
            labels=[column[column.isfinite()].sort().values for column in y.T],
            n_rows=len(rows.y),
            max_steps=self.max_steps,
            steps_per_pass=-(-int(rows.unlabeled.sum()) // a_step),
            unlabeled_weight=self.unlabeled_weight,
            ranking_weight=self.ranking_weight,
            threshold=self.threshold,
            rda=rda,
            ramp_length=self.ramp_length,
        )
