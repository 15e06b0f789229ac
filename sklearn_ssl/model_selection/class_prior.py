"""How many rows of each class there are, told from a few labels and many rows without.

Marco Saerens, Patrice Latinne, Christine Decaestecker: "Adjusting the Outputs of a Classifier to
New a Priori Probabilities: A Simple Procedure", Neural Computation 14, 2002. That probabilities
are to be calibrated first: Amr Alexandari, Anshul Kundaje, Avanti Shrikumar: "Maximum Likelihood
with Bias-Corrected Calibration is Hard-To-Beat at Label Shift Adaptation", ICML 2020, arXiv
1901.06852.
"""

import copy
import warnings
from dataclasses import dataclass
from numbers import Integral

import numpy as np
from scipy import stats
from scipy.optimize import minimize
from scipy.special import expit, log_softmax, logit, softmax
from sklearn.base import clone, is_regressor
from sklearn.model_selection import StratifiedKFold
from sklearn.utils import check_consistent_length, check_random_state, check_scalar

from .._warnings import warn
from ..engine import Ranks
from ..inputs.checks import check_rows, check_weight
from ..inputs.class_prior import ClassPrior
from ..inputs.labels import label_column, labeled_rows, plain
from ..inputs.lazy import take_rows
from ..inputs.marks import mark_for, stop_reason
from ..inputs.pool import rows_behind, rows_named

__all__ = ["PriorEstimate", "estimate_class_prior", "prior_of_probabilities", "settled_class_prior"]

POOL = 5000  # rows without a label that are looked at
LEAST = 1e-6  # of a probability
RIDGE_TEMPERATURE, RIDGE_BIAS = 1.0, 10.0  # in rows: few labels leave T near 1 and the bias at 0


@dataclass(frozen=True)
class PriorEstimate:
    """Shares of the classes among the unlabeled rows.

    Parameters
    ----------
    classes : ndarray of shape (K,)
    prior : ndarray of shape (K,)
        The estimate, drawn to the labels' shares as far as it is uncertain; sums to 1.
    raw : ndarray of shape (K,)
        The estimate as it is.
    low, high : ndarray of shape (K,)
        A 95 % interval of ``raw``.
    trust : float in [0, 1]
        Exponent of ``raw`` in ``prior``; 0 where the labels leave it open.
    spread : ndarray of shape (K,)
        Standard error of the log-odds of ``raw``.
    """

    classes: np.ndarray
    prior: np.ndarray
    raw: np.ndarray
    low: np.ndarray
    high: np.ndarray
    trust: float
    spread: np.ndarray

    @property
    def known(self):
        """As estimators take it: `ClassPrior`."""
        return ClassPrior(self.raw, self.trust)


def estimate_class_prior(
    estimator,
    X,
    y,
    *,
    cv=5,
    n_bootstraps=50,
    unlabeled_label="auto",
    random_state=None,
    X_unlabeled=None,
):
    """Estimate the classes' shares among the unlabeled rows.

    k labels of each class say nothing about how many rows each class has. But a classifier that
    learned from them, and knows how it errs on labels that it has not seen, can tell from the rows
    without labels. Labels are dealt to folds; each fold is predicted by a clone that learned from
    the labels of the others (and from no unlabeled row), and so are the unlabeled rows. With
    probabilities p(y | x), calibrated on the labels, and their mean p(y) over these, the shares q
    maximise the likelihood of the unlabeled rows by EM (Saerens et al. 2002):

    q(y) <- mean over unlabeled rows of q(y) p(y | x) / p(y), normalised over y.

    The variance of its log-odds is that of the middle 68 % of bootstraps of labeled and unlabeled
    rows, plus that over the folds' classifiers, which saw different labels. The estimate is noise
    with less than some ten labels a class. So it is drawn to the labels' shares:
    prior = raw^t shares^(1 - t), normalised, with t = max(0, 1 - v / d), v the variance and d the
    squared distance in log-odds, both summed over the classes. Where the standard error of a share
    is a factor of two or more, t is 0.

    Parameters
    ----------
    estimator : classifier or Pipeline
        Has ``predict_proba``; cloned.
    X : array-like of shape (n, ...)
        Rows, labeled or not.
    y : array-like of shape (n,)
        -1 or missing values mark unlabeled rows.
    cv : int >= 2, default=5
        Folds, at most as many as the rarest class has labels.
    n_bootstraps : int >= 2, default=50
        Of the labeled rows, class by class, and of the unlabeled ones.
    unlabeled_label : scalar, None or "auto", default="auto"
        Mark of an unlabeled row, besides missing values. "auto": the mark of the estimator.
    random_state : int, RandomState or None, default=None
        Seeds folds and bootstraps.
    X_unlabeled : as X, of shape (m, ...), or None, default=None
        More rows without a label.

    Returns
    -------
    PriorEstimate
        ``prior`` is what ``class_prior`` takes.

    Raises
    ------
    ValueError
        If there is no unlabeled row, or a class has one label.

    Warns
    -----
    UserWarning
        If the standard error of a share is a factor of two or more.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_ssl import estimate_class_prior, hide_labels
    >>> X, y = make_blobs([900, 300], centers=[[0, 0], [2, 2]], random_state=0)
    >>> few = hide_labels(y, 100, stratify="balanced", random_state=0)
    >>> found = estimate_class_prior(LogisticRegression(), X, few, random_state=0)
    >>> found.prior.round(1), bool((found.low < [0.77, 0.23]).all())
    (array([0.8, 0.2]), True)
    """
    if is_regressor(estimator):
        raise ValueError(f"{type(estimator).__name__} predicts numbers, which have no shares.")
    mark = mark_for([estimator], y, unlabeled_label)
    check_scalar(cv, "cv", Integral, min_val=2)
    check_scalar(n_bootstraps, "n_bootstraps", Integral, min_val=2)
    check_consistent_length(X, y)
    X, y, _ = rows_behind(X, y, X_unlabeled, mark)
    labeled, rng = labeled_rows(y, mark), check_random_state(random_state)
    rows, pool = np.flatnonzero(labeled), np.flatnonzero(~labeled)
    classes, codes = np.unique(plain(label_column(y)[labeled]), return_inverse=True)
    if not len(pool):
        raise ValueError("There is no unlabeled row, of which class shares could be estimated.")
    if len(rows) == 0 or np.bincount(codes).min() < 2:
        raise ValueError("Estimating class shares takes two labels of each class.")
    pool = rng.permutation(pool)[:POOL]
    names = classes.astype(object) if classes.dtype.kind in "US" else classes  # one may be "nan"
    n_folds = min(cv, np.bincount(codes).min())
    split = StratifiedKFold(n_folds, shuffle=True, random_state=rng.randint(2**31))
    p = np.empty((len(rows), len(classes)))
    p_pool = np.empty((n_folds, len(pool), len(classes)))
    for number, (train, test) in enumerate(split.split(codes, codes)):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "No row is unlabeled")  # on purpose
            clf = clone(estimator).fit(take_rows(X, rows[train]), names[codes[train]])
        if stop_reason(clf) == "interrupted":
            raise KeyboardInterrupt
        p[test] = clf.predict_proba(take_rows(X, rows[test]))
        p_pool[number] = clf.predict_proba(take_rows(X, pool))
    return prior_of_probabilities(p, codes, p_pool, classes, n_bootstraps, rng)


def settled_class_prior(estimator, X, y, sample_weight, X_unlabeled=None):
    """The parameter ``class_prior``, or a `ClassPrior` where it is "estimate".

    Clones of the estimator that learn from labels alone estimate it. Without unlabeled rows that
    count, the labels' shares are those of all rows.
    """
    asked = estimator.class_prior
    if not (isinstance(asked, str) and asked == "estimate") or y is None:
        return asked
    check_consistent_length(X, y, sample_weight)
    given, mark = X, estimator.unlabeled_label
    X, y, sample_weight = rows_behind(X, y, X_unlabeled, mark, sample_weight, 1.0)
    with rows_named(given, X_unlabeled):
        check_rows(clone(estimator), X, True)  # before some of the rows have other numbers
    labeled = labeled_rows(y, mark)
    if sample_weight is not None:
        rows = np.flatnonzero(check_weight(sample_weight, len(labeled)) > 0)
        X, y, labeled = take_rows(X, rows), take_rows(y, rows), labeled[rows]
    if estimator.unlabeled_weight == 0 or labeled.all():
        return "labels"
    plain_one = clone(estimator).set_params(class_prior="labels")
    known = plain_one.get_params(deep=False)
    quiet = {"verbose": 0, "warm_start": False, "checkpoint_dir": None, "callbacks": None}
    quiet |= {"validation_fraction": None, "early_stopping": False, "temperature_scaling": False}
    plain_one.set_params(**{name: value for name, value in quiet.items() if name in known})
    seed = copy.deepcopy(estimator.random_state)
    seed = np.random.RandomState() if seed is None else seed  # not numpy's own
    seed = Ranks.of_fit().same(seed)
    return estimate_class_prior(plain_one, X, y, random_state=seed).known


def prior_of_probabilities(p, codes, p_pool, classes, n_bootstraps=50, rng=None):
    """`PriorEstimate` of what a classifier says of rows that it has not learned from.

    Parameters
    ----------
    p : ndarray of shape (n, K)
        Of labeled rows, out of fold.
    codes : ndarray of int, shape (n,)
        Their classes.
    p_pool : ndarray of shape (m, K), or (n_folds, m, K)
        Of unlabeled rows; of the classifier of each fold, where there are several.
    classes : ndarray of shape (K,)
    n_bootstraps : int
    rng : int, RandomState or None
    """
    if len(classes) == 1:
        one, zero = np.ones(1), np.zeros(1)
        return PriorEstimate(classes, one, one, one, one, 0.0, zero)
    rng = check_random_state(rng)
    z, z_pools = np.log(np.maximum(p, LEAST)), np.log(np.maximum(p_pool, LEAST))
    z_pools = z_pools.reshape(-1, *z_pools.shape[-2:])
    n_folds, m, _ = z_pools.shape
    if m > POOL:
        z_pools = z_pools[:, rng.choice(m, POOL, replace=False)]
        m = POOL
    z_pool = z_pools[np.arange(m) % n_folds, np.arange(m)]  # as labeled rows: of one fold each
    counts, n = np.bincount(codes, minlength=len(classes)), len(codes)
    raw, shares = _estimate(z, codes, z_pool), counts / n
    of_class, drawn = [np.flatnonzero(codes == k) for k in range(len(classes))], []
    for _ in range(n_bootstraps):
        some = np.concatenate([rng.choice(rows, len(rows)) for rows in of_class])
        others = rng.randint(m, size=m)
        drawn.append(_estimate(z[some], codes[some], z_pool[others]))
    middle = np.quantile(logit(drawn), [0.16, 0.84], axis=0)  # the few that find no row say little
    variance = ((middle[1] - middle[0]) / 2) ** 2 * counts / (counts - 1)
    variance = np.maximum(variance, 1 / (m * raw * (1 - raw)))  # of a count among m rows
    if n_folds > 1:
        variance += logit([_estimate(z, codes, one) for one in z_pools]).var(0, ddof=1)
    spread, odds = np.sqrt(variance), logit(raw)
    apart = odds - logit(shares)
    trust = max(0.0, 1 - variance.sum() / max((apart**2).sum(), 1e-12))
    reach = stats.t.ppf(0.975, n - len(classes)) * spread
    low, high = expit(odds - reach), expit(odds + reach)
    factor = spread * (1 - raw)  # of the logarithm of a share
    if factor.max() > np.log(2):
        k, trust = factor.argmax(), 0.0
        warn(
            f"{n} labels leave the share of class {classes.tolist()[k]!r} open: it is "
            f"{low[k]:.3f} to {high[k]:.3f} (95 %), so the estimate is not used. If you know the "
            "shares of the classes, give them as class_prior; else label more rows."
        )
    prior = ClassPrior(raw, trust).blend(shares)
    return PriorEstimate(classes, prior, raw, low, high, trust, spread)


def _estimate(z, codes, z_pool):
    """Shares (K,) of log-probabilities: of labeled rows (n, K), of others (m, K)."""
    log_t, bias = _calibration(z, codes)
    source = softmax(z * np.exp(-log_t) + bias, axis=1).mean(0)
    ratio = softmax(z_pool * np.exp(-log_t) + bias, axis=1) / source
    return _em(ratio, source)


def _calibration(z, codes):
    """-log of the scale, and bias (K,), of the least log-loss, drawn to 0 by a few rows."""
    n, K = z.shape
    one = np.eye(K)[codes]

    def value_and_gradient(theta):
        scaled = z * np.exp(-theta[0])
        logs = log_softmax(scaled + theta[1:], axis=1)
        apart = np.exp(logs) - one
        value = -(one * logs).sum() + RIDGE_TEMPERATURE * theta[0] ** 2 / 2
        value += RIDGE_BIAS * theta[1:] @ theta[1:] / 2
        slope = -(apart * scaled).sum() + RIDGE_TEMPERATURE * theta[0]
        return value / n, np.append(slope, apart.sum(0) + RIDGE_BIAS * theta[1:]) / n

    theta = minimize(value_and_gradient, np.zeros(K + 1), jac=True, method="L-BFGS-B").x
    return theta[0], theta[1:]


def _em(ratio, start, tol=1e-6, max_iter=1000):
    """Maximise mean log sum_k q_k ratio_k over shares q: (m, K), (K,) -> (K,)."""
    q = start
    for _ in range(max_iter):
        joint = ratio * q
        before, q = q, (joint / joint.sum(1, keepdims=True)).mean(0)
        if np.abs(q - before).max() < tol:
            break
    q = np.maximum(q, 0.5 / len(ratio))  # less than one row of all is no measurement
    return q / q.sum()
