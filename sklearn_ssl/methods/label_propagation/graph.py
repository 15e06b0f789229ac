"""Sparse graphs of nearest neighbours, and labels that diffuse over them."""

import numpy as np
import torch
from scipy.sparse import csr_array, diags_array, issparse

from ...inputs.class_prior import shifted, source_shift
from ...inputs.points import as_points, digests, nodes_of
from .neighbors import KnownGraph, fitted, others

__all__ = [
    "LabelGraph",
    "above_zero",
    "certainty",
    "closeness",
    "diffuse",
    "edges",
    "pooled",
    "spread",
    "stay_sparse",
    "with_prior",
]

DENSE_SIZE = 2**22  # up to here sparse rows become dense, so that they have the neighbours of those


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
    root = np.sqrt(np.divide(1, degree, out=np.zeros(len(degree)), where=degree > 0))
    S = csr_array(W)  # which shares its places with W
    S.data = S.data * root[S.indices] * np.repeat(root, np.diff(S.indptr))
    F, R, P, tiny = np.zeros_like(Y), Y.copy(), Y.copy(), np.finfo(float).tiny
    n_iter, squared = 0, _dots(R, R)
    goal = tol**2 * squared
    while n_iter < max_iter and (squared > goal).any():
        n_iter += 1
        Q = S @ P
        Q *= -alpha
        Q += P
        step = squared / np.maximum(_dots(P, Q), tiny)
        F += step * P
        R -= step * Q
        before, squared = squared, _dots(R, R)
        P *= squared / np.maximum(before, tiny)
        P += R
    return np.maximum(F, 0, out=F), n_iter


def _dots(A, B):
    """Products of the columns of A and B (n, K), without an array of that size."""
    return np.einsum("ij,ij->j", A, B)


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
    ``neighbors`` is the search among them, as `fitted` takes it, and then the fitted one. With a
    `KnownGraph` there are no rows but those of the graph, and each is a node.
    """

    shift = None

    def __init__(self, n_neighbors, alpha, scale=None, documents=False, neighbors="auto"):
        self.n_neighbors, self.alpha, self.documents = n_neighbors, alpha, documents
        self.scale = None if scale is None else above_zero(scale)
        self.known, self.neighbors = isinstance(neighbors, KnownGraph), neighbors

    def fit(self, X, codes, weight, n_classes, seed, prior=None):
        """Build the graph of the rows X, spread their labels; return iterations and class shares.

        ``prior`` is the `ClassPrior` where the classes' shares are known.
        """
        self.sparse = stay_sparse(X)
        nodes, n_iter = self._scaled(X), 1
        first = self.node = np.arange(len(codes))
        if not self.known:
            first, self.node = nodes_of(digests(nodes))
        nodes = nodes if len(first) == len(codes) else nodes[first]
        self.distributions = Y = pooled(codes, weight, self.node, n_classes)
        labels = Y.sum(0) / Y.sum()
        shares = labels if prior is None else prior.blend(labels)
        self.neighbors = fitted(nodes, self.n_neighbors, self.neighbors, seed)
        if (codes < 0).any():  # else the labels alone vote
            distances, rows = others(self.neighbors, nodes, self.n_neighbors)
            copies = np.bincount(self.node)
            W = closeness(distances)
            self.distributions, n_iter = spread(W, rows, Y, self.alpha, copies)
            self.distributions, shares = with_prior(self.distributions, Y, copies, prior)
        by_bayes = None if prior is None else source_shift(shares, labels)
        self.shift = None if (codes < 0).any() else by_bayes
        self.reached = self.distributions.any(1)
        if not self.reached.all():
            labeled, far = Y.any(1), ~self.reached
            votes = np.tile(labels, (far.sum(), 1))
            if not self.known:
                search = fitted(nodes[labeled], self.n_neighbors, seed=seed)
                votes = self._vote(search, Y[labeled], nodes[far])
            self.distributions[far] = votes if by_bayes is None else shifted(votes, by_bayes)
        return n_iter, shares

    def predict_proba(self, X):
        """Class distributions (m, K) of new rows: those of their neighbours, by closeness."""
        p = self._vote(self.neighbors, self.distributions, self._scaled(X))
        return p if self.shift is None else shifted(p, self.shift)

    @staticmethod
    def _vote(neighbors, distributions, X):
        distances, rows = neighbors.kneighbors(X)
        p = edges(closeness(distances), rows, len(distributions)) @ distributions
        return p / p.sum(1, keepdims=True)

    def _scaled(self, X):
        return X if self.known else as_points(X, self.scale, self.documents, self.sparse)
