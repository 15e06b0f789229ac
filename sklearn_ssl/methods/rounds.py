"""The loop of methods that train several times: self-training, noisy student, label propagation."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..classifier import SSLClassifier

__all__ = ["Round", "RoundsClassifier"]


@dataclass(frozen=True)
class Round:
    """One training of several.

    Parameters
    ----------
    pool : ndarray of bool (n,), or None
        Rows that unlabeled batches are drawn from; None or nobody: the labels alone train.
    make_loss : callable (rows) -> nn.Module, or None
        The method, where there is a pool.
    warm : bool
        Whether to go on from the weights of the round before.
    about : dict or None
        What each record of ``history_`` says of this round.
    """

    pool: np.ndarray | None = None
    make_loss: Callable | None = None
    warm: bool = False
    about: dict | None = None


class RoundsClassifier(SSLClassifier):
    """Base of classifiers that train in rounds: a child gives them as a generator.

    ``_rounds(rows, seed)`` yields a `Round`; when it goes on, ``net_`` has been trained, and
    predicts. An interrupted round is the last one, and the generator is closed.

    Attributes
    ----------
    n_iter_ : int
        Rounds after the first one, at least 1.
    history_ : list of dict
        As in `SSLClassifier`; each record has its ``round``.
    """

    def _rounds(self, rows, seed):
        raise NotImplementedError

    def _train(self, rows, seed, previous):
        history, continues = [], previous is not None
        for number, this in enumerate(self._rounds(rows, seed)):
            pool = np.flatnonzero(np.zeros(len(rows.y)) if this.pool is None else this.pool)
            earlier = self.net_ if continues or (number and this.warm) else None
            super()._train(rows, seed, earlier, make_loss=this.make_loss, pool=pool, number=number)
            about = {"round": number, **(this.about or {})}
            history += [{**about, **record} for record in self.history_]
            if self.net_.stop_reason_ == "interrupted":
                break
        self.n_iter_, self.history_ = max(1, number), history
