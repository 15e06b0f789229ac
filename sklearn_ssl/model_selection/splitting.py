"""Splitting and hiding labels where -1 means unlabeled."""

import copy
from numbers import Integral, Real

import numpy as np
from sklearn.metrics import check_scoring, get_scorer
from sklearn.model_selection import BaseCrossValidator, PredefinedSplit, StratifiedKFold, check_cv
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import _check_method_params, indexable

from ..inputs.labels import (
    is_labeled,
    label_column,
    labeled_rows,
    mark_of,
    mark_unlabeled,
    plain,
)
from ..inputs.marks import mark_for

__all__ = ["LabeledSplit", "hide_labels", "labeled_scorer"]


class LabeledSplit(BaseCrossValidator):
    """Cross-validation that tests on labeled rows and trains on all the others.

    Every unlabeled row is in the training part of every split and in no test part, so any scorer
    sees real labels only.

    Parameters
    ----------
    cv : int, scikit-learn splitter or iterable of splits, default=5
        How the *labeled* rows are split. An int means ``StratifiedKFold(cv)``. An iterable holds
        positions among the labeled rows.
    unlabeled_label : scalar, None or "auto", default="auto"
        Mark of an unlabeled row, besides missing values. "auto": -1, but nothing else among
        numbers of which some are missing or no integers, and in y of several columns: there -1 is
        a number like any other.

    References
    ----------
    scikit-learn issue 2593 asks for such a splitter.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssl import LabeledSplit
    >>> y = np.array([0, -1, 1, 0, -1, 1])
    >>> for train, test in LabeledSplit(2).split(np.zeros((6, 1)), y):
    ...     print(train, test)
    [1 3 4 5] [0 2]
    [0 1 2 4] [3 5]
    """

    def __init__(self, cv=5, unlabeled_label="auto"):
        if not (isinstance(cv, Integral) or hasattr(cv, "split") or np.iterable(cv)):
            raise ValueError(f"cv must be an int, a splitter or an iterable, got {cv!r}.")
        self.cv = cv if isinstance(cv, Integral) or hasattr(cv, "split") else list(cv)
        self.unlabeled_label = unlabeled_label

    def split(self, X, y, groups=None):
        """Generate positions of training and test rows.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Rows; only their number matters.
        y : array-like of shape (n,) or (n, T)
            With -1 (or None, NaN in strings and objects) for unlabeled rows. Of T numbers to
            predict all must be known for a row to be tested; the others stay in training.
        groups : array-like of shape (n,) or None, default=None
            Passed on for the labeled rows. Unlabeled rows stay in training whatever their group.

        Yields
        ------
        train, test : ndarrays of int

        Raises
        ------
        ValueError
            If no row is labeled, or a stratified split has a class with fewer labels than folds.
        """
        if y is None:
            raise ValueError("LabeledSplit needs y, which says which rows are labeled.")
        X, y, groups = indexable(X, y, groups)
        mask = labeled_rows(y, self.unlabeled_label)
        labeled, unlabeled = np.flatnonzero(mask), np.flatnonzero(~mask)
        if not len(labeled):
            raise ValueError("No row is labeled: every y marks an unlabeled row (-1).")
        y_labeled = plain(label_column(y)[mask])
        groups = None if groups is None else np.asarray(groups)[mask]
        cv = self._inside(y_labeled, mask)
        stratified = isinstance(cv, StratifiedKFold) or type(cv).__name__ == "StratifiedGroupKFold"
        if stratified and y_labeled.ndim == 1:
            classes, counts = np.unique(y_labeled, return_counts=True)
            if counts.min() < cv.n_splits:
                rarest = classes[counts.argmin()].item()
                raise ValueError(
                    f"Class {rarest!r} has {counts.min()} labeled rows, fewer "
                    f"than the {cv.n_splits} folds: use at most {counts.min()}, or label more. "
                    f"Where y holds numbers, not classes: LabeledSplit(KFold({cv.n_splits})), with "
                    "shuffle=True where rows are sorted."
                )
        for train, test in cv.split(np.zeros(len(labeled)), y_labeled, groups):
            if max(np.max(train, initial=0), np.max(test, initial=0)) >= len(labeled):
                raise ValueError(
                    f"cv gives positions beyond the {len(labeled)} labeled rows: they are counted "
                    "among the labeled rows, which is what the splitter inside is given."
                )
            yield np.sort(np.concatenate([labeled[train], unlabeled])), labeled[test]

    def get_metadata_routing(self):
        """Return what the splitter inside requests, ``groups`` for instance.

        Returns
        -------
        MetadataRequest
            As scikit-learn's splitters return it.
        """
        inner = hasattr(self.cv, "get_metadata_routing")
        return self.cv.get_metadata_routing() if inner else super().get_metadata_routing()

    def get_n_splits(self, X=None, y=None, groups=None):
        """Number of splits.

        Parameters
        ----------
        X, y, groups : array-like or None
            Needed only by splitters whose number of splits depends on them.

        Returns
        -------
        int
            As many as the splitter inside makes.
        """
        if isinstance(self.cv, Integral):
            return int(self.cv)
        if y is None:
            return check_cv(self.cv).get_n_splits(X, y, groups)
        mask = labeled_rows(y, self.unlabeled_label)
        groups = None if groups is None else np.asarray(groups)[mask]
        y = plain(label_column(y)[mask])
        return self._inside(y, mask).get_n_splits(np.zeros(len(y)), y, groups)

    def _inside(self, y_labeled, mask):
        """The splitter of the labeled rows; ``mask`` says which those are."""
        cv = check_cv(self.cv, y_labeled, classifier=True)
        if not isinstance(cv, PredefinedSplit) or len(cv.test_fold) == len(y_labeled):
            return cv
        if len(cv.test_fold) != len(mask):
            raise ValueError(
                f"PredefinedSplit has {len(cv.test_fold)} entries, and y has {len(mask)} rows, "
                f"{len(y_labeled)} of them labeled: give it an entry for each row, or for each "
                "labeled one."
            )
        return PredefinedSplit(cv.test_fold[mask])  # an entry for every row, labeled or not


def labeled_scorer(scoring=None, unlabeled_label="auto"):
    """Make a scorer that leaves unlabeled rows out, for any cross-validation of scikit-learn.

    Parameters
    ----------
    scoring : str, callable or None, default=None
        As scikit-learn's ``scoring``; None is the estimator's own ``score``.
    unlabeled_label : scalar, None or "auto", default="auto"
        Mark of an unlabeled row, besides missing values. "auto": the mark of the estimator that
        is scored, or of one inside it; where none has a mark, as in `LabeledSplit`.

    Returns
    -------
    callable ``(estimator, X, y) -> float``
        A scorer: ``set_score_request(sample_weight=True)`` makes metadata routing reach it.

    Raises
    ------
    ValueError
        If ``scoring`` is a bare metric (see `sklearn.metrics.make_scorer`) or several.
        When it scores, if a test part holds no labeled row. `LabeledSplit` prevents that.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn_ssl import labeled_scorer
    >>> clf = DummyClassifier().fit([[0], [1], [2]], [0, 0, 1])
    >>> labeled_scorer("balanced_accuracy")(clf, [[0], [1], [2]], np.array([0, -1, 1]))
    0.5
    """
    if isinstance(scoring, str):
        scoring = get_scorer(scoring)
    elif callable(scoring):
        check_scoring(None, scoring)  # refuses a bare metric
    elif scoring is not None:
        raise ValueError(
            f"scoring must be one scorer, got {scoring!r}. For several, give cross_validate a dict "
            "of names and labeled_scorer(...)."
        )
    return _LabeledScorer(scoring, unlabeled_label)


class _LabeledScorer:
    def __init__(self, scorer, unlabeled_label):
        self.scorer, self.unlabeled_label = scorer, unlabeled_label

    def set_score_request(self, **requests):
        """Request metadata, such as ``sample_weight=True``, for the scorer inside."""
        if not hasattr(self.scorer, "set_score_request"):
            raise ValueError(
                "Only a scorer of scikit-learn can request metadata: give scoring a name, such as "
                "'accuracy', or what make_scorer returns."
            )
        self.scorer = copy.deepcopy(self.scorer).set_score_request(**requests)
        return self

    def get_metadata_routing(self):
        """Return what the scorer inside requests."""
        return get_routing_for_object(self.scorer)

    def __call__(self, estimator, X, y, **metadata):
        mark = mark_for([estimator], y, self.unlabeled_label)
        rows = np.flatnonzero(labeled_rows(y, mark))
        if not len(rows):
            raise ValueError(
                "No row of this test part is labeled. Split with cv=LabeledSplit(...), which tests "
                "on labeled rows."
            )
        metadata = {k: v for k, v in metadata.items() if v is not None}
        metadata = _check_method_params(X, metadata, rows)
        X, y = _safe_indexing(X, rows), plain(label_column(y)[rows])
        scorer = check_scoring(estimator) if self.scorer is None else self.scorer
        return scorer(estimator, X, y, **metadata)


def hide_labels(y, n_labeled, stratify=True, random_state=None, unlabeled_label="auto"):
    """Keep some labels and replace the others by -1, to simulate a semi-supervised problem.

    Parameters
    ----------
    y : array-like of shape (n,) or (n, T)
        Rows that are unlabeled already stay so. Of T numbers to predict all are hidden or none.
    n_labeled : int or float
        How many labels to keep, or the share of them in (0, 1).
    stratify : bool or "balanced", default=True
        True keeps the class proportions, and at least one label a class. "balanced" keeps the same
        number for every class. False draws rows at random.
    random_state : int, RandomState or None, default=None
        Draws the labels that stay.
    unlabeled_label : scalar, None or "auto", default="auto"
        What marks an unlabeled row, before and after; None writes NaN among floats, else None.
        "auto": as in `LabeledSplit`.

    Returns
    -------
    ndarray (or Series, DataFrame of pandas, as y was) of shape (n,) or (n, T)
        A copy; strings and booleans become dtype object.

    Raises
    ------
    ValueError
        If there are not that many labels to keep.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> import numpy as np
    >>> from sklearn_ssl import hide_labels
    >>> y = hide_labels(load_digits().target, 100, random_state=0)
    >>> int((y >= 0).sum()), np.bincount(y[y >= 0])
    (100, array([10, 10, 10, 10, 10, 10, 10, 10, 10, 10]))
    """
    rng = check_random_state(random_state)
    unlabeled_label = mark_of(y, unlabeled_label)
    values, labeled = label_column(y), is_labeled(y, unlabeled_label)
    if values.ndim > 1:
        values, labeled = _columns_of_numbers(values, stratify), labeled.any(1)
    labeled = np.flatnonzero(labeled)
    if isinstance(n_labeled, Integral) and not isinstance(n_labeled, bool):
        n_keep = int(n_labeled)
    elif isinstance(n_labeled, Real) and 0 < n_labeled < 1:
        n_keep = round(n_labeled * len(labeled))
    else:
        raise ValueError(f"n_labeled must be an int >= 1 or a float in (0, 1), got {n_labeled!r}.")
    if not 1 <= n_keep <= len(labeled):
        raise ValueError(
            f"n_labeled={n_labeled!r}, but y holds {len(labeled)} labels: keep at least 1 of them."
        )
    if stratify is False:
        kept = rng.choice(labeled, n_keep, replace=False)
    else:
        kept = _stratified(plain(values[labeled]), labeled, n_keep, stratify, rng)
    hidden = np.setdiff1d(np.arange(len(values)), kept)
    out = mark_unlabeled(values, hidden, unlabeled_label)
    if not hasattr(y, "iloc"):
        return out
    if out.ndim > 1:
        return type(y)(out, index=y.index, columns=y.columns)
    y = y.iloc[:, 0] if hasattr(y, "columns") else y  # a frame's one column
    return type(y)(out, index=y.index, name=y.name)


def _columns_of_numbers(values, stratify):
    """Several columns (n, T) as floats: they are numbers to predict, or y is none of ours."""
    if stratify is not False:
        raise ValueError(
            f"y has {values.shape[1]} columns, which are numbers to predict and have no classes: "
            "pass stratify=False, or the one column that holds the classes."
        )
    if values.dtype.kind == "O":
        values = np.where(is_labeled(values, None), values, np.nan)
    try:
        return values.astype(float)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"y has {values.shape[1]} columns that are no numbers ({error}): pass the one column "
            "that holds the classes."
        ) from None


def _stratified(y, rows, n_keep, stratify, rng):
    classes, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    if n_keep < len(classes):
        raise ValueError(
            f"{n_keep} labels cannot cover {len(classes)} classes. If y holds numbers to predict: "
            "stratify=False, unlabeled_label=None, which writes NaN."
        )
    if stratify == "balanced":
        share, rest = divmod(n_keep, len(classes))
        if rest or share > counts.min():
            raise ValueError(
                f"stratify='balanced' keeps the same number a class: n_labeled must be a multiple "
                f"of {len(classes)} and at most {len(classes) * counts.min()}, got {n_keep}."
            )
        take = np.full(len(classes), share)
    else:
        exact = n_keep * counts / counts.sum()
        take = np.maximum(1, np.floor(exact).astype(int))
        while take.sum() < n_keep:  # largest remainder first
            take[np.argmax(np.where(take < counts, exact - take, -np.inf))] += 1
        while take.sum() > n_keep:
            take[np.argmax(np.where(take > 1, take - exact, -np.inf))] -= 1
    return np.concatenate(
        [rng.choice(rows[codes == c], k, replace=False) for c, k in enumerate(take)]
    )
