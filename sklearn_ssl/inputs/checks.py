"""What is refused before training starts, and in which words."""

import math
from contextlib import contextmanager

import numpy as np
import torch
from scipy.sparse import issparse
from sklearn.utils import get_tags
from sklearn.utils.validation import (
    _check_feature_names,
    _check_n_features,
    _check_sample_weight,
    validate_data,
)
from torch.utils.data import Dataset

from .._warnings import warn
from .columns import as_rows, missing_located, refuse_arrow
from .from_torch import to_numpy
from .lazy import LazyRows
from .mixed import chosen_categories, read_table
from .offsets import less_offset

__all__ = [
    "check_device",
    "check_like_fitted",
    "check_rows",
    "check_weight",
    "check_y_is_given",
    "of_common_size",
    "refuse_masked",
    "restored_if_refused",
    "rows_for_network",
    "warn_of_channels_last",
    "weight_of_scored",
]


@contextmanager
def restored_if_refused(estimator):
    """Leave an estimator as it was if what is inside raises before there is a new net."""
    before, generator = dict(vars(estimator)), estimator.random_state
    drawn = isinstance(generator, np.random.RandomState)
    state = generator.get_state() if drawn else None
    try:
        yield
    except BaseException:
        if vars(estimator).get("net_") is before.get("net_"):
            vars(estimator).clear()
            vars(estimator).update(before)
            if drawn:
                generator.set_state(state)
        raise


def refuse_masked(X, name="X"):
    """Refuse a masked array of which something is masked: what lies beneath would be read."""
    rows = X if isinstance(X, list | tuple) else [X]
    if any(np.ma.is_masked(row) for row in rows):
        impute = ", or X.filled(np.nan) before a SimpleImputer in a Pipeline" if name == "X" else ""
        raise ValueError(
            f"{name} is a masked array with masked entries, and the values beneath them would be "
            f"read. Fill them: {name}.filled(value){impute}."
        )


def check_like_fitted(estimator, X, known, *, continues=False):
    """Refuse rows of another shape or unit than those of ``known``, a `DataSummary`."""
    if X.shape[1:] != known.input_shape:
        raise ValueError(
            f"X has rows of shape {X.shape[1:]}, but {type(estimator).__name__} was fitted on rows "
            f"of shape {known.input_shape}"
            + (", and warm_start=True continues that fit." if continues else ".")
        )
    if X.ndim > 2 and (X.dtype == np.uint8) != known.is_bytes:
        was, now = ("uint8", X.dtype) if known.is_bytes else ("not uint8", "uint8")
        raise ValueError(
            f"X holds images of dtype {now}, but those of fit were {was}. uint8 is read as [0, 1] "
            "and all else as it is, so pass the same kind to both."
        )


def warn_of_channels_last(X):
    """Tell of images (n, H, W, C), which would be seen as H channels."""
    if X.ndim == 4 and _channels_come_last(*X.shape[1:]):
        warn(_CHANNELS_LAST.format(X.shape))


_CHANNELS_LAST = (
    "X of shape {} looks like images with the channels last; here they come first: "
    "X.transpose(0, 3, 1, 2)."
)


def _refuse_other_axes(X, known):
    """Refuse images with the channels last, and a single image, where `fit` had (C, H, W).

    Rows of a table where `fit` had images are refused too, and the reverse.

    A count of features, which is what scikit-learn would say of both, names neither.
    """
    shape = tuple(getattr(X, "shape", ()))
    if len(shape) == 4 and shape[1:] != known and (shape[3], *shape[1:3]) == known:
        raise ValueError(_CHANNELS_LAST.format(shape))
    if len(known) > 1 and shape == known:
        raise ValueError(
            f"X of shape {shape} is a single row: X[None] of shape {(1, *shape)} holds one."
        )
    if len(shape) > 1 and len(shape) != 1 + len(known) and (len(shape) > 2 or len(known) > 1):
        remedy = ""
        if math.prod(shape[1:]) == math.prod(known):
            remedy = f": X.reshape{(-1, *known)}"
        raise ValueError(f"X has rows of shape {shape[1:]}, but those of fit had {known}{remedy}.")


def _channels_come_last(first, second, third):
    """Whether these are rather (H, W, C) than (C, H, W).

    The last axis is the shortest, the first is too long for a colour, and the last is grey or RGB,
    or the first two are those of a square, or of a picture of usual proportions and few channels.
    """
    short, long = sorted((first, second))
    if third >= short or first <= 3:
        return False
    return third in (1, 3) or short == long or (2 * third <= short and long <= 2 * short)


def check_rows(estimator, X, reset, known=None):
    """Check X as ``fit`` (``reset``) or as what comes after it; return it in the user's dtype.

    Sets what scikit-learn wants to be known of X. A data set becomes `LazyRows`, a table with
    categories or gaps `MixedRows`; nothing else is copied. ``known`` is the summary of the rows of
    an earlier fit, which these must be like. `rows_for_network` is what follows.
    """
    refuse_arrow(X)
    shape, tags = getattr(estimator, "input_shape", None), get_tags(estimator).input_tags
    if known is not None and shape is None:
        _refuse_other_axes(X, known.input_shape)
    if isinstance(X, Dataset | LazyRows):  # which are looked at when they are read
        X = X if isinstance(X, LazyRows) else LazyRows(X)
        if X.ndim < 2 or X.dtype.kind not in "buif":
            raise ValueError(f"Rows must be arrays of numbers, got {X!r} of dtype {X.dtype}.")
        _check_n_features(estimator, X, reset=reset)
    elif shape is None and (tags.allow_nan or (tags.categorical and hasattr(X, "columns"))):
        X = _check_table(estimator, X, reset, known)
    else:
        X = _check_array(estimator, X, reset)
    if shape is None:
        return X
    shape = tuple(shape)
    if not isinstance(X, np.ndarray) or X.ndim != 2 or X.shape[1] != np.prod(shape):
        raise ValueError(
            f"input_shape={shape} needs dense 2-D rows of {np.prod(shape)} columns, got "
            f"{type(X).__name__} of shape {X.shape}."
        )
    return X.reshape(len(X), *shape)


def _check_array(estimator, X, reset):
    """Numbers without gaps."""
    refuse_masked(X)
    X = as_rows(X)
    if hasattr(X, "check_format"):  # sparse: beyond the last column lies memory of others
        X.check_format()
    with missing_located(X):
        X = validate_data(
            estimator, X, reset=reset, accept_sparse="csr", allow_nd=True, dtype="numeric"
        )
    if issparse(X) and not X.has_canonical_format:
        X = X.copy()  # else scipy puts the user's own in order
        X.sum_duplicates()
    return X


def _check_table(estimator, X, reset, known):
    """Numbers, and in tables categories and gaps."""
    X = as_rows(X) if isinstance(X, np.ma.MaskedArray) else X  # what is masked is missing
    columns = None if known is None else known.columns
    choice = estimator.categorical_features if known is None else None
    named = hasattr(X, "columns") or choice not in (None, "from_dtype")
    chosen = chosen_categories(X, choice) if named else np.zeros(0, dtype=bool)
    if columns is None and not chosen.any():
        try:
            return _check_array(estimator, X, reset)
        except ValueError as error:
            if np.ndim(X) != 2 or issparse(X) or "NaN" not in str(error):
                raise
    X = X if hasattr(X, "columns") else np.asarray(X)
    _check_feature_names(estimator, X, reset=reset)
    _check_n_features(estimator, X, reset=reset)
    X = as_rows(X, chosen if columns is None else columns.is_category)
    if not len(X):
        raise ValueError("X has no rows.")
    rows = read_table(X, chosen if named else None) if columns is None else columns.encode(X)
    if known is None:
        return rows
    _warn_of_new_gaps(rows, known)
    return rows if columns is not None else rows.filled(known.in_units_of_x(known.mean.numpy()))


def _warn_of_new_gaps(rows, known):
    """Tell of numbers that are missing where none was in `fit`."""
    missing = np.isnan(rows.values).any(0) & ~rows.columns.is_category
    if known.columns is not None:
        missing &= ~known.columns.gaps
    if missing.any():
        names = [name for name, new in zip(rows.columns.names, missing, strict=True) if new]
        warn(f"Columns {names} of X have gaps, and had none in fit: the mean stands in for them.")


def rows_for_network(estimator, X, offset):
    """Checked rows less the offset, if any. Float64 becomes float32; nothing else is copied."""
    return less_offset(X, offset, getattr(estimator, "feature_names_in_", None))


def check_y_is_given(estimator, given):
    """Refuse None as y, in scikit-learn's words and ours."""
    if not given:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y "
            "is None. Pass an array with -1 for unlabeled rows."
        )


def check_weight(sample_weight, n):
    """Return a float64 copy of n sample weights, or ones: ndarray (n,), at least 0."""
    if sample_weight is None:
        return np.ones(n)
    refuse_masked(sample_weight, "sample_weight")
    weight = _check_sample_weight(to_numpy(sample_weight), np.arange(n), dtype=np.float64).copy()
    if (weight < 0).any():
        raise ValueError("Negative values in sample_weight: a weight is 0 or more.")
    return of_common_size(weight)


def weight_of_scored(sample_weight, rows):
    """Weights of the rows that a score counts, or None: ndarray (m,)."""
    if sample_weight is None:
        return None
    return of_common_size(np.asarray(to_numpy(sample_weight), dtype=float)[rows])


def of_common_size(weight):
    """Weights whose sums and squares are numbers: divided by the largest if that is extreme."""
    largest = weight.max(initial=0)
    if largest == 0 or 2.0**-64 <= largest <= 2.0**64:
        return weight
    return np.where(weight > 0, np.maximum(weight / largest, np.finfo(float).tiny), 0.0)


def check_device(device):
    """Return the torch.device that ``device`` names; "auto" is CUDA where there is one."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device={device!r} is not a torch device: {error}") from None
    if found.type == "cpu":
        return torch.device("cpu")  # "cpu:0" is the same, and torch cannot load it
    if found.type == "meta":
        raise ValueError("device='meta' holds no numbers to train on. Use device='auto'.")
    if found.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f"device={device!r}, but torch finds no CUDA device. Use device='auto' or "
            "'cpu', or install a CUDA build of torch."
        )
    try:
        torch.zeros(1, device=found).add_(1).item()
    except Exception as error:
        raise ValueError(f"device={device!r} cannot be used here: {error}") from None
    return found
