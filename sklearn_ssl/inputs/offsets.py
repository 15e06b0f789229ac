"""Columns far from 0, such as seconds since 1970: brought near it before float32 rounds them."""

import numpy as np
from scipy.sparse import csr_array, issparse

from .._warnings import warn
from .columns import difference, to_float32
from .lazy import LazyRows

__all__ = ["find_offset", "less_offset", "warn_of_float64"]

ERROR = 2.0**-13  # of float32, in standard deviations: from here on it matters
LEAST = 2.0**-40  # spread beside size of what float64 tells from its own rounding


def find_offset(X, used=None):
    """What is to be taken from the columns of X that float32 would round too much.

    Columns of a mean some thousand standard deviations from 0 have one; few tables have any. It is
    found on a thousand rows, evenly spaced.

    Parameters
    ----------
    X : ndarray of shape (n, ...), CSR matrix or LazyRows
        Rows in the dtype that the user gave.
    used : ndarray of bool (n,), or None
        Rows that count; None: all.

    Returns
    -------
    float64 ndarray of shape (d,), or (C, 1, ...) for N-D rows; or None
        None where there is nothing to take away, 0 in columns that are right as they are.

    Examples
    --------
    >>> days = 2_460_000 + np.array([[0.1], [0.2], [0.3]])
    >>> find_offset(days).round(3), find_offset(days - 2_460_000)
    (array([2460000.2]), None)
    """
    if np.can_cast(X.dtype, np.float32):
        return None
    rows = _some(X, used)
    if not issparse(X):
        return _of_rows(rows)
    stored = np.bincount(X.indices, minlength=X.shape[1])
    full = np.flatnonzero(stored == X.shape[0])  # a column with an offset has no zeros
    found = _of_rows(rows[:, full].toarray(), full) if len(full) else None
    if found is None:
        return None
    offset = np.zeros(X.shape[1])
    offset[full] = found
    return offset


def _some(X, used=None):
    """A thousand rows, fewer if they are large; an array unless they are sparse."""
    index = np.arange(X.shape[0]) if used is None else np.flatnonzero(used)
    many = min(1000, max(50, 2**22 // max(1, int(np.prod(X.shape[1:])))))
    rows = X[index[:: max(1, len(index) // many)]]
    if isinstance(X, LazyRows):
        rows.read()  # refuses what is no number
    return rows if issparse(X) else np.asarray(rows)


def _of_rows(rows, names=None):
    """`find_offset` of an array; ``names`` are the numbers of its columns."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean, spread, error = _rounding(rows, np.float32)
        rounded = (spread > 0) & (error > ERROR * spread) & np.isfinite(error)
        if rows.dtype.kind == "f":
            rounded &= ~_warn_of_lost(rounded & (spread < LEAST * np.abs(mean)), names)
    return np.where(rounded, mean, 0.0)[0] if rounded.any() else None


def _rounding(rows, dtype):
    """Mean, standard deviation, and largest error of ``dtype``, of columns or channels."""
    axes = (0, *range(2, rows.ndim))
    start = rows[(slice(1), slice(None), *[slice(1)] * (rows.ndim - 2))].astype(np.float64)
    values = difference(rows, start)
    error = np.abs(rows.astype(dtype).astype(np.float64) - start - values).max(axes, keepdims=True)
    return start + values.mean(axes, keepdims=True), values.std(axes, keepdims=True), error


def _warn_of_lost(lost, names=None):
    columns = np.flatnonzero(lost)
    if len(columns):
        columns = columns if names is None else names[columns]
        warn(
            f"Columns {columns.tolist()} of X vary by so little beside their size that float64 "
            "hardly holds it, and count as constant. If it means something, subtract a constant "
            "where the numbers are made."
        )
    return lost


def warn_of_float64(X):
    """Tell of columns of an array X (n, d) that an estimator without offsets sees as constant."""
    if X.dtype.itemsize < 8 or X.dtype.kind not in "iuf":
        return
    with np.errstate(over="ignore", invalid="ignore"):
        mean, spread, error = _rounding(_some(X), np.float64)
        fine = spread < LEAST * np.abs(mean) if X.dtype.kind == "f" else error > ERROR * spread
    _warn_of_lost(fine & (spread > 0))


def less_offset(X, offset, names=None):
    """Rows as networks get them: without the offset, and in float32 where they were larger floats.

    Parameters
    ----------
    X : ndarray of shape (n, ...), CSR matrix or LazyRows
        Of `LazyRows` the offset is taken as they are read.
    offset : ndarray or None
        As `find_offset` returns it.
    names : sequence of str or None
        Of the columns, for errors.

    Returns
    -------
    ndarray, CSR matrix or LazyRows
        X itself where nothing is to be done.

    Raises
    ------
    ValueError
        For a value too large for float32.
    """
    if isinstance(X, LazyRows):
        return X if offset is None else X.less_offset(offset)
    if offset is None:
        return to_float32(X, names)
    if issparse(X):
        full = np.flatnonzero(offset)
        shape = X.shape[0], len(full)
        ends = np.arange(shape[0] + 1) * len(full)
        taken = (np.tile(offset[full], shape[0]), np.tile(full, shape[0]), ends)
        return to_float32(csr_array(csr_array(X) - csr_array(taken, X.shape)), names)
    out = np.empty_like(X, dtype=np.float32, subok=False)
    step = max(1, 2**20 // max(1, X[0].size))
    for start in range(0, len(X), step):
        part = difference(X[start : start + step], offset)
        out[start : start + step] = to_float32(part, names, np.arange(start, start + len(part)))
    return out
