"""Co-training: two networks, each with a view of its own, label rows for one another.

Avrim Blum, Tom Mitchell: "Combining Labeled and Unlabeled Data with Co-Training", COLT 1998; for
networks trained at once, as here, see Qiao et al. 2018, "Deep Co-Training", arXiv 1803.05984.
"""

from dataclasses import replace

import numpy as np
import torch
from scipy.stats import uniform
from sklearn.utils._param_validation import Interval, Real, StrOptions
from torch import nn
from torch.nn.functional import cross_entropy

from ..augment import noisy_view
from ..classifier import SSLClassifier
from ..losses import masked_cross_entropy

__all__ = ["CoTrainingLoss", "CoTrainingNet", "TwoViews"]


class TwoViews(nn.Module):
    """Two networks on columns of their own, or on all; together they average probabilities.

    Parameters
    ----------
    first, second : nn.Module
        Rows in float -> logits (n, K).
    columns : pair of int64 tensors, or None
        Which columns of a table each one sees.
    """

    def __init__(self, first, second, columns=None):
        super().__init__()
        self.first, self.second = first, second
        self.split = columns is not None
        if self.split:
            self.register_buffer("columns_a", columns[0])
            self.register_buffer("columns_b", columns[1])

    def compile(self, *args, **kwargs):
        """Compile either network: training calls them apart."""
        self.first.compile(*args, **kwargs)
        self.second.compile(*args, **kwargs)

    @property
    def start_from(self):
        """Start both from training rows, each from its own columns, if one of them does."""
        if not (hasattr(self.first, "start_from") or hasattr(self.second, "start_from")):
            raise AttributeError("start_from")
        return self._start_both

    def _start_both(self, x):
        for network, columns in ((self.first, "columns_a"), (self.second, "columns_b")):
            if hasattr(network, "start_from"):
                network.start_from(x[:, getattr(self, columns)] if self.split else x)

    def both(self, x_a, x_b):
        """Rows (n, ...) for either network -> their logits (n, K), (n, K)."""
        if self.split:
            x_a, x_b = x_a[:, self.columns_a], x_b[:, self.columns_b]
        return self.first(x_a), self.second(x_b)

    def forward(self, x):
        """Rows (n, ...) -> log of the mean probability (n, K)."""
        p = [torch.softmax(z.float(), -1) for z in self.both(x, x)]
        return ((p[0] + p[1]) / 2).clamp_min(1e-12).log()


class CoTrainingLoss(nn.Module):
    """CE of both on labels + lambda_u * each on what the other is sure of."""

    def __init__(self, *, view, unlabeled_weight, threshold=0.95):
        super().__init__()
        self.view, self.lambda_u, self.tau = view, unlabeled_weight, threshold

    def forward(self, model, batch):
        x, B, g = torch.cat([batch.x_l, batch.x_u]), len(batch.x_l), batch.generator
        logits = model.both(self.view(x, g), self.view(x, g))
        loss = sum(cross_entropy(z[:B], batch.y_l) for z in logits) / 2
        parts = {"labeled_loss": loss}
        if len(batch.x_u):
            unlabeled, masks = 0.0, []
            for learner, other in (logits, logits[::-1]):
                confidence, label = torch.softmax(other[B:].detach().float(), -1).max(-1)
                masks.append((confidence >= self.tau).to(confidence.dtype))
                unlabeled = unlabeled + masked_cross_entropy(learner[B:], label, masks[-1]) / 2
            parts["unlabeled_loss"] = unlabeled
            parts["mask_rate"] = torch.cat(masks).mean()
            loss = loss + self.lambda_u * unlabeled
        return loss, parts


class CoTrainingNet(SSLClassifier):
    """Co-training: two networks, each of which learns the rows that the other is sure of.

    Blum and Mitchell 1998, "Combining Labeled and Unlabeled Data with Co-Training". It helps where
    each of two sets of columns is enough to tell the class and the two are otherwise unrelated: for
    example the words of a web page and the words of links to it.

    Here both networks train at once and exchange labels in every batch. The paper adds a few rows
    in each round. Without two sets of columns both networks see all columns and differ by their
    initial weights and views. A ``module`` that is an instance is copied for both, which then
    differ by their views alone.

    Parameters
    ----------
    views : pair of sequences of int, or None, default=None
        Columns of a table for the first and for the second network. None: both see all columns.
    threshold : float in [0, 1], default=0.95
        A network labels a row for the other if its confidence is at least this.
    augment : "auto" or callable ``(x, generator) -> x``, default="auto"
        Random view of the rows, drawn for each network; "auto": the strong view of
        `augment.default_views` on tables, the weak one on images.

    See Also
    --------
    SelfTrainingNet : One network that labels rows for itself.
    FixMatchClassifier : One network and two views of each row.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import CoTrainingNet, hide_labels
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = CoTrainingNet(max_steps=100, random_state=0)
    >>> clf.fit(X, hide_labels(y, 100, random_state=0)).score(X, y) > 0.85
    True
    """

    views: object = None
    threshold: float = 0.95
    augment: object = "auto"

    _parameter_constraints = {
        "views": ["array-like", tuple, None],
        "threshold": [Interval(Real, 0, 1, closed="both")],
        "augment": [StrOptions({"auto"}), callable],
    }
    _search_space = {"threshold": uniform(0.6, 0.39)}

    _supervised_without_pool = False  # each network learns by itself, with labels alone too

    def _make_loss(self, rows):
        view = noisy_view(rows.X, self.augment)
        return CoTrainingLoss(
            view=view, unlabeled_weight=self.unlabeled_weight, threshold=self.threshold
        )

    def _columns(self, summary):
        """The columns that each network sees, tensors of int; None: all for both."""
        if self.views is None:
            return None
        input_shape = summary.input_shape
        if summary.columns is not None:
            input_shape = (len(summary.columns.names),)
        if len(input_shape) != 1 or len(self.views) != 2:
            raise ValueError(
                "views must be two lists of column numbers of a table; for images leave it None."
            )
        columns = [np.asarray(view) for view in self.views]
        for view in columns:
            whole = view.dtype.kind in "iu" and view.ndim == 1 and len(view)
            if not whole or view.min() < 0 or view.max() >= input_shape[0]:
                raise ValueError(
                    f"views must hold column numbers from 0 to {input_shape[0] - 1}, got {view}."
                )
        if summary.columns is not None:  # a category is several for the network
            groups = summary.columns.groups
            columns = [np.flatnonzero(np.isin(groups, view)) for view in columns]
        return [torch.from_numpy(view.astype(np.int64)) for view in columns]

    def _make_network(self, summary):
        columns = self._columns(summary)

        def one(view):
            if columns is None or isinstance(self.module, nn.Module):
                return super(CoTrainingNet, self)._make_network(summary)
            own = columns[view]  # what it is told of the data is of its own columns
            mean, scale = summary.mean[own], summary.scale[own]
            told = replace(summary, input_shape=(len(own),), mean=mean, scale=scale)
            return super(CoTrainingNet, self)._make_network(told)

        return TwoViews(one(0), one(1), columns)

    def _optimizer_settings(self):
        return super()._optimizer_settings("first", "second")
