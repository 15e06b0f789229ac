"""Members that "auto" stands for."""

from inspect import signature

import numpy as np
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ..fixmatch import FixMatchClassifier
from ..label_propagation import LabelPropagationClassifier, LabelPropagationNet
from ..self_training import SelfTrainingNet
from ..vat import VATClassifier
from .members import Member

__all__ = ["automatic_members"]

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
ENOUGH_FOR_BOOSTING = 100  # labels: it puts at least 20 rows into a leaf


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
