"""Mean and scale of the training rows; large arrays are read a few megabytes at a time."""

import numpy as np
import torch
from scipy.sparse import issparse

from .lazy import LazyRows

__all__ = ["moments"]


def moments(X):
    """Mean and scale per feature (tables) or per channel (N-D), as fed to the net.

    The scale is the standard deviation, but where more than half of a table's column is one value
    (rare one-hot columns, pixels, counts) it is the root mean square distance of the *other*
    values from it: else the few rows that differ would lie dozens of deviations away.

    Parameters
    ----------
    X : ndarray of shape (n, ...), sparse matrix or LazyRows
        Of `LazyRows` some ten thousand are read.

    Returns
    -------
    mean, scale : float32 tensors of shape (d,), or (C, 1, ...) for N-D rows
        uint8 images count as [0, 1]. The scale of a constant column is 0.

    Examples
    --------
    >>> moments(np.array([[1.0], [3.0]]))
    (tensor([2.]), tensor([1.]))
    """
    if issparse(X):
        return _sparse(X.tocsc())
    if isinstance(X, LazyRows):
        X = X.thinned(10_000)
    axes = (0, *range(2, X.ndim))
    unit = 255.0 if X.dtype == np.uint8 and X.ndim > 2 else 1.0
    rows = max(1, 2**22 // max(1, X[0].size))

    def total(function):
        parts = (function(X[i : i + rows]) for i in range(0, len(X), rows))
        return sum(part.sum(axes, dtype=np.float64, keepdims=True) for part in parts)[0]

    count = X[:, :1].size
    mean = total(lambda x: x) / count
    scale = np.sqrt(total(lambda x: np.square(x - mean)) / count)
    if X.ndim == 2:
        middle = np.median(X if X.size < 2**26 else X[:: X.size // 2**24], axis=0)
        others = total(lambda x: x != middle)
        distance = total(lambda x: np.square(x - middle, dtype=np.float64))
        rare = (others > 0) & (others < len(X) / 2)
        scale = np.where(rare, np.sqrt(distance / np.maximum(others, 1)), scale)
        scale[others == 0] = 0.0
    return torch.from_numpy(mean / unit).float(), torch.from_numpy(scale / unit).float()


def _sparse(X):
    """`moments` of a CSC matrix: where most of a column is 0, its stored values suffice."""
    X.sum_duplicates()
    n, d = X.shape
    stored = np.diff(X.indptr)
    column = np.repeat(np.arange(d), stored)
    total = np.bincount(column, weights=X.data, minlength=d)
    squares = np.bincount(column, weights=np.square(X.data, dtype=np.float64), minlength=d)
    others = np.bincount(column, weights=X.data != 0, minlength=d)
    mean, scale = total / n, np.sqrt(squares / np.maximum(others, 1))
    for j in np.flatnonzero(stored >= n / 2):
        mean[j], scale[j] = (float(v[0]) for v in moments(X[:, [j]].toarray()))
    return torch.from_numpy(mean).float(), torch.from_numpy(scale).float()
