"""How much each regressor counts in a mean, and how far the mean may be off."""

import numpy as np
from scipy.optimize import minimize

__all__ = ["on_simplex", "safe_weights", "squared_errors", "stacked_weights"]

PULL = 2.0  # towards equal weights, in squared errors of rows; benchmarks/regression_weights.py


def squared_errors(told, targets):
    """Squared errors of rows, mean over the outputs that are known: (n, T), (n, T) -> (n,)."""
    known = np.isfinite(targets)
    squares = np.where(known, np.square(told - np.where(known, targets, 0)), 0)
    return squares.sum(1) / known.sum(1)


def on_simplex(gram, product):
    """The w that minimises w' G w - 2 b' w, at least 0, of sum 1: (M, M), (M,) -> (M,)."""
    size = max(np.trace(gram), np.finfo(float).tiny)
    G, b, M = gram / size, product / size, len(gram)
    found = minimize(
        lambda w: w @ G @ w - 2 * b @ w,
        np.full(M, 1 / M),
        jac=lambda w: 2 * (G @ w - b),
        bounds=[(0, 1)] * M,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(M)},
        method="SLSQP",
        options={"ftol": 1e-12, "maxiter": 1000},
    )
    w = np.where(found.x > 1e-6, found.x, 0)
    return w / w.sum()


def stacked_weights(told, targets, pull=PULL):
    r"""Weights of least error on rows that members have not learned from, pulled to equal ones.

    .. math:: \min_w \sum_i (y_i - \sum_m w_m p_{im})^2 + \kappa \sum_m (w_m - 1 / M)^2

    with w at least 0 and of sum 1 (Breiman 1996, "Stacked regressions"). With few rows the second
    part holds weights near 1 / M.

    Parameters
    ----------
    told : ndarray of shape (M, n, T)
        What members say of labeled rows out of fold, in standard deviations of y; NaN in that of a
        member that was not measured, which then counts 1 / M.
    targets : ndarray of shape (n, T)
        NaN where unknown.
    pull : float >= 0
        kappa.

    Returns
    -------
    ndarray of shape (M,)
        At least 0; they sum to 1.

    Examples
    --------
    >>> told = np.array([[[1.0], [2.0], [3.0]], [[3.0], [3.0], [1.0]]])
    >>> stacked_weights(told, np.array([[1.0], [2.0], [3.0]]), pull=0).round(3).tolist()
    [1.0, 0.0]
    """
    M, known = len(told), np.isfinite(targets)
    measured = np.isfinite(told).all((1, 2))
    weights = np.full(M, 1 / M)
    m = measured.sum()
    if m:
        A, y = told[measured][:, known], targets[known]
        rows = known.any(1).sum() / known.sum()  # several outputs of a row are one row
        gram = rows * A @ A.T + pull * np.eye(m)
        weights[measured] = on_simplex(gram, rows * A @ y + pull / m) * m / M
    return weights


def safe_weights(supervised, semi):
    """Weights of the point of the members' hull that is nearest to a supervised prediction.

    If the truth lies in that hull, no point of it is nearer to the truth than its own projection
    is, and the projection of the supervised prediction is not farther from the truth than that was.

    Parameters
    ----------
    supervised : ndarray of shape (n, T)
        Prediction for unlabeled rows.
    semi : ndarray of shape (M, n, T)
        Those of members that use unlabeled rows.

    Returns
    -------
    ndarray of shape (M,)
        At least 0; they sum to 1.

    References
    ----------
    Li, Zha and Zhou 2017, "Learning Safe Prediction for Semi-Supervised Regression", AAAI,
    "Problem setting and formulation".
    """
    A = semi.reshape(len(semi), -1)
    return on_simplex(A @ A.T, A @ supervised.ravel())
