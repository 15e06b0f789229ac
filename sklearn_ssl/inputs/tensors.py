"""Rows as tensors."""

import warnings

import numpy as np
import torch
from scipy.sparse import issparse

from .lazy import LazyRows
from .sparse_rows import SparseRows

__all__ = ["rows_to_tensor", "to_float"]


def rows_to_tensor(X, sparse=False):
    """Turn an array into a tensor without copying when it can be avoided.

    N-D uint8 (images) stay uint8, a quarter of the memory; all else becomes float32. Sparse and
    mixed rows become dense, so pass few at a time. Of `LazyRows` it refuses what is not finite:
    they are checked as they are read. With ``sparse`` sparse rows become `SparseRows`.
    """
    if sparse and issparse(X):
        return SparseRows.of(X)
    X = X.toarray() if hasattr(X, "toarray") else X.read() if isinstance(X, LazyRows) else X
    X = np.asarray(X)
    if not (X.dtype == np.uint8 and X.ndim > 2):
        X = X.astype(np.float32, copy=False)
    if any(stride < 0 for stride in X.strides):
        X = X.copy()  # torch refuses them
    if X.flags.writeable:
        return torch.from_numpy(X)
    with warnings.catch_warnings():  # read-only memory, of a memmap for instance, is only read
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(X)


def to_float(x):
    """uint8 images become float in [0, 1]; everything else is already float."""
    return x.float().div_(255) if x.dtype == torch.uint8 else x
