"""What networks, views and losses are told of the training rows: one value, made once a fit."""

from dataclasses import dataclass

import numpy as np
import torch

from .from_torch import to_numpy
from .lazy import value_range
from .mixed import Columns, MixedRows
from .moments import moments

__all__ = ["DataSummary"]


@dataclass(frozen=True)
class DataSummary:
    """What is known of the training rows; a fit that continues keeps that of the first one.

    Attributes
    ----------
    input_shape : tuple of int
        Shape of a row.
    n_classes : int
        Outputs of the network; of a regressor the number of targets.
    mean, scale : float32 tensors of shape (d,), or (C, 1, ...) for N-D rows
        As `moments` returns them.
    low, high : float
        The smallest and the largest value, as the network sees them.
    is_bytes : bool
        Whether the rows are uint8.
    documents : bool
        Whether the rows are bags of words, see `are_documents`.
    columns : Columns or None
        What the columns of a table are, where some are categories or have gaps.
    offset : float64 ndarray of the shape of mean, or None
        What was taken from the rows before all else, as `find_offset` returns it.
    n_labeled, n_unlabeled, n_held_out : int
        Rows the fit learned from; held-out ones are among the labeled.
    """

    input_shape: tuple
    n_classes: int
    mean: torch.Tensor
    scale: torch.Tensor
    low: float
    high: float
    is_bytes: bool
    offset: np.ndarray | None = None
    columns: Columns | None = None
    documents: bool = False
    n_labeled: int = 0
    n_unlabeled: int = 0
    n_held_out: int = 0

    @classmethod
    def of(cls, X, n_classes, offset=None, documents=False):
        """Read the rows once: ndarray, CSR matrix, MixedRows or LazyRows of shape (n, ...)."""
        if isinstance(X, MixedRows):
            known = *X.moments(), *X.range(), False
            return cls(X.shape[1:], n_classes, *known, None, X.columns)
        known = *moments(X), *value_range(X), X.dtype == "uint8"
        return cls(X.shape[1:], n_classes, *known, offset, documents=documents)

    def __getstate__(self):
        """Without tensors, which some formats do not know."""
        return {**vars(self), "mean": self.mean.numpy(), "scale": self.scale.numpy()}

    def __setstate__(self, state):
        known = {k: torch.from_numpy(to_numpy(state[k]).copy()) for k in ("mean", "scale")}
        vars(self).update({**state, **known})

    @property
    def kind(self):
        """What the rows are taken for."""
        if self.documents:
            return "documents"
        if len(self.input_shape) > 1:
            return "images" if len(self.input_shape) == 3 else "arrays"
        return "table" if self.columns is None else "mixed table"

    def in_units_of_x(self, rows):
        """Rows (n, ...) in float64 that a network made, in the user's units."""
        return rows if self.offset is None else rows + self.offset

    @property
    def in_unit_range(self):
        """Whether values lie in [0, 1] as the network sees them."""
        return self.low >= 0 and self.high <= 1

    def check(self):
        """Refuse values that no fit leaves, as a forged file may hold."""
        sizes = [*self.input_shape, self.n_classes]
        if not all(isinstance(n, int) and 0 < n < 2**31 for n in sizes):
            raise ValueError(f"no rows have the shape {self.input_shape}")
        if self.columns is not None:
            self.columns.check()
        width = self.input_shape[0]
        for values in (self.mean, self.scale):
            if values.shape[:1] != (width,) or values.numel() != width:
                raise ValueError("mean or scale do not fit the rows")
            if not values.isfinite().all():
                raise ValueError("mean or scale are not finite")
        offset = np.zeros(self.mean.shape) if self.offset is None else self.offset
        if offset.shape != tuple(self.mean.shape) or not np.isfinite(offset).all():
            raise ValueError("offset does not fit the rows")

    def for_signature(self):
        """What a network may ask for by the names of its parameters."""
        names = "input_shape", "n_classes", "mean", "scale"
        return {name: getattr(self, name) for name in names}
