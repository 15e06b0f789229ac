"""Paired labeled and unlabeled batches, drawn on the device that trains."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from scipy.sparse import issparse

from ..inputs.devices import to_device
from ..inputs.lazy import LazyRows
from ..inputs.tensors import rows_to_tensor, to_float

__all__ = ["Batch", "PairedBatches"]

LARGE = 2**20  # rows of which no order is kept in memory


class Batch(NamedTuple):
    """What a method sees at each step; B is ``batch_size``, mu is ``unlabeled_ratio``.

    ``x_u`` and ``i_u`` have no rows when the fit has no unlabeled pool.
    """

    x_l: torch.Tensor  #: (B, ...) float, labeled rows; uint8 images arrive scaled to [0, 1]
    y_l: torch.Tensor  #: (B,) int64, their classes in 0..K-1; of regressors (B, T) float
    x_u: torch.Tensor  #: (mu * B, ...) float, rows of the unlabeled pool
    i_u: torch.Tensor  #: (mu * B,) int64, their row numbers in the X given to fit
    t: float  #: progress in [0, 1): step / max_steps
    generator: torch.Generator  #: the only source of randomness of views and losses
    average: torch.nn.Module | None = None  #: the averaged network, in evaluation mode
    labeled_share: float | None = None  #: of rows outside the pool; None: that of the batch

    def mean_over_rows(self, values):
        """Estimate the mean over all rows of the fit: (B + mu * B,), labeled rows first, -> ().

        Labeled rows fill more of a batch than of the data, so that a plain mean would count each
        of them many times. Here labeled and unlabeled rows count by their shares of the data;
        labeled rows that the pool holds too come with ``x_u``.
        """
        labeled, unlabeled = values.split([len(self.x_l), len(self.x_u)])
        if not len(unlabeled):
            return labeled.mean()
        share = len(labeled) / len(values) if self.labeled_share is None else self.labeled_share
        return share * labeled.mean() + (1 - share) * unlabeled.mean()


class _Shuffled:
    """An endless stream of the numbers 0..n-1, reshuffled at every pass."""

    def __init__(self, n, generator):
        self.n, self.generator = n, generator
        self.queue = torch.empty(0, dtype=torch.int64, device=generator.device)

    def take(self, k):
        if len(self.queue) < k:
            # several passes at once where n is small, since each call costs microseconds
            passes = max(1, -(-8 * k // self.n)) if self.n < 8 * k else 1
            keys = torch.rand(
                passes, self.n, generator=self.generator, device=self.generator.device
            )
            self.queue = torch.cat([self.queue, keys.argsort(1).flatten()])
        taken, self.queue = self.queue[:k], self.queue[k:]
        return taken

    def state(self):
        """What the rest of the stream depends on beside the generator: tensor of int64."""
        return self.queue

    def load_state(self, state):
        self.queue = state


class _Permuted(_Shuffled):
    """The same for large n: an order that is computed, a few thousand numbers at a time.

    To sort n keys takes seconds, and tens of bytes for each. Here a number is a pair of Z_a x Z_b
    with a b >= n, and each round of a Feistel network adds a hash of one half to the other, which
    maps pairs one to one; what is n or more is left out. John Black and Phillip Rogaway 2002,
    "Ciphers with Arbitrary Finite Domains", the generalized Feistel cipher.
    """

    CHUNK, ROUNDS = 2**15, 6

    def __init__(self, n, generator):
        super().__init__(n, generator)
        self.a = math.isqrt(n - 1) + 1
        self.b = -(-n // self.a)
        self.keys = torch.zeros(self.ROUNDS, dtype=torch.int64, device=generator.device)
        self.place = self.a * self.b  # the end of a pass

    def take(self, k):
        while len(self.queue) < k:
            if self.place == self.a * self.b:
                self.place = 0
                self.keys = torch.empty_like(self.keys).random_(generator=self.generator)
            end = min(self.place + self.CHUNK, self.a * self.b)
            numbers = self._image(torch.arange(self.place, end, device=self.keys.device))
            self.queue, self.place = torch.cat([self.queue, numbers[numbers < self.n]]), end
        return super().take(k)

    def _image(self, pairs):
        """One to one from 0..ab-1 to itself, by the keys."""
        left, right = pairs // self.b, pairs % self.b
        for first, second in self.keys.split(2):
            left = (left + _hashed(right, first) % self.a) % self.a
            right = (right + _hashed(left, second) % self.b) % self.b
        return left * self.b + right

    def state(self):
        place = torch.tensor([self.place], device=self.keys.device)
        return torch.cat([place, self.keys, self.queue])

    def load_state(self, state):
        self.place = int(state[0])
        self.keys, self.queue = state[1 : 1 + self.ROUNDS], state[1 + self.ROUNDS :]


def _hashed(x, key):
    """Mix the bits of int64 numbers, which wrap around."""
    for factor in (
        -7046029254386353131,
        -4658895280553007687,
    ):  # odd, of about as many ones as zeros
        x = (x ^ key) * factor
        x = x ^ (x >> 29)
    return x


class _Weighted:
    """An endless stream of the numbers 0..n-1, each drawn in proportion to its weight."""

    def __init__(self, weight, generator):
        self.weight = torch.from_numpy(weight).to(generator.device)
        self.generator = generator
        self.queue = torch.empty(0, dtype=torch.int64)  # no memory between draws

    def take(self, k):
        return torch.multinomial(self.weight, k, replacement=True, generator=self.generator)

    def state(self):
        return self.queue

    def load_state(self, state):
        pass


def _stream(n, generator):
    return (_Permuted if n > LARGE else _Shuffled)(n, generator)


class PairedBatches:
    """Batches of B labeled rows and mu * B rows of the unlabeled pool, on ``device``.

    Parameters
    ----------
    X : ndarray of shape (n, ...), CSR matrix, MixedRows or LazyRows
        Rows that do not fit on the device, and lazy ones, are read one batch ahead, in another
        thread. Where rows stay on the host, their numbers are drawn there: it need not wait for
        the device to know them.
    y : ndarray of shape (n,) of int, or (n, T) of float
        Class codes 0..K-1, or targets; what stands in unlabeled rows does not matter.
    labeled : ndarray of bool, shape (n,)
    pool : ndarray of int, or None
        Row numbers the unlabeled part is drawn from.
    weight : ndarray of shape (n,) or None
        Labeled rows are drawn in proportion to it; all equal or None: every one once a pass.
    batch_size, unlabeled_ratio : int
        B and mu.
    max_steps : int
        The budget, from which the length of an epoch follows.
    device : torch.device
    seed : int
    sparse : bool
        Whether rows of a CSR matrix come as `SparseRows`.
    n_processes : int
        How many processes draw batches of their own, of this size, in each step.

    Attributes
    ----------
    labeled_share : float in [0, 1]
        What part of all rows, labeled ones and the pool, is labeled and not in the pool.
    steps_per_epoch : int
        One pass over the pool by all processes together, or a hundredth of the budget if that is
        longer, so that a table of 80 rows does not spend its time between one-step epochs.
    """

    def __init__(
        self,
        X,
        y,
        labeled,
        pool,
        *,
        batch_size,
        unlabeled_ratio,
        max_steps,
        device,
        seed,
        weight=None,
        sparse=False,
        n_processes=1,
    ):
        self.device = torch.device(device)
        self.generator = torch.Generator(self.device).manual_seed(seed)
        whole = not (hasattr(X, "toarray") or isinstance(X, LazyRows))
        self.X, self.sparse = rows_to_tensor(X) if whole else X, sparse and issparse(X)
        far = isinstance(X, LazyRows)
        if isinstance(self.X, torch.Tensor):
            far = not self._fits(self.X)
            self.X = self.X if far else self.X.to(self.device)
        self._reader = ThreadPoolExecutor(1) if far else None
        self._generators = [self.generator]
        on_host = far or not isinstance(self.X, torch.Tensor)
        if on_host and self.device.type != "cpu":
            self._generators.append(torch.Generator().manual_seed(seed))
        chooser = self._generators[-1]  # of row numbers
        self._place = chooser.device
        self._ahead = None  # the batch that is being read: its row numbers, and the rows
        labeled = np.flatnonzero(labeled)
        pool = np.empty(0, dtype=np.int64) if pool is None else pool
        self.labeled = torch.from_numpy(labeled).to(self._place)
        kind = np.float32 if y.dtype.kind == "f" else np.int64
        self.y = torch.from_numpy(y[labeled].astype(kind)).to(self.device)
        self.pool = torch.from_numpy(np.asarray(pool, dtype=np.int64)).to(self._place)
        in_pool = np.zeros(len(y), dtype=bool)
        in_pool[pool] = True
        outside = int((~in_pool[labeled]).sum())
        self.labeled_share = outside / (outside + len(pool))
        self.batch_size = batch_size
        self.n_unlabeled = unlabeled_ratio * batch_size if len(pool) else 0
        self._labeled_stream = _stream(len(labeled), chooser)
        if weight is not None and np.ptp(weight[labeled]) > 0:
            self._labeled_stream = _Weighted(weight[labeled], chooser)
        self._pool_stream = _stream(len(pool), chooser)
        one_pass = len(pool) / self.n_unlabeled if len(pool) else len(labeled) / batch_size
        self.steps_per_epoch = int(np.ceil(max(one_pass / n_processes, max_steps / 100)))

    def state_dict(self):
        """Where the streams stand, as tensors."""
        queues = [self._labeled_stream.state().cpu(), self._pool_stream.state().cpu()]
        ahead = None if self._ahead is None else tuple(i.cpu() for i in self._ahead[0])
        generators = [generator.get_state() for generator in self._generators]
        return {"generators": generators, "queues": queues, "ahead": ahead}

    def load_state_dict(self, state):
        """Go on from where another instance on the same rows stood."""
        for generator, known in zip(self._generators, state["generators"], strict=True):
            generator.set_state(known)
        for stream, queue in zip(
            (self._labeled_stream, self._pool_stream), state["queues"], strict=True
        ):
            stream.load_state(queue.to(self._place))
        if state["ahead"] is not None:
            ahead = tuple(index.to(self._place) for index in state["ahead"])
            self._ahead = (ahead, None) if self._reader is None else self._read(*ahead)

    def _fits(self, rows):
        if self.device.type != "cuda":
            return True
        return rows.nbytes < torch.cuda.mem_get_info(self.device)[0] / 2

    def _rows(self, index):
        if isinstance(self.X, torch.Tensor):
            rows = self.X.index_select(0, index)
        else:
            rows = rows_to_tensor(self.X[index.numpy()], self.sparse)
        return to_float(to_device(rows, self.device))

    def _choose(self):
        """Draw row numbers: positions among the labeled rows (B,), rows of the pool (mu * B,)."""
        picked = self._labeled_stream.take(self.batch_size)
        if not self.n_unlabeled:
            return picked, self.pool
        return picked, self.pool.index_select(0, self._pool_stream.take(self.n_unlabeled))

    def _read(self, picked, i_u):
        """Have the rows read in another thread."""
        index = torch.cat([self.labeled[picked], i_u])
        return (picked, i_u), self._reader.submit(self._rows, index)

    def peek(self, n=2):
        """Return the first labeled rows as `draw` would, drawing nothing."""
        return self._rows(self.labeled[:n])

    def draw(self, t):
        """Draw the batch for progress ``t``; read the next one meanwhile if it is not here yet."""
        if self._reader is None:  # _ahead: from a checkpoint of where rows did not fit
            (picked, i_u), self._ahead = self._ahead[0] if self._ahead else self._choose(), None
            x = self._rows(torch.cat([self.labeled[picked], i_u]))
        else:
            (picked, i_u), reading = self._ahead or self._read(*self._choose())
            self._ahead = self._read(*self._choose())
            x = reading.result()
        x_l, x_u = x[: self.batch_size], x[self.batch_size :]
        picked, i_u = (to_device(index, self.device) for index in (picked, i_u))
        y_l = self.y[picked]
        return Batch(x_l, y_l, x_u, i_u, t, self.generator, labeled_share=self.labeled_share)
