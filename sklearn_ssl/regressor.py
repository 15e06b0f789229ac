"""Regressors: numbers with NaN for unlabeled, several outputs, a score that leaves NaN out."""

from dataclasses import dataclass

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted

from .base import SSLEstimator
from .data import has_target

__all__ = ["SSLRegressor", "masked_mse"]


def masked_mse(outputs, targets):
    """Mean squared error over targets that are no NaN: (n, T), (n, T) -> (), 0 without any."""
    known = targets.isfinite()
    error = (outputs.float() - targets.nan_to_num()).square() * known
    return error.sum() / known.sum().clamp_min(1)


def squared_error(outputs, targets):
    """What validation records, in units of the variance of the labels."""
    return {"valid_loss": float(masked_mse(outputs, targets))}


def as_it_is(outputs):
    """No last function: float64 (n, T)."""
    return outputs.double()


@dataclass(kw_only=True, eq=False, repr=False)
class SSLRegressor(RegressorMixin, SSLEstimator):
    """Base of the regressors: everything but the loss.

    Targets are standardised for training, by the labeled rows.

    Parameters
    ----------
    module, module_params, max_steps, batch_size, unlabeled_ratio, unlabeled_weight, \
    optimizer, lr, optimizer_params, ema_decay, validation_fraction, early_stopping, callbacks, \
    device, precision, warm_start, verbose, random_state, checkpoint_dir, input_shape, compile
        As in `SSLEstimator`; ``module`` gets the number of outputs as ``n_classes``.

    Attributes
    ----------
    n_outputs_ : int
    transduction_ : ndarray of shape (n,) or (n, T)
        The given targets, and predictions where they were NaN.
    n_features_in_, feature_names_in_, n_iter_, history_, net_
        As in `SSLEstimator`.
    """

    _valid_scores = staticmethod(squared_error)
    _nonlinearity = staticmethod(as_it_is)

    def fit(self, X, y, sample_weight=None):
        """Train on labeled and unlabeled rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features), or images of shape (n, C, H, W)
            Numbers, as for the classifiers.
        y : array-like of shape (n,) or (n, T)
            Numbers; NaN (None, pandas.NA) marks an unknown target. A row with some known targets
            is labeled, and its unknown ones do not count.
        sample_weight : array-like of shape (n,) or None, default=None
            Batches draw labeled rows in proportion to it; a row of weight 0 is left out.

        Returns
        -------
        self
            The fitted estimator itself.

        Raises
        ------
        ValueError
            For input that cannot be trained on, before any training.
        FloatingPointError
            If the loss becomes NaN or infinite; the last good weights stay.
        """
        return self._checked_fit(X, y, sample_weight, warm=self.warm_start)

    def partial_fit(self, X, y, sample_weight=None):
        """Train for ``max_steps`` more steps on other rows, from the weights so far.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features), or images of shape (n, C, H, W)
            Rows of the shape of the first call.
        y : array-like of shape (n,) or (n, T)
            As in `fit`. Targets are scaled as in the first call.
        sample_weight : array-like of shape (n,) or None, default=None
            As in `fit`.

        Returns
        -------
        self
            The estimator itself.
        """
        first = not hasattr(self, "net_")
        return self._checked_fit(X, y, sample_weight, reset=first, warm=not first)

    def _check_targets(self, X, y, weight, classes):
        y = check_array(
            y, dtype=np.float64, ensure_2d=False, ensure_all_finite="allow-nan", input_name="y"
        )
        check_consistent_length(X, y)
        flat, y = y.ndim == 1, y.reshape(len(y), -1)
        labeled = has_target(y) & (weight > 0)
        if not labeled.any():
            raise ValueError("No row is labeled: every y is NaN, or has weight 0.")
        if not self._continues:
            rows = y[labeled]
            known = np.isfinite(rows)
            if not known.any(0).all():
                missing = np.flatnonzero(~known.any(0)).tolist()
                raise ValueError(f"Outputs {missing} of y have no known target.")
            self.n_outputs_, self._flat = y.shape[1], flat
            self._y_mean = np.nanmean(rows, axis=0)
            scale = np.nanstd(rows, axis=0)
            self._y_scale = np.where(scale > 0, scale, 1.0)
        elif y.shape[1] != self.n_outputs_:
            raise ValueError(f"y has {y.shape[1]} outputs, and had {self.n_outputs_} before.")
        targets = (y - self._y_mean) / self._y_scale
        targets[~labeled] = np.nan
        return targets, weight

    def _n_outputs(self):
        return self.n_outputs_

    def _without_targets(self, codes, rows):
        codes = codes.copy()
        codes[rows] = np.nan
        return codes

    def _outputs(self, X):
        outputs = self.net_.predict_proba(X) * self._y_scale + self._y_mean
        return outputs[:, 0] if self._flat else outputs

    def _transduce(self, X, codes, used):
        given = codes * self._y_scale + self._y_mean
        given = given[:, 0] if self._flat else given
        self.transduction_ = np.where(np.isfinite(given), given, self._outputs(X))

    def predict(self, X):
        """Predict targets.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Rows, of the kind that ``fit`` was given.

        Returns
        -------
        ndarray of shape (n,) or (n, T), as y was
            In the unit of y.
        """
        check_is_fitted(self)
        return self._outputs(self._check_X(X, reset=False))

    def score(self, X, y, sample_weight=None):
        """Coefficient of determination on the rows whose targets are known.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Rows, of the kind that ``fit`` was given.
        y : array-like of shape (n,) or (n, T)
            True targets; rows with an unknown one are left out.
        sample_weight : array-like of shape (n,) or None, default=None
            Weights of the rows.

        Returns
        -------
        float <= 1
            R2: 1 is perfect, 0 is as good as the mean.

        Raises
        ------
        ValueError
            If no row is labeled.
        """
        y = check_array(y, dtype=np.float64, ensure_2d=False, ensure_all_finite="allow-nan")
        known = np.isfinite(y.reshape(len(y), -1)).all(1)
        if not known.any():
            raise ValueError("score needs labeled rows: every y has an unknown target.")
        weight = None if sample_weight is None else np.asarray(sample_weight)[known]
        return r2_score(y[known], self.predict(X)[known], sample_weight=weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
