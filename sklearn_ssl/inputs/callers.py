"""What scikit-learn's tools around an estimator did to y before it came: told where it is wrong."""

import sys

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from .._warnings import warn
from .labels import is_labeled, is_missing

__all__ = ["warn_of_callers"]


def warn_of_callers(y, unlabeled_label):
    """Look at the functions that called ``fit``, for two faults that y alone does not show.

    Some tools encode y first (``cross_val_predict`` of probabilities, voting, bagging, one against
    the rest), and the mark becomes a class: they hold classes among which it is, and y has no mark
    left. A Pipeline gives y with its marks to transformers that need y, and they take the mark for
    a class. Callers in other processes are not seen.

    Raises
    ------
    ValueError
        If y was encoded.
    """
    marks = not is_labeled(y, unlabeled_label).all()
    if not marks and (is_missing(unlabeled_label) or y.dtype.kind not in "iub"):
        return
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith("sklearn."):
            if marks:
                _warn_of_supervised_steps(frame)
            else:
                _refuse_encoded(frame, unlabeled_label)
        frame = frame.f_back


def _refuse_encoded(frame, unlabeled_label):
    for value in list(frame.f_locals.values()):
        for holder in (value, getattr(value, "label_binarizer_", None)):
            classes = vars(holder).get("classes_") if hasattr(holder, "__dict__") else None
            if isinstance(classes, np.ndarray) and not is_labeled(classes, unlabeled_label).all():
                name = type(frame.f_locals.get("self")).__name__
                name = frame.f_code.co_name if name == "NoneType" else name
                raise ValueError(
                    f"{name} has encoded y, and {unlabeled_label!r} has become a class. Use "
                    "sklearn_ssl.out_of_fold for predictions of held-out rows; give other tools "
                    "the labeled rows alone."
                )


def _warn_of_supervised_steps(frame):
    pipeline = frame.f_locals.get("self")
    if not isinstance(pipeline, Pipeline) or frame.f_code.co_name not in ("fit", "fit_predict"):
        return
    for name, step in pipeline.steps[:-1]:
        found = _supervised_inside(step)
        if found is not None:
            kind = type(found).__name__
            warn(
                f"{kind} in the step {name!r} learns from y, and takes unlabeled rows for a class: "
                f"put OnLabeled({kind}(...)) in its place."
            )


def _supervised_inside(step):
    """A transformer that learns from y, the step itself or a part of it; None where there is none.

    scikit-learn's tag says it of those that need y. Those that merely use it are selectors of
    columns, but for `VarianceThreshold`, and partial least squares.
    """
    from sklearn.feature_selection import SelectorMixin, VarianceThreshold  # slow to import

    if not hasattr(step, "fit") or getattr(step, "_knows_unlabeled", False):
        return None
    uses = isinstance(step, SelectorMixin) or type(step).__name__.startswith("PLS")
    if get_tags(step).target_tags.required or (uses and not isinstance(step, VarianceThreshold)):
        return step
    parts = step.get_params(deep=False).values() if hasattr(step, "get_params") else []
    for part in parts:  # of a ColumnTransformer, FeatureUnion or Pipeline
        for item in part if isinstance(part, list) else []:
            for inner in item if isinstance(item, tuple) else []:
                found = _supervised_inside(inner)
                if found is not None:
                    return found
    return None
