"""How far a mean of regressors may be off: by what its members' spread was on labeled rows."""

from dataclasses import dataclass

import numpy as np

from .weights import mean_of

__all__ = ["Spread"]


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
    ratios : list of ndarray, T
        abs(error) / sigma of labeled rows, ascending.
    """

    error: np.ndarray
    variance: np.ndarray
    ratios: list

    @classmethod
    def of(cls, told, targets, weights):
        """Of what members say out of fold (M, n, T), targets (n, T) and weights (M,); or None."""
        counted = np.isfinite(told).all((1, 2)) & (weights > 0)
        if not counted.any():
            return cls(np.full(targets.shape[1], np.nan), np.zeros(targets.shape[1]), [])
        told, weights = told[counted], weights[counted] / weights[counted].sum()
        mean = mean_of(told, weights)
        residual = np.abs(mean - targets)
        v = mean_of(np.square(told - mean), weights)
        spread = cls(np.nanmean(np.square(residual), 0), v.mean(0), [])
        ratios = residual / np.maximum(spread.std(told, weights), np.finfo(float).tiny)
        spread.ratios = [np.sort(column[np.isfinite(column)]) for column in ratios.T]
        return spread

    def std(self, told, weights):
        """sigma(x): (M, n, T), (M,) -> (n, T)."""
        if not np.isfinite(self.error).all():
            raise ValueError(
                "The spread of predictions was not measured: it takes cv, and two labeled rows."
            )
        v = mean_of(np.square(told - mean_of(told, weights)), weights)
        part = np.divide(v, self.variance, out=np.ones_like(v), where=self.variance > 0)
        return np.sqrt(self.error * (part + 1) / 2)

    def quantile(self, level):
        """The multiple of sigma that holds a share of the rows, of each output: (T,)."""
        fewest = min(map(len, self.ratios))
        if np.ceil((fewest + 1) * level) > fewest:
            raise ValueError(
                f"An interval of confidence_level={level} takes "
                f"{int(np.ceil(level / (1 - level) - 1e-9))} labels, and there are {fewest}."
            )
        return np.array([r[int(np.ceil((len(r) + 1) * level - 1e-9)) - 1] for r in self.ratios])
