"""What scikit-learn's tools around an estimator did to y before it came: told where it is wrong."""

import sys

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing, get_tags

from .._warnings import warn
from .labels import as_label_array, is_labeled, label_column
from .marks import parts, steps

__all__ = ["look_at_callers", "look_at_callers_of_clone", "look_at_tools_of_pool"]


def look_at_callers(has_marks, kind, unlabeled_label):
    """Look at the functions that called ``fit``, for faults that y alone does not show.

    Some tools encode y first (``cross_val_predict`` of probabilities, voting, stacking, bagging,
    one against the rest), and the mark becomes a class: they hold classes among which it is, and y
    has no mark left. ``CalibratedClassifierCV`` takes the mark for a class of its own. A Pipeline
    gives y with its marks to transformers that need y, and they take the mark for a class. A
    cross-validation may leave a class out of training.

    Parameters
    ----------
    has_marks : bool
        Whether any row of y is unlabeled.
    kind : str
        Of the dtype of y.
    unlabeled_label : scalar or None

    Raises
    ------
    ValueError
        If y was encoded, or a tool takes unlabeled rows for a class.
    """
    for frame in _frames_of_tools():
        _refuse_calibration(frame, unlabeled_label)
        if has_marks:
            _refuse_marks(frame)
            _warn_of_steps(frame, frame.f_locals.get("y"), unlabeled_label)
        elif kind in "iub" and _tool_with_mark(frame, unlabeled_label):
            _refuse_encoded(frame, unlabeled_label)
        _warn_of_split(frame, unlabeled_label)


def look_at_callers_of_clone(unlabeled_label):
    """`look_at_callers` where an estimator is cloned, which tools do before they start processes.

    A fit in another process does not see who called, and what it warns of is lost.
    """
    pipelines = []
    for frame in _frames_of_tools():
        _warn_of_split(frame, unlabeled_label)
        tool = frame.f_locals.get("self")
        if isinstance(tool, Pipeline) and frame.f_code.co_name == "__sklearn_clone__":
            pipelines.append(frame)
        encodes = _tool_with_mark(frame, unlabeled_label)
        labeled = _labeled_in(frame, unlabeled_label) if encodes or pipelines else None
        if labeled is None:
            continue
        if encodes and labeled.all() and frame.f_locals["y"].dtype.kind in "iub":
            _refuse_encoded(frame, unlabeled_label)
        if not labeled.all():
            for pipeline in pipelines:
                _warn_of_steps(pipeline, frame.f_locals["y"], unlabeled_label)
            pipelines = []


def look_at_tools_of_pool(X_unlabeled):
    """Look at the functions that called ``fit``, for what they did to X and not to the pool.

    A Pipeline may have given X through its steps, a bag may have drawn columns of it, and a
    cross-validation splits a pool of as many rows as X.

    Raises
    ------
    ValueError
        If a bag has drawn columns.
    """
    n, inside = _n_rows(X_unlabeled), set()
    for frame in _frames_of_tools():
        values, name = frame.f_locals, frame.f_code.co_name
        tool = values.get("self")
        if name == "_parallel_build_estimators":
            _refuse_drawn_columns(values["ensemble"])
        elif isinstance(tool, Pipeline) and name == "_fit":  # in a step before the last
            inside.add(id(tool))
            _warn_of_passed_steps(tool, tool.steps[: values.get("step_idx", 0)])
        elif isinstance(tool, Pipeline) and name in ("fit", "fit_predict", "fit_transform"):
            _warn_of_passed_steps(tool, [] if id(tool) in inside else tool.steps[:-1])
        train = values.get("train", values.get("train_idx"))
        if train is not None and "fit_params" in values and n == _n_rows(train):
            warn(
                f"X_unlabeled has as many rows, {n}, as the training part of a split. scikit-learn "
                "splits an array of X's length with X: add a row to the pool, or leave one out."
            )


def _n_rows(X):
    shape = getattr(X, "shape", None)
    return shape[0] if shape else len(X) if hasattr(X, "__len__") else None


def _refuse_drawn_columns(ensemble):
    if ensemble.bootstrap_features or ensemble._max_features < ensemble.n_features_in_:
        raise ValueError(
            f"{type(ensemble).__name__} draws columns of X, and X_unlabeled keeps all of them: "
            "leave max_features and bootstrap_features as they are."
        )


def _warn_of_passed_steps(pipeline, steps):
    if set(getattr(pipeline, "transform_input", None) or ()) - {"sample_weight"}:
        return
    changed = [
        name
        for name, step in steps
        if step not in (None, "passthrough") and not hasattr(step, "fit_resample")
    ]
    if changed:
        warn(
            f"The Pipeline gave X through {changed}, and X_unlabeled as it was. With "
            'sklearn.set_config(enable_metadata_routing=True), transform_input=["X_unlabeled"] '
            "lets both pass; else transform the pool first."
        )


def _frames_of_tools():
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith("sklearn."):
            yield frame
        frame = frame.f_back


def _labeled_in(frame, unlabeled_label):
    """Which entries of a function's own y are labeled; None where it has none that can be read."""
    y = frame.f_locals.get("y")
    if not hasattr(y, "__len__") or isinstance(y, str):
        return None
    try:
        return is_labeled(y, unlabeled_label)
    except (TypeError, ValueError):
        return None


def _tool_with_mark(frame, unlabeled_label):
    """Whether a function holds classes, of its own or of an encoder, among which the mark is."""
    found = [frame.f_locals.get("classes"), _column_given(frame)]
    for value in list(frame.f_locals.values()):
        for holder in (value, getattr(value, "label_binarizer_", None)):
            found.append(vars(holder).get("classes_") if hasattr(holder, "__dict__") else None)
    return any(_holds_mark(classes, unlabeled_label) for classes in found)


def _holds_mark(classes, unlabeled_label):
    if isinstance(classes, list) and not any(np.ndim(c) for c in classes):
        classes = np.array(classes, dtype=object)  # of one binary problem among several
    if not isinstance(classes, np.ndarray):
        return False
    return not is_labeled(classes, unlabeled_label).all()


def _column_given(frame):
    """What ``cross_val_predict`` was given as y, where that is a column: it holds no encoder."""
    if "y_enc" not in frame.f_locals or frame.f_back is None:
        return None
    args, given = (frame.f_back.f_locals.get(name, ()) for name in ("args", "kwargs"))
    y = dict(given).get("y", args[2] if len(args) > 2 else None)
    return None if y is None else as_label_array(y)


def _refuse_encoded(frame, unlabeled_label):
    tool = frame.f_locals.get("self", frame.f_locals.get("ensemble"))  # of a bag in its process
    name = frame.f_code.co_name if tool is None else type(tool).__name__
    name = frame.f_globals["__name__"] if name.startswith("_") else name
    raise ValueError(
        f"{name} has encoded y, and {unlabeled_label!r} has become a class. Give the "
        "tool labeled rows alone, and the others as X_unlabeled (docs/workflows.md); take "
        "sklearn_ssl.out_of_fold for predictions of held-out rows."
    )


def _refuse_marks(frame):
    """Boosting weighs unlabeled rows as mistakes, and a chain makes -1 a feature of the next."""
    names = {cls.__name__ for cls in type(frame.f_locals.get("self")).__mro__}
    for name in names & {"AdaBoostClassifier", "ClassifierChain"}:
        raise ValueError(
            f"{name} takes unlabeled rows for a class, and its predictions would be wrong: give it "
            "labeled rows alone, or this estimator without it."
        )


def _refuse_calibration(frame, unlabeled_label):
    """`CalibratedClassifierCV` learns from test rows, and counts classes, the mark among them."""
    if frame.f_code.co_name != "_fit_classifier_calibrator_pair":
        return
    y, test, classes = (frame.f_locals.get(name) for name in ("y", "test", "classes"))
    if y is None or test is None or not _holds_mark(classes, unlabeled_label):
        return
    n_classes = is_labeled(classes, unlabeled_label).sum()
    if n_classes > 2 and is_labeled(_safe_indexing(y, test), unlabeled_label).all():
        return
    raise ValueError(
        "CalibratedClassifierCV takes unlabeled rows for a class, and its probabilities would be "
        "wrong. Calibrate a fitted classifier on labeled rows that it has not seen, "
        "CalibratedClassifierCV(FrozenEstimator(clf)), or train with temperature_scaling=True. "
        "With more than two classes cv=LabeledSplit(...) works too."
    )


def _warn_of_split(frame, unlabeled_label):
    """Tell of classes of which a split has left no label in training."""
    train = frame.f_locals.get("train")
    labeled = None if train is None else _labeled_in(frame, unlabeled_label)
    if labeled is None or labeled.ndim > 1:
        return
    classes = label_column(frame.f_locals["y"])
    kept = classes[train][labeled[train]].tolist()
    absent = sorted(map(repr, set(classes[labeled].tolist()) - set(kept)))
    if absent:
        warn(
            f"The split has left no label of {', '.join(absent)} in a training part. "
            "cv=LabeledSplit(...) keeps each class in all of them."
        )


def _warn_of_steps(frame, y, unlabeled_label):
    pipeline = frame.f_locals.get("self")
    names = "fit", "fit_predict", "fit_transform", "__sklearn_clone__"
    if not isinstance(pipeline, Pipeline) or frame.f_code.co_name not in names:
        return
    for name, step in pipeline.steps[:-1]:
        found = _supervised_inside(step)
        if found is not None:
            kind = type(found).__name__
            warn(
                f"{kind} in the step {name!r} learns from y, and takes unlabeled rows for a class: "
                f"put OnLabeled({kind}(...)) in its place."
            )
        elif not _takes_the_same_rows(step, y, unlabeled_label):
            warn(
                f"The step {name!r} takes other rows for unlabeled than the estimator, whose mark "
                f"is {unlabeled_label!r}: give it the same unlabeled_label."
            )


def _takes_the_same_rows(step, y, unlabeled_label):
    """Whether a step's own mark means the rows that the estimator's means."""
    mark = getattr(step, "unlabeled_label", unlabeled_label)
    if y is None or mark == unlabeled_label:
        return True
    return np.array_equal(is_labeled(y, mark), is_labeled(y, unlabeled_label))


def _supervised_inside(step):
    """A transformer that learns from y, the step itself or a part of it; None where there is none.

    scikit-learn's tag says it of those that need y. Those that merely use it are selectors of
    columns, but for `VarianceThreshold`, and partial least squares. What has a mark of its own
    knows unlabeled rows, and so does a selector around it.
    """
    from sklearn.feature_selection import SelectorMixin, VarianceThreshold  # slow to import

    if not hasattr(step, "fit") or type(step).__name__ == "FrozenEstimator":
        return None
    if hasattr(step, "unlabeled_label"):
        return None
    uses = isinstance(step, SelectorMixin) or type(step).__name__.startswith("PLS")
    if get_tags(step).target_tags.required or (uses and not isinstance(step, VarianceThreshold)):
        inner = getattr(step, "estimator", None)
        return None if any(hasattr(part, "unlabeled_label") for part in parts(inner)) else step
    found = map(_supervised_inside, steps(step))
    return next((part for part in found if part is not None), None)
