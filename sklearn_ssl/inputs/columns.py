"""What users bring as X, and where in it something is that no estimator takes."""

import datetime
from contextlib import contextmanager

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import check_array

from .from_torch import to_numpy
from .labels import is_missing

__all__ = [
    "as_rows",
    "difference",
    "foreign",
    "missing_located",
    "reads_as_number",
    "refuse_arrow",
    "to_float32",
]

_TIMES = datetime.date | datetime.time | datetime.timedelta | np.datetime64 | np.timedelta64
_ADVICE = {
    "text": "encode it first, with OneHotEncoder, OrdinalEncoder or OnLabeled(TargetEncoder()) for "
    "categories, TfidfVectorizer for documents, each in a Pipeline with this estimator",
    "dates or times": "make them numbers first, such as the days since a first date, "
    "(t - t.min()) / np.timedelta64(1, 'D'), or columns of the month and the weekday",
    "intervals": "encode them first, with OrdinalEncoder in a Pipeline with this estimator",
    "lists": "give each entry of them a column",
}


def refuse_arrow(X):
    """Refuse tables and record batches of pyarrow in words."""
    if type(X).__module__.partition(".")[0] == "pyarrow" and hasattr(X, "schema"):
        raise ValueError(
            f"X is a {type(X).__name__} of pyarrow: pass X.to_pandas(), or an array of its columns."
        )


def as_rows(X, categories=()):
    """Tensors and lists as arrays, masked entries as NaN; columns that are no numbers are refused.

    Parameters
    ----------
    X : array-like, sparse matrix or DataFrame
    categories : ndarray of bool (d,), or empty
        Columns that may hold text.

    Raises
    ------
    ValueError
        If columns hold text, dates or times, intervals or lists. It names them and says what to do.

    Examples
    --------
    >>> as_rows([[1, 2.5]])
    array([[1. , 2.5]])
    >>> as_rows([["red"], ["blue"]])
    Traceback (most recent call last):
    ...
    ValueError: X holds text in column 0 ('red'): encode it first, with ...
    """
    X = to_numpy(X)
    if isinstance(X, list | tuple):
        try:
            rows = [to_numpy(row) for row in X]
            X = np.asarray(rows)
            X = np.asarray(rows, dtype=object) if X.dtype.kind in "SU" else X
        except ValueError:  # rows of several lengths, which scikit-learn explains
            return X
    if isinstance(X, np.ma.MaskedArray):
        gaps = np.ma.getmaskarray(X).any()
        X = X.astype(np.float64).filled(np.nan) if gaps else X.data
    found, allowed = {}, set()
    if len(categories):
        names = getattr(X, "columns", range(len(categories)))
        allowed = {name for name, c in zip(names, categories, strict=True) if c}
    for name, values in _suspects(X):
        kind, example = foreign(values)
        if kind is not None and not (kind == "text" and name in allowed):
            found.setdefault(kind, []).append((name, example))
    if found:
        raise ValueError(" ".join(_sentence(kind, columns) for kind, columns in found.items()))
    return X


def _suspects(X):
    """Yield names and values of the columns whose dtype is not that of numbers."""
    if isinstance(X, np.ndarray):
        if X.ndim == 1 and X.dtype.kind in "OU":  # texts that no vectorizer has seen
            yield 0, X
        if X.ndim == 2 and X.dtype.kind not in "biufcV":
            yield from ((j, X[:, j]) for j in range(X.shape[1]))
    elif hasattr(X, "iloc") and hasattr(X, "columns"):  # pandas
        for j, (name, dtype) in enumerate(zip(X.columns, X.dtypes, strict=True)):
            if getattr(dtype, "categories", None) is not None:
                yield name, np.asarray(dtype.categories)
            elif dtype.kind not in "biufc":
                column = X.iloc[:, j]
                yield name, np.asarray(column) if dtype.kind in "mM" else np.asarray(column, object)
    elif hasattr(X, "get_column"):  # polars
        for name, dtype in X.schema.items():
            if not dtype.is_numeric() and str(dtype) not in ("Boolean", "Null"):
                yield name, X.get_column(name).to_numpy()


def foreign(values):
    """What else than numbers the values of a column are, and the first of them; or None twice."""
    if values.dtype.kind in "biufc" or not len(values):
        return None, None
    if values.dtype.kind in "mM":
        return "dates or times", values[0]
    written = None
    for value in values.tolist() if values.dtype.kind in "SU" else values:
        kind = _kind(value)
        if kind is not None:
            return kind, value
        written = value if written is None and isinstance(value, str | bytes) else written
    return ("text", written) if values.dtype.kind in "SU" else (None, None)


def reads_as_number(value):
    """Whether a value is a number, or its text."""
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _kind(value):
    if isinstance(value, str | bytes):
        return None if reads_as_number(value) else "text"
    if isinstance(value, _TIMES) or type(value).__name__ == "Period":
        return "dates or times"
    elif type(value).__name__ == "Interval":
        return "intervals"
    elif isinstance(value, list | tuple | np.ndarray):
        return "lists"
    return None  # numbers, missing values, and what scikit-learn refuses


def _sentence(kind, columns):
    names = ", ".join(_called(name) for name, _ in columns[:5])
    names += f" and {len(columns) - 5} more" if len(columns) > 5 else ""
    word = "column" if len(columns) == 1 else "columns"
    return f"X holds {kind} in {word} {names} ({str(columns[0][1])[:50]!r}): {_ADVICE[kind]}."


def _called(name):
    return str(name) if isinstance(name, int | np.integer) else repr(str(name))


@contextmanager
def missing_located(X):
    """Say where in X a value is missing or infinite if scikit-learn finds one inside."""
    try:
        with np.errstate(over="ignore"):  # of long doubles, which become infinite
            yield
    except OverflowError as error:
        raise ValueError(f"X holds an integer too large for a float: {error}.") from error
    except (TypeError, ValueError) as error:
        if not any(sign in str(error) for sign in ("contains NaN", "contains inf", "NAType")):
            raise
        names = list(getattr(X, "columns", ())) or None
        if isinstance(X, np.ndarray) and X.dtype == object:
            X = np.where([[is_missing(v) for v in row] for row in X], np.nan, X)
        elif hasattr(X, "isna"):
            X = X.mask(X.isna(), np.nan)
        with np.errstate(over="ignore"):
            X = check_array(
                X, accept_sparse="csr", allow_nd=True, dtype="numeric", ensure_all_finite=False
            )
            wide = X if X.dtype.itemsize <= 8 else X.astype(np.float64)
        values = wide.data if issparse(wide) else wide
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            _refuse(values, wide, names)
        raise


def to_float32(X, names=None, rows=None):
    """Larger floats as float32, other numbers as they are; refuse what is not finite then.

    Parameters
    ----------
    X : ndarray of shape (n, ...) or CSR matrix
    names : sequence of str or None
        Of the columns.
    rows : ndarray of int (n,), or None
        What to call the rows; None: 0 to n - 1.
    """
    given = X
    if X.dtype.kind == "f" and X.dtype.itemsize > 4:
        with np.errstate(over="ignore"):
            X = X.astype(np.float32)
    elif rows is None:  # scikit-learn has looked at them
        return X
    values = X.data if issparse(X) else X
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        _refuse(values, given, names, rows)
    return X


def difference(X, offset):
    """X - offset in float64 or better; exact for integers of 64 bits, which float64 rounds."""
    if X.dtype.kind not in "iu" or X.dtype.itemsize < 8:
        return X - offset if X.dtype.itemsize > 8 else np.subtract(X, offset, dtype=np.float64)
    whole = np.trunc(offset)
    unsigned = np.array([int(v) % 2**64 for v in whole.flat], np.uint64).reshape(whole.shape)
    exact = (X.astype(np.uint64) - unsigned).view(np.int64) - (offset - whole)
    rough = X.astype(np.float64) - offset
    return np.where(np.abs(rough) < 2.0**62, exact, rough)


def _refuse(values, given, names=None, rows=None):
    """Say where the first of the values is that is NaN, infinite or, unlike given, too large."""
    where = np.argwhere(~np.isfinite(values))[0]
    value = (given.data if issparse(given) else given)[tuple(where)]
    if issparse(given):
        row = int(np.searchsorted(given.indptr, where[0], side="right")) - 1
        where = np.array([row, given.indices[where[0]]])
    row, *rest = where.tolist()
    place = f"row {row if rows is None else rows[row]}, "
    if len(rest) == 1:
        place += f"column {_called(rest[0] if names is None else names[rest[0]])}"
    else:
        place += f"position {tuple(rest)}"
    if np.isnan(value):
        remedy = "fill them first, with SimpleImputer in a Pipeline with this estimator, or"
        if issparse(given):
            remedy = "in sparse rows fill them first, with SimpleImputer in a Pipeline, or"
        elif len(rest) > 1:
            remedy = "in images fill them first, with numpy.nan_to_num or a model of yours, or"
        raise ValueError(
            f"X contains NaN, at {place}. This estimator does not accept missing values: {remedy} "
            "leave such rows out."
        )
    if np.isinf(value):
        raise ValueError(
            f"X contains infinity, at {place}: clip such values, or leave these rows out."
        )
    raise ValueError(
        f"X contains {value:.4g}, at {place}: values too large for float32. Scale the column, take "
        "its logarithm, or leave such rows out."
    )
