"""A pool of unlabeled rows that comes beside X: both become the rows of one fit."""

import re
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
from scipy.sparse import issparse, vstack
from sklearn.utils.validation import check_consistent_length
from torch.utils.data import Dataset

from .callers import look_at_tools_of_pool
from .checks import refuse_masked
from .columns import as_rows, foreign, refuse_arrow
from .documents import look_like_documents
from .from_torch import to_numpy
from .labels import label_column, mark_unlabeled
from .lazy import LazyRows, TwoSources

__all__ = [
    "OF_POOL",
    "OF_ROWS",
    "forget_rows",
    "marked_behind",
    "pool_behind",
    "rows_behind",
    "rows_named",
    "with_pool",
]

OF_ROWS = ("transduction_", "label_distributions_", "labeled_iter_")
OF_POOL = tuple(f"{name}unlabeled_" for name in OF_ROWS)
LARGE = 2**27  # bytes from which arrays are read where they lie
_ANY = SimpleNamespace(input_shape=None, categorical_features=None, documents="auto")


def with_pool(X, X_unlabeled, estimator=_ANY, *, apart=False):
    """Return rows of X and, behind them, of X_unlabeled; and how many the latter are.

    Parameters
    ----------
    X, X_unlabeled : array-like, sparse matrix, DataFrame, Dataset or LazyRows
        As a user gave them, of one kind; arrays and rows that are read when needed may mix.
    estimator : estimator
        Its parameters say whether arrays of numbers can stay apart.
    apart : bool, default=False
        Whether large arrays are to be read where they lie, so that none is copied.

    Returns
    -------
    X : as X, or LazyRows
    n_unlabeled : int
        0 where X_unlabeled is None.

    Raises
    ------
    ValueError
        If the two are not alike: kind, columns, their names, shape, images in bytes.

    Examples
    --------
    >>> with_pool([[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]])
    (array([[1., 2.],
           [3., 4.],
           [5., 6.]]), 2)
    """
    if X_unlabeled is None:
        return X, 0
    X = _plain(X)
    if isinstance(X, np.ndarray) and not X.ndim:
        return X, 0  # which is no table, and refused as such
    with rows_named(0):
        pool = _plain(X_unlabeled)
        if isinstance(X, np.ndarray) and isinstance(pool, np.ndarray) and X.dtype.kind in "biuf":
            pool = as_rows(pool)
    _check_alike(X, pool)
    n = pool.shape[0]
    if isinstance(X, LazyRows) or isinstance(pool, LazyRows):
        return LazyRows(TwoSources(X, pool)), n
    if issparse(X):
        return vstack([X, pool], format="csr"), n
    if hasattr(X, "columns"):
        return _frames(X, pool), n
    if {X.dtype.kind, pool.dtype.kind} & set("US"):  # or numpy writes numbers as text
        X, pool = X.astype(object), pool.astype(object)
    _check_integers(X, pool)
    if apart and _can_stay_apart(estimator, X, pool):
        return LazyRows(TwoSources(X, pool)), n
    return np.concatenate([X, pool]), n


@contextmanager
def pool_behind(estimator, X, X_unlabeled, *, apart=False):
    """`with_pool` around a fit; errors name the rows of the pool, attributes are told apart."""
    with rows_named(X, X_unlabeled):
        if X_unlabeled is not None:
            look_at_tools_of_pool(X_unlabeled)
        X, n = with_pool(X, X_unlabeled, estimator, apart=apart)
        yield X, n
        _tell_apart(estimator, n)


def rows_behind(X, y, X_unlabeled, unlabeled_label, of_rows=None, last=None):
    """Return X, y and weights or groups with unlabeled rows behind, as if all had been in X and y.

    Parameters
    ----------
    X, X_unlabeled : as in `with_pool`
    y : array-like of shape (n,) or (n, T)
    unlabeled_label : scalar or None
    of_rows : array-like of shape (n,) or None, default=None
        Weights or groups.
    last : scalar or None, default=None
        What rows of the pool have of them; None: what the first row has.

    Returns
    -------
    X, y, of_rows
        As they are where X_unlabeled is None.
    """
    if X_unlabeled is None:
        return X, y, of_rows
    check_consistent_length(X, y, of_rows)
    X, n = with_pool(X, X_unlabeled)
    if of_rows is not None:
        values = np.asarray(to_numpy(of_rows))
        of_rows = np.concatenate([values, np.repeat(values[:1] if last is None else last, n)])
    return X, marked_behind(y, n, unlabeled_label), of_rows


def marked_behind(y, n, unlabeled_label):
    """Labels (m,) or (m, T), and n marks behind them: ndarray."""
    values = label_column(y)
    if not n:
        return values
    longer = np.concatenate([values, np.repeat(values[:1], n, axis=0)])
    return mark_unlabeled(longer, slice(len(values), None), unlabeled_label)


def _tell_apart(estimator, n_unlabeled):
    """Split what is known of all rows: ``transduction_`` of X, ``transduction_unlabeled_``.

    Parameters
    ----------
    estimator : estimator
        Its attributes in ``OF_ROWS`` have an entry for each row of X and of X_unlabeled.
    n_unlabeled : int
        Rows of X_unlabeled. 0: there are no attributes of such rows, nor are there old ones.
    """
    for name, of_pool in zip(OF_ROWS, OF_POOL, strict=True):
        vars(estimator).pop(of_pool, None)  # of an earlier fit
        if n_unlabeled and name in vars(estimator):
            values = getattr(estimator, name)
            setattr(estimator, of_pool, values[-n_unlabeled:])
            setattr(estimator, name, values[:-n_unlabeled])


@contextmanager
def rows_named(X, X_unlabeled=()):
    """Let an error about a row of both say "X_unlabeled contains NaN, at row 3".

    Parameters
    ----------
    X : array-like or int
        The rows of X, or how many they are.
    X_unlabeled : array-like or None
        None: errors are as they are.
    """
    try:
        yield
    except ValueError as error:
        message = str(error)
        if X_unlabeled is None or not message.startswith("X "):
            raise
        n = X if isinstance(X, int) else X.shape[0] if hasattr(X, "shape") else len(X)
        found = re.search(r"at row (\d+)", message)
        if (found is None and n) or (found is not None and int(found[1]) < n):
            raise
        if found is not None:
            start, end = found.span(1)
            message = message[:start] + str(int(found[1]) - n) + message[end:]
        raise ValueError("X_unlabeled" + message[1:]) from error


def forget_rows(estimator):
    """Drop what is known of the rows of an earlier fit."""
    for name in (*OF_ROWS, *OF_POOL):
        vars(estimator).pop(name, None)


def _plain(X):
    """Something that has a shape: tensors and lists as arrays, data sets as `LazyRows`."""
    if isinstance(X, Dataset):
        return LazyRows(X)
    refuse_arrow(X)
    X = to_numpy(X)
    if isinstance(X, LazyRows) or hasattr(X, "columns"):
        return X
    if issparse(X):
        return X if X.format == "csr" else X.tocsr()
    if isinstance(X, np.ma.MaskedArray):
        if X.ndim != 2:
            refuse_masked(X)
        return as_rows(X)  # what is masked is missing
    try:
        rows = [to_numpy(row) for row in X] if isinstance(X, list | tuple) else X
        array = np.asarray(rows)
        return np.asarray(rows, dtype=object) if array.dtype.kind in "SU" else array
    except ValueError as error:
        raise ValueError(f"X has rows of several lengths, which are no table ({error}).") from None


def _kind(X):
    if hasattr(X, "columns"):
        return f"a {type(X).__name__} of {type(X).__module__.partition('.')[0]}"
    return "a sparse matrix" if issparse(X) else "an array"


def _check_alike(X, pool):
    if isinstance(pool, np.ndarray) and (not pool.ndim or pool.dtype.kind == "V"):
        raise ValueError("X_unlabeled must hold rows as X does: an array, a frame or a data set.")
    ours, theirs = _kind(X), _kind(pool)
    if ours != theirs:
        raise ValueError(
            f"X is {ours} and X_unlabeled {theirs}: pass both in one kind, with the same columns."
        )
    if not pool.shape or not pool.shape[0]:
        raise ValueError("X_unlabeled has no rows: leave it out, or pass some.")
    if hasattr(X, "columns"):
        _check_names(list(X.columns), list(pool.columns))
        _check_kinds(X, pool)
    if X.shape[1:] != pool.shape[1:]:
        if len(X.shape) == len(pool.shape) == 2:
            raise ValueError(
                f"X_unlabeled has {pool.shape[1]} features, and X has {X.shape[1]}. In a Pipeline "
                'it takes transform_input=["X_unlabeled"] for both to pass through the steps.'
            )
        raise ValueError(
            f"X_unlabeled has rows of shape {pool.shape[1:]}, and X of shape {X.shape[1:]}."
        )
    if len(X.shape) > 2 and (X.dtype == np.uint8) != (pool.dtype == np.uint8):
        raise ValueError(
            f"X holds images of dtype {X.dtype}, and X_unlabeled of {pool.dtype}. uint8 is read "
            "as [0, 1] and all else as it is, so pass both alike."
        )


def _check_integers(X, pool):
    """Refuse integers that would be rounded where the two become one array of floats."""
    if np.result_type(X.dtype, pool.dtype).kind != "f":
        return
    for part in (X, pool):
        wide = part.dtype.kind in "iu" and part.dtype.itemsize == 8
        if wide and (part.max() > 2**53 or part.min() < -(2**53)):
            raise ValueError(
                f"X is of dtype {X.dtype} and X_unlabeled of {pool.dtype}, and integers as large "
                "as these would be rounded to floats: give both one dtype."
            )


def _check_kinds(X, pool):
    """Refuse columns of frames that hold numbers here and something else there."""
    for name, ours, theirs in zip(X.columns, _column_kinds(X), _column_kinds(pool), strict=True):
        if ours != theirs and "nothing" not in (ours, theirs):
            raise ValueError(
                f"X_unlabeled holds {theirs} in column {name!r}, and X {ours}: give the column one "
                "dtype in both."
            )


def _column_kinds(frame):
    """What each column holds: numbers, booleans, categories, dates or times, or nothing."""
    pandas = hasattr(frame, "iloc")
    dtypes = frame.dtypes if pandas else frame.schema.values()
    for j, dtype in enumerate(dtypes):
        column = frame.iloc[:, j] if pandas else frame.to_series(j)
        if getattr(dtype, "categories", None) is not None or str(dtype) == "Categorical":
            yield "categories"
        elif (column.isna() if pandas else column.is_null()).all():
            yield "nothing"
        elif str(dtype).lower().startswith("bool"):
            yield "booleans"
        elif dtype.kind in "iuf" if pandas else dtype.is_numeric():
            yield "numbers"
        else:
            values = np.asarray(column.dropna() if pandas else column.drop_nulls(), dtype=object)
            if all(isinstance(v, bool | np.bool_) for v in values):
                yield "booleans"
            else:
                yield {None: "numbers", "text": "categories"}.get(kind := foreign(values)[0], kind)


def _check_names(ours, theirs):
    if ours == theirs:
        return
    missing = [name for name in ours if name not in theirs]
    more = [name for name in theirs if name not in ours]
    if missing or more:
        parts = [f"lacks {missing}"] if missing else []
        parts += [f"has {more}, which X has not"] if more else []
        raise ValueError(f"X_unlabeled {' and '.join(parts)}: give both the same columns.")
    raise ValueError("X_unlabeled has the columns of X in another order: X_unlabeled[X.columns].")


def _frames(X, pool):
    """Two frames, one behind the other; categories of pandas' columns are those of both."""
    library = sys.modules[type(X).__module__.partition(".")[0]]
    if not hasattr(X, "iloc"):
        kinds = zip(X.columns, _column_kinds(X), X.dtypes, pool.dtypes, strict=True)
        text = [name for name, kind, a, b in kinds if kind == "categories" and a != b]
        cast = dict.fromkeys(text, library.String)
        return library.concat([X.cast(cast), pool.cast(cast)], how="vertical_relaxed")
    both = {}
    for name, ours, theirs in zip(X.columns, X.dtypes, pool.dtypes, strict=True):
        if ours != theirs and hasattr(ours, "categories") and hasattr(theirs, "categories"):
            categories = ours.categories.append(theirs.categories).unique()
            both[name] = library.CategoricalDtype(categories)
    return library.concat([X.astype(both), pool.astype(both)], ignore_index=True)


def _can_stay_apart(estimator, X, pool):
    """Whether arrays are large, and nothing asks for more than their numbers."""
    if X.nbytes + pool.nbytes < LARGE or X.ndim < 2 or estimator.input_shape is not None:
        return False
    if not {X.dtype.kind, pool.dtype.kind} <= set("buif") or estimator.documents is True:
        return False
    chosen, before = estimator.categorical_features, getattr(estimator, "_summary", None)
    if before is not None and (before.columns is not None or before.documents):
        return False
    if estimator.documents and X.ndim == 2:
        some = np.concatenate([part[:: max(1, len(part) // 500)] for part in (X, pool)])
        if look_like_documents(some):
            return False
    with np.errstate(all="ignore"):  # gaps make columns of a table
        whole = all(np.isfinite(part.sum(dtype=float)) for part in (X, pool))
    return whole and (chosen is None or isinstance(chosen, str))
