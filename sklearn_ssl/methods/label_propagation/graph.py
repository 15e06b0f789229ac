"""Sparse graphs of nearest neighbours, and labels that diffuse over them."""

import numpy as np
import torch
from scipy.sparse import csr_array, diags_array, issparse
from sklearn.neighbors import NearestNeighbors

from ...inputs.class_prior import shifted, source_shift
from ...inputs.points import as_points, digests, nodes_of

__all__ = [
    "LabelGraph",
    "above_zero",
    "certainty",
    "closeness",
    "diffuse",
    "edges",
    "nearest",
    "pooled",
    "spread",
    "stay_sparse",
    "with_prior",
]

EXACT_ROWS = 50_000  # up to here every pair of rows is compared
DENSE_SIZE = 2**22  # up to here sparse rows become dense, so that they have the neighbours of those


def nearest(X, k, seed=0):
    """Nearest other rows of every row.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n, d)
    k : int >= 1
        At most n - 1 are found.
    seed : int
        Of the approximate search, which takes over for dense X of more than 50,000 rows.

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
    n = X.shape[0]
    k = min(k, n - 1)
    if k == 0:
        return np.empty((n, 0)), np.empty((n, 0), dtype=np.int64)
    if n > EXACT_ROWS and not issparse(X):
        return _nearly_nearest(X, k, seed)
    return NearestNeighbors(n_neighbors=k).fit(X).kneighbors()


def _nearly_nearest(X, k, seed, n_trees=8, leaf=200, hops=10):
    """`nearest` by trees of random hyperplanes, and then among the neighbours of neighbours.

    A tree halves the rows at the median of a projection while more than ``leaf`` of them are left,
    and compares those (Dasgupta and Freund 2008, "Random projection trees and low dimensional
    manifolds"). A neighbour's ``hops`` nearest rows are tried too (Dong, Moses and Li 2011,
    "Efficient k-nearest neighbor graph construction for generic similarity measures").
    """
    x = torch.from_numpy(X - X.mean(0)).float()
    n, generator = len(x), torch.Generator().manual_seed(seed)
    rows = torch.arange(n)[:, None].repeat(1, max(k, hops))  # itself: replaced by whatever comes
    distances = torch.full(rows.shape, torch.inf)

    def keep_best(these, others, far):
        others, far = torch.cat([rows[these], others], 1), torch.cat([distances[these], far], 1)
        others, order = others.sort(1)
        far = far.gather(1, order).masked_fill_(others == these[:, None], torch.inf)
        far[:, 1:].masked_fill_(others[:, 1:] == others[:, :-1], torch.inf)
        distances[these], order = far.topk(rows.shape[1], largest=False)
        rows[these] = others.gather(1, order)

    depth = int(np.log2(max(1, n / max(leaf, 2 * k))))
    for _ in range(n_trees):
        order = torch.randperm(n, generator=generator)[: n >> depth << depth]  # so halves are equal
        for level in range(depth):
            order = order.view(1 << level, -1)
            for nodes in order.split(max(1, 2**18 // order.shape[1])):
                direction = x[nodes[:, 0]] - x[nodes[:, 1]]  # follows the spread of these rows
                nodes[:] = nodes.gather(1, (x[nodes] @ direction[:, :, None])[..., 0].argsort(1))
        for leaves in order.view(1 << depth, -1).split(64):
            far = torch.cdist(x[leaves], x[leaves])
            far, near = far.topk(rows.shape[1] + 1, largest=False)
            near = leaves[:, None].expand(-1, leaves.shape[1], -1).gather(2, near)
            keep_best(leaves.flatten(), near.flatten(0, 1), far.flatten(0, 1))
    for these in torch.arange(n).split(max(1, 2**24 // (hops**2 * x.shape[1]))):
        others = rows[rows[these, :hops], :hops].flatten(1)
        keep_best(these, others, torch.cdist(x[these, None], x[others])[:, 0])
    return distances[:, :k].numpy(), rows[:, :k].numpy()


def stay_sparse(X):
    """Whether rows X (n, ...) are sparse, and too many to become dense."""
    return issparse(X) and np.prod(X.shape) > DENSE_SIZE


def above_zero(scale):
    """Divisors of columns: a tensor at least 0 -> ndarray, 1 where a column is constant."""
    return torch.where(scale > 0, scale, 1).numpy()


def edges(weights, rows, n):
    """Weights (m, k) of the rows (m, k) they lead to, among n -> sparse (m, n)."""
    m, k = rows.shape
    return csr_array((weights.ravel(), rows.ravel(), np.arange(m + 1) * k), (m, n))


def closeness(distances):
    """Gaussian of each row's own width: half the distance to its farthest neighbour."""
    return np.exp(-2 * np.square(distances / np.maximum(distances[:, -1:], 1e-30)))


def diffuse(W, Y, alpha, tol=1e-8, max_iter=1000):
    """Solve (I - alpha S) F = Y with S = D^-1/2 W D^-1/2 by conjugate gradients, class by class.

    Parameters
    ----------
    W : sparse array of shape (n, n)
        Symmetric, at least 0. Neither it nor anything else is made dense.
    Y : ndarray of shape (n, K)
        At least 0.
    alpha : float in (0, 1)
    tol : float
        Stop where every class has a residual below it, relative to Y.
    max_iter : int

    Returns
    -------
    F : ndarray of shape (n, K)
        At least 0.
    n_iter : int

    References
    ----------
    Zhou et al. 2004, equation 3; solved so in Iscen et al. 2019, section 3.

    Examples
    --------
    >>> W = csr_array([[0.0, 1.0], [1.0, 0.0]])
    >>> F, n_iter = diffuse(W, np.array([[1.0], [0.0]]), alpha=0.5)
    >>> F.round(3).ravel(), n_iter
    (array([1.333, 0.667]), 2)
    """
    degree = np.asarray(W.sum(0)).ravel()
    root = np.sqrt(np.divide(1, degree, out=np.zeros(len(degree)), where=degree > 0))[:, None]
    F, R, P, tiny = np.zeros_like(Y), Y.copy(), Y.copy(), np.finfo(float).tiny
    n_iter, squared = 0, np.square(R).sum(0)
    goal = tol**2 * squared
    while n_iter < max_iter and (squared > goal).any():
        n_iter += 1
        Q = P - alpha * (root * (W @ (root * P)))
        step = squared / np.maximum((P * Q).sum(0), tiny)
        F += step * P
        R -= step * Q
        before, squared = squared, np.square(R).sum(0)
        P = R + squared / np.maximum(before, tiny) * P
    return np.maximum(F, 0), n_iter


def pooled(codes, weight, node, n_classes):
    """Y: the weights of the labels of each node, by class (m, K). Each node has a row."""
    Y, labeled = np.zeros((node.max() + 1, n_classes)), codes >= 0
    np.add.at(Y, (node[labeled], codes[labeled]), weight[labeled])
    return Y


def spread(weights, rows, Y, alpha, copies=None):
    """Class distributions (m, K) of all nodes, from edges and labels; 0 where no label reaches.

    A node of c equal rows (``copies``) leads to itself with c - 1 times the weight of its other
    edges: else a table of few distinct rows is mixed until all of its nodes look alike.

    Column sums of F, over the rows, are made proportional to the square root of the classes'
    shares among the labels. The shares themselves (class mass normalisation: Zhu, Ghahramani and
    Lafferty 2003), and Zhou's F as it is, let rare classes vanish, and equal sums make too much of
    them.

    Parameters
    ----------
    weights, rows : ndarray of shape (m, k)
        Edges of the nodes, and the nodes that they lead to.
    Y : ndarray of shape (m, K)
        As `pooled` returns it.
    alpha : float in (0, 1)
    copies : ndarray of shape (m,), or None
        Rows of each node; None: one.

    Returns
    -------
    distributions : ndarray of shape (m, K)
    n_iter : int
    """
    A, share = edges(weights, rows, len(Y)), Y.sum(0) / Y.sum()
    W = A + A.T
    if copies is not None and copies.max() > 1:
        W = csr_array(W + diags_array((copies - 1) * W.sum(0)))
    Y = np.ldexp(Y, -np.frexp(Y.max(0))[1])  # of no unit, so that squares are numbers
    F, n_iter = diffuse(W, Y, alpha)
    sums = (F if copies is None else copies[:, None] * F).sum(0)
    F *= np.divide(np.sqrt(share), sums, out=np.zeros(len(share)), where=share > 0)
    total = F.sum(1, keepdims=True)
    return F / np.where(total > 0, total, 1), n_iter


def with_prior(p, Y, copies, prior):
    """Distributions of nodes (m, K) with known class shares.

    The mean over the rows without a label that a label reaches is brought to them.

    Parameters
    ----------
    p, Y : ndarray of shape (m, K)
        What `spread` returns, and was given.
    copies : ndarray of shape (m,)
        Rows of each node.
    prior : ClassPrior or None
        None leaves p as it is.

    Returns
    -------
    distributions : ndarray of shape (m, K)
    shares : ndarray of shape (K,)
        Those of the prior, as far as it is trusted; without one those among the labels.
    """
    shares, free = Y.sum(0) / Y.sum(), ~Y.any(1) & p.any(1)
    if prior is not None and free.any():
        shares, shift = prior.shift(p[free], shares, copies[free])
        p[free] = shifted(p[free], shift)
    elif prior is not None:
        shares = prior.blend(shares)
    return p, shares


def certainty(probabilities):
    """1 - entropy / log K: (n, K) -> (n,) in [0, 1].

    References
    ----------
    Iscen et al. 2019, equation 11.

    Examples
    --------
    >>> certainty(np.array([[1.0, 0.0], [0.5, 0.5]]))
    array([1., 0.])
    """
    p, n_classes = probabilities, probabilities.shape[1]
    entropy = -(p * np.log(np.where(p > 0, p, 1))).sum(1)
    return np.clip(1 - entropy / np.log(max(2, n_classes)), 0, 1)


class LabelGraph:
    """Labels diffused over training rows as they are, and kept with them for new rows.

    Columns are divided by ``scale``, so that they vary alike; zeros stay zeros, so that many sparse
    rows stay sparse. ``documents`` are brought to length 1 instead, so that neighbours are those of
    the largest cosine. Equal rows share a node. ``distributions`` (m, K) are those of the nodes,
    ``node`` (n,) says which is a row's, ``reached`` (m,) which of them a label reaches, and
    ``neighbors`` is the fitted search among them.
    """

    shift = None

    def __init__(self, n_neighbors, alpha, scale, documents=False):
        self.n_neighbors, self.alpha, self.documents = n_neighbors, alpha, documents
        self.scale = above_zero(scale)

    def fit(self, X, codes, weight, n_classes, seed, prior=None):
        """Build the graph of the rows X, spread their labels; return iterations and class shares.

        ``prior`` is the `ClassPrior` where the classes' shares are known.
        """
        self.sparse = stay_sparse(X)
        scaled, n_iter = self._scaled(X), 1
        first, self.node = nodes_of(digests(scaled))
        nodes = scaled if len(first) == len(codes) else scaled[first]
        self.distributions = Y = pooled(codes, weight, self.node, n_classes)
        labels = Y.sum(0) / Y.sum()
        shares = labels if prior is None else prior.blend(labels)
        if (codes < 0).any():  # else the labels alone vote
            distances, rows = nearest(nodes, self.n_neighbors, seed)
            copies = np.bincount(self.node)
            W = closeness(distances)
            self.distributions, n_iter = spread(W, rows, Y, self.alpha, copies)
            self.distributions, shares = with_prior(self.distributions, Y, copies, prior)
        by_bayes = None if prior is None else source_shift(shares, labels)
        self.shift = None if (codes < 0).any() else by_bayes
        self.reached = self.distributions.any(1)
        if not self.reached.all():
            labeled, far = Y.any(1), ~self.reached
            votes = self._vote(self._search(nodes[labeled]), Y[labeled], nodes[far])
            self.distributions[far] = votes if by_bayes is None else shifted(votes, by_bayes)
        self.neighbors = self._search(nodes)
        return n_iter, shares

    def predict_proba(self, X):
        """Class distributions (m, K) of new rows: those of their neighbours, by closeness."""
        p = self._vote(self.neighbors, self.distributions, self._scaled(X))
        return p if self.shift is None else shifted(p, self.shift)

    def _search(self, nodes):
        return NearestNeighbors(n_neighbors=min(self.n_neighbors, nodes.shape[0])).fit(nodes)

    @staticmethod
    def _vote(neighbors, distributions, X):
        distances, rows = neighbors.kneighbors(X)
        p = edges(closeness(distances), rows, len(distributions)) @ distributions
        return p / p.sum(1, keepdims=True)

    def _scaled(self, X):
        return as_points(X, self.scale, self.documents, self.sparse)
