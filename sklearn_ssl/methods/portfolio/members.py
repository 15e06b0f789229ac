"""What a portfolio is made of: which members, what each is given, and how one is fitted."""

import time
import warnings
from dataclasses import dataclass, replace
from inspect import signature

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import StratifiedKFold
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import has_fit_parameter
from skorch.callbacks import Callback

from ...inputs.columns import as_rows
from ...inputs.labels import mark_unlabeled
from ...inputs.lazy import take_rows
from ...inputs.marks import core, parts, stop_reason
from ...inputs.mixed import MixedRows
from ..fixmatch import FixMatchClassifier
from ..label_propagation import LabelPropagationClassifier, LabelPropagationNet
from ..self_training import SelfTrainingNet
from ..vat import VATClassifier

__all__ = [
    "OVER",
    "Fitted",
    "Member",
    "Rows",
    "attempt",
    "automatic_members",
    "check_members",
    "is_list_of_pairs",
    "probabilities",
    "read_members",
]

NETWORKS = {  # in the order of what they add to the others, see benchmarks/RESULTS_PORTFOLIO.md
    "LabelPropagationNet": LabelPropagationNet,
    "FixMatchClassifier": FixMatchClassifier,
    "SelfTrainingNet": SelfTrainingNet,
    "VATClassifier": VATClassifier,
}
OF_BUDGET = {"fast": 1, "good": 2}  # so many of them; all of them otherwise
_KNOWN = signature(LogisticRegressionCV).parameters
_NEW_IN_1_8 = {"l1_ratios": (0,), "use_legacy_attributes": False}
_NEW_IN_1_8 = _NEW_IN_1_8 if "use_legacy_attributes" in _KNOWN else {}
OVER = "the time was over"
ENOUGH_FOR_BOOSTING = 100  # labels: it puts at least 20 rows into a leaf


@dataclass(frozen=True)
class Member:
    """A classifier and what it learns from.

    Parameters
    ----------
    name : str
    estimator : classifier
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


@dataclass(frozen=True)
class Rows:
    """The rows of a fit in the forms that members want.

    Parameters
    ----------
    X : array-like of shape (n, ...)
        As the user gave it.
    numbers : ndarray of shape (n, ...), CSR matrix, MixedRows or LazyRows
        The same as networks see them.
    y : ndarray of shape (n,)
        As the user gave it.
    codes : ndarray of int, shape (n,)
        0..K-1, and -1 for unlabeled.
    classes : ndarray of shape (K,)
    weight : ndarray of shape (n,), or None where all are equal
    mark : scalar or None
        The user's ``unlabeled_label``.
    """

    X: object
    numbers: object
    y: np.ndarray
    codes: np.ndarray
    classes: np.ndarray
    weight: np.ndarray | None
    mark: object

    def part(self, index):
        """Some of the rows."""
        weight = None if self.weight is None else self.weight[index]
        return replace(
            self, X=take_rows(self.X, index), numbers=self.numbers[index], y=self.y[index],
            codes=self.codes[index], weight=weight,
        )  # fmt: skip

    def of(self, member, hidden):
        """What a member learns from if the labels of some rows are hidden: X, y, weights."""
        labeled = self.codes >= 0
        labeled[hidden] = False
        used = np.flatnonzero(labeled) if not member.knows else slice(None)
        X = self.numbers if member.of_numbers else self.X
        if not member.knows:
            X = dense(X[used]) if member.of_numbers else take_rows(X, used)
        if member.codes:
            y = np.where(labeled, self.codes, -1)[used]
        elif member.knows:
            y = mark_unlabeled(self.y, hidden, self.mark) if len(hidden) else self.y
        else:
            y = self.classes[self.codes[used]]
        return X, y, None if self.weight is None else self.weight[used]


@dataclass
class Fitted:
    """A fitted member, or what one said of rows whose labels it was not given.

    Parameters
    ----------
    seconds : float
    estimator : classifier or None
    told : ndarray of shape (n_hidden + n_others, K) or None
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


def dense(rows):
    """Rows for a model that reads no `MixedRows`."""
    return rows.toarray() if hasattr(rows, "columns") else rows


def is_list_of_pairs(estimators):
    """Whether these may be (name, estimator) pairs."""
    listed = isinstance(estimators, list) and len(estimators) > 0
    return listed and all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in estimators)


def check_members(estimators, taken):
    """Refuse what is no list of (name, classifier), or a classifier without probabilities."""
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
            raise ValueError(f"Member {name!r} must be a classifier, got {estimator!r}.")
        if not hasattr(estimator, "predict_proba"):
            raise ValueError(
                f"Member {name!r} has no predict_proba, of which the mean is taken: wrap it in "
                "CalibratedClassifierCV, or set probability=True where it has that."
            )


def read_members(estimators, mark, rng):
    """Members of checked (name, estimator) pairs, seeded; those that know -1 are found."""
    members = []
    for name, estimator in estimators:
        inner, estimator = core(estimator), clone(estimator)
        ours = hasattr(inner, "unlabeled_label")
        theirs = type(inner).__module__.startswith("sklearn.semi_supervised")
        for param, value in sorted(estimator.get_params().items(), key=lambda item: item[0]):
            last = param.split("__")[-1]
            if last == "unlabeled_label":
                estimator.set_params(**{param: -1 if theirs else mark})
            elif last == "random_state" and value is None:
                estimator.set_params(**{param: rng.randint(2**31)})
        members.append(Member(name, estimator, ours or theirs, codes=theirs))
    return members


def logistic(n_folds, kind, sparse):
    """Logistic regression whose C, where there are labels enough, is that of the best log-loss."""
    documents = kind == "documents"
    scaler = "passthrough" if documents else StandardScaler(with_mean=not sparse)
    if n_folds < 2:
        return make_pipeline(scaler, LogisticRegression(C=10 if documents else 1, max_iter=2000))
    search = LogisticRegressionCV(
        Cs=np.logspace(-3, 3, 7),
        cv=StratifiedKFold(n_folds),
        scoring="neg_log_loss",
        max_iter=2000,
        **_NEW_IN_1_8,
    )
    return make_pipeline(scaler, search)


def automatic_members(kind, budget, smallest, n_labeled, choices, rng, sparse=False):
    """Members for rows of a kind.

    Parameters
    ----------
    kind : str
        ``input_kind_``.
    budget : "fast", "good", "best" or float
    smallest : int
        Labels of the rarest class in the smallest part that a member learns from.
    n_labeled : int
    choices : dict
        Parameters of ours: ``unlabeled_label``, ``categorical_features``, ``documents``.
    rng : RandomState
        Seeds them.
    sparse : bool
        Whether the rows are a sparse matrix.
    """
    seed = iter(rng.randint(2**31, size=20).tolist())
    members = []
    if kind in ("table", "mixed table", "documents"):
        plain = {
            "logistic": logistic(min(5, smallest), kind, sparse),
            "random forest": RandomForestClassifier(random_state=next(seed)),
            "extra trees": ExtraTreesClassifier(random_state=next(seed)),
        }
        if n_labeled >= ENOUGH_FOR_BOOSTING and not sparse:
            plain["boosting"] = HistGradientBoostingClassifier(random_state=next(seed))
        members += [Member(name, clf, False, of_numbers=True) for name, clf in plain.items()]
        members.append(Member("graph", LabelPropagationClassifier(**choices), True))
    networks = list(NETWORKS.items())[: OF_BUDGET.get(budget)]
    for name, cls in networks:
        clf = cls(random_state=next(seed), **choices)
        members.append(Member(name, clf, True, measured=budget != "fast"))
    return members


class Deadline(Callback):
    """Ends a training when the time is over."""

    def __init__(self, when=None):
        self.when = when

    def on_epoch_end(self, net, **kwargs):
        if time.time() > self.when:
            raise KeyboardInterrupt


def attempt(member, rows, hidden, others, deadline, expected, folder, forgiving):
    """Fit a member without the labels of some rows, and ask it for their classes.

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
            clf.set_params(**given).fit(X, y, **_weight_of(member, clf, weight))
    except (ValueError, TypeError, FloatingPointError) as error:
        if not forgiving:
            if len(error.args) == 1:  # the message alone
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
    asked = np.concatenate([hidden, others])
    told = probabilities(member, clf, take_rows(rows.X, asked), rows.numbers[asked], rows.classes)
    return Fitted(time.time() - start, told=told, stop_reason=reason)


def probabilities(member, clf, X, numbers, classes):
    """What a fitted member says of rows, X or the same as numbers: (n, K), classes in order.

    A class that the member has not seen has probability 0.
    """
    if member.of_numbers and hasattr(numbers, "columns"):  # wide as numbers: part by part
        starts = range(0, len(numbers), 4096)
        p = np.concatenate([clf.predict_proba(dense(numbers[i : i + 4096])) for i in starts])
    else:
        p = clf.predict_proba(numbers if member.of_numbers else X)
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


def _weight_of(member, clf, weight):
    """Keywords of ``fit`` that hand over the weights of rows."""
    if weight is None:
        return {}
    name = "sample_weight"
    while isinstance(clf, Pipeline | BaseSearchCV):
        if isinstance(clf, BaseSearchCV):
            clf = clf.estimator
        else:
            step, clf = clf.steps[-1]
            name = f"{name.removesuffix('sample_weight')}{step}__sample_weight"
    if not has_fit_parameter(clf, "sample_weight"):
        raise ValueError(
            f"Member {member.name!r} takes no sample_weight: fit without weights, or leave it out."
        )
    return {name: weight}


def for_members(X, checked):
    """Rows as members of the user are given them: frames as they are, else an array."""
    if isinstance(X, np.ma.MaskedArray):
        return as_rows(X)  # what is masked is missing
    return X if hasattr(X, "columns") or isinstance(checked, MixedRows) else checked
