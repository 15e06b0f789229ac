"""What counts as unlabeled, whatever the kind of y."""

from decimal import Decimal
from numbers import Real
from typing import NamedTuple

import numpy as np
import torch
from sklearn.utils.validation import column_or_1d

from .from_torch import to_numpy

LABELS_FIRST = (
    "Give labeled rows as X and y, and rows without a label as X_unlabeled: so partial_fit, where "
    "there is one, takes blocks that have no label of their own."
)
_WRITTEN_BY_NUMPY = ["nan", "None", "<NA>", "NaT"]

__all__ = [
    "LABELS_FIRST",
    "as_label_array",
    "categories",
    "is_labeled",
    "is_missing",
    "label_column",
    "labeled_rows",
    "mark_of",
    "mark_unlabeled",
    "plain",
    "read_labels",
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
        If an array of fixed-width strings holds "nan" or "None" that is not the mark: numpy wrote
        it there in place of a missing value, and it would silently become a class.

    Examples
    --------
    >>> is_labeled([0, 1, -1])
    array([ True,  True, False])
    >>> is_labeled(np.array(["cat", None, "dog", -1, np.nan], dtype=object))
    array([ True, False,  True, False, False])
    >>> is_labeled([-1, 1, np.nan], unlabeled_label=None)
    array([ True,  True, False])
    """
    return _is_labeled(label_column(y), unlabeled_label)


def _is_labeled(y, unlabeled_label):
    """`is_labeled` of an ndarray."""
    unlabeled_label = _mark_of(y, unlabeled_label)
    named = [unlabeled_label] if isinstance(unlabeled_label, str) else []
    written = [text for text in _WRITTEN_BY_NUMPY if text not in named]
    if y.dtype.kind == "U" and np.isin(y, written).any():
        raise ValueError(
            f"y is an array of fixed-width strings that holds one of {written}: numpy turned a "
            "missing value into text. Pass y with dtype=object, and None or -1 for unlabeled; or "
            "name that text as unlabeled_label."
        )
    missing = np.zeros(y.shape, dtype=bool)
    if y.dtype.kind == "f":
        missing = np.isnan(y)
    elif y.dtype.kind == "O":
        missing = np.array([is_missing(v) for v in y.ravel().tolist()], bool).reshape(y.shape)
    if is_missing(unlabeled_label):
        return ~missing
    if y.dtype.kind not in "OUS":
        return ~missing & (y != unlabeled_label)
    marks = [str(unlabeled_label)]
    if not isinstance(unlabeled_label, str):  # numpy turns the -1 in ["a", -1] into "-1"
        marks.append(str(float(unlabeled_label)))
    return ~(missing | np.isin(y.astype(str), marks))


class ReadLabels(NamedTuple):
    """A column of labels as `read_labels` returns it."""

    values: np.ndarray  #: (n,)
    marked: np.ndarray  #: (n,) bool: rows without a label
    missing: np.ndarray  #: (n,) bool: those of them where a value is missing
    categories: list | None  #: classes that the column's type names


def read_labels(y, unlabeled_label):
    """Read a column of labels once: its values, which rows are unlabeled, and why."""
    told = categories(y)
    y = column_or_1d(as_label_array(y), warn=True)
    missing = np.zeros(len(y), bool) if y.dtype.kind in "US" else ~_is_labeled(y, None)
    return ReadLabels(y, ~_is_labeled(y, unlabeled_label), missing, told)


def labeled_rows(y, unlabeled_label="auto"):
    """Say which rows carry a label, of several columns all of them: ndarray of bool (n,)."""
    labeled = is_labeled(y, unlabeled_label)
    return labeled.all(1) if labeled.ndim > 1 else labeled


def mark_of(y, unlabeled_label):
    """Return the mark that "auto" stands for: None among numbers to predict, else -1.

    Numbers are to predict where some are missing, which then is the mark, where some are no
    integers, and where y has several columns. Those of dtype object, as pandas' nullable integers
    become, are judged as floats are.
    """
    return _mark_of(label_column(y), unlabeled_label)


def _mark_of(y, unlabeled_label):
    """`mark_of` an ndarray."""
    if not (isinstance(unlabeled_label, str) and unlabeled_label == "auto"):
        return unlabeled_label
    if y.ndim > 1:
        return None
    if y.dtype.kind == "O":
        values = [v for v in y.tolist() if not is_missing(v)]
        if not values or not all(_is_number(v) for v in values):
            return -1
        y = np.array(values + [np.nan] * (len(y) - len(values)), dtype=float)
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
    y = _only_column(to_numpy(y) if isinstance(y, torch.Tensor) else y)
    if isinstance(y, list) and any(isinstance(v, torch.Tensor) for v in y):
        y = [to_numpy(v) for v in y]
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
    return np.asarray(y)


def categories(y):
    """The classes that a column of pandas' categories or polars' Enum names; None of others."""
    y = _only_column(y)
    dtype = getattr(y, "dtype", None)
    if type(dtype).__name__ not in ("CategoricalDtype", "Enum"):
        return None
    return list(dtype.categories)


def _only_column(y):
    """A frame of one column as that column; all else as it is."""
    if not hasattr(y, "columns") or len(y.columns) != 1:
        return y
    return y.to_series() if hasattr(y, "to_series") else y.iloc[:, 0]


def mark_unlabeled(values, rows, unlabeled_label):
    """Return a copy of an array of labels with those rows marked, in a dtype that holds both."""
    missing = is_missing(unlabeled_label)
    fits = "f" if missing else "iuf" if isinstance(unlabeled_label, Real) else ""
    dtype = np.int64 if values.dtype.kind == "u" else values.dtype
    if values.dtype.kind in fits and values.dtype.kind in "iu" and not missing:
        whole = float(unlabeled_label).is_integer()
        held = whole and np.iinfo(dtype).min <= unlabeled_label <= np.iinfo(dtype).max
        dtype = dtype if held else np.int64 if whole else np.float64
    out = values.astype(dtype if values.dtype.kind in fits else object)
    out[rows] = np.nan if missing and out.dtype.kind == "f" else unlabeled_label
    return out


def plain(y):
    """Labels of dtype object as the numbers, booleans or strings they hold, which numpy sorts."""
    return np.array(y.tolist()) if y.dtype.kind == "O" else y


def is_missing(value):
    """Whether a scalar is None, NaN, NaT, pandas.NA or numpy's masked."""
    if value is None or value is np.ma.masked or type(value).__name__ == "NAType":
        return True
    return value != value


def _is_number(value):
    return isinstance(value, Real | Decimal) and not isinstance(value, bool | np.bool_)
