"""What is refused before training starts, and in which words."""

from contextlib import contextmanager

import numpy as np
import torch
from scipy.sparse import issparse
from sklearn.utils import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_n_features,
    _check_sample_weight,
    check_array,
    check_consistent_length,
    column_or_1d,
    validate_data,
)
from torch.utils.data import Dataset

from .._warnings import warn
from .callers import warn_of_callers
from .labels import as_label_array, is_labeled, is_missing, plain
from .lazy import LazyRows
from .tensors import from_tensor

__all__ = [
    "check_device",
    "check_labels",
    "check_like_fitted",
    "check_rows",
    "check_weight",
    "check_y_is_given",
    "restored_if_refused",
    "text_columns_explained",
    "to_float32",
    "warn_of_channels_last",
]

# what people, and tables read as text, hold where no class is known
_MARKS = ("", "?", "unlabeled", "unlabelled", "nan", "none", "<na>", "nat", "null", "n/a")


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


@contextmanager
def text_columns_explained():
    """Say what to do about text among the features."""
    try:
        yield
    except ValueError as error:
        if "could not convert string to float" not in str(error):
            raise
        raise ValueError(
            f"X holds text ({error}). Encode it first: OneHotEncoder or "
            "OnLabeled(TargetEncoder()) for categories, TfidfVectorizer for documents, each in a "
            "Pipeline with this estimator."
        ) from error


def to_float32(X):
    """float64 rows as float32, refused where that overflows; others as they are."""
    if X.dtype != np.float64:
        return X
    with np.errstate(over="ignore"):
        X = X.astype(np.float32)
    if not np.isfinite(X.data if issparse(X) else X).all():
        raise ValueError("X holds values too large for float32.")
    return X


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
    if X.ndim == 4 and X.shape[3] in (1, 3) and X.shape[1] not in (1, 3):
        warn(
            f"X of shape {X.shape} looks like images with the channels last; here they come first: "
            "X.transpose(0, 3, 1, 2).",
        )


def check_rows(estimator, X, reset):
    """Check X as ``fit`` (``reset``) or as what comes after it; return it as the network gets it.

    Sets what scikit-learn wants to be known of X. Float64 becomes float32; a data set becomes
    `LazyRows`; nothing else is copied.
    """
    if isinstance(X, Dataset | LazyRows):
        X = X if isinstance(X, LazyRows) else LazyRows(X)
        if X.ndim < 2 or X.dtype.kind not in "buif":
            raise ValueError(f"Rows must be arrays of numbers, got {X!r} of dtype {X.dtype}.")
        _check_n_features(estimator, X, reset=reset)
    else:
        with text_columns_explained():
            X = validate_data(
                estimator,
                from_tensor(X),
                reset=reset,
                accept_sparse="csr",
                allow_nd=True,
                dtype="numeric",
            )
        X = to_float32(X)
    shape = getattr(estimator, "input_shape", None)
    if shape is None:
        return X
    shape = tuple(shape)
    if not isinstance(X, np.ndarray) or X.ndim != 2 or X.shape[1] != np.prod(shape):
        raise ValueError(
            f"input_shape={shape} needs dense 2-D rows of {np.prod(shape)} columns, got "
            f"{type(X).__name__} of shape {X.shape}."
        )
    return X.reshape(len(X), *shape)


def check_y_is_given(estimator, y):
    """Refuse None, in scikit-learn's words and ours."""
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y "
            "is None. Pass an array with -1 for unlabeled rows."
        )


def check_weight(sample_weight, X):
    """Return a float64 copy of sample_weight, or ones: ndarray (n,), at least 0."""
    weight = _check_sample_weight(from_tensor(sample_weight), X, dtype=np.float64).copy()
    if (weight < 0).any():
        raise ValueError("Negative values in sample_weight: a weight is 0 or more.")
    return weight


def check_labels(X, y, weight, *, unlabeled_label, class_weight, classes=None):
    """Check y and return its classes, class codes and the weights of its rows.

    Parameters
    ----------
    X : array-like of shape (n, ...)
    y : array-like of shape (n,)
    weight : ndarray of shape (n,)
        A row of weight 0 has no label.
    unlabeled_label, class_weight
        As in the estimators.
    classes : ndarray or None
        All classes, where y alone does not say.

    Returns
    -------
    classes : ndarray of shape (K,), sorted
    codes : int64 ndarray of shape (n,)
        0..K-1, and -1 for unlabeled.
    weight : ndarray of shape (n,)
        Times the class weight.
    """
    if np.ndim(unlabeled_label):
        raise ValueError(f"unlabeled_label must be a scalar or None, got {unlabeled_label!r}.")
    y = column_or_1d(as_label_array(y), warn=True)
    check_consistent_length(X, y)
    labeled = is_labeled(y, unlabeled_label) & (weight > 0)
    _warn_of_two_marks(y, unlabeled_label)
    warn_of_callers(y, unlabeled_label)
    if not labeled.any():
        raise ValueError(
            f"No row is labeled: every y marks an unlabeled row ({unlabeled_label!r} or a "
            "missing value)" + (" or has weight 0." if (weight == 0).any() else ".")
        )
    y_labeled = plain(y[labeled])
    if y_labeled.dtype.kind in "fc":
        check_array(y_labeled, ensure_2d=False, dtype=None, input_name="y")
    strings = y_labeled.dtype.kind in "US" and y.dtype.kind == "O"
    if strings and not all(isinstance(v, str) for v in y[labeled]):
        raise ValueError("y mixes strings and numbers among its labels.")
    check_classification_targets(y_labeled)
    found = np.unique(y_labeled if classes is None else classes)
    unknown = np.setdiff1d(y_labeled, found)
    if len(unknown):
        raise ValueError(
            f"y holds {unknown}, which are not among the classes {found}. The first call of "
            "partial_fit must know all classes: pass classes=."
        )
    if len(found) == 1:
        warn(
            f"Only one class, {found.tolist()[0]!r}, is labeled: it will be predicted "
            "for every row. (If -1 is a class of yours, set unlabeled_label=None and mark "
            "unlabeled rows by a missing value.)",
        )
    marks = [v for v in found.tolist() if isinstance(v, str) and v.strip().lower() in _MARKS]
    if marks:
        warn(
            f"{marks[0]!r} is a class here, like any other. If it marks unlabeled rows, pass "
            f"unlabeled_label={marks[0]!r}.",
        )
    codes = np.full(len(y), -1, dtype=np.int64)
    codes[labeled] = np.searchsorted(found, y_labeled)
    weight = weight.copy()
    weight[labeled] *= compute_sample_weight(class_weight, y_labeled)
    if (weight[labeled] <= 0).any():
        raise ValueError(f"class_weight={class_weight!r} must be positive.")
    return found, codes, weight


def _warn_of_two_marks(y, unlabeled_label):
    """Tell of a y in which both the mark and missing values stand: one may be a class."""
    if is_missing(unlabeled_label):
        return
    missing = ~is_labeled(y, None)
    if missing.any() and not is_labeled(y[~missing], unlabeled_label).all():
        warn(
            f"y holds both {unlabeled_label!r} and missing values, and both mark unlabeled rows. "
            f"If {unlabeled_label!r} is a class, set unlabeled_label=None; else use one mark."
        )


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
