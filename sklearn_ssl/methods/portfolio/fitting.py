"""When which member is fitted: on all labels first, then fold by fold, while there is time."""

import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.utils.parallel import Parallel, delayed

from ..._warnings import warn
from .members import OVER, Fitted, attempt

__all__ = ["NONE", "Schedule", "folds_of", "folds_of_numbers"]

INTERRUPTED = "the fit was interrupted"
NONE = np.empty(0, dtype=np.int64)


def folds_of(codes, cv, seed):
    """Deal labeled rows to folds.

    Parameters
    ----------
    codes : ndarray of int, shape (n,)
        Classes of rows, -1 for unlabeled.
    cv : int or None
        So many folds, at most as many as the rarest class has labels.
    seed : int

    Returns
    -------
    folds : list of ndarray of int
        Row numbers; empty where there are too few labels.
    fewest : int
        Labels of the rarest class in the smallest part that a member learns from.
    """
    labeled = np.flatnonzero(codes >= 0)
    codes = codes[labeled]
    counts = np.bincount(codes)
    n_folds = min(cv or 1, counts.min())
    if n_folds < 2:
        return [], counts.min()
    split = StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(codes, codes)
    parts = list(split)
    fewest = min(np.bincount(codes[rest], minlength=len(counts)).min() for rest, _ in parts)
    return [labeled[test] for _, test in parts], fewest


def folds_of_numbers(known, cv, seed):
    """Deal labeled rows to folds so that each output is known in what is left.

    Parameters
    ----------
    known : ndarray of bool, shape (n, T)
        Whether rows have a target, by output.
    cv : int or None
        So many folds, at most as many as the rarest output has targets.
    seed : int

    Returns
    -------
    list of ndarray of int
        Row numbers; empty where an output has too few targets.
    """
    rows, counts = np.flatnonzero(known.any(1)), known.sum(0)
    n_folds = min(cv or 1, counts.min())
    if n_folds < 2:
        return []
    if known[rows].all():
        split = KFold(n_folds, shuffle=True, random_state=seed).split(rows)
        return [rows[test] for _, test in split]
    rows = np.random.RandomState(seed).permutation(rows)
    rarest = np.where(known[rows], counts, counts.max() + 1).min(1)
    rows = rows[np.argsort(rarest, kind="stable")]  # those of one output behind each other
    folds = [np.sort(rows[i::n_folds]) for i in range(n_folds)]
    left = [np.setdiff1d(rows, fold) for fold in folds]
    return folds if all(known[rest].any(0).all() for rest in left) else []


@dataclass
class Schedule:
    """Fits of one portfolio.

    Parameters
    ----------
    n_jobs : int or None
        Fits at a time, in processes.
    verbose : int
    folder : path or None
        Where networks keep their checkpoints.
    forgiving : bool
        Whether a member that refuses the rows is left out, with a warning.
    seconds : float or None
        From now on.
    """

    n_jobs: int | None
    verbose: int
    folder: object
    forgiving: bool
    seconds: float | None = None
    deadline: float | None = field(init=False, default=None)
    took: dict = field(init=False, default_factory=dict)
    interrupted: bool = field(init=False, default=False)

    def __post_init__(self):
        if self.seconds is not None:
            self.deadline = time.time() + self.seconds

    def whole(self, members, rows):
        """Fit the members on all labels.

        Returns
        -------
        dict of str to Fitted or str
            By name; why there is none, in words.

        Raises
        ------
        ValueError, KeyboardInterrupt
            If not one could be fitted.
        """
        results = {member.name: INTERRUPTED for member in members}
        for member, result in self._run(members, rows, NONE, "all", NONE):
            results[member.name] = result
            if isinstance(result, str) and result != OVER:
                warn(f"Member {member.name!r} is left out. {result}")
        fitted = {n: r for n, r in results.items() if isinstance(r, Fitted)}
        self.took = {name: result.seconds for name, result in fitted.items()}
        if not fitted and INTERRUPTED in results.values():
            raise KeyboardInterrupt
        if not fitted:
            raise ValueError(f"No member could be fitted: {results}")
        return results

    def out_of_fold(self, members, rows, folds, others):
        """What members say of labeled rows whose labels they were not given, and of m others.

        Returns
        -------
        told : ndarray of shape (M, n_labeled, width)
            NaN where a member is not measured, was not fitted, or was cut short.
        pools : ndarray of shape (n_folds, M, m, width)
            Of the others, by those who learned without a fold.
        """
        M, labeled = len(members), rows.labeled
        told = np.full((M, len(labeled), rows.width), np.nan)
        pools = np.full((len(folds), M, len(others), rows.width), np.nan)
        place = {member.name: i for i, member in enumerate(members)}
        measured = [member for member in members if member.measured]
        for number, fold in enumerate(folds):
            if self.interrupted:
                break
            for member, result in self._run(measured, rows, fold, f"fold {number}", others):
                if isinstance(result, Fitted) and not result.cut_short:
                    i, n = place[member.name], len(fold)
                    told[i, fold], pools[number, i] = result.told[:n], result.told[n:]
        return told[:, labeled], pools

    def _run(self, members, rows, hidden, part, others):
        """Yield members and what came of them, until all are done, or Ctrl-C."""
        folder = None if self.folder is None else Path(self.folder) / part
        jobs = (
            delayed(attempt)(
                member, rows, hidden, others, self.deadline, self.took.get(member.name, 0.0),
                folder, self.forgiving,
            )
            for member in members
        )  # fmt: skip
        results = Parallel(self.n_jobs, return_as="generator")(jobs)
        for member in members:
            try:
                result = next(results)
            except KeyboardInterrupt:
                self.interrupted = True
                return
            if self.verbose:
                took = f"{result.seconds:.1f} s" if isinstance(result, Fitted) else result
                print(f"{part}, {member.name}: {took}", flush=True)
            yield member, result
            if isinstance(result, Fitted) and result.interrupted:
                self.interrupted = True
                return
