"""Tables of numbers and categories with gaps: what their columns are, and their rows as numbers."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.sparse import csr_array, vstack

from .._warnings import warn
from .columns import foreign, reads_as_number
from .labels import is_missing
from .moments import moments

__all__ = ["Columns", "MixedRows", "chosen_categories", "column_names", "read_table"]

_CATEGORIES = "category", "categorical", "enum", "bool", "str", "object", "utf8"
_DENSE_WIDTH = 256  # up to here rows of a graph are dense


@dataclass(frozen=True)
class Columns:
    """What the columns of a table are, found once from all rows of the first fit.

    A network sees a number as it is, less ``center``. A missing one is 0, the mean, and there is a
    column more that says so, if any was missing in `fit`. A category is a column for each of its
    values, one of them 1; a missing one has a column too, if any was missing in `fit`. Else it is,
    like a value that `fit` has not seen, 0 in all of them.

    Parameters
    ----------
    names : tuple of d str
        For messages.
    categories : tuple of d
        The C values of a category, a tuple, or None for numbers.
    gaps : ndarray of bool, shape (d,)
        Whether any value was missing.
    center : float64 ndarray of shape (d,)
        Mean of the numbers that are not missing; 0 for categories.
    """

    names: tuple
    categories: tuple
    gaps: np.ndarray
    center: np.ndarray

    @cached_property
    def is_category(self):
        """Which of the d columns are categories: ndarray of bool (d,)."""
        return np.array([values is not None for values in self.categories])

    @cached_property
    def widths(self):
        """How many columns the network sees of each: ndarray of int (d,)."""
        sizes = [1 if values is None else len(values) for values in self.categories]
        return np.array(sizes) + self.gaps

    @cached_property
    def starts(self):
        """The first of the columns that the network sees of each: ndarray of int (d,)."""
        return np.cumsum(self.widths) - self.widths

    @cached_property
    def groups(self):
        """Which of the d columns each one that the network sees comes from: ndarray of int (D,)."""
        return np.repeat(np.arange(len(self.widths)), self.widths)

    @cached_property
    def numbers(self):
        """Which of the columns that the network sees are numbers: ndarray of int."""
        return self.starts[~self.is_category]

    @cached_property
    def indicators(self):
        """The column that says whether a number is missing, of each of ``numbers``, or -1."""
        return np.where(self.gaps, self.starts + 1, -1)[~self.is_category]

    def encode(self, X):
        """Read a table of these columns.

        Parameters
        ----------
        X : DataFrame or ndarray of shape (n, d)

        Returns
        -------
        MixedRows

        Raises
        ------
        ValueError
            If a number is text, infinite or too large.
        """
        values = np.empty((len(X), len(self.names)), dtype=np.float32)
        for j, (name, known) in enumerate(zip(self.names, self.categories, strict=True)):
            if known is None:
                values[:, j] = _centred(_numbers(X, j, name), self.center[j], name)
                continue
            index = {value: code for code, value in enumerate(known)}
            found, codes = _factorized(X, j)
            numbers = [index.get(value, np.nan) for value in found]
            values[:, j] = _renumbered(codes, numbers, len(known) if self.gaps[j] else np.nan)
        return MixedRows(values, self)

    def check(self):
        """Refuse values that no fit leaves, as a forged file may hold."""
        sizes = {len(self.names), len(self.categories), len(self.gaps), len(self.center)}
        if len(sizes) > 1 or not np.isfinite(self.center).all():
            raise ValueError("columns are not those of a fit")


class MixedRows:
    """Rows of a table as float32 numbers and codes; dense as the network sees them part by part.

    Parameters
    ----------
    values : float32 ndarray of shape (n, d)
        Numbers less their center, and codes of categories; NaN where a number is missing, or a
        category unknown.
    columns : Columns

    Attributes
    ----------
    shape : tuple (n, D)
        As the network sees them.
    """

    ndim, dtype = 2, np.dtype(np.float32)

    def __init__(self, values, columns):
        self.values, self.columns = values, columns
        self.shape = len(values), int(columns.widths.sum())

    def __len__(self):
        return len(self.values)

    def __getitem__(self, rows):
        return MixedRows(np.atleast_2d(self.values[rows]), self.columns)

    def toarray(self):
        """Rows as the network sees them: float32 ndarray (n, D)."""
        known, columns = np.isfinite(self.values), self.columns
        out = np.zeros(self.shape, dtype=np.float32)
        numbers, given = self.values[:, ~columns.is_category], known[:, ~columns.is_category]
        out[:, columns.numbers] = np.where(given, numbers, 0)
        told = columns.indicators >= 0
        out[:, columns.indicators[told]] = ~given[:, told]
        row, j = np.nonzero(known & columns.is_category)
        out[row, columns.starts[j] + self.values[row, j].astype(np.int64)] = 1
        return out

    def filled(self, mean):
        """Numbers in their own unit, and ``mean`` (d,) where one is missing: float64 (n, d)."""
        values = self.values + self.columns.center
        return np.where(np.isfinite(values), values, mean)

    def __array__(self, dtype=None, copy=None):
        return self.toarray().astype(dtype or np.float32, copy=False)

    def scaled(self, scale):
        """Rows divided by ``scale`` (D,): an ndarray, or a csr_array where that is smaller."""
        scale = np.asarray(scale, dtype=np.float32)
        if self.shape[1] <= _DENSE_WIDTH:
            return self.toarray() / scale
        parts = (self[i : i + 4096].toarray() / scale for i in range(0, len(self), 4096))
        return csr_array(vstack([csr_array(part) for part in parts]))

    def range(self):
        """Smallest and largest value that the network sees: float, float."""
        numbers = self.values[:, ~self.columns.is_category]
        numbers = numbers[np.isfinite(numbers)]
        return float(numbers.min(initial=0.0)), float(numbers.max(initial=1.0))

    def moments(self):
        """Mean and scale of what the network sees, as `moments` returns them: tensors (D,).

        A category's columns have the scale 1, so that two rows of other values are as far apart as
        two numbers are on average.
        """
        mean, scale = torch.zeros(self.shape[1]), torch.ones(self.shape[1])
        columns = self.columns
        for j, values in enumerate(self.values.T):
            start, known = columns.starts[j], np.isfinite(values)
            if columns.is_category[j]:
                counts = np.bincount(values[known].astype(np.int64), minlength=columns.widths[j])
                mean[start : start + columns.widths[j]] = torch.from_numpy(counts / len(values))
                continue
            if known.any():
                mean[start], scale[start] = (v[0] for v in moments(values[known][:, None]))
            else:
                scale[start] = 0.0
            if columns.gaps[j]:
                mean[start + 1] = float(1 - known.mean())
        return mean, scale


def read_table(X, categorical_features):
    """Find what the columns of a table are, and read it.

    Parameters
    ----------
    X : DataFrame or ndarray of shape (n, d)
    categorical_features : "from_dtype", array-like of bool, int or str, or None
        As in the estimators.

    Returns
    -------
    MixedRows, or None where all columns are numbers without gaps
    """
    names, chosen = column_names(X), chosen_categories(X, categorical_features)
    values = np.empty((len(X), len(names)), dtype=np.float32)
    categories, gaps, center = [], np.zeros(len(names), bool), np.zeros(len(names))
    for j, name in enumerate(names):
        if chosen[j]:
            found, codes = _factorized(X, j)
            _warn_of_single_values(name, found, (codes >= 0).sum())
            order = sorted(range(len(found)), key=lambda i: (type(found[i]).__name__, found[i]))
            categories.append(tuple(found[i] for i in order))
            gaps[j] = (codes < 0).any()
            values[:, j] = _renumbered(codes, np.argsort(order), len(order) if gaps[j] else np.nan)
            continue
        numbers = _numbers(X, j, name)
        missing = np.isnan(numbers)
        categories.append(None)
        gaps[j] = missing.any()
        if not missing.all():
            center[j] = np.mean(numbers[~missing] if gaps[j] else numbers, dtype=np.float64)
        values[:, j] = _centred(numbers, center[j], name)
    if not (any(chosen) or gaps.any()):
        return None
    return MixedRows(values, Columns(tuple(names), tuple(categories), gaps, center))


def column_names(X):
    """Names of the columns, or their numbers as text: list of d str."""
    return [str(name) for name in getattr(X, "columns", range(X.shape[1]))]


def chosen_categories(X, categorical_features):
    """Which columns are categories: ndarray of bool (d,).

    Raises
    ------
    ValueError
        If the choice does not fit the columns.
    """
    names = column_names(X)
    if categorical_features is None:
        return np.zeros(len(names), dtype=bool)
    if isinstance(categorical_features, str) and categorical_features == "from_dtype":
        return np.array([_is_category(_column(X, j)) for j in range(len(names))])
    asked = np.asarray(categorical_features)
    if asked.dtype == bool and asked.shape == (len(names),):
        return asked
    chosen = np.zeros(len(names), dtype=bool)
    if asked.dtype.kind in "UO" and hasattr(X, "columns"):
        unknown = [name for name in asked.tolist() if name not in list(X.columns)]
        if unknown:
            raise ValueError(f"categorical_features names {unknown}, but X has columns {names}.")
        asked = np.array([list(X.columns).index(name) for name in asked.tolist()], dtype=int)
    whole = asked.dtype.kind in "iu" and asked.ndim == 1
    if asked.size and (not whole or asked.min() < 0 or asked.max() >= len(names)):
        raise ValueError(
            f"categorical_features={categorical_features!r} must be a mask of {len(names)} "
            "booleans, positions of columns, or names of a DataFrame's."
        )
    chosen[asked.astype(int)] = True
    return chosen


def _column(X, j):
    if hasattr(X, "iloc"):
        return X.iloc[:, j]
    return X.to_series(j) if hasattr(X, "to_series") else X[:, j]  # polars, ndarray


def _is_category(column):
    """Whether a column of a frame is text, boolean or a category by its type."""
    name = str(column.dtype).lower()
    if isinstance(column, np.ndarray) or not name.startswith(_CATEGORIES):
        return False
    return name != "object" or foreign(np.asarray(column, dtype=object))[0] == "text"


def _factorized(X, j):
    """The different values of a column, a list, and their codes, -1 where missing: int (n,)."""
    column = _column(X, j)
    if hasattr(column, "factorize"):
        codes, found = column.factorize()
        return list(found.tolist()), codes
    index = {}
    values = column.to_list() if hasattr(column, "to_list") else column.tolist()
    codes = np.fromiter((index.setdefault(v, len(index)) for v in values), np.int64, len(values))
    missing = np.array([is_missing(v) for v in index], dtype=bool)
    kept = [v for v, gap in zip(index, missing, strict=True) if not gap]
    return kept, np.where(missing, -1, np.cumsum(~missing) - 1)[codes]


def _warn_of_single_values(name, found, n_given):
    """Tell of a category most of whose values do not come back: an id, or numbers as text."""
    if n_given < 20 or len(found) <= n_given / 2:
        return
    numbers = sum(map(reads_as_number, found))
    remedy = "If it is an id, drop it: new rows will not share its values."
    if numbers > len(found) / 2:
        remedy = (
            f"{numbers} of them read as numbers: if they are, make it a column of numbers, with "
            "pandas.to_numeric(column, errors='coerce') where it is text; if it is an id, drop it."
        )
    warn(
        f"Column {name!r} of X is taken for a category, and {len(found)} of its {n_given} values "
        f"differ. {remedy}"
    )


def _renumbered(codes, numbers, missing):
    """Codes by a table of new ones, and ``missing`` for -1: float32 (n,)."""
    return np.append(np.asarray(numbers, np.float32), np.float32(missing))[codes]


def _numbers(X, j, name):
    """A column as float64, NaN where missing."""
    column = _column(X, j)
    try:
        if hasattr(column, "iloc"):
            numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        elif hasattr(column, "to_list"):
            numbers = column.cast(float).to_numpy().astype(np.float64)
        else:
            if column.dtype == object:
                column = [np.nan if is_missing(v) else v for v in column]
            numbers = np.asarray(column, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Column {name!r} of X holds no numbers ({error}). Name it in categorical_features, or "
            "encode it first."
        ) from None
    if np.isinf(numbers).any():
        raise ValueError(f"Column {name!r} of X holds infinity. Replace it, by NaN if unknown.")
    return numbers


def _centred(numbers, center, name):
    """Numbers less their center as float32."""
    with np.errstate(over="ignore"):
        out = (numbers - center).astype(np.float32)
    if np.isinf(out).any():
        raise ValueError(f"Column {name!r} of X holds values too large for float32.")
    return out
