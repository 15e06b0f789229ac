"""Approximate nearest neighbours: rows in lists by their nearest mean, of which a search reads few.

Herve Jegou, Matthijs Douze, Cordelia Schmid: "Product Quantization for Nearest Neighbor Search",
IEEE Transactions on Pattern Analysis and Machine Intelligence 33(1), 2011, section IV; here lists
hold the rows themselves.
"""

import numpy as np
import torch

__all__ = ["RowLists"]

SIZE = 512  # rows of a list, on average
OF_A_NEIGHBOR = 64  # and at least so many for each neighbour
OF_A_MEAN, ROUNDS = 40, 10  # rows that k-means looks at for each list, and its rounds
LOOKED_AT, FOUND = 400, 0.995  # rows whose neighbours are known, and the share that is to be found
BLOCK, CELLS = 2**16, 2**22  # rows searched for at a time, and what they may find in all lists
PAIRS = 2**20  # distances in memory at a time
NEAR = 1e-4  # squared distances, beside squared lengths, that floats do not tell apart


class RowLists:
    """Search among many dense rows, in the lists whose means are nearest.

    k-means makes the lists. ``n_probes`` is the smallest number of them that holds .995 of the true
    neighbours of 400 rows, so that any data get the lists that they need. All rows that ask for a
    list read it at once, as a product of matrices, which takes less time than reading it for one
    after the other. What is kept are arrays: ``rows`` (n, d) less ``center``, list by list, their
    numbers ``order`` (n,), ``starts`` (L + 1,) and ``means`` (L, d) of the lists.

    Parameters
    ----------
    n_neighbors : int >= 1
    seed : int
        Of k-means, and of the rows that are looked at.
    """

    def __init__(self, n_neighbors, seed=0):
        self.n_neighbors, self.seed = n_neighbors, seed

    def fit(self, X):
        """Sort the rows X (n, d) into lists."""
        n, k = len(X), min(self.n_neighbors, len(X) - 1)
        rng, self.center = np.random.default_rng(self.seed), X.mean(0, dtype=np.float64)
        n_lists = max(1, int(n / max(SIZE, OF_A_NEIGHBOR * (k + 1), n**0.5 / 2)))
        sample = self._centered(X[np.sort(rng.permutation(n)[: OF_A_MEAN * n_lists])])
        self.means = means_of(sample, n_lists, rng)
        of, self.rows = np.empty(n, dtype=np.int64), np.empty(X.shape, dtype=np.float32)
        for part in parts(n, BLOCK):
            of[part] = closest(self._centered(X[part]), self.means, 1)[1][:, 0]
        self.order = np.argsort(of, kind="stable")
        of = of[self.order]
        for part in parts(n, BLOCK):
            self.rows[part] = self._centered(X[self.order[part]])
        self.starts = np.searchsorted(of, np.arange(n_lists + 1))
        some = np.sort(rng.permutation(n)[:LOOKED_AT])
        near = among(self.rows[some], self.rows, k, some)[1]
        turn = np.argsort(closest(self.rows[some], self.means, n_lists)[1], 1)
        turns = np.sort(np.take_along_axis(turn, of[near], 1), axis=None)
        self.n_probes = int(turns[int(np.ceil(FOUND * len(turns))) - 1]) + 1
        return self

    def kneighbors(self, X=None, n_neighbors=None):
        """Distances and numbers (m, k) of the nearest rows; without X, of each among the others.

        As `sklearn.neighbors.NearestNeighbors.kneighbors`.
        """
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        n = len(self.rows if X is None else X)
        far, near = np.empty((n, k)), np.empty((n, k), dtype=np.int64)
        for part in parts(n, max(1, min(BLOCK, CELLS // (self.n_probes * (k + 1))))):
            x = self.rows[part] if X is None else self._centered(X[part])
            itself = np.arange(part.start, part.stop) if X is None else None
            far[part], near[part] = self._search(x, k, itself)
        near = self.order[near]
        if X is None:
            there = np.argsort(self.order)
            far, near = far[there], near[there]
        return np.sqrt(far), near

    def _centered(self, X):
        return np.subtract(X, self.center, dtype=np.float64).astype(np.float32)

    def _search(self, x, k, itself):
        """Squared distances and places in ``rows`` (m, k) of the rows nearest to x (m, d)."""
        more = k + (itself is not None)
        probes = closest(x, self.means, self.n_probes)[1]
        far = np.full((probes.size, more), np.inf)
        near = np.zeros((probes.size, more), dtype=np.int64)
        asking = np.argsort(probes, axis=None, kind="stable")
        lists, first = np.unique(probes.ravel()[asking], return_index=True)
        for number, those in zip(lists, np.split(asking, first[1:]), strict=True):
            start, end = self.starts[number : number + 2]
            if start < end:
                mean = self.means[number]
                rows, queries = self.rows[start:end] - mean, x[those // probes.shape[1]] - mean
                best, place = closest(queries, rows, more)
                far[those, : best.shape[1]], near[those, : best.shape[1]] = best, start + place
        far, near = far.reshape(len(x), -1), near.reshape(len(x), -1)
        far, near = without(far, near, k, itself)
        few = np.flatnonzero(np.isinf(far[:, -1]))  # whose lists hold fewer than k rows
        if len(few):
            those = None if itself is None else itself[few]
            near[few] = among(x[few], self.rows, k, those)[1]
        far = np.stack([np.square(x - self.rows[others]).sum(1) for others in near.T], 1)
        order = np.argsort(far, 1, kind="stable")
        return np.take_along_axis(far, order, 1), np.take_along_axis(near, order, 1)


def parts(n, size):
    """Slices of so many of n rows at a time."""
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def among(x, rows, k, itself):
    """Squared distances and places (m, k) of the nearest of all rows, but ``itself`` (m,)."""
    far, near = closest(x, rows, k + (itself is not None))
    return without(far, near, k, itself)


def without(far, near, k, itself):
    """The k nearest of candidates (m, c), in order, without the row of each that is itself."""
    if itself is not None:
        far = np.where(near == itself[:, None], np.inf, far)
    far, place = torch.from_numpy(far).topk(k, largest=False)
    return far.numpy(), np.take_along_axis(near, place.numpy(), 1)


def closest(x, rows, k):
    """Squared distances and places of the nearest rows (m, k), ascending, or all if they are fewer.

    A difference of squares loses all digits of rows that are near beside their lengths, so that
    these are searched in float64.
    """
    k = min(k, len(rows))
    far, near = _by_squares(x, rows, k)
    far = far.astype(np.float64)
    lengths = np.square(x).sum(1) + np.square(rows).sum(1).max()
    close = np.flatnonzero((far[:, 1:] < NEAR * lengths[:, None]).any(1))
    if len(close):
        far[close], near[close] = _by_squares(x[close].astype(float), rows.astype(float), k)
    return np.maximum(far, 0), near


def _by_squares(x, rows, k):
    """Squared distances and places in the floats of x."""
    x, rows = torch.from_numpy(x), torch.from_numpy(rows)
    squares, found = (rows * rows).sum(1), []
    for part in x.split(max(1, PAIRS // len(rows))):
        far = torch.addmm(squares, part, rows.T, alpha=-2)
        far, near = far.min(1, keepdim=True) if k == 1 else far.topk(k, largest=False)
        found.append((far + (part * part).sum(1, keepdim=True), near))
    return tuple(torch.cat(parts).numpy() for parts in zip(*found, strict=True))


def means_of(x, n_lists, rng):
    """k-means of x (m, d): means (L, d). A mean that is nearest to no row stays where it was."""
    means = x[rng.permutation(len(x))[:n_lists]]
    for _ in range(ROUNDS):
        of = torch.from_numpy(closest(x, means, 1)[1][:, 0])
        sums = torch.zeros(means.shape).index_add_(0, of, torch.from_numpy(x)).numpy()
        count = np.bincount(of, minlength=n_lists)[:, None]
        means = np.where(count > 0, sums / np.maximum(count, 1), means).astype(np.float32)
    return means
