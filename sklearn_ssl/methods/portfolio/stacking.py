"""How much each regressor counts in a mean."""

import numpy as np
from scipy.optimize import nnls

__all__ = ["on_simplex", "safe_weights", "squared_errors", "stacked_weights"]

PULL = 2.0  # towards equal weights, in squared errors of rows; benchmarks/regression_weights.py


def squared_errors(told, targets):
    """Squared errors of rows, mean over the outputs that are known: (n, T), (n, T) -> (n,)."""
    known = np.isfinite(targets)
    squares = np.where(known, np.square(told - np.where(known, targets, 0)), 0)
    return squares.sum(1) / known.sum(1)


def on_simplex(E):
    """The w that minimises abs(E w), at least 0 and of sum 1: (n, M) -> (M,).

    Since abs(E v)^2 + (sum v - 1)^2 is least at a multiple of that w, this is a problem of least
    squares without the sum.
    """
    lengths = np.linalg.norm(E, axis=0)
    if not lengths.all():
        return (lengths == 0) / (lengths == 0).sum()
    A = np.vstack([E / lengths.min(), np.ones(E.shape[1])])
    v, _ = nnls(A, np.append(np.zeros(len(E)), 1.0))
    return v / v.sum()


def stacked_weights(told, targets, pull=PULL, row_weight=None):
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
    row_weight : ndarray of shape (n,), or None
        Weights of the rows, of mean 1; None: all are 1.

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
    weights, m = np.full(M, 1 / M), measured.sum()
    if m:
        omega = np.ones(len(targets)) if row_weight is None else row_weight
        share = np.broadcast_to((omega / known.sum(1))[:, None], known.shape)[known]
        errors = (told[measured] - targets)[:, known]  # outputs of a row are together one row
        equal = np.eye(m) - 1 / m
        E = np.vstack([(np.sqrt(share) * errors).T, np.sqrt(pull) * equal])
        weights[measured] = on_simplex(E) * m / M
    return weights


def safe_weights(supervised, semi):
    """Weights of the point of the members' hull that is nearest to a supervised prediction.

    If the truth lies in that hull, the projection of the supervised prediction is not farther from
    the truth than that prediction.

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
    return on_simplex((semi - supervised).reshape(len(semi), -1).T)
