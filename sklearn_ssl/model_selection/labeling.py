"""Which rows to label first, with a classifier or without one.

Without a classifier typical rows that differ: Guy Hacohen, Avihu Dekel, Daphna Weinshall: "Active
Learning on a Budget: Opposite Strategies Suit High and Low Budgets", ICML 2022, arXiv 2202.02794,
section 3.2. With one, uncertain rows that differ: Fedor Zhdanov: "Diverse mini-batch Active
Learning", 2019, arXiv 1901.05954, section 3.
"""

from numbers import Integral

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_consistent_length, check_random_state, check_scalar
from sklearn.utils.validation import _num_samples
from torch.utils.data import Dataset

from ..inputs.checks import check_rows, rows_for_network
from ..inputs.documents import are_documents
from ..inputs.from_torch import to_numpy
from ..inputs.labels import labeled_rows
from ..inputs.lazy import LazyRows, take_rows
from ..inputs.marks import mark_for
from ..inputs.offsets import find_offset
from ..inputs.points import as_points, digests, nodes_of
from ..inputs.summary import DataSummary

__all__ = ["points_of", "rows_to_label", "typical", "uncertain"]

LOOKED_AT = 50_000  # unlabeled rows, and as many labeled ones, unless more are asked for
CLUSTERS, CLUSTER_SIZE = 1000, 10  # at most so many, of at least so many rows on average
NEIGHBORS = 20  # of a typical row
POWER = 2  # of the uncertainty
TINY = 1e-9


def rows_to_label(
    X, n, y=None, *, estimator=None, features=None, unlabeled_label="auto", random_state=None
):
    """Choose rows that are worth a label.

    Without an estimator these are typical rows that differ: k-means on the rows, and of each
    cluster the row that is nearest, on average, to its 20 nearest neighbours there (Hacohen et al.
    2022, section 3.2). There are as many clusters as labels and rows asked for, but 10 rows a
    cluster at least; where there are fewer clusters, more rows are drawn from each. The
    clusters with few labels for the square root of their size come first.

    With a fitted estimator they are uncertain, dense and different rows: k-means with n clusters,
    in which a row has the weight w = (1 - (p1 - p2))^2, p1 and p2 its two largest class
    probabilities (after Zhdanov 2019, section 3, where w has no square). Of each cluster that row
    is taken for which w divided by the mean distance to its 20 nearest neighbours there is
    largest. Clusters come in the order of the sum of their weights.

    Parameters
    ----------
    X : array-like, sparse matrix, DataFrame or LazyRows of shape (m, ...)
        Rows, labeled or not. Columns are divided by their standard deviation first; categories,
        gaps, images and documents are read as `LabelPropagationClassifier` reads them.
    n : int >= 1
        Rows to choose, at most as many as have no label.
    y : array-like of shape (m,) or None, default=None
        -1 or missing values mark unlabeled rows. None: no row has a label.
    estimator : fitted classifier or Pipeline, or None, default=None
        Has ``predict_proba``, and is given rows of X.
    features : array-like of shape (m, ...) or None, default=None
        What distances are taken of, learned features for instance. None: X.
    unlabeled_label : scalar, None or "auto", default="auto"
        What marks an unlabeled row, beside missing values. "auto": the mark of the estimator, else
        -1.
    random_state : int, RandomState or None, default=None
        Seeds k-means, and all else that is drawn.

    Returns
    -------
    ndarray of int, shape (n,)
        Numbers of rows in X, the most worth first. Rows with a label are never among them, and a
        row that equals another of them, or a labeled one, only where no others are left.

    Raises
    ------
    ValueError
        If fewer than n rows have no label, the estimator has no ``predict_proba``, or X, y and
        features differ in length.

    Notes
    -----
    Of more than 50,000 unlabeled rows 50,000 are drawn, or n if that is more, and the others are
    not looked at; labeled ones likewise. There are at most 1,000 clusters. After these come, of
    typical rows more from each cluster, of uncertain ones the most uncertain.

    References
    ----------
    Guy Hacohen, Avihu Dekel, Daphna Weinshall: "Active Learning on a Budget: Opposite Strategies
    Suit High and Low Budgets", ICML 2022, arXiv 2202.02794.

    Fedor Zhdanov: "Diverse mini-batch Active Learning", 2019, arXiv 1901.05954.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn_ssl import rows_to_label
    >>> X, blob = make_blobs(300, centers=[[0, 0], [20, 0], [0, 20]], random_state=0)
    >>> rows = rows_to_label(X, 3, random_state=0)
    >>> sorted(blob[rows].tolist())
    [0, 1, 2]
    """
    check_scalar(n, "n", Integral, min_val=1)
    if estimator is not None and not hasattr(estimator, "predict_proba"):
        raise ValueError(
            f"{type(estimator).__name__} has no predict_proba, which says what it is uncertain of. "
            "Pass a classifier that has, such as CalibratedClassifierCV around it, or None."
        )
    X = LazyRows(X) if isinstance(X, Dataset) else to_numpy(X)
    check_consistent_length(X, y, features)
    labeled, rng = np.zeros(_num_samples(X), dtype=bool), check_random_state(random_state)
    if y is not None:
        known = [] if estimator is None else [estimator]
        labeled = labeled_rows(y, mark_for(known, y, unlabeled_label))
    if n > (~labeled).sum():
        raise ValueError(f"n={n} rows are asked for, but only {(~labeled).sum()} have no label.")
    parts = [np.flatnonzero(~labeled), np.flatnonzero(labeled)]
    parts = [rng.permutation(part)[: max(LOOKED_AT, n)] for part in parts]
    rows = np.sort(np.concatenate(parts))
    points = points_of(take_rows(X if features is None else to_numpy(features), rows))
    if estimator is None:
        return rows[typical(points, labeled[rows], n, rng)]
    p = np.asarray(estimator.predict_proba(take_rows(X, rows)))
    return rows[uncertain(points, labeled[rows], n, rng, p)]


class Rows(BaseEstimator):
    """Reads X as the estimators that take anything do."""

    categorical_features = "from_dtype"

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = tags.input_tags.allow_nan = tags.input_tags.categorical = True
        return tags


def points_of(X):
    """Rows of any kind as points (n, D), dense or sparse; columns count alike."""
    reader = Rows()
    X = check_rows(reader, X, reset=True)
    X = rows_for_network(reader, X, find_offset(X))
    X = X.read() if isinstance(X, LazyRows) else X
    scale, documents = DataSummary.of(X, 1).scale, are_documents(X, "auto")
    return as_points(X, torch.where(scale > 0, scale, 1).numpy(), documents, sparse=True)


def clusters_of(points, n, rng, weight=None):
    """Numbers (m,) of the clusters, at most n, that k-means finds."""
    from sklearn.cluster import KMeans  # takes longer to import than all of this package

    means = KMeans(max(1, n), n_init=1, random_state=rng.randint(2**31))
    return means.fit_predict(points, sample_weight=weight)


def distances_in_cluster(points, cluster, k=NEIGHBORS):
    """Mean distance (m,) of each row to the k nearest of its cluster (m,); 0 if it is alone."""
    distances = np.zeros(len(cluster))
    for rows in np.split(np.argsort(cluster), np.cumsum(np.bincount(cluster))[:-1]):
        if len(rows) > 1:
            search = NearestNeighbors(n_neighbors=min(k, len(rows) - 1)).fit(points[rows])
            distances[rows] = search.kneighbors()[0].mean(1)
    return distances


def occurrence(values):
    """How often each value came before.

    Examples
    --------
    >>> occurrence(np.array([4, 2, 4, 4]))
    array([0, 0, 1, 2])
    """
    order = np.argsort(values, kind="stable")
    counts = np.unique(values, return_counts=True)[1]
    before = np.empty(len(values), dtype=np.int64)
    before[order] = np.arange(len(values)) - np.repeat(np.cumsum(counts) - counts, counts)
    return before


def _copies_apart(points, labeled, rng):
    """Rows without a label, one of each kind that no labeled row equals; and the others."""
    node = nodes_of(digests(points))[1]
    rows = rng.permutation(np.flatnonzero(~labeled))
    copy = np.isin(node[rows], node[labeled]) | (occurrence(node[rows]) > 0)
    return rows[~copy], rows[copy]


def typical(points, labeled, n, rng):
    """Positions of n rows that are not labeled: of many clusters, each with its most typical row.

    Clusters come in the order of (labels + 1/2) / sqrt(rows), as labels are chosen. The first row
    of each is the most typical one; more are drawn from it at random.
    """
    rows, copies = _copies_apart(points, labeled, rng)
    if not len(rows):
        return copies[:n]
    n_clusters = min(labeled.sum() + n, len(labeled) // CLUSTER_SIZE, CLUSTERS, len(rows))
    cluster = clusters_of(points, n_clusters, rng)
    distance = distances_in_cluster(points, cluster)
    by_distance = rows[np.lexsort((distance[rows], cluster[rows]))]
    first = by_distance[occurrence(cluster[by_distance]) == 0]
    rows = np.concatenate([first, rows[~np.isin(rows, first)]])
    of, size = cluster[rows], np.bincount(cluster)
    turn = occurrence(of) + np.bincount(cluster[labeled], minlength=len(size))[of]
    order = np.argsort((turn + 0.5) / np.sqrt(size[of]), kind="stable")
    return np.concatenate([rows[order], copies])[:n]


def uncertain(points, labeled, n, rng, p):
    """Positions of n rows that are not labeled: uncertain ones by p (m, K), dense and different."""
    rows, copies = _copies_apart(points, labeled, rng)
    if not len(rows):
        return copies[:n]
    second, first = np.sort(np.pad(p[rows], [(0, 0), (1, 0)]), axis=1)[:, -2:].T
    weight = np.maximum((1 - (first - second)) ** POWER, TINY)
    cluster = clusters_of(points[rows], min(n, CLUSTERS, len(rows)), rng, weight)
    distance = distances_in_cluster(points[rows], cluster)
    by_worth = np.argsort(-weight / np.maximum(distance, TINY), kind="stable")
    best = by_worth[occurrence(cluster[by_worth]) == 0]
    best = best[np.argsort(-np.bincount(cluster, weight)[cluster[best]], kind="stable")]
    rest = np.argsort(-weight, kind="stable")
    order = np.concatenate([best, rest[~np.isin(rest, best)]])
    return np.concatenate([rows[order], copies])[:n]
