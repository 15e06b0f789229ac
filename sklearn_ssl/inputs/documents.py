"""Rows that are documents: word counts, tf-idf weights, and whatever else looks like them."""

import numpy as np
from scipy.sparse import csr_array, issparse

from .lazy import LazyRows
from .mixed import MixedRows

__all__ = ["Documents", "are_documents", "as_documents", "look_like_documents"]

COLUMNS = 100  # as many at least
FILLED = 0.1  # share of values that are not 0, at most
LARGEST = 0.5  # share of one column in the sum of all squares, at most


class Documents(csr_array):
    """Rows (n, d) that are bags of words: without stored zeros, columns in order."""


def look_like_documents(X, max_rows=2000):
    """Whether the rows of a table are bags of words rather than measurements.

    They are where X has at least 100 columns, at most 10 % of its values are not 0, no column holds
    more than half of the sum of squares, and rows differ much in length: the variance of the number
    of values that are not 0 is above its mean. That of independent columns is below, whatever the
    categories that one-hot columns stand for.

    Parameters
    ----------
    X : ndarray of shape (n, ...), CSR matrix, MixedRows or LazyRows
        Rows. Two thousand of them are looked at, evenly spaced.
    max_rows : int

    Returns
    -------
    bool

    Examples
    --------
    >>> from sklearn.feature_extraction.text import CountVectorizer
    >>> words = [f"word{i}" for i in range(200)]
    >>> texts = [" ".join(words[i : i + 2 + i % 9]) for i in range(190)]
    >>> look_like_documents(CountVectorizer().fit_transform(texts))
    True
    """
    if isinstance(X, MixedRows | LazyRows) or X.ndim != 2 or X.shape[1] < COLUMNS:
        return False
    X = X[:: max(1, X.shape[0] // max_rows)]
    filled = np.asarray((X != 0).sum(1)).ravel()
    if not 0 < filled.mean() <= FILLED * X.shape[1] or filled.var() <= filled.mean():
        return False
    squares = as_documents(X).astype(np.float64).power(2).sum(0)
    return bool(squares.max() <= LARGEST * squares.sum())


def are_documents(X, choice):
    """Whether checked rows X are to be taken for documents; ``choice`` is the user's.

    Raises
    ------
    ValueError
        If they are to be, and are no table of numbers.
    """
    if isinstance(choice, str):
        return look_like_documents(X)
    if choice and (X.ndim != 2 or isinstance(X, MixedRows | LazyRows)):
        raise ValueError(
            "documents=True needs a table of numbers without gaps, dense or sparse: the counts or "
            f"weights of a vectorizer. X is {type(X).__name__} of shape {X.shape}."
        )
    return choice


def as_documents(X):
    """Dense or sparse rows (n, d) as `Documents`; what is in order already is not copied."""
    X = Documents(X if issparse(X) else np.asarray(X, dtype=np.float32))
    if not X.has_canonical_format or not X.data.all():
        X = X.copy()
        X.sum_duplicates()
        X.eliminate_zeros()
    return X
