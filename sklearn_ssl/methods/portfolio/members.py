"""What a portfolio is made of: members that a user gives, and how one is fitted."""

import time
import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter
from skorch.callbacks import Callback

from ...inputs.marks import core, parts, stop_reason
from .each_output import EachOutput

__all__ = [
    "OVER",
    "Fitted",
    "Member",
    "attempt",
    "check_members",
    "is_list_of_pairs",
    "read_members",
]

OVER = "the time was over"


@dataclass(frozen=True)
class Member:
    """A classifier or regressor, and what it learns from.

    Parameters
    ----------
    name : str
    estimator : classifier or regressor
        Never fitted itself.
    knows : bool
        Whether it takes unlabeled rows, with their mark.
    of_numbers : bool
        Whether it is given the rows as numbers, categories one-hot, in the place of X.
    codes : bool
        Whether it is given 0..K-1, and -1, in the place of y.
    measured : bool
        Whether it is fitted for each fold too; else it counts as a member of mean loss.
    """

    name: str
    estimator: object
    knows: bool
    of_numbers: bool = False
    codes: bool = False
    measured: bool = True


@dataclass
class Fitted:
    """A fitted member, or what one said of rows whose labels it was not given.

    Parameters
    ----------
    seconds : float
    estimator : classifier or regressor, or None
    told : ndarray of shape (n_hidden + n_others, width) or None
    stop_reason : str or None
        Of its network.
    note : str
        What it warned of.
    """

    seconds: float
    estimator: object = None
    told: np.ndarray | None = None
    stop_reason: str | None = None
    note: str = ""

    @property
    def interrupted(self):
        """Whether Ctrl-C ended it."""
        return self.stop_reason == "interrupted"

    @property
    def cut_short(self):
        """Whether it had less than its budget."""
        return self.stop_reason in ("interrupted", "callback")


def is_list_of_pairs(estimators):
    """Whether these may be (name, estimator) pairs."""
    listed = isinstance(estimators, list) and len(estimators) > 0
    return listed and all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in estimators)


def check_members(estimators, taken, kind, method, advice):
    """Refuse what is no list of (name, estimator), or an estimator of another kind.

    Parameters
    ----------
    estimators : object
        As a user gave them.
    taken : container of str
        Names that no member may have.
    kind : str
        What members are, in words.
    method : str
        What each must have.
    advice : str
        What to do where one has it not.
    """
    if not is_list_of_pairs(estimators):
        raise ValueError(
            f'estimators must be "auto" or a list of (name, estimator), got {estimators!r}.'
        )
    names = [name for name, _ in estimators]
    if len(set(names)) < len(names):
        raise ValueError(f"Names of estimators must be unique, got {names}.")
    for name in names:
        if not isinstance(name, str) or "__" in name or "/" in name or name in taken:
            raise ValueError(
                f"Names of estimators must be text without '__' and '/', and no parameter of this "
                f"estimator, got {name!r}."
            )
    for name, estimator in estimators:
        if isinstance(estimator, type) or not hasattr(estimator, "fit"):
            raise ValueError(f"Member {name!r} must be a {kind}, got {estimator!r}.")
        if kind == "regressor" and is_classifier(estimator):
            raise ValueError(f"Member {name!r} must be a regressor, and is a classifier.")
        if not hasattr(estimator, method):
            raise ValueError(f"Member {name!r} has no {method}, of which the mean is taken{advice}")


def read_members(estimators, rng, mark=None):
    """Members of checked (name, estimator) pairs, seeded; those that know the mark are found.

    They say so by a parameter ``unlabeled_label``, or by ``X_unlabeled`` in their ``fit``, or come
    from `sklearn.semi_supervised`.
    """
    members = []
    for name, estimator in estimators:
        inner, estimator = core(estimator), clone(estimator)
        ours = hasattr(inner, "unlabeled_label") or has_fit_parameter(inner, "X_unlabeled")
        theirs = type(inner).__module__.startswith("sklearn.semi_supervised")
        for param, value in sorted(estimator.get_params().items(), key=lambda item: item[0]):
            last = param.split("__")[-1]
            if last == "unlabeled_label":
                estimator.set_params(**{param: -1 if theirs else mark})
            elif last == "random_state" and value is None:
                estimator.set_params(**{param: rng.randint(2**31)})
        members.append(Member(name, estimator, ours or theirs, codes=theirs))
    return members


class Deadline(Callback):
    """Ends a training when the time is over."""

    def __init__(self, when=None):
        self.when = when

    def on_epoch_end(self, net, **kwargs):
        if time.time() > self.when:
            raise KeyboardInterrupt


def attempt(member, rows, hidden, others, deadline, expected, folder, forgiving):
    """Fit a member without the labels of some rows, and ask it for these.

    Parameters
    ----------
    member : Member
    rows : Rows
    hidden : ndarray of int
        Row numbers; none for the member that predicts.
    others : ndarray of int
        Numbers of rows that it is asked for too, behind the hidden ones.
    deadline : float or None
        Seconds since the epoch, at which networks end their training.
    expected : float
        Seconds that it will take; a network that would be late is not begun.
    folder : path or None
        Where networks keep their checkpoints.
    forgiving : bool
        Whether a refusal is returned, not raised, and a warning noted. Those of fits without some
        labels are not told: the fit on all labels has said it.

    Returns
    -------
    Fitted, or str
        In words, why there is none.
    """
    clf, quiet = clone(member.estimator), forgiving or len(hidden) > 0
    params, start = clf.get_params(), time.time()
    given = {}
    searched = any(isinstance(part, BaseSearchCV) for part in parts(clf))
    for name in params if not searched else []:
        last = name.split("__")[-1]
        if last == "checkpoint_dir" and folder is not None:
            given[name] = folder / member.name
        if last == "callbacks" and deadline is not None:
            if start + expected > deadline:
                return OVER
            given[name] = [*(params[name] or []), Deadline(deadline)]
    X, y, weight = rows.of(member, hidden)
    try:
        with warnings.catch_warnings(record=quiet) as said:
            if quiet:
                warnings.simplefilter("always")
            clf.set_params(**given).fit(X, y, **_weight_of(clf, weight))
        asked = (
            np.concatenate([hidden, others]) if len(hidden) else np.flatnonzero(rows.labeled)[:2]
        )
        told = rows.told(member, clf, asked)
    except (ValueError, TypeError, FloatingPointError) as error:
        if not forgiving:
            if len(error.args) == 1 and not str(error).startswith("Member "):
                error.args = (f"Member {member.name!r}: {error}",)
            raise
        return f"{type(error).__name__}: {error}"
    clf.set_params(**{name: params[name] for name in given})
    reason = stop_reason(clf)
    if reason == "callback" and (deadline is None or time.time() < deadline):
        reason = None  # a callback of the user's
    if not len(hidden):
        note = "; ".join(dict.fromkeys(str(one.message) for one in said or []))
        return Fitted(time.time() - start, clf, stop_reason=reason, note=note)
    return Fitted(time.time() - start, told=told, stop_reason=reason)


def _weight_of(clf, weight):
    """Keywords of ``fit`` that hand over the weights of rows."""
    if weight is None:
        return {}
    name = "sample_weight"
    while isinstance(clf, Pipeline | BaseSearchCV | EachOutput | TransformedTargetRegressor):
        if isinstance(clf, TransformedTargetRegressor):
            clf = clf.regressor
        elif not isinstance(clf, Pipeline):
            clf = clf.estimator
        else:
            step, clf = clf.steps[-1]
            name = f"{name.removesuffix('sample_weight')}{step}__sample_weight"
    if not has_fit_parameter(clf, "sample_weight"):
        raise ValueError("it takes no sample_weight: fit without weights, or leave it out.")
    return {name: weight}
