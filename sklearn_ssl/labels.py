"""What counts as unlabeled: -1; in string and object arrays also None and NaN."""

import numpy as np

__all__ = ["as_label_array", "is_labeled"]


def is_labeled(y):
    """Say which rows carry a label.

    Parameters
    ----------
    y : array-like of shape (n,)
        Numeric: -1 is unlabeled. Strings or objects (pandas included): -1, "-1", None and NaN
        are.

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
    """
    y = as_label_array(y)
    if y.dtype.kind == "U" and np.isin(y, ["nan", "None"]).any():
        raise ValueError(
            "y is an array of fixed-width strings that holds 'nan' or 'None': numpy turned a "
            "missing value into text. Pass y with dtype=object, and None or -1 for unlabeled."
        )
    if y.dtype.kind not in "OUS":
        return y != -1
    missing = np.array([v is None or v != v for v in y.tolist()], dtype=bool).reshape(y.shape)
    return ~(missing | np.isin(y.astype(str), ["-1", "-1.0"]))


def as_label_array(y):
    """Return y as an ndarray; whatever marks a missing value in pandas becomes None."""
    if hasattr(y, "isna") and not isinstance(y.dtype, np.dtype):
        return np.where(y.isna(), None, np.asarray(y, dtype=object))
    if isinstance(y, list) and any(v is None or isinstance(v, str) for v in y):
        return np.array(y, dtype=object)  # numpy would write -1 and NaN as text
    return np.asarray(y)
