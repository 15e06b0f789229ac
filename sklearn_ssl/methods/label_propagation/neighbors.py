"""Nearest rows: of a search that fits the rows, of a user's transformer, or of a user's graph."""

import logging

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.base import clone
from sklearn.neighbors import NearestNeighbors, sort_graph_by_row_values
from sklearn.utils._param_validation import HasMethods, StrOptions

from .lists import RowLists

__all__ = [
    "CONSTRAINT",
    "KnownGraph",
    "OfTransformer",
    "check_transformer",
    "fitted",
    "nearest",
    "others",
    "read_graph",
]

CONSTRAINT = [StrOptions({"auto"}), HasMethods(["fit", "transform"])]
EXACT_ROWS = 50_000  # up to here every pair of rows is compared
_log = logging.getLogger("sklearn_ssl")


def fitted(X, k, neighbors="auto", seed=0):
    """Search among rows.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n, d), or sparse graph
        Rows; what a `KnownGraph` reads if ``neighbors`` is one.
    k : int >= 1
    neighbors : "auto", transformer or KnownGraph, default="auto"
        "auto" compares all pairs of up to 50,000 rows, and of sparse ones, and has `RowLists` of
        more. A transformer is cloned.
    seed : int, default=0

    Returns
    -------
    search
        ``kneighbors(X=None, n_neighbors=k)`` returns distances and numbers of the nearest rows,
        ascending; of the rows themselves, each without itself, if X is None.
    """
    n = X.shape[0]
    if isinstance(neighbors, KnownGraph):
        search, how = neighbors.fit(X, k), "are read from the given graph"
    elif neighbors != "auto" and n > 1:
        search = OfTransformer(neighbors, k).fit(X)
        how = f"are found by {type(neighbors).__name__}"
    elif n <= EXACT_ROWS or issparse(X):
        search = NearestNeighbors(n_neighbors=min(k, n)).fit(X)
        how = "are found by scikit-learn's exact search"
    else:
        search = RowLists(k, seed).fit(X)
        how = f"are searched in {search.n_probes} of {len(search.means):,} lists"
    _log.info("The neighbours among %s rows %s.", f"{n:,}", how)
    return search


def nearest(X, k, seed=0, neighbors="auto"):
    """Nearest other rows of every row.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n, d)
    k : int >= 1
        At most n - 1 are found.
    seed : int, default=0
        Of the approximate search among more than 50,000 dense rows.
    neighbors : "auto" or transformer, default="auto"
        As in `fitted`.

    Returns
    -------
    distances : ndarray of shape (n, k)
        Euclidean, ascending.
    rows : ndarray of int, shape (n, k)

    Examples
    --------
    >>> nearest(np.array([[0.0], [1.0], [3.0]]), 1)[1].ravel()
    array([1, 0, 1])
    """
    if min(k, X.shape[0] - 1) == 0:
        return none_of(X)
    return others(fitted(X, k, neighbors, seed), X, k)


def others(search, X, k):
    """As `nearest`, of a search that is fitted to X."""
    k = min(k, X.shape[0] - 1)
    return search.kneighbors(n_neighbors=k) if k else none_of(X)


def none_of(X):
    """The neighbours of a single row."""
    return np.empty((X.shape[0], 0)), np.empty((X.shape[0], 0), dtype=np.int64)


class OfTransformer:
    """Neighbours in the graph that a clone of a transformer makes of rows."""

    def __init__(self, transformer, n_neighbors):
        self.transformer, self.n_neighbors = transformer, n_neighbors

    def fit(self, X):
        """Fit the clone to rows X (n, d)."""
        check_transformer(self.transformer, min(self.n_neighbors, X.shape[0] - 1))
        self.transformer = clone(self.transformer)
        own = getattr(self.transformer, "n_neighbors", None)
        if own is not None and own >= X.shape[0]:  # of the rows some are equal, or left out
            self.transformer.set_params(n_neighbors=X.shape[0] - 1)
        if hasattr(self.transformer, "fit_transform"):
            graph = self.transformer.fit_transform(X)
        else:
            graph = self.transformer.fit(X).transform(X)
        self.graph = self._read(graph, X.shape[0], X.shape[0])
        return self

    def kneighbors(self, X=None, n_neighbors=None):
        """As `sklearn.neighbors.NearestNeighbors.kneighbors`."""
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        n = self.graph.shape[1]
        if X is None:
            return first_of(self.graph, min(k, n - 1), True, self._remedy)
        graph = self._read(self.transformer.transform(X), X.shape[0], n)
        return first_of(graph, min(k, n - 1), False, self._remedy)

    def _read(self, graph, m, n):
        name = f"What {type(self.transformer).__name__} makes of rows"
        graph = read_graph(graph, name)
        if graph.shape != (m, n):
            raise ValueError(f"{name} has shape {graph.shape}; {(m, n)} was expected.")
        return graph

    @property
    def _remedy(self):
        return f"let {type(self.transformer).__name__} find more of them"


class KnownGraph:
    """Neighbours in a sparse graph of distances to the ``columns`` (n,) that are used.

    In ``fit`` a row that leads to itself does not count as its own neighbour.
    """

    _remedy = (
        "lower that of the estimator, or pass a graph with more neighbours, as rows that a split "
        "leaves out, or whose weight is 0, do not count"
    )

    def __init__(self, columns):
        self.columns = columns

    def fit(self, graph, n_neighbors):
        """Keep the graph of the used rows: sparse (n, all columns)."""
        self.n_neighbors, self.graph = n_neighbors, self._cut(graph)
        self.kneighbors()  # which finds out whether there are as many
        return self

    def kneighbors(self, graph=None, n_neighbors=None):
        """As `sklearn.neighbors.NearestNeighbors.kneighbors`; rows are those of a graph."""
        k, n = self.n_neighbors if n_neighbors is None else n_neighbors, len(self.columns)
        if graph is None:
            return first_of(self.graph, min(k, n - 1), True, self._remedy)
        return first_of(self._cut(graph), min(k, n), False, self._remedy)

    def _cut(self, graph):
        whole = len(self.columns) == graph.shape[1]
        return graph if whole else csr_array(graph[:, self.columns])


def check_transformer(transformer, k):
    """Refuse a transformer whose parameters tell that its graph will not do."""
    name = type(transformer).__name__
    if getattr(transformer, "mode", "distance") == "connectivity":
        raise ValueError(f"neighbors is {name} of mode 'connectivity': pass mode='distance'.")
    own = getattr(transformer, "n_neighbors", None)
    if own is not None and own < k:
        raise ValueError(
            f"neighbors is {name} of n_neighbors={own}, but n_neighbors={k} are needed: give it at "
            "least as many."
        )


def read_graph(graph, name="X"):
    """Check a sparse graph of distances; return it as CSR, each row ascending.

    Raises
    ------
    ValueError
        If it is dense, leads to columns that it does not have, or holds values that are no
        distances.
    """
    if not issparse(graph):
        raise ValueError(
            f"{name} is no sparse graph of distances, but {type(graph).__name__}. With "
            "neighbors='precomputed' pass what KNeighborsTransformer(mode='distance') or "
            "kneighbors_graph(mode='distance') give; rows need neighbors='auto'."
        )
    graph = csr_array(graph)
    graph.check_format()  # a column beyond the last would be written to
    if graph.nnz == 0:
        return graph
    if not (np.isfinite(graph.data).all() and graph.data.min() >= 0):
        raise ValueError(f"{name} holds values that are no distances: NaN, infinite or below 0.")
    return sort_graph_by_row_values(graph, copy=True, warn_when_not_sorted=False)


def first_of(graph, k, itself, remedy):
    """Distances and columns (m, k) of the first entries of each row of a graph in order.

    With ``itself`` entries on the diagonal are left out.
    """
    rows = np.repeat(np.arange(graph.shape[0]), np.diff(graph.indptr))
    kept = rows != graph.indices if itself else np.ones(len(rows), dtype=bool)
    counts = np.bincount(rows[kept], minlength=graph.shape[0])
    if counts.min(initial=k) < k:
        raise ValueError(
            f"Row {counts.argmin()} has {counts.min()} neighbours in the graph, but "
            f"n_neighbors={k} are needed: {remedy}."
        )
    place = (np.cumsum(counts) - counts)[:, None] + np.arange(k)
    columns = graph.indices[kept][place].astype(np.int64)
    return graph.data[kept][place].astype(np.float64), columns
