"""Predictions of labeled rows by estimators that have not seen their labels."""

from numbers import Integral

import numpy as np
from sklearn.base import clone, is_regressor
from sklearn.model_selection import KFold
from sklearn.utils import _safe_indexing
from sklearn.utils.parallel import Parallel, delayed

from ..inputs.labels import label_column, labeled_rows, plain
from ..inputs.lazy import take_rows
from ..inputs.marks import mark_for
from ..inputs.pool import rows_behind
from .splitting import LabeledSplit

__all__ = ["out_of_fold"]


def out_of_fold(
    estimator,
    X,
    y,
    cv=5,
    *,
    groups=None,
    method=None,
    unlabeled_label="auto",
    n_jobs=None,
    X_unlabeled=None,
):
    """Predict each labeled row by an estimator that was fitted without its label.

    It is scikit-learn's ``cross_val_predict`` for y with -1, which that function would take for a
    class: all unlabeled rows are in every training part.

    Parameters
    ----------
    estimator : estimator, Pipeline or search
        Cloned for each split.
    X : array-like of shape (n, ...)
        Rows, labeled or not.
    y : array-like of shape (n,)
        -1 or missing values mark unlabeled rows; for regressors NaN does.
    cv : int, splitter or LabeledSplit, default=5
        How the labeled rows are split. Each must be tested once.
    groups : array-like of shape (n,) or None, default=None
        For splitters that need them.
    method : str or None, default=None
        What is called to predict. None: ``predict_proba``, and ``predict`` of a regressor.
    unlabeled_label : scalar, None or "auto", default="auto"
        Mark of an unlabeled row, besides missing values. "auto": the mark of the estimator.
    n_jobs : int or None, default=None
        Number of fits at a time, in processes; None is one.
    X_unlabeled : as X, of shape (m, ...), or None, default=None
        More rows without a label, in every training part.

    Returns
    -------
    rows : ndarray of int, shape (n_labeled,)
        Numbers of the labeled rows, ascending.
    predictions : ndarray of shape (n_labeled, ...)
        Theirs; probabilities in the order of the sorted classes.

    Raises
    ------
    ValueError
        If cv tests a row twice or never, or a training part has not all classes.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ssl import SemiSupervisedGaussianMixture, hide_labels, out_of_fold
    >>> X, truth = load_iris(return_X_y=True)
    >>> few = hide_labels(truth, 30, random_state=0)
    >>> rows, p = out_of_fold(SemiSupervisedGaussianMixture(), X, few, cv=3)
    >>> p.shape, bool((p.argmax(1) == truth[rows]).mean() > 0.8)
    ((30, 3), True)
    """
    unlabeled_label = mark_for([estimator], y, unlabeled_label)
    if is_regressor(estimator) and isinstance(cv, Integral):
        cv = KFold(cv, shuffle=True, random_state=0)
    method = method or ("predict" if is_regressor(estimator) else "predict_proba")
    cv = cv if isinstance(cv, LabeledSplit) else LabeledSplit(cv, unlabeled_label)
    X, y, groups = rows_behind(X, y, X_unlabeled, unlabeled_label, groups)
    labeled = labeled_rows(y, unlabeled_label)
    splits, rows = list(cv.split(X, y, groups)), np.flatnonzero(labeled)
    tested = np.concatenate([test for _, test in splits])
    if not np.array_equal(np.sort(tested), rows):
        raise ValueError("cv must test every labeled row once, as KFold and its kind do.")
    parts = Parallel(n_jobs=n_jobs)(
        delayed(_fit_and_predict)(estimator, X, y, train, test, method) for train, test in splits
    )
    if method in ("predict_proba", "predict_log_proba", "decision_function"):
        classes = np.unique(plain(label_column(y)[labeled]))
        if any(list(found) != list(classes) for found, _ in parts):
            raise ValueError("A training part has not all classes: use fewer folds, stratified.")
    return rows, np.concatenate([predicted for _, predicted in parts])[np.argsort(tested)]


def _fit_and_predict(estimator, X, y, train, test, method):
    fitted = clone(estimator).fit(take_rows(X, train), _safe_indexing(y, train))
    return getattr(fitted, "classes_", None), getattr(fitted, method)(take_rows(X, test))
