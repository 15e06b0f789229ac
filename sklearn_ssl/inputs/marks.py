"""Which mark counts where an estimator is at hand: its own, however deep inside others it is."""

from sklearn.base import BaseEstimator, is_regressor
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline

from .labels import is_missing, mark_of

__all__ = ["core", "mark_for", "own_mark", "parts", "steps", "stop_reason"]


def parts(estimator):
    """Yield an estimator and those inside it: of pipelines the last step first, found ones first.

    Parameters
    ----------
    estimator : object
        An estimator, meta-estimator, Pipeline or search, fitted or not.

    Yields
    ------
    object
        Whatever may be an estimator.
    """
    yield estimator
    best = getattr(estimator, "best_estimator_", None)
    for part in [best, *_params(estimator), *steps(estimator)]:
        if isinstance(part, BaseEstimator):
            yield from parts(part)


def steps(estimator):
    """Yield what a Pipeline, ColumnTransformer, FeatureUnion or vote holds, the last one first."""
    for value in _params(estimator):
        for item in reversed(value) if isinstance(value, list) else []:
            yield from item if isinstance(item, tuple) else [item]


def _params(estimator):
    if isinstance(estimator, type) or not hasattr(estimator, "get_params"):
        return []
    return list(estimator.get_params(deep=False).values())


def core(estimator):
    """Return what classifies: the last step of a Pipeline, what a search found or searches."""
    while True:
        if isinstance(estimator, Pipeline):
            estimator = estimator.steps[-1][1]
        elif hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif isinstance(estimator, BaseSearchCV):
            estimator = estimator.estimator
        else:
            return estimator


def stop_reason(estimator):
    """Return why the training of a fitted network ended, as `SSLNet` says; None without one."""
    return getattr(vars(core(estimator)).get("net_"), "stop_reason_", None)


def own_mark(estimator):
    """Return what marks unlabeled rows for an estimator or one inside it.

    Parameters
    ----------
    estimator : object
        As in `parts`.

    Returns
    -------
    scalar or None
        None for regressors; "auto" where nothing inside has a mark.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_ssl import FixMatchClassifier
    >>> own_mark(make_pipeline(StandardScaler(), FixMatchClassifier(unlabeled_label="?")))
    '?'
    >>> own_mark(StandardScaler())
    'auto'
    """
    if isinstance(estimator, BaseEstimator) and is_regressor(estimator):
        return None
    for part in parts(estimator):
        mark = getattr(part, "unlabeled_label", "auto")
        if not (isinstance(mark, str) and mark == "auto"):
            return None if is_missing(mark) else mark
    return "auto"


def mark_for(estimators, y, unlabeled_label="auto"):
    """Return the mark that counts: the one that is named, else the estimators', else that of y.

    Parameters
    ----------
    estimators : list of estimators
    y : array-like
    unlabeled_label : scalar, None or "auto", default="auto"

    Returns
    -------
    scalar or None

    Raises
    ------
    ValueError
        If the estimators have several marks, and none is named.
    """
    if not (isinstance(unlabeled_label, str) and unlabeled_label == "auto"):
        return unlabeled_label
    found = [mark for mark in map(own_mark, estimators) if mark != "auto"]
    if any(mark != found[0] for mark in found):
        raise ValueError(
            f"The estimators have different marks of unlabeled rows, {found}: give them one, or "
            "pass unlabeled_label."
        )
    return found[0] if found else mark_of(y, "auto")
