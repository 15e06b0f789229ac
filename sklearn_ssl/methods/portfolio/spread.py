"""How far a mean of regressors may be off: by what its members' spread was on labeled rows."""

from dataclasses import dataclass

import numpy as np

from .weights import mean_of

__all__ = ["Spread"]

ROUNDING = 1e-8  # of the error: members that differ by less agree


@dataclass
class Spread:
    r"""Standard deviations of a mean, calibrated on labeled rows out of fold.

    With v(x) the weighted variance of the members' predictions, its mean over labeled rows out of
    fold, and s^2 the mean squared error of their mean there,

    .. math:: \sigma^2(x) = s^2 \, \frac{v(x) + \bar v}{2 \bar v}

    so that half of the variance is the same everywhere. With one member all of it is.

    Parameters
    ----------
    error : ndarray of shape (T,)
        s^2.
    variance : ndarray of shape (T,)
        Mean of v.
    ratios : list of pairs of ndarrays, T
        abs(error) / sigma of labeled rows, ascending, and the weights of these rows.
    """

    error: np.ndarray
    variance: np.ndarray
    ratios: list

    @classmethod
    def of(cls, told, targets, weights, row_weight=None):
        """Of what was measured.

        Parameters
        ----------
        told : ndarray of shape (M, n, T)
            What members say out of fold; NaN for one that was not measured.
        targets : ndarray of shape (n, T)
        weights : ndarray of shape (M,)
            Of the members.
        row_weight : ndarray of shape (n,), or None
            Of the rows; None: all are 1.
        """
        counted, T = np.isfinite(told).all((1, 2)) & (weights > 0), targets.shape[1]
        if not counted.any():
            return cls(np.full(T, np.nan), np.zeros(T), [])
        told, weights = told[counted], weights[counted] / weights[counted].sum()
        omega = np.ones(len(targets)) if row_weight is None else row_weight
        omega = omega[:, None] * np.isfinite(targets)
        omega /= omega.mean(0)
        mean = mean_of(told, weights)
        residual = np.where(omega > 0, np.abs(mean - np.nan_to_num(targets)), 0)
        v = mean_of(np.square(told - mean), weights)
        error, variance = (omega * np.square(residual)).mean(0), (omega * v).mean(0)
        spread = cls(error, np.where(variance > ROUNDING * error, variance, 0), [])
        ratios = residual / np.maximum(spread.std(told, weights), np.finfo(float).tiny)
        for r, w in zip(ratios.T, omega.T, strict=True):
            order = np.argsort(r[w > 0], kind="stable")
            spread.ratios.append((r[w > 0][order], w[w > 0][order]))
        return spread

    def std(self, told, weights):
        """sigma(x): (M, n, T), (M,) -> (n, T)."""
        if not np.isfinite(self.error).all():
            raise ValueError(
                "The spread of predictions was not measured: it takes folds (cv=3, not None), and "
                "two labeled rows with each output."
            )
        v = mean_of(np.square(told - mean_of(told, weights)), weights)
        part = np.divide(v, self.variance, out=np.ones_like(v), where=self.variance > 0)
        return np.sqrt(self.error * (part + 1) / 2)

    def quantile(self, level):
        """The multiple of sigma that holds a share of the rows, of each output: (T,).

        One more row, of mean weight and any error, counts too.
        """
        found = []
        for ratios, omega in self.ratios:
            share = omega.cumsum() / (omega.sum() + omega.mean())
            enough = share >= level - 1e-12
            if not enough.any():
                takes = int(np.ceil(level / (1 - level) - 1e-9))
                raise ValueError(
                    f"An interval of confidence_level={level} takes {takes} labels, and there are "
                    f"{len(ratios)}, which allow at most {len(ratios) / (len(ratios) + 1):.3g}."
                )
            found.append(ratios[enough.argmax()])
        return np.array(found)
