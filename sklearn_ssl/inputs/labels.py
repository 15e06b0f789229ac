"""What counts as unlabeled, whatever the kind of y."""

from numbers import Real

import numpy as np

from .tensors import from_tensor

_WRITTEN_BY_NUMPY = ["nan", "None", "<NA>", "NaT"]

__all__ = [
    "as_label_array",
    "is_labeled",
    "is_missing",
    "label_column",
    "mark_of",
    "mark_unlabeled",
    "plain",
]


def is_labeled(y, unlabeled_label=-1):
    """Say which rows carry a label.

    Parameters
    ----------
    y : array-like of shape (n,)
        Numbers, strings, booleans or objects; pandas dtypes included.
    unlabeled_label : scalar, None or "auto", default=-1
        The mark of an unlabeled row. Missing values (None, NaN, pandas.NA, masked entries) are
        unlabeled whatever it is, so None or NaN here means: only they are, and -1 is a class. In
        strings "-1" counts as -1. "auto": see `mark_of`.

    Returns
    -------
    ndarray of bool, shape (n,)

    Raises
    ------
    ValueError
        If an array of fixed-width strings holds "nan" or "None": numpy wrote them there in place
        of a missing value, and they would silently become a class.

    Examples
    --------
    >>> is_labeled([0, 1, -1])
    array([ True,  True, False])
    >>> is_labeled(np.array(["cat", None, "dog", -1, np.nan], dtype=object))
    array([ True, False,  True, False, False])
    >>> is_labeled([-1, 1, np.nan], unlabeled_label=None)
    array([ True,  True, False])
    """
    y = label_column(y)
    unlabeled_label = mark_of(y, unlabeled_label)
    if y.dtype.kind == "U" and np.isin(y, _WRITTEN_BY_NUMPY).any():
        raise ValueError(
            f"y is an array of fixed-width strings that holds one of {_WRITTEN_BY_NUMPY}: numpy "
            "turned a missing value into text. Pass y with dtype=object, and None or -1 for "
            "unlabeled."
        )
    missing = np.zeros(y.shape, dtype=bool)
    if y.dtype.kind == "f":
        missing = np.isnan(y)
    elif y.dtype.kind == "O":
        missing = np.array([is_missing(v) for v in y.tolist()], bool).reshape(y.shape)
    if is_missing(unlabeled_label):
        return ~missing
    if y.dtype.kind not in "OUS":
        return ~missing & (y != unlabeled_label)
    marks = [str(unlabeled_label)]
    if not isinstance(unlabeled_label, str):  # numpy turns the -1 in ["a", -1] into "-1"
        marks.append(str(float(unlabeled_label)))
    return ~(missing | np.isin(y.astype(str), marks))


def mark_of(y, unlabeled_label):
    """Return the mark that "auto" stands for: None among numbers to predict, else -1.

    Floats are numbers to predict where some are NaN, which then is the mark, or are no integers.
    """
    if not (isinstance(unlabeled_label, str) and unlabeled_label == "auto"):
        return unlabeled_label
    y = label_column(y)
    if y.dtype.kind != "f":
        return -1
    return -1 if np.isfinite(y).all() and (y == np.round(y)).all() else None


def label_column(y):
    """`as_label_array`, and a single column (n, 1) as (n,)."""
    y = as_label_array(y)
    return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y


def as_label_array(y):
    """Return y as an ndarray; a frame of one column as (n,).

    Whatever marks a missing value in pandas, polars or a masked array becomes None, or NaN in
    floats.
    """
    if hasattr(y, "columns") and len(y.columns) == 1:
        y = y.to_series() if hasattr(y, "to_series") else y.iloc[:, 0]
    if isinstance(y, np.ma.MaskedArray):
        missing, gap = np.ma.getmaskarray(y), np.nan if y.dtype.kind == "f" else None
        return np.where(missing, gap, y.data if gap is np.nan else y.data.astype(object))
    dtype = getattr(y, "dtype", None)  # a DataFrame has none
    if hasattr(y, "isna") and dtype is not None and not isinstance(dtype, np.dtype):
        return np.where(y.isna(), None, np.asarray(y, dtype=object))
    if hasattr(y, "null_count") and hasattr(y, "to_list") and y.null_count():  # polars
        return np.array(y.to_list(), dtype=object)
    if isinstance(y, list) and any(v is None or isinstance(v, str) for v in y):
        return np.array(y, dtype=object)  # numpy would write -1 and NaN as text
    return np.asarray(from_tensor(y))


def mark_unlabeled(values, rows, unlabeled_label):
    """Return a copy of an array of labels with those rows marked, in a dtype that holds both."""
    missing = is_missing(unlabeled_label)
    fits = "f" if missing else "iuf" if isinstance(unlabeled_label, Real) else ""
    dtype = np.int64 if values.dtype.kind == "u" else values.dtype
    out = values.astype(dtype if values.dtype.kind in fits else object)
    out[rows] = np.nan if missing and out.dtype.kind == "f" else unlabeled_label
    return out


def plain(y):
    """Labels of dtype object as the numbers, booleans or strings they hold, which numpy sorts."""
    return np.array(y.tolist()) if y.dtype.kind == "O" else y


def is_missing(value):
    """Whether a scalar is None, NaN or pandas.NA."""
    return value is None or type(value).__name__ == "NAType" or value != value
