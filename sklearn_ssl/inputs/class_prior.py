"""Shares of the classes where they are known: what is given, and how predictions meet them."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp
from sklearn.utils._param_validation import StrOptions

__all__ = [
    "CONSTRAINT",
    "ClassPrior",
    "matching_shift",
    "read_class_prior",
    "shifted",
    "source_shift",
]

CONSTRAINT = [StrOptions({"labels", "uniform", "estimate"}), "array-like", dict]
RIDGE = 0.01  # in rows
ENOUGH = 5  # rows of the rarest class
EXACTLY = {"ftol": 1e-14, "gtol": 1e-8}
TINY = 1e-12  # of a probability: log 0 is no number


@dataclass(frozen=True)
class ClassPrior:
    """Shares of the classes among unlabeled rows, and how far they are known.

    Parameters
    ----------
    shares : ndarray of shape (K,)
        Above 0; they sum to 1.
    trust : float in [0, 1], default=1.0
        1 for shares that the user gives; less for an estimate.
    """

    shares: np.ndarray
    trust: float = 1.0

    def blend(self, own):
        """Shares between those found otherwise and these, by trust: (K,) -> (K,)."""
        blended = own ** (1 - self.trust) * self.shares**self.trust
        return blended / blended.sum()

    def shift(self, p, learned, weight=None):
        """Target (K,), and the shift (K,) that moves predictions there.

        That is the one which `matching_shift` finds on rows p (n, K), or by the rule of Bayes where
        they are too few to have such shares: the rarest class would come less than `ENOUGH` times.
        ``learned`` holds the shares (K,) among the labels.
        """
        n = len(p) if weight is None else weight.sum()
        if n * self.shares.min() < ENOUGH:
            target = self.blend(learned)
            return target, source_shift(target, learned)
        target = self.blend(np.average(p, axis=0, weights=weight))
        return target, matching_shift(p, target, weight)


def read_class_prior(class_prior, classes):
    """Return the class shares that a parameter gives.

    Parameters
    ----------
    class_prior : "labels", "uniform", array-like of shape (K,), Series, dict or ClassPrior
        Of a Series or dict by class to share, the order does not count.
    classes : ndarray of shape (K,)

    Returns
    -------
    ClassPrior, or None for "labels"

    Raises
    ------
    ValueError
        If they are not K numbers above 0 that sum to 1.

    Examples
    --------
    >>> read_class_prior([0.9, 0.1], np.array(["healthy", "ill"])).shares
    array([0.9, 0.1])
    >>> read_class_prior("uniform", np.arange(4)).shares
    array([0.25, 0.25, 0.25, 0.25])
    """
    given = class_prior
    if isinstance(given, ClassPrior):
        return given
    if isinstance(class_prior, str):
        if class_prior == "estimate":
            raise ValueError(
                'class_prior="estimate" needs a whole fit: call fit, or estimate_class_prior, and '
                "give its prior."
            )
        K = len(classes)
        return None if class_prior == "labels" else ClassPrior(np.full(K, 1 / K))
    named = class_prior if isinstance(class_prior, dict) else None
    if hasattr(class_prior, "index") and hasattr(class_prior, "to_dict"):
        numbered = list(class_prior.index) == list(range(len(classes)))
        named = None if numbered else class_prior.to_dict()
    try:
        if named is not None:
            unknown = [name for name in named if name not in classes.tolist()]
            class_prior = [] if unknown else [named[c] for c in classes.tolist()]
        prior = np.asarray(class_prior, dtype=np.float64)
    except (KeyError, TypeError, ValueError):
        prior = np.array(np.nan)
    if prior.shape != classes.shape or not (prior > 0).all() or abs(prior.sum() - 1) > 1e-3:
        raise ValueError(
            f"class_prior must be {len(classes)} numbers above 0 that sum to 1, the shares of the "
            f"classes {classes.tolist()} in this order, or a dict of them, got {given!r}."
        )
    return ClassPrior(prior / prior.sum())


def source_shift(prior, shares):
    """What is added to log-probabilities learned under other shares: (K,), (K,) -> (K,).

    log(prior / shares), the rule of Bayes. A class that has no label has no share, and stays.
    """
    return np.log(np.where(shares > 0, prior / np.where(shares > 0, shares, 1), 1))


def matching_shift(p, prior, weight=None):
    """What is added to log-probabilities so that their mean over rows is the prior.

    The b that minimises mean log sum_k p_k e^(b_k) - prior . b + RIDGE |b|^2 / (2 n), a convex
    function of gradient mean - prior + RIDGE b / n. The last term, of a hundredth of a row, keeps b
    small where p is 0 or 1.

    Parameters
    ----------
    p : ndarray of shape (n, K)
        Distributions of n rows that are a sample of those to come.
    prior : ndarray of shape (K,)
        Above 0; sums to 1.
    weight : ndarray of shape (n,) or None
        How often each row comes.

    Returns
    -------
    ndarray of shape (K,)

    Examples
    --------
    >>> p = np.array([[0.9, 0.1], [0.5, 0.5]]).repeat(1000, axis=0)
    >>> shifted(p, matching_shift(p, np.array([0.5, 0.5]))).mean(0).round(2)
    array([0.5, 0.5])
    """
    weight = np.ones(len(p)) if weight is None else weight
    logs, n = np.log(np.maximum(p, TINY)), weight.sum()
    share = weight / n

    def value_and_gradient(b):
        moved = logs + b
        total = logsumexp(moved, axis=1)
        mean = share @ np.exp(moved - total[:, None])
        return share @ total - prior @ b + RIDGE * b @ b / (2 * n), mean - prior + RIDGE * b / n

    return minimize(
        value_and_gradient, np.zeros(p.shape[1]), jac=True, method="L-BFGS-B", options=EXACTLY
    ).x


def shifted(p, shift):
    """Distributions times e^shift, normalised: (n, K), (K,) -> (n, K)."""
    p = np.maximum(p, TINY) * np.exp(shift - shift.max())
    return p / p.sum(1, keepdims=True)
