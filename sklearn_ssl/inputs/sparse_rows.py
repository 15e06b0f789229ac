"""A batch of sparse rows as a tensor that becomes dense only where an operation needs it."""

import torch
from scipy.sparse import csr_array
from torch.nn.functional import embedding_bag
from torch.utils._pytree import tree_map

from .devices import to_device
from .documents import as_documents

__all__ = ["SparseRows"]

_PLAIN = {  # what the empty shell knows
    torch.Tensor.shape.__get__,
    torch.Tensor.ndim.__get__,
    torch.Tensor.dtype.__get__,
    torch.Tensor.device.__get__,
    torch.Tensor.is_cuda.__get__,
    torch.Tensor.requires_grad.__get__,
    torch.Tensor.size,
    torch.Tensor.dim,
    torch.Tensor.numel,
    torch.Tensor.__len__,
    torch.Tensor.is_floating_point,
    torch.is_floating_point,
}


class SparseRows(torch.Tensor):
    """Rows (n, d), most of whose values are 0, of which the others are kept.

    It is a tensor for all that one does with tensors. Slices and concatenations of rows, moves to a
    device, and products ``x @ weight`` with a dense matrix (d, h) cost as much as there are values
    that are not 0; every other operation makes a dense tensor of it first, once. There is no
    gradient with respect to it before it is dense.

    Parameters
    ----------
    start : int64 tensor (n + 1,)
        Where the values of each row start, and their number. It stays on the host, which has to
        know how long each part is.
    columns : int64 tensor (m,)
        The column of each value, ascending in a row.
    values : float32 tensor (m,)
    width : int
        d.

    Examples
    --------
    >>> import numpy as np
    >>> x = SparseRows.of(np.array([[0.0, 2.0], [0.0, 0.0]]))
    >>> x @ torch.eye(2)
    tensor([[0., 2.],
            [0., 0.]])
    """

    @staticmethod
    def __new__(cls, start, columns, values, width):
        shape = len(start) - 1, width
        return cls._make_wrapper_subclass(cls, shape, dtype=values.dtype, device=values.device)

    def __init__(self, start, columns, values, width):
        self._parts, self._dense = (start, columns, values), None

    @classmethod
    def of(cls, X):
        """Take rows (n, d) from a sparse matrix or an array."""
        X = as_documents(X)
        start, columns = (torch.from_numpy(part).long() for part in (X.indptr, X.indices))
        return cls(start, columns, torch.from_numpy(X.data).float(), X.shape[1])

    @property
    def start(self):
        """Where the values of each row start, and their number: int64 tensor (n + 1,)."""
        return self._now()[0]

    @property
    def columns(self):
        """The column of each value: int64 tensor (m,)."""
        return self._now()[1]

    @property
    def kept(self):
        """The values that are not 0: tensor (m,)."""
        return self._now()[2]

    def _now(self):
        """Start, columns and values, read anew where dense rows may have been changed."""
        if self._dense is None:
            return self._parts
        rows, columns = self._dense.nonzero(as_tuple=True)
        counts = rows.bincount(minlength=len(self))
        start = torch.cat([counts.new_zeros(1), counts.cumsum(0)]).cpu()
        return start, columns, self._dense[rows, columns]

    def with_values(self, values):
        """The same places with other values (m,)."""
        return SparseRows(self.start, self.columns, values, self.shape[1])

    def matrix(self):
        """The same rows as a scipy array."""
        parts = (part.cpu().numpy() for part in (self.kept, self.columns, self.start))
        return csr_array(tuple(parts), shape=tuple(self.shape))

    def row_numbers(self):
        """The row of each value: int64 tensor (m,)."""
        rows, lengths = torch.arange(len(self), device=self.device), self.start.diff()
        return rows.repeat_interleave(
            to_device(lengths, self.device), output_size=len(self.columns)
        )

    def dense(self):
        """The same rows as a plain tensor, which is what there is from here on."""
        if self._dense is None:
            dense = torch.zeros(*self.shape, dtype=self.dtype, device=self.device)
            dense[self.row_numbers(), self.columns] = self.kept
            self._dense = dense
        return self._dense

    def __repr__(self):
        return f"SparseRows({len(self.columns)} values, shape={tuple(self.shape)})"

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function in _PLAIN:
            return super().__torch_function__(function, types, args, kwargs)
        if function in _SPARSE and (not kwargs or function is torch.Tensor.to):
            made = _SPARSE[function](*args, **kwargs)
            if made is not NotImplemented:
                return made
        return cls._densely(function, args, kwargs)

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        return cls._densely(function, args, kwargs or {})  # of code that calls no Python

    @staticmethod
    def _densely(function, args, kwargs):
        args, kwargs = tree_map(lambda x: x.dense() if _is_rows(x) else x, (args, kwargs))
        return function(*args, **kwargs)


def _is_rows(x):
    return isinstance(x, SparseRows)


def _is_sparse(x):
    return _is_rows(x) and x._dense is None


def _slice(x, rows):
    if not (_is_sparse(x) and isinstance(rows, slice) and rows.step in (None, 1)):
        return NotImplemented
    first, last, _ = rows.indices(len(x))
    start = x.start[first : max(first, last) + 1]
    a, b = start[[0, -1]].tolist()
    return SparseRows(start - a, x.columns[a:b], x.kept[a:b], x.shape[1])


def _cat(parts, dim=0):
    if dim != 0 or not all(_is_sparse(x) for x in parts):
        return NotImplemented
    lengths = torch.cat([x.start.diff() for x in parts])
    start = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
    columns, kept = (torch.cat([getattr(x, k) for x in parts]) for k in ("columns", "kept"))
    return SparseRows(start, columns, kept, parts[0].shape[1])


def _product(x, weight):
    fits = weight.ndim == 2 and len(weight) == x.shape[1] and weight.dtype == x.dtype
    if not _is_sparse(x) or not fits:
        return NotImplemented
    offsets = to_device(x.start[:-1], x.device)
    return embedding_bag(x.columns, weight, offsets, mode="sum", per_sample_weights=x.kept)


def _to(x, *args, **kwargs):
    if not _is_sparse(x):
        return NotImplemented
    kept = x.kept.to(*args, **kwargs)
    columns = x.columns.to(kept.device, non_blocking=kwargs.get("non_blocking", False))
    return SparseRows(x.start, columns, kept, x.shape[1])


def _pin(x):
    if not _is_sparse(x):
        return NotImplemented
    return SparseRows(x.start, x.columns.pin_memory(), x.kept.pin_memory(), x.shape[1])


def _float(x):
    return x if _is_sparse(x) and x.dtype == torch.float32 else NotImplemented


_SPARSE = {
    torch.Tensor.__getitem__: _slice,
    torch.cat: _cat,
    torch.Tensor.matmul: _product,
    torch.Tensor.__matmul__: _product,
    torch.matmul: _product,
    torch.Tensor.to: _to,
    torch.Tensor.pin_memory: _pin,
    torch.Tensor.float: _float,
}
