"""How much each member counts, from what it says of labeled rows that it has not learned from."""

import numpy as np
from scipy.optimize import minimize_scalar

__all__ = [
    "log_losses",
    "mean_of",
    "means_out_of_fold",
    "member_weights",
    "temperature",
    "tempered",
    "weighed",
]

FLOOR = 1e-3  # of a probability, divided by K: log 0 is no number
SMOOTHING = 0.05  # share of the uniform distribution that losses mix in
SHARPNESS = 3.0  # of weights, by loss; benchmarks/portfolio.py
PRIOR = 0.02  # holds log T near 0 while labels are few


def tempered(p, temperature):
    """Distributions with exponent 1 / T: (n, K), float > 0 -> (n, K), rows sum to 1."""
    logs = np.log(np.maximum(p, FLOOR / p.shape[1])) / temperature
    p = np.exp(logs - logs.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True)


def temperature(p, codes):
    """The T of least log-loss: forests and graphs are less sure than they are right.

    One number a member, of labeled rows out of fold: (n, K), (n,) -> float in [e^-2, e^2].
    """

    def loss(log_t):
        return log_losses(tempered(p, np.exp(log_t)), codes).mean() + PRIOR * log_t**2

    return float(np.exp(minimize_scalar(loss, bounds=(-2, 2), method="bounded").x))


def log_losses(p, codes):
    """Log-loss of each row: (n, K), (n,) -> (n,), of probabilities mixed with a uniform share.

    One row that a member is sure about, and wrong, would else decide alone.
    """
    chance = p[np.arange(len(codes)), codes]
    return -np.log((1 - SMOOTHING) * chance + SMOOTHING / p.shape[1])


def member_weights(losses, plain):
    """Weights of members, equal while their losses cannot be told apart.

    A member that is worse than the best plain one (where there is none: than the best) by more
    than a standard error of their paired difference falls out. The others count in proportion to
    exp(-3 s d_m): d_m is the mean loss of m less that of all of them, and
    s = max(0, 1 - sum of var(d_m) / sum of d_m^2) is the share of the spread of d that is no
    accident of the n rows. With few labels it is 0, and weights are equal.

    Parameters
    ----------
    losses : ndarray of shape (M, n), or NaN in the row of a member that was not measured
        Log-losses of n labeled rows, out of fold.
    plain : ndarray of bool, shape (M,)
        Members that learn from labeled rows alone.

    Returns
    -------
    ndarray of shape (M,)
        At least 0; they sum to 1. A member that was not measured counts as one of mean loss.

    Examples
    --------
    >>> import numpy as np
    >>> losses = np.array([[0.1, 0.2, 0.1, 0.2], [0.2, 0.1, 0.2, 0.1], [2.0, 2.2, 1.9, 2.1]])
    >>> member_weights(losses, np.array([True, False, False])).round(2).tolist()
    [0.5, 0.5, 0.0]
    """
    measured, n = np.isfinite(losses).all(1), losses.shape[1]
    weights = np.ones(len(losses))
    if n > 1 and measured.sum() > 1:
        rivals = losses[measured & plain] if (measured & plain).any() else losses[measured]
        worse = losses - rivals[rivals.mean(1).argmin()]
        error = worse.std(1, ddof=1) / np.sqrt(n)
        fallen = measured & (worse.mean(1) > error)
        kept = measured & ~fallen
        apart = losses[kept] - losses[kept].mean(0)
        d, var = apart.mean(1), apart.var(1, ddof=1) / n
        s = max(0.0, 1 - var.sum() / max((d**2).sum(), 1e-12))
        weights[kept], weights[fallen] = np.exp(-SHARPNESS * s * d), 0.0
    return weights / weights.sum()


def weighed(told, codes, plain):
    """What is made of members out of fold.

    Parameters
    ----------
    told : ndarray of shape (M, n, K)
        Their probabilities, or NaN for a member that was not measured.
    codes : ndarray of int, shape (n,)
    plain : ndarray of bool, shape (M,)

    Returns
    -------
    temperatures : ndarray of shape (M,)
    told : ndarray of shape (M, n, K)
        With them.
    losses : ndarray of shape (M, n)
    weights : ndarray of shape (M,)
    """
    temperatures = [temperature(p, codes) if np.isfinite(p).all() else 1.0 for p in told]
    told = np.array([tempered(p, t) for p, t in zip(told, temperatures, strict=True)])
    losses = np.array([log_losses(p, codes) for p in told])
    return np.array(temperatures), told, losses, member_weights(losses, plain)


def means_out_of_fold(told, pools, weights, temperatures):
    """Means of the members that were measured.

    Parameters
    ----------
    told : ndarray of shape (M, n, K)
        Tempered probabilities of labeled rows out of fold; NaN for a member that was not measured.
    pools : ndarray of shape (n_folds, M, m, K)
        Probabilities of other rows by the members of each fold, as they are.
    weights, temperatures : ndarray of shape (M,)

    Returns
    -------
    ndarray of shape (n, K)
    ndarray of shape (n_folds, m, K)
    """
    measured = np.isfinite(told).all((1, 2))
    weights = weights[measured] if weights[measured].any() else np.ones(measured.sum())
    weights, temperatures = weights / weights.sum(), temperatures[measured]
    pools = [
        mean_of([tempered(p, t) for p, t in zip(pool, temperatures, strict=True)], weights)
        for pool in pools[:, measured]
    ]
    return mean_of(told[measured], weights), np.array(pools)


def mean_of(probabilities, weights):
    """Weighted mean of distributions: M times (n, K), (M,) -> (n, K), rows sum to 1."""
    return sum(weight * p for p, weight in zip(probabilities, weights, strict=True))
