"""A plain regressor where y has several columns, of which some are unknown."""

from dataclasses import replace

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone

from ...inputs.lazy import take_rows

__all__ = ["EachOutput"]


class EachOutput(RegressorMixin, BaseEstimator):
    """A regressor for each column of y, fitted on the rows in which this column is known.

    Parameters
    ----------
    estimator : regressor
        Cloned for each column.

    Attributes
    ----------
    estimators_ : list of regressors
        The fitted ones, T.
    """

    def __init__(self, estimator):
        self.estimator = estimator

    @classmethod
    def around(cls, member):
        """Return a `Member` that takes gaps in several columns: itself if it knows them."""
        return member if member.knows else replace(member, estimator=cls(member.estimator))

    def fit(self, X, y, **of_rows):
        """Fit: rows (n, ...), numbers (n, T) with NaN for unknown, and weights of rows."""
        self.estimators_ = []
        for column in y.T:
            known = np.isfinite(column)
            X_known = take_rows(X, np.flatnonzero(known))
            weight = {name: values[known] for name, values in of_rows.items()}
            self.estimators_.append(clone(self.estimator).fit(X_known, column[known], **weight))
        return self

    def predict(self, X):
        """Predict: rows (n, ...) -> (n, T)."""
        return np.column_stack([estimator.predict(X) for estimator in self.estimators_])
