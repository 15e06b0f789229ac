"""What estimators on a graph, without a network, do with rows: in `fit`, and with new ones."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ..._parameters import ParameterTable
from ...inputs.checks import check_like_fitted, check_rows, rows_for_network
from ...inputs.documents import are_documents
from ...inputs.offsets import find_offset
from ...inputs.summary import DataSummary

__all__ = ["GraphEstimator"]


class GraphEstimator(ParameterTable, BaseEstimator):
    """Base of the estimators that keep their rows in place of a network."""

    def _drawn_seed(self):
        rng = self.random_state
        rng = np.random.RandomState(rng) if not hasattr(rng, "randint") else rng
        return rng.randint(2**31)

    def _read_rows(self, X, used):
        """Take their offset from checked rows, and look whether they are documents.

        Parameters
        ----------
        X : ndarray of shape (n, ...), CSR matrix, MixedRows or LazyRows
        used : ndarray of bool, shape (n,)

        Returns
        -------
        X, rows : as X
            All rows, and those that are used.
        documents : bool
        offset : ndarray or None
            As `find_offset` returns it.
        """
        part = slice(None) if used.all() else used  # a slice copies nothing
        offset = find_offset(X, used)
        X = rows_for_network(self, X, offset)
        rows = X[part]
        return X, rows, are_documents(X, self.documents), offset

    def _summarise(self, rows, n_outputs, offset, documents):
        """Keep what is known of the rows; return the scale of their columns."""
        self._summary = DataSummary.of(rows, n_outputs, offset, documents)
        self.input_kind_ = self._summary.kind
        return self._summary.scale

    def _check_X(self, X):
        """Check rows that come after `fit`; return them as the graph takes them."""
        check_is_fitted(self)
        X = check_rows(self, X, False, self._summary)
        check_like_fitted(self, X, self._summary)
        return rows_for_network(self, X, self._summary.offset)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = tags.input_tags.allow_nan = tags.input_tags.categorical = True
        return tags
