"""What is worth searching: distributions of parameters, from the classes of the estimators."""

from sklearn.pipeline import Pipeline

__all__ = ["get_search_space"]


def get_search_space(estimator):
    """Distributions of the parameters that are worth a search.

    They are those of the class: its method's own parameters, ``unlabeled_weight``, the learning
    rate and the regularisation. The size of the network and ``max_steps``, which the time at hand
    decides, are not among them. Change or leave out entries as you like: it is a new dict.

    Parameters
    ----------
    estimator : estimator or Pipeline
        One of this package, or a Pipeline that holds some, whose names then are ``step__name``.

    Returns
    -------
    dict of str to list, or to distribution of ``scipy.stats``
        As ``param_distributions`` of `sklearn.model_selection.RandomizedSearchCV`.

    Raises
    ------
    ValueError
        If there is no estimator of this package.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_ssl import FixMatchClassifier, get_search_space
    >>> sorted(get_search_space(FixMatchClassifier()))
    ['lr', 'module__dropout', 'optimizer__weight_decay', 'threshold', 'unlabeled_weight']
    >>> space = get_search_space(make_pipeline(StandardScaler(), FixMatchClassifier()))
    >>> "fixmatchclassifier__threshold" in space
    True
    """
    found = _space(estimator)
    if not found:
        raise ValueError(
            f"{type(estimator).__name__} has no search space: give an estimator of sklearn_ssl, or "
            "a Pipeline that holds one."
        )
    return found


def _space(estimator):
    if isinstance(estimator, Pipeline):
        parts = [(name, _space(step)) for name, step in estimator.steps]
        return {f"{name}__{key}": value for name, part in parts for key, value in part.items()}
    known = getattr(estimator, "_search_space", {})
    # keywords of networks and optimizers of the user's own are not known
    foreign = [
        f"{name}__"
        for name in ("module", "optimizer")
        if not isinstance(getattr(estimator, name, ""), str)
    ]
    return {k: v for k, v in known.items() if not k.startswith(tuple(foreign))}
