"""What estimators on a graph, without a network, do with rows: in `fit`, and with new ones."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ..._parameters import ParameterTable
from ...inputs.checks import check_like_fitted, check_rows, rows_for_network
from ...inputs.documents import are_documents
from ...inputs.offsets import find_offset
from ...inputs.summary import DataSummary
from .neighbors import check_transformer, read_graph

__all__ = ["GraphEstimator"]


class GraphEstimator(ParameterTable, BaseEstimator):
    """Base of the estimators that keep their rows in place of a network."""

    def _drawn_seed(self):
        rng = self.random_state
        rng = np.random.RandomState(rng) if not hasattr(rng, "randint") else rng
        return rng.randint(2**31)

    @property
    def _is_graph(self):
        return isinstance(self.neighbors, str) and self.neighbors == "precomputed"

    def _check_rows(self, X):
        """Check the rows, or the graph, of `fit`, and whether the search for neighbours will do."""
        if not self._is_graph:
            X = check_rows(self, X, True)
            check_transformer(self.neighbors, min(self.n_neighbors, X.shape[0] - 1))
            return X
        X = read_graph(X)
        if X.shape[0] != X.shape[1]:
            raise ValueError(
                f"X has shape {X.shape}, but with neighbors='precomputed' it is the square graph "
                "of distances between all rows."
            )
        itself = X.diagonal()
        if (itself > 0).all() and (itself >= X.max(axis=1).toarray().ravel()).all():
            raise ValueError(
                "In X all rows are as far from themselves as from any other. With "
                "neighbors='precomputed' it holds distances, not similarities or a 1 for each "
                "neighbour: pass what KNeighborsTransformer(mode='distance') gives."
            )
        self.n_features_in_ = X.shape[1]
        vars(self).pop("feature_names_in_", None)  # of an earlier fit
        return X

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
        if self._is_graph:
            X = read_graph(X)
            if X.shape[1] != self.n_features_in_:
                raise ValueError(
                    f"X has shape {X.shape}, but a graph to the {self.n_features_in_} rows of fit "
                    "has as many columns."
                )
            return X
        X = check_rows(self, X, False, self._summary)
        check_like_fitted(self, X, self._summary)
        return rows_for_network(self, X, self._summary.offset)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = tags.input_tags.allow_nan = tags.input_tags.categorical = True
        tags.input_tags.pairwise = self._is_graph
        return tags
