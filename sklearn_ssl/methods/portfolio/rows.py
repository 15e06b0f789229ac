"""The rows of a portfolio in the forms that members want, and what fitted members say of them."""

from dataclasses import dataclass, replace

import numpy as np

from ...inputs.columns import as_rows
from ...inputs.labels import mark_unlabeled
from ...inputs.lazy import take_rows
from ...inputs.mixed import MixedRows

__all__ = ["ClassRows", "NumberRows", "Rows", "for_members", "predictions", "probabilities"]


@dataclass(frozen=True)
class Rows:
    """The rows of a fit in the forms that members want.

    Parameters
    ----------
    X : array-like of shape (n, ...)
        As the user gave it.
    numbers : ndarray of shape (n, ...), CSR matrix, MixedRows or LazyRows
        The same as networks see them.
    y : ndarray of shape (n,) or (n, T)
        As the user gave it.
    targets : ndarray of shape (n,) or (n, T)
        As a kind of target encodes it.
    weight : ndarray of shape (n,), or None where all are equal
    """

    X: object
    numbers: object
    y: np.ndarray
    targets: np.ndarray
    weight: np.ndarray | None

    def part(self, index):
        """Some of the rows."""
        weight = None if self.weight is None else self.weight[index]
        return replace(
            self, X=take_rows(self.X, index), numbers=self.numbers[index], y=self.y[index],
            targets=self.targets[index], weight=weight,
        )  # fmt: skip

    def of(self, member, hidden):
        """What a member learns from if the labels of some rows are hidden: X, y, weights."""
        labeled = self.labeled.copy()
        labeled[hidden] = False
        used = np.flatnonzero(labeled) if not member.knows else slice(None)
        X = self.numbers if member.of_numbers else self.X
        if not member.knows:
            X = dense(X[used]) if member.of_numbers else take_rows(X, used)
        y = self.y_for(member, labeled, hidden)[used]
        return X, y, None if self.weight is None else self.weight[used]

    def told(self, member, fitted, asked):
        """What a fitted member says of some rows: (m, width)."""
        return self.answers(member, fitted, take_rows(self.X, asked), self.numbers[asked])

    @property
    def labeled(self):
        """Rows with a label: ndarray of bool (n,)."""
        raise NotImplementedError

    @property
    def width(self):
        """Numbers that a member says of a row."""
        raise NotImplementedError

    def y_for(self, member, labeled, hidden):
        """Y as a member wants it, without the labels of hidden rows: (n,) or (n, T)."""
        raise NotImplementedError

    def answers(self, member, fitted, X, numbers):
        """What a fitted member says of rows, X or the same as numbers: (m, width)."""
        raise NotImplementedError


@dataclass(frozen=True)
class ClassRows(Rows):
    """Rows of a classifier: targets are codes 0..K-1, and -1 for unlabeled.

    Parameters
    ----------
    classes : ndarray of shape (K,)
    mark : scalar or None
        The user's ``unlabeled_label``.
    """

    classes: np.ndarray
    mark: object

    @property
    def labeled(self):
        return self.targets >= 0

    @property
    def width(self):
        return len(self.classes)

    def y_for(self, member, labeled, hidden):
        if member.codes:
            return np.where(labeled, self.targets, -1)
        if member.knows:
            return mark_unlabeled(self.y, hidden, self.mark) if len(hidden) else self.y
        return self.classes[self.targets]

    def answers(self, member, fitted, X, numbers):
        return probabilities(member, fitted, X, numbers, self.classes)


@dataclass(frozen=True)
class NumberRows(Rows):
    """Rows of a regressor: NaN marks what is unknown.

    Parameters
    ----------
    kind : NumberTargets
    """

    kind: object

    @property
    def labeled(self):
        return np.isfinite(self.targets).any(1)

    @property
    def width(self):
        return self.targets.shape[1]

    def y_for(self, member, labeled, hidden):
        y = self.y.copy()
        y[~labeled] = np.nan
        return y

    def answers(self, member, fitted, X, numbers):
        return predictions(member, fitted, X, numbers, self.kind)


def dense(rows):
    """Rows for a model that reads no `MixedRows`."""
    return rows.toarray() if hasattr(rows, "columns") else rows


def _asked(member, ask, X, numbers):
    """What a method of a fitted member returns for rows."""
    if member.of_numbers and hasattr(numbers, "columns"):  # wide as numbers: part by part
        starts = range(0, len(numbers), 4096)
        return np.concatenate([ask(dense(numbers[i : i + 4096])) for i in starts])
    return ask(numbers if member.of_numbers else X)


def probabilities(member, clf, X, numbers, classes):
    """What a fitted member says of rows, X or the same as numbers: (n, K), classes in order.

    A class that the member has not seen has probability 0.
    """
    p = _asked(member, clf.predict_proba, X, numbers)
    found = clf.classes_
    known = np.arange(len(classes)) if member.codes else classes
    if not np.isin(found, known).all():
        raise ValueError(
            f"Member {member.name!r} knows the classes {list(found)}, and those of y are "
            f"{list(known)}: it has learned from the mark of unlabeled rows."
        )
    place = np.asarray(found, dtype=int) if member.codes else np.searchsorted(classes, found)
    out = np.zeros((len(p), len(classes)))
    out[:, place] = p
    out[~np.isfinite(out).all(1)] = 1 / len(classes)  # far rows in scikit-learn's LabelSpreading
    return out


def predictions(member, reg, X, numbers, targets):
    """What a fitted member says of rows, in standard deviations of the labels: (n, T)."""
    said = np.asarray(_asked(member, reg.predict, X, numbers), dtype=float)
    out = targets.in_own_units(said.reshape(len(said), -1))
    if out.shape[1] != targets.n_outputs:
        raise ValueError(
            f"Member {member.name!r} predicts {out.shape[1]} outputs, and y has "
            f"{targets.n_outputs}."
        )
    if not np.isfinite(out).all():
        raise ValueError(f"Member {member.name!r} predicts NaN or infinity.")
    return out


def for_members(X, checked):
    """Rows as members of the user are given them: frames as they are, else an array."""
    if isinstance(X, np.ma.MaskedArray):
        return as_rows(X)  # what is masked is missing
    return X if hasattr(X, "columns") or isinstance(checked, MixedRows) else checked
