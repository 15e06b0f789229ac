"""Rows that are read when they are needed: larger than memory, or still files on a disk."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import _safe_indexing
from torch.utils.data import Dataset

from .columns import difference, to_float32
from .from_torch import to_numpy

__all__ = ["LazyRows", "TwoSources", "in_unit_range", "take_rows", "value_range"]


def value_range(X):
    """Smallest and largest value as the network sees them; of `LazyRows` some are read."""
    if X.dtype == np.uint8 and X.ndim > 2:
        return 0.0, 1.0
    X = X.thinned(1000) if isinstance(X, LazyRows) else X
    return float(X.min()), float(X.max())


def in_unit_range(X):
    """Whether values lie in [0, 1] as the network sees them."""
    low, high = value_range(X)
    return low >= 0 and high <= 1


def take_rows(X, index):
    """Some rows of anything that has rows: arrays, frames, lists, data sets."""
    X = LazyRows(X) if isinstance(X, Dataset) else X
    X = X.tocsr() if issparse(X) and not hasattr(X, "__getitem__") else X
    return X[index] if isinstance(X, LazyRows) else _safe_indexing(X, index)


class TwoSources:
    """Rows of one source and, behind them, those of another; neither is copied.

    Parameters
    ----------
    first, second : ndarray of shape (n, ...) or (m, ...), or LazyRows
        Rows of the same shape.
    """

    def __init__(self, first, second):
        self.first, self.second = first, second
        self.dtype = np.result_type(first.dtype, second.dtype)

    def __len__(self):
        return self.first.shape[0] + self.second.shape[0]

    def __getitem__(self, i):
        return self.read(np.array([i]))[0]

    def read(self, index):
        """Return the rows of these numbers: ndarray (len(index), ...)."""
        out = np.empty((len(index), *self.first.shape[1:]), self.dtype)
        n = self.first.shape[0]
        behind = index >= n
        if not behind.all():
            out[~behind] = np.asarray(self.first[index[~behind]])
        if behind.any():
            out[behind] = np.asarray(self.second[index[behind] - n])
        return out


class LazyRows:
    """A map-style data set in the place of X: part of it becomes an array when it is asked for.

    Rows are read in threads, which pays where reading waits or decodes (Pillow and numpy let other
    threads run meanwhile). Training reads the next batch while the network works on this one.

    Parameters
    ----------
    dataset : object with ``len()`` and ``[i]``, such as a `torch.utils.data.Dataset`
        Gives one row for an int: an array or tensor, all of the same shape and dtype, or a tuple
        that begins with one; what else it holds is ignored. It must not be random: views are.
    workers : int or None, default=None
        Threads; None: as many as cores.
    index : ndarray of int, or None, default=None
        Numbers of the rows that belong to this part; None: all.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssl import LazyRows
    >>> rows = LazyRows([np.zeros((3, 8, 8), dtype=np.uint8)] * 5)
    >>> rows.shape, rows.dtype, rows[1:3].shape
    ((5, 3, 8, 8), dtype('uint8'), (2, 3, 8, 8))
    >>> np.asarray(rows[[0, 2]]).shape, rows[-1].shape
    ((2, 3, 8, 8), (3, 8, 8))
    """

    def __init__(self, dataset, workers=None, index=None):
        if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
            raise ValueError(
                f"A data set needs len() and [i], and {type(dataset).__name__} has not both. Read "
                "a stream into an array or a list first."
            )
        if not len(dataset):
            raise ValueError(f"The data set {type(dataset).__name__} has no rows.")
        self.dataset, self.workers = dataset, workers
        self.index = np.arange(len(dataset)) if index is None else index
        first = self._row(0)
        self.shape, self.dtype, self.ndim = (len(self), *first.shape), first.dtype, first.ndim + 1
        self._read_as, self._offset = first.dtype, None

    def __len__(self):
        return len(self.index)

    def __getitem__(self, rows):
        """Return some of the rows, still unread, or for an int that row as an array."""
        if isinstance(rows, tuple) and rows[1:] == (Ellipsis,):
            rows = rows[0]  # as scikit-learn takes rows
        index = self.index[rows]
        if index.ndim == 0:
            return self._row(index)
        part = object.__new__(type(self))
        vars(part).update(vars(self))
        part.index, part.shape = index, (len(index), *self.shape[1:])
        return part

    def __array__(self, dtype=None, copy=None):
        """Read all rows of this part."""
        if copy is False:
            raise ValueError("Rows that are read when needed cannot be had without a copy.")
        if isinstance(self.dataset, TwoSources):  # which read many rows at once
            rows = self.dataset.read(self.index)
            rows = rows if self._offset is None else difference(rows, self._offset)
            with np.errstate(over="ignore"):
                return rows.astype(dtype or self.dtype, copy=False)
        out = np.empty(self.shape, dtype=dtype or self.dtype)

        def fill(i):
            row = self._row(self.index[i])
            if row.shape != self.shape[1:]:
                raise ValueError(
                    f"Row {self.index[i]} of the data set has shape {row.shape}, the first one "
                    f"{self.shape[1:]}: give all rows one shape."
                )
            if not np.can_cast(row.dtype, self._read_as, "same_kind"):
                raise ValueError(
                    f"Row {self.index[i]} of the data set has dtype {row.dtype}, the first one "
                    f"{self._read_as}: give all rows one dtype."
                )
            if self._offset is not None:
                row = difference(row[None], self._offset)[0]
            with np.errstate(over="ignore"):
                out[i] = row

        with ThreadPoolExecutor(self.workers or os.cpu_count()) as threads:
            for _ in threads.map(fill, range(len(self))):
                pass
        return out

    def less_offset(self, offset):
        """Give the same rows, from which an offset is taken as they are read.

        Parameters
        ----------
        offset : ndarray of shape (d,), or (C, 1, ...) for N-D rows
            What is taken from each row, in float64.

        Returns
        -------
        LazyRows
            Still unread, and of dtype float64.
        """
        part = self[:]
        part._offset, part.dtype = offset, np.dtype(np.float64)
        return part

    def read(self):
        """Read all rows of this part as the network gets them.

        Returns
        -------
        ndarray of shape (n, ...)
            Larger floats have become float32.

        Raises
        ------
        ValueError
            For a value that is NaN, infinite or too large. It says which row of the data set.
        """
        return to_float32(np.asarray(self), rows=self.index)

    def thinned(self, n):
        """`read` some of the rows, evenly spaced.

        Parameters
        ----------
        n : int >= 1
            About how many; all are read where there are fewer.

        Returns
        -------
        ndarray of shape (about n, ...)
            The rows.
        """
        return self[:: max(1, len(self) // n)].read()

    def _row(self, i):
        row = self.dataset[int(i)]
        row = row[0] if isinstance(row, tuple) else row
        if np.ma.is_masked(row):
            raise ValueError(f"Row {i} of the data set has masked entries: fill them, .filled(0).")
        return np.asarray(to_numpy(row))

    def __repr__(self):
        return f"LazyRows of shape {self.shape} from {type(self.dataset).__name__}"
