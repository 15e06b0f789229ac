"""Rows as tensors."""

import warnings

import numpy as np
import torch
from scipy.sparse import issparse

__all__ = ["from_tensor", "rows_to_tensor", "to_float"]


def from_tensor(value):
    """A tensor as an array, wherever it lies, whatever has a gradient; other values as they are."""
    if not isinstance(value, torch.Tensor):
        return value
    known = torch.float16, torch.float32, torch.float64  # numpy has no other floats
    if value.is_floating_point() and value.dtype not in known:
        value = value.float()
    return value.detach().cpu().numpy()


def rows_to_tensor(X):
    """Turn an array into a tensor without copying when it can be avoided.

    N-D uint8 (images) stay uint8, a quarter of the memory; all else becomes float32. Sparse rows
    become dense, so pass few at a time.
    """
    X = X.toarray() if issparse(X) else np.asarray(X)
    if not (X.dtype == np.uint8 and X.ndim > 2):
        X = X.astype(np.float32, copy=False)
    if any(stride < 0 for stride in X.strides):
        X = X.copy()  # torch refuses them
    with warnings.catch_warnings():  # read-only memory, of a memmap for instance, is only read
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(X)


def to_float(x):
    """uint8 images become float in [0, 1]; everything else is already float."""
    return x.float().div_(255) if x.dtype == torch.uint8 else x
