"""Checked rows as points whose distances mean something, and which of them are equal."""

import hashlib
from itertools import pairwise

import numpy as np
import torch
from scipy.sparse import csr_array, issparse
from sklearn.preprocessing import normalize

from .documents import as_documents
from .lazy import LazyRows
from .mixed import MixedRows
from .tensors import rows_to_tensor, to_float

__all__ = ["as_points", "digests", "nodes_of"]


def as_points(X, scale, documents=False, sparse=False):
    """Rows whose Euclidean distances count each column alike.

    Parameters
    ----------
    X : ndarray of shape (n, ...), CSR matrix, MixedRows or LazyRows
        Checked rows.
    scale : float32 ndarray of shape (d,), or (C, 1, ...) for N-D rows
        Above 0; columns or channels are divided by it.
    documents : bool, default=False
        Whether rows are bags of words: they are brought to length 1 instead, so that the nearest
        is that of the largest cosine.
    sparse : bool, default=False
        Whether sparse rows stay sparse.

    Returns
    -------
    float32 ndarray or CSR matrix of shape (n, D)
    """
    if documents:
        X = X.read() if isinstance(X, LazyRows) else X
        return normalize(as_documents(X).astype(np.float64)).astype(np.float32)
    if isinstance(X, MixedRows):
        return X.scaled(scale)
    if sparse and issparse(X):
        return csr_array(X.multiply(1 / scale), dtype=np.float32)
    return (to_float(rows_to_tensor(X)) / torch.from_numpy(scale)).flatten(1).numpy()


def digests(X):
    """Bytes for each row of X (n, d), dense or sparse, that are equal where rows are."""
    rows = _sparse_bytes(X) if issparse(X) else _dense_bytes(X)
    return [hashlib.blake2b(row, digest_size=16).digest() for row in rows]


def _dense_bytes(X, block=4096):
    size = X.dtype.itemsize * X.shape[1]
    for start in range(0, len(X), block):
        part = X[start : start + block] + 0.0  # where -0 becomes 0
        data = memoryview(part.tobytes())
        yield from (data[i * size : (i + 1) * size] for i in range(len(part)))


def _sparse_bytes(X):
    X = csr_array(X, copy=True)
    X.sum_duplicates()
    X.eliminate_zeros()
    for a, b in pairwise(X.indptr.tolist()):
        yield X.indices[a:b].tobytes() + X.data[a:b].tobytes()


def nodes_of(keys):
    """Let equal rows share a node.

    Parameters
    ----------
    keys : sequence of n hashable values
        Equal where rows are.

    Returns
    -------
    first : ndarray of int, shape (m,)
        A row of each node, in ascending order.
    node : ndarray of int, shape (n,)
        The node of each row.

    Examples
    --------
    >>> nodes_of(["a", "b", "a"])
    (array([0, 1]), array([0, 1, 0]))
    """
    numbers = {}
    node = np.fromiter((numbers.setdefault(key, len(numbers)) for key in keys), int, len(keys))
    return np.unique(node, return_index=True)[1], node
