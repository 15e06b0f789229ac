"""Regressors: numbers with NaN for unlabeled, several outputs, a score that leaves NaN out."""

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_is_fitted

from .base import SSLEstimator
from .engine import together
from .inputs.checks import weight_of_scored
from .inputs.targets import NumberTargets, as_numbers

__all__ = ["KnownScoreMixin", "SSLRegressor"]


class KnownScoreMixin(RegressorMixin):
    """What regressors with NaN in y share: several outputs, and a score without NaN."""

    __metadata_request__fit = {"X_unlabeled": True}  # routed without set_fit_request

    @property
    def n_outputs_(self):
        """Columns of y: int."""
        return self._targets.n_outputs

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
        y = as_numbers(y)
        known = np.isfinite(y.reshape(len(y), -1)).all(1)
        if not known.any():
            raise ValueError(
                "score needs labeled rows: every y has an unknown target. In cross-validation, "
                "split with LabeledSplit(KFold(5, shuffle=True))."
            )
        weight = weight_of_scored(sample_weight, known)
        return r2_score(y[known], self.predict(X)[known], sample_weight=weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class SSLRegressor(KnownScoreMixin, SSLEstimator):
    """Base of the regressors: everything but the loss.

    Targets are standardised for training, by the labeled rows.

    Attributes
    ----------
    n_outputs_ : int
        Columns of y, T.
    transduction_ : ndarray of shape (n,) or (n, T)
        The given targets, and predictions where they were NaN.
    transduction_unlabeled_ : ndarray of shape (m,) or (m, T)
        Predictions for the rows of X_unlabeled, where it was given.
    """

    @together()
    def fit(self, X, y, sample_weight=None, X_unlabeled=None):
        """Train on labeled and unlabeled rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features), or images of shape (n, C, H, W)
            Numbers, as for the classifiers.
        y : array-like of shape (n,) or (n, T)
            Numbers; NaN (None, pandas.NA, a masked entry) marks an unknown target. A row with
            some known targets is labeled, and its unknown ones do not count.
        sample_weight : array-like of shape (n,) or None, default=None
            Batches draw labeled rows in proportion to it; a row of weight 0 is left out.
        X_unlabeled : as X, of shape (m, ...), or None, default=None
            More rows without a label, behind those of X; see ``docs/workflows.md``.

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
        previous = vars(self).get("net_") if self.warm_start else None
        targets = self._new_targets(previous)
        return self._fit(X, y, sample_weight, X_unlabeled, targets, previous)

    @together()
    def partial_fit(self, X, y, sample_weight=None, X_unlabeled=None):
        """Train for ``max_steps`` more steps on other rows, from the weights so far.

        As for the classifiers.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features), or images of shape (n, C, H, W)
            Rows of the shape of the first call.
        y : array-like of shape (n,) or (n, T)
            As in `fit`. Targets are scaled as in the first call.
        sample_weight : array-like of shape (n,) or None, default=None
            As in `fit`.
        X_unlabeled : as X, of shape (m, ...), or None, default=None
            As in `fit`.

        Returns
        -------
        self
            The estimator itself.
        """
        previous = vars(self).get("net_")
        targets = self._new_targets(previous)
        reset = previous is None
        return self._fit(X, y, sample_weight, X_unlabeled, targets, previous, reset=reset)

    def _new_targets(self, previous):
        return NumberTargets(earlier=None if previous is None else self._targets)

    def _outputs(self, X):
        return self._targets.in_units_of_y(self.net_.predict_proba(X))

    def _transduce(self, X, y, used):
        given = self._targets.in_units_of_y(y)
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
        return self._outputs(self._check_X(X))
