"""Labels of classes as codes: what is refused, and what is told."""

import numpy as np
from sklearn.utils import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_consistent_length

from .._warnings import warn
from .callers import look_at_callers
from .checks import of_common_size
from .labels import LABELS_FIRST, as_label_array, is_labeled, is_missing, plain, read_labels

__all__ = ["check_labels", "warn_of_encoded"]

# what people, and tables read as text, hold where no class is known
_MARKS = ("", "?", "unlabeled", "unlabelled", "nan", "none", "<na>", "nat", "null", "n/a")


def check_labels(y, weight, *, unlabeled_label, class_weight, classes=None):
    """Check y and return its classes, class codes and the weights of its rows.

    Parameters
    ----------
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
    y, marked, missing, told = read_labels(y, unlabeled_label)
    check_consistent_length(weight, y)
    if not is_missing(unlabeled_label) and missing.any() and (marked & ~missing).any():
        warn(
            f"y holds both {unlabeled_label!r} and missing values, and both mark unlabeled rows. "
            f"If {unlabeled_label!r} is a class, set unlabeled_label=None; else use one mark."
        )
    look_at_callers(marked.any(), y.dtype.kind, unlabeled_label)
    labeled = ~marked & (weight > 0)
    if not labeled.any():
        raise ValueError(
            f"No row is labeled: every y marks an unlabeled row ({unlabeled_label!r} or a "
            "missing value)"
            + (" or has weight 0. " if (weight == 0).any() else ". ")
            + LABELS_FIRST
        )
    y_labeled = plain(y[labeled])
    if y_labeled.dtype.kind in "fc":
        check_array(y_labeled, ensure_2d=False, dtype=None, input_name="y")
    strings = y_labeled.dtype.kind in "US" and y.dtype.kind == "O"
    if strings and not all(isinstance(v, str) for v in y[labeled]):
        raise ValueError("y mixes strings and numbers among its labels.")
    try:
        check_classification_targets(y_labeled)
    except ValueError as error:
        raise ValueError(
            f"{error} To predict numbers take a regressor, such as AutoSSLRegressor, and NaN "
            "where y is not known."
        ) from None
    found = np.unique(y_labeled if classes is None else classes)
    unknown = np.setdiff1d(y_labeled, found)
    if len(unknown):
        raise ValueError(
            f"y holds {unknown}, which are not among the classes {found}. The first call of "
            "partial_fit must know all classes: pass classes=."
        )
    told = {"the categories of y": told, "class_weight": class_weight}
    _warn_of_absent(found, told, unlabeled_label)
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
    weight, of_class = weight.copy(), compute_sample_weight(class_weight, y_labeled)
    if not ((of_class > 0) & (of_class < np.inf)).all():
        raise ValueError(f"class_weight={class_weight!r} must be positive and finite.")
    product = weight[labeled] * of_common_size(of_class)
    weight[labeled] = np.maximum(product, np.finfo(float).tiny)  # it has a label, however light
    return found, codes, of_common_size(weight)


def warn_of_encoded(codes, classes):
    """Tell of classes 0, 1, 2, ... of which 0 has nearly all rows, and no row is unlabeled.

    So it looks where a tool has encoded y, -1 and all, before it came.
    """
    numbers = classes.dtype.kind in "iuf" and np.array_equal(classes, np.arange(len(classes)))
    if len(classes) > 2 and numbers and (codes >= 0).all() and (codes == 0).mean() > 0.9:
        warn(
            f"No row is unlabeled, and {(codes == 0).mean():.0%} of all rows are of class 0. If a "
            "tool around this estimator has encoded y, with -1 for a class, give it labeled rows "
            "alone, and the others as X_unlabeled (docs/workflows.md)."
        )


def _warn_of_absent(present, told, unlabeled_label):
    """Tell of classes that are named and have no labeled row, as in a split that left them out.

    Parameters
    ----------
    present : ndarray of shape (n,)
        Classes that have labeled rows, once or more.
    told : dict of str to array-like, dict or None
        Where classes are named, and which.
    unlabeled_label : scalar or None
        The mark, which may be named too.
    """
    present = set(present.tolist())
    for where, classes in told.items():
        if classes is None or isinstance(classes, str):
            continue
        classes = as_label_array(list(classes))
        named = np.unique(plain(classes[is_labeled(classes, unlabeled_label)])).tolist()
        absent = [c for c in named if c not in present]
        if absent:
            warn(
                f"{', '.join(map(repr, absent))}: named in {where}, but no labeled row has that "
                "class. If a split has left such rows out: LabeledSplit keeps all classes in "
                "training."
            )
