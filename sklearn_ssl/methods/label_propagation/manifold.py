"""Functions that fit targets and vary little from a row to its neighbours.

Mikhail Belkin, Partha Niyogi, Vikas Sindhwani: "Manifold Regularization: A Geometric Framework for
Learning from Labeled and Unlabeled Examples", Journal of Machine Learning Research 7, 2006.
"""

import numpy as np
from scipy.linalg import eigh, qr
from scipy.sparse import csr_array, diags_array
from scipy.special import softmax
from sklearn.metrics.pairwise import euclidean_distances
from threadpoolctl import threadpool_limits

from .graph import closeness, edges
from .neighbors import nearest

__all__ = ["ManifoldRegression", "bases", "evidence", "landmarks", "laplacian", "pooled_targets"]

LENGTHS = 2.0 ** np.arange(-3, 4)  # of the kernel, in median distances between landmarks
SMOOTHNESS = 10.0 ** np.arange(1, 6)  # gamma_I of the paper; both L and L^2 may penalise
NOISES = 10.0 ** np.arange(-5, 1.1, 0.5)  # variances, in mean variances of f at the labels
PRECISION = 1e-10  # of the eigenvalues of a kernel, beside the largest


def laplacian(points, n_neighbors, seed=0, neighbors="auto"):
    """Graph Laplacian D - W of all points (n, d), of mean degree 1: sparse (n, n)."""
    distances, rows = nearest(points, n_neighbors, seed, neighbors)
    A = edges(closeness(distances), rows, points.shape[0]) if rows.size else csr_array((1, 1))
    W = A + A.T
    W = W * (points.shape[0] / max(W.sum(), 1e-30))
    return csr_array(diags_array(W.sum(0)) - W)


def landmarks(labeled, n_landmarks, rng):
    """Row numbers of at most ``n_landmarks`` kernels, ascending: labeled ones, up to half first."""
    ours, others = (rng.permutation(np.flatnonzero(rows)) for rows in (labeled, ~labeled))
    n_others = min(len(others), max(n_landmarks - len(ours), n_landmarks // 2))
    return np.sort(np.append(ours[: n_landmarks - n_others], others[:n_others]))


def pooled_targets(y, weight, node):
    """Means of the known targets y (n, T) of each node, their weights, and what is left of them.

    Returns
    -------
    mean, total : ndarray of shape (m, T)
        0 where no target is known.
    scatter : ndarray of shape (T,)
        Weighted squares of the differences from these means.
    """
    known = np.isfinite(y)
    weight, y = weight[:, None] * known, np.where(known, y, 0)
    total, mean = np.zeros((2, node.max() + 1, y.shape[1]))
    np.add.at(total, node, weight)
    np.add.at(mean, node, weight * y)
    mean /= np.where(total > 0, total, 1)
    return mean, total, (weight * (y - mean[node]) ** 2).sum(0)


def condensed(A, z):
    """As many rows as columns, at most, with the A^T A and A^T z of A (l, m); what z^T z loses."""
    if A.shape[0] <= A.shape[1]:
        return A, z, 0.0
    Q, R = qr(A, mode="economic")
    inside = Q.T @ z
    return R, inside, max(z @ z - inside @ inside, 0)


def evidence(A, z, scatter, n):
    """Bayesian regression z = A a + e, a ~ N(0, s^2), e ~ N(0, v s^2), at the likeliest v and s.

    Parameters
    ----------
    A : ndarray of shape (l, r)
    z : ndarray of shape (l,)
    scatter : float
        Squares that z leaves of the targets, where it holds means of rows, or is condensed.
    n : float
        Rows, as their weights count them.

    Returns
    -------
    log_evidence : float
        Up to a constant.
    a : ndarray of shape (r,)
        Posterior mean.

    References
    ----------
    Rasmussen and Williams 2006, "Gaussian Processes for Machine Learning", equation 2.30.
    """
    if not z.any() and scatter == 0:
        return 0.0, np.zeros(A.shape[1])  # equal targets tell nothing of any of these
    wide = A.shape[0] <= A.shape[1]
    e, V = eigh(A @ A.T if wide else A.T @ A)
    e = np.maximum(e, PRECISION * e[-1])
    p = V.T @ z if wide else (V.T @ (A.T @ z)) / np.sqrt(e)
    v = np.maximum(NOISES * e.sum() / n, 1e-300)[:, None]
    rest = max(z @ z + scatter - p @ p, 0)
    squares = (p**2 / (e + v)).sum(1) + rest / v[:, 0]  # n s^2
    logs = n * np.log(np.maximum(squares, 1e-300)) + np.log(e + v).sum(1)
    logs += (n - len(e)) * np.log(v[:, 0])
    best = logs.argmin()
    shrunk = p / (e + v[best])
    return -logs[best] / 2, A.T @ (V @ shrunk) if wide else V @ (np.sqrt(e) * shrunk)


class ManifoldRegression:
    """f(x) = center + sum_wj c_wj exp(-|x - x_j|^2 / 2 w^2): a mean of regressions of several w.

    ``landmarks`` (m, d) are the x_j, ``lengths`` (W,) the w, ``coefficients`` (W, m, T) the c, and
    ``probabilities`` (W, S, T) those of each length and penalty, given the labels; the first
    penalty does without the graph.
    """

    def __init__(self, n_neighbors, graph_probability, n_landmarks, neighbors="auto"):
        self.n_neighbors, self.graph_probability = n_neighbors, graph_probability
        self.n_landmarks, self.neighbors = n_landmarks, neighbors

    def fit(self, points, y, total, scatter, seed):
        """Fit distinct points (n, d) to what `pooled_targets` says of each.

        One thread: on a busy machine many small eigenproblems take 20 times as long with two.
        """
        with threadpool_limits(1, "blas"):
            return self._fit(points, y, total, scatter, seed)

    def _fit(self, points, y, total, scatter, seed):
        chosen = landmarks(total.any(1), self.n_landmarks, np.random.RandomState(seed))
        self.landmarks, self.center = points[chosen], (total * y).sum(0) / total.sum(0)
        squared = euclidean_distances(points, self.landmarks, squared=True)
        apart = squared[chosen][np.triu_indices(len(chosen), 1)]
        self.lengths = LENGTHS * np.sqrt(np.median(apart) if apart.any() else 1.0)
        L = None
        if self.graph_probability:
            L = laplacian(points, self.n_neighbors, seed, self.neighbors)
        z, prior = y - self.center, self._log_prior()
        logs = np.empty((*prior.shape, y.shape[1]))
        found = np.empty((*logs.shape, len(chosen)))
        for w, length in enumerate(self.lengths):
            K = gaussian(squared, length)
            of_penalties = list(bases(K, K[chosen], L))
            for t, weight in enumerate(total.T):
                known = weight > 0
                root = np.sqrt(weight[known])
                rows, targets, rest = condensed(root[:, None] * K[known], root * z[known, t])
                rest, n = rest + scatter[t], weight.sum()
                for s, basis in enumerate(of_penalties):
                    logs[w, s, t], a = evidence(rows @ basis, targets, rest, n)
                    found[w, s, t] = basis @ a
        self.probabilities = softmax(logs + prior[:, :, None], axis=(0, 1))
        self.coefficients = np.einsum("wst,wstm->wmt", self.probabilities, found)
        return self

    def _log_prior(self):
        """Of lengths and penalties, up to a constant: ndarray (W, S)."""
        p, S = self.graph_probability, 2 * len(SMOOTHNESS)
        with np.errstate(divide="ignore"):
            of_penalties = np.log([1 - p, *[p / S] * S] if p else [1.0])
        return -np.square(np.log2(LENGTHS))[:, None] / 2 + of_penalties

    def predict(self, points, block=2**22):
        """f of new points (n, d): ndarray (n, T)."""
        f = np.tile(self.center, (points.shape[0], 1))
        step = max(1, block // len(self.coefficients[0]))
        for start in range(0, len(f), step):
            part = slice(start, start + step)
            squared = euclidean_distances(points[part], self.landmarks, squared=True)
            for length, c in zip(self.lengths, self.coefficients, strict=True):
                f[part] += gaussian(squared, length) @ c
        return f


def bases(K, K_m, L):
    """Yield functions of equal prior variance for each penalty, as coefficients of kernels (m, r).

    With f = K B a the penalty |f|_K^2 + gamma f' L^p f / n is |a|^2: first without the graph, then
    for p = 1 and 2 and all gamma.

    Parameters
    ----------
    K : ndarray of shape (n, m)
        Kernels of all points and the landmarks.
    K_m : ndarray of shape (m, m)
        Of the landmarks.
    L : sparse array of shape (n, n), or None
        Laplacian; None: there is no graph.
    """
    e, U = eigh(K_m)
    kept = e > PRECISION * e[-1]
    B = U[:, kept] / np.sqrt(e[kept])
    yield B
    if L is None:
        return
    LK = L @ K
    for bending in (K.T @ LK, LK.T @ LK):
        e, U = eigh(B.T @ bending @ B / len(K))
        for gamma in SMOOTHNESS:
            yield B @ (U / np.sqrt(1 + gamma * np.maximum(e, 0)))


def gaussian(squared, length):
    """exp(-d^2 / 2 w^2) of squared distances."""
    return np.exp(squared / (-2 * length**2))
