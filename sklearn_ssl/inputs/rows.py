"""The rows of one fit, as methods and the engine see them."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch

from .class_prior import ClassPrior
from .summary import DataSummary

__all__ = ["EncodedTargets", "TrainingRows"]


class EncodedTargets(NamedTuple):
    """What a kind of target makes of y."""

    y: np.ndarray  #: (n,) codes, -1 for unlabeled, or (n, T) numbers, NaN for unlabeled
    labeled: np.ndarray  #: (n,) bool
    weight: np.ndarray  #: (n,) at least 0
    held_out: np.ndarray  #: (n,) bool: labeled rows to validate on
    class_prior: ClassPrior | None = None  #: shares of the classes where they are given

    def with_unlabeled(self, n, missing):
        """Add n rows of weight 1 behind these, whose targets are ``missing``."""
        if not n:
            return self
        new = {"y": missing, "labeled": False, "weight": 1.0, "held_out": False}
        return self._replace(**{k: _longer(getattr(self, k), n, v) for k, v in new.items()})


def _longer(values, n, last):
    """An array (m, ...), and behind it n times the same: (m + n, ...)."""
    return np.concatenate([values, np.full((n, *values.shape[1:]), last, values.dtype)])


@dataclass(frozen=True)
class TrainingRows:
    """The rows of one fit, as methods see them.

    Attributes
    ----------
    X : ndarray of shape (n, ...), CSR matrix or LazyRows
        The rows, checked.
    y : ndarray of shape (n,) of int64, or (n, T) of float
        Class codes 0..K-1, and -1 where there is no label to train on; of a regressor targets in
        standard deviations, and NaN.
    labeled : ndarray of bool, shape (n,)
        Rows that have a target to train on.
    weight : ndarray of shape (n,)
        Above 0.
    held_out : ndarray of bool, shape (n,)
        Rows set aside to validate on. They are neither labeled nor unlabeled.
    y_held_out : ndarray of shape (m, ...)
        Their targets.
    summary : DataSummary
    given_prior : ClassPrior or None
        Shares of the classes, where ``class_prior`` gives them.
    """

    X: object
    y: np.ndarray
    labeled: np.ndarray
    weight: np.ndarray
    held_out: np.ndarray
    y_held_out: np.ndarray
    summary: DataSummary
    given_prior: ClassPrior | None = None

    @classmethod
    def of(cls, X, encoded, used, missing, summary):
        """Take the rows that are used; ``missing`` is what stands for the targets held out."""
        *parts, prior = encoded
        y, labeled, weight, held_out = parts if used.all() else (part[used] for part in parts)
        y_held_out = y[held_out]
        if len(y_held_out):
            y = np.where(held_out.reshape(-1, *[1] * (y.ndim - 1)), missing, y)
        return cls(X, y, labeled & ~held_out, weight, held_out, y_held_out, summary, prior)

    @property
    def n_classes(self):
        """Outputs of the network."""
        return self.summary.n_classes

    @cached_property
    def unlabeled(self):
        """Which rows have no target and may be used without: ndarray of bool (n,)."""
        return ~(self.labeled | self.held_out)

    @cached_property
    def class_shares(self):
        """Shares of the classes among the labels: tensor (K,)."""
        counts = torch.from_numpy(np.bincount(self.y[self.labeled], minlength=self.n_classes))
        return counts.float() / counts.sum()

    @cached_property
    def class_prior(self):
        """Shares of the classes among unlabeled rows, as far as is known: tensor (K,).

        Those that are given, else those among the labels.
        """
        if self.given_prior is None:
            return self.class_shares
        return torch.from_numpy(self.given_prior.blend(self.class_shares.double().numpy())).float()
