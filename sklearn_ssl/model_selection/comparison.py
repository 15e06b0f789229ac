"""Did the unlabeled rows help, and how many labels are enough?"""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
from scipy import stats
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.model_selection import KFold, train_test_split
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils.parallel import Parallel, delayed

from ..inputs.labels import is_labeled, label_column, labeled_rows, plain
from ..inputs.marks import core, mark_for, parts
from ..inputs.pool import rows_behind
from ..regressor import KnownScoreMixin
from .splitting import LabeledSplit, hide_labels, labeled_scorer

__all__ = ["Comparison", "LabelBudgetCurve", "compare_with_supervised", "label_budget_curve"]


@dataclass(frozen=True)
class Comparison:
    """Result of `compare_with_supervised`; printing it gives a sentence.

    Attributes
    ----------
    scores, supervised_scores : ndarray of shape (n_splits,)
        With and without the unlabeled rows, or of the baseline, on the same labeled test rows.
    difference : float
        Mean of scores - supervised_scores.
    interval : tuple (low, high)
        Confidence interval of the difference. NaN if all folds have the same difference, because
        they show no spread then.
    confidence : float in (0, 1)
        Level of the interval.
    names : (str, str) or None
        The estimator and the baseline, where one was given.
    n_labeled : int or None
        Labeled rows that were compared on.
    """

    scores: np.ndarray
    supervised_scores: np.ndarray
    difference: float
    interval: tuple
    confidence: float
    names: tuple | None = None
    n_labeled: int | None = None

    @property
    def verdict(self):
        """Whether the interval excludes 0, and on which side.

        "helped", "hurt" or "undecided"; of two named estimators "better", "worse" or "undecided".
        """
        low, high = self.interval
        above, below = ("helped", "hurt") if self.names is None else ("better", "worse")
        return above if low > 0 else below if high < 0 else "undecided"

    @property
    def labels_to_decide(self):
        """About how many labels would decide: float, or None where that is not known.

        The half-width of the interval shrinks about with the square root of the number of labeled
        rows, so that n * (half-width / difference)^2 labels bring it down to the difference. That
        takes the difference to stay what it is; with more labels it usually becomes smaller. None
        if the verdict is not "undecided", the folds agree, or ``n_labeled`` is not known; infinite
        for a difference of 0.
        """
        if self.verdict != "undecided" or self.n_labeled is None or np.isnan(self.interval).any():
            return None
        reach = (self.interval[1] - self.interval[0]) / 2
        with np.errstate(divide="ignore"):
            return float(self.n_labeled * np.square(reach / np.abs(np.float64(self.difference))))

    def __str__(self):
        ours, other = self.names or ("with unlabeled rows", "without")
        return (
            f"{ours} {self.scores.mean():.3f}, {other} "
            f"{self.supervised_scores.mean():.3f}: difference {self.difference:+.3f}, "
            f"{self._interval_in_words()}, {self.verdict}{self._advice()}"
        )

    def _interval_in_words(self):
        if np.isnan(self.interval).any():
            return "no interval, since all folds have the same difference"
        bounds = np.abs(self.interval)
        digits = next((d for d in range(3, 9) if (bounds.round(d) > 0).all()), 3)
        low, high = (f"{bound:+.{digits}f}" for bound in self.interval)
        return f"{self.confidence:.0%} interval [{low}, {high}]"

    def _advice(self):
        """What it would take to decide."""
        needed = self.labels_to_decide
        if needed is None:
            return ""
        if needed > 100 * self.n_labeled:
            return f". More than 100 times the {self.n_labeled} labels would be needed to decide"
        needed = float(f"{needed:.2g}")  # two digits: the spread of a few folds tells no more
        return (
            f". About {needed:.0f} labels instead of {self.n_labeled} would decide, "
            "if the difference stays"
        )


@dataclass(frozen=True)
class LabelBudgetCurve:
    """Result of `label_budget_curve`; printing it gives a table.

    Attributes
    ----------
    names : list of str
        The estimators.
    n_labeled : ndarray of shape (n_budgets,)
        Budgets: labels in training.
    scores : ndarray of shape (n_estimators, n_budgets, n_repeats)
        On the labeled rows set aside in each repeat.
    """

    names: list
    n_labeled: np.ndarray
    scores: np.ndarray

    @property
    def mean(self):
        """Mean score over the repeats: (n_estimators, n_budgets)."""
        return self.scores.mean(-1)

    @property
    def standard_error(self):
        """Standard error of the mean over the repeats: (n_estimators, n_budgets)."""
        return self.scores.std(-1, ddof=1) / np.sqrt(self.scores.shape[-1])

    def __str__(self):
        width = max(len(name) for name in self.names)
        lines = [" " * width + "".join(f"{n:>15d}" for n in self.n_labeled)]
        for name, mean, error in zip(self.names, self.mean, self.standard_error, strict=True):
            cells = (f"{m:.3f} +- {e:.3f}" for m, e in zip(mean, error, strict=True))
            lines.append(f"{name:{width}s}" + "".join(f"{cell:>15s}" for cell in cells))
        return "\n".join(lines)


def compare_with_supervised(
    estimator,
    X,
    y,
    cv=5,
    *,
    baseline=None,
    groups=None,
    scoring=None,
    confidence=0.95,
    unlabeled_label="auto",
    n_jobs=None,
    X_unlabeled=None,
):
    """Cross-validate with and without the unlabeled rows, on the same labeled test rows.

    Parameters
    ----------
    estimator : estimator, or Pipeline that ends in one
        Without a baseline it must have ``unlabeled_weight``; the other side is its clone with 0.
    X : array-like of shape (n, ...)
        Rows, labeled or not.
    y : array-like of shape (n,)
        -1 marks unlabeled rows; for a regressor NaN does.
    cv : int, splitter or LabeledSplit, default=5
        How labeled rows are split; see `LabeledSplit`. An int shuffles those of a regressor.
    baseline : estimator or None, default=None
        The other side in place of the supervised network, for example your present model. If it
        treats the unlabeled mark as a class or refuses it, it is fitted on the labeled rows alone.
    groups : array-like of shape (n,) or None, default=None
        For splitters that need them.
    scoring : str, callable or None, default=None
        Any scorer of scikit-learn; None is accuracy, of regressors R2.
    confidence : float in (0, 1), default=0.95
        Level of the interval.
    unlabeled_label : scalar, None or "auto", default="auto"
        Mark of an unlabeled row, besides missing values. "auto": the mark of the estimator.
    n_jobs : int or None, default=None
        Number of fits at a time, in processes; None is one.
    X_unlabeled : as X, of shape (m, ...), or None, default=None
        More rows without a label, in every training part.

    Returns
    -------
    Comparison
        Its ``difference``, ``interval`` and ``verdict``. The interval is that of the corrected
        resampled t-test (Nadeau and Bengio 2003, "Inference for the Generalization Error", Machine
        Learning 52): training sets of folds overlap, which a plain t-test takes for agreement.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from sklearn_ssl import FixMatchClassifier, compare_with_supervised, hide_labels
    >>> X, y = make_moons(600, noise=0.1, random_state=0)
    >>> few = hide_labels(y, 20, random_state=0)
    >>> clf = FixMatchClassifier(max_steps=50, random_state=0)
    >>> compare_with_supervised(clf, X, few, cv=5).verdict in ("helped", "undecided")
    True
    """
    weights = [p for p in estimator.get_params() if p.split("__")[-1] == "unlabeled_weight"]
    if not weights and baseline is None:
        plain = "Ridge" if is_regressor(estimator) else "LogisticRegression"
        raise ValueError(
            f"{type(estimator).__name__} has no parameter unlabeled_weight: name the other side, "
            f"baseline={plain}() for instance."
        )
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie in (0, 1), got {confidence!r}.")
    unlabeled_label = mark_for([estimator], y, unlabeled_label)
    if is_regressor(estimator):
        unlabeled_label = None
        cv = KFold(cv, shuffle=True, random_state=0) if isinstance(cv, Integral) else cv
    cv = cv if isinstance(cv, LabeledSplit) else LabeledSplit(cv, unlabeled_label)
    X, y, groups = rows_behind(X, y, X_unlabeled, unlabeled_label, groups)
    splits, scorer = list(cv.split(X, y, groups)), labeled_scorer(scoring, unlabeled_label)
    if len(splits) < 2:
        raise ValueError("cv must give at least two splits, for an interval.")
    supervised = baseline
    if baseline is None:
        supervised = clone(estimator).set_params(**dict.fromkeys(weights, 0.0))
    pairs = Parallel(n_jobs=n_jobs)(
        delayed(_fit_and_score)(e, X, y, train, test, scorer)
        for train, test in splits
        for e in (estimator, supervised)
    )
    ours, plain = np.reshape(pairs, (len(splits), 2)).T
    difference = ours - plain
    labeled = labeled_rows(y, unlabeled_label)
    error = corrected_error(difference, splits, labeled)
    reach = error * stats.t.ppf((1 + confidence) / 2, len(splits) - 1)
    mean = float(difference.mean())
    reach = reach if np.ptp(difference) > 1e-12 else np.nan  # less is rounding
    interval = float(mean - reach), float(mean + reach)
    names = None if baseline is None else tuple(map(_name, (estimator, baseline)))
    return Comparison(ours, plain, mean, interval, confidence, names, int(labeled.sum()))


def _name(estimator):
    """What an estimator is called in a sentence: of a Pipeline the last step's class."""
    return type(core(estimator)).__name__


def corrected_error(differences, splits, labeled):
    """Standard error of a mean over splits whose training parts overlap: (..., S) -> (...).

    Nadeau and Bengio 2003: (1 / S + n_test / n_train) times the variance, labeled rows counted.
    """
    ratio = np.mean([len(test) / labeled[train].sum() for train, test in splits])
    return np.sqrt((1 / len(splits) + ratio) * differences.var(-1, ddof=1))


def label_budget_curve(
    estimators,
    X,
    y,
    n_labeled,
    *,
    test_size=0.3,
    n_repeats=5,
    scoring=None,
    random_state=None,
    unlabeled_label="auto",
    n_jobs=None,
    X_unlabeled=None,
):
    """Score against the number of labels, which shows how many are enough.

    Each repeat sets ``test_size`` of the labeled rows aside, then for each budget hides the labels
    of all other rows but that many, drawn with the class shares; smaller budgets are other draws.
    All estimators see the same rows.

    Parameters
    ----------
    estimators : estimator, list, or dict of name to estimator
        One that takes the unlabeled mark for a class or refuses it, as supervised estimators do,
        is fitted on the labeled rows alone.
    X : array-like of shape (n, ...)
        Rows, labeled or not.
    y : array-like of shape (n,)
        Rows with -1 are unlabeled throughout; for regressors those with NaN.
    n_labeled : sequence of int
        Budgets: labels in training.
    test_size : float in (0, 1) or int, default=0.3
        Of the labeled rows, stratified.
    n_repeats : int >= 2, default=5
        Draws of test rows and labels.
    scoring : str, callable or None, default=None
        Any scorer of scikit-learn; None is accuracy, of regressors R2.
    random_state : int, RandomState or None, default=None
        Draws the test rows and the labels; the estimators have their own.
    unlabeled_label : scalar, None or "auto", default="auto"
        Mark of an unlabeled row, besides missing values. "auto": the mark that the estimators
        have.
    n_jobs : int or None, default=None
        Number of fits at a time, in processes; None is one.
    X_unlabeled : as X, of shape (m, ...), or None, default=None
        More rows without a label, in every training part.

    Returns
    -------
    LabelBudgetCurve
        ``scores``, ``mean``, ``standard_error``.

    Raises
    ------
    ValueError
        If a budget is larger than the labels left beside the test rows, or fewer than the classes.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ssl import FixMatchClassifier, label_budget_curve
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = FixMatchClassifier(max_steps=20, random_state=0)
    >>> curve = label_budget_curve(clf, X, y, [6, 12], n_repeats=2, random_state=0)
    >>> curve.scores.shape
    (1, 2, 2)
    """
    if not isinstance(estimators, dict):
        listed = estimators if isinstance(estimators, list | tuple) else [estimators]
        estimators = {type(e).__name__: e for e in listed}
        if len(estimators) < len(listed):
            raise ValueError("Estimators of the same class: pass a dict, which names them.")
    if n_repeats < 2:
        raise ValueError("n_repeats must be at least 2, for a standard error.")
    n_labeled = np.atleast_1d(n_labeled).tolist()
    numbers = all(is_regressor(estimator) for estimator in estimators.values())
    unlabeled_label = None if numbers else mark_for(estimators.values(), y, unlabeled_label)
    rng, scorer = check_random_state(random_state), labeled_scorer(scoring, unlabeled_label)
    X, y, _ = rows_behind(X, y, X_unlabeled, unlabeled_label)
    labeled = labeled_rows(y, unlabeled_label)
    rows, jobs = np.flatnonzero(labeled), []
    strata = None if numbers else plain(label_column(y)[labeled])
    for _ in range(n_repeats):
        _, test = train_test_split(rows, test_size=test_size, stratify=strata, random_state=rng)
        train = np.setdiff1d(np.arange(len(labeled)), test)
        for n in n_labeled:
            few = hide_labels(_safe_indexing(y, train), n, not numbers, rng, unlabeled_label)
            jobs.append((train, test, few))
    scores = Parallel(n_jobs=n_jobs)(
        delayed(_fit_and_score)(estimator, X, y, train, test, scorer, few)
        for estimator in estimators.values()
        for train, test, few in jobs
    )
    scores = np.reshape(scores, (len(estimators), n_repeats, len(n_labeled))).swapaxes(1, 2)
    return LabelBudgetCurve(list(estimators), np.asarray(n_labeled), scores)


def _fit_and_score(estimator, X, y, train, test, scorer, y_train=None):
    """Score of the test rows, by an estimator fitted on the others, or on the labeled of them."""
    return fit_and_score(estimator, X, y, train, test, scorer, y_train)[0]


def fit_and_score(estimator, X, y, train, test, scorer, y_train=None):
    """The same, and whether it was fitted on labeled rows alone."""
    y_train = _safe_indexing(y, train) if y_train is None else y_train
    fitted = _fit_unless_supervised(estimator, _safe_indexing(X, train), y_train, scorer)
    supervised = fitted is None
    if supervised:
        labeled = np.flatnonzero(labeled_rows(y_train, scorer.unlabeled_label))
        y_train = plain(label_column(y_train)[labeled])
        fitted = clone(estimator).fit(_safe_indexing(X, train[labeled]), y_train)
    return scorer(fitted, _safe_indexing(X, test), _safe_indexing(y, test)), supervised


def _fit_unless_supervised(estimator, X, y, scorer):
    """Fit a clone; None if it takes the mark for a class or refuses it: it is a supervised one."""
    try:
        fitted = clone(estimator).fit(X, y)
    except (TypeError, ValueError):
        knows = any(
            hasattr(part, "unlabeled_label") or isinstance(part, KnownScoreMixin)
            for part in parts(estimator)
        )
        if knows:
            raise
        return None
    learned = fitted.classes_ if is_classifier(fitted) else []
    return fitted if is_labeled(learned, scorer.unlabeled_label).all() else None
