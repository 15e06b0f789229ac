"""scikit-learn's searches and curves with -1 in y: what docs/cross_validation.md says of each."""

import warnings

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_blobs
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import RFECV, SequentialFeatureSelector
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import permutation_importance
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    validation_curve,
)
from sklearn.multiclass import OneVsOneClassifier, OutputCodeClassifier

from sklearn_ssl import (
    LabeledSplit,
    LabelPropagationClassifier,
    hide_labels,
    labeled_scorer,
    out_of_fold,
)

GRID = {"n_neighbors": [3, 7]}
ALL = {"shuffle": True, "random_state": 0, "train_sizes": [1.0]}
HALVES = {"min_resources": 100, "factor": 2, "random_state": 0}
OTHER = [labeled_scorer("accuracy"), None]


@pytest.fixture(scope="module")
def few():
    """Two classes that overlap: 200 rows, 80 labels."""
    X, truth = make_blobs(200, centers=2, n_features=4, cluster_std=4.0, random_state=3)
    return X, hide_labels(truth, 80, random_state=0)


def graph(n_neighbors=3):
    return LabelPropagationClassifier(n_neighbors=n_neighbors)


def by_hand(X, y, cv, n_neighbors=3):
    """Fit on the rows of a training part, labeled or not; score on the labeled ones outside."""
    scores = []
    for train, test in cv.split(X, y):
        test = test[y[test] != -1]
        clf = graph(n_neighbors).fit(X[train], y[train])
        scores.append(np.mean(clf.predict(X[test]) == y[test]))
    return scores


TOOLS = {
    "cross_val_score": cross_val_score,
    "cross_validate": lambda *a, **kw: cross_validate(*a, **kw)["test_score"],
    "GridSearchCV": lambda clf, X, y, **kw: GridSearchCV(clf, GRID, **kw).fit(X, y),
    "RandomizedSearchCV": lambda clf, X, y, **kw: RandomizedSearchCV(
        clf, GRID, n_iter=2, random_state=0, **kw
    ).fit(X, y),
    "validation_curve": lambda *a, **kw: validation_curve(
        *a, param_name="n_neighbors", param_range=[3], **kw
    )[1][0],
    "learning_curve": lambda *a, **kw: learning_curve(*a, **ALL, **kw)[2][0],
    "permutation_test_score": lambda *a, **kw: permutation_test_score(
        *a, n_permutations=2, random_state=0, **kw
    )[0],
}


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("split", [False, True])
def test_tools_that_score_labeled_rows_alone(few, tool, split):
    X, y = few
    cv = LabeledSplit(3) if split else StratifiedKFold(3)
    expected = by_hand(X, y, cv)
    for scoring in ("accuracy", labeled_scorer("accuracy"), None) if split else OTHER:
        seen = TOOLS[tool](graph(), X, y, cv=cv, scoring=scoring)
        if hasattr(seen, "cv_results_"):
            values = seen.cv_results_["param_n_neighbors"].tolist()
            assert sorted(values) == [3, 7]
            for value, score in zip(values, seen.cv_results_["mean_test_score"], strict=True):
                assert score == pytest.approx(np.mean(by_hand(X, y, cv, value)))
            assert seen.classes_.tolist() == [0, 1]
        else:
            assert np.mean(seen) == pytest.approx(np.mean(expected))


def takes(name, clf, X, y):
    """Whether a scorer of scikit-learn is one for two classes."""
    try:
        return np.isfinite(get_scorer(name)(clf, X, y))
    except (ValueError, TypeError):
        return False


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_any_scorer_is_right_with_labeled_split(few):
    X, y = few
    parts = list(LabeledSplit(3).split(X, y))
    fitted = [graph().fit(X[train], y[train]) for train, _ in parts]
    labeled = y != -1
    names = [k for k in get_scorer_names() if takes(k, fitted[0], X[labeled], y[labeled])]
    assert {"roc_auc", "f1", "neg_log_loss", "average_precision", "matthews_corrcoef"} <= {*names}
    scores = cross_validate(graph(), X, y, cv=parts, scoring=names)
    for name in names:
        of = get_scorer(name)
        hand = [of(clf, X[t], y[t]) for clf, (_, t) in zip(fitted, parts, strict=True)]
        np.testing.assert_allclose(scores[f"test_{name}"], hand, err_msg=name)


@pytest.mark.parametrize("search", [HalvingGridSearchCV, HalvingRandomSearchCV])
def test_halving_scores_labeled_rows_alone(few, search):
    X, y = few
    n = {"n_candidates": 2} if search is HalvingRandomSearchCV else {}
    for cv in (LabeledSplit(2), 2):
        found = search(graph(), GRID, cv=cv, **HALVES, **n).fit(X, y)
        assert found.n_resources_[-1] == 200
        assert found.best_score_ > 0.7  # of all rows, at most .4 could be right


def test_a_scorer_of_a_search_sees_unlabeled_rows_where_it_scores_other_rows(few):
    X, y = few
    wrong = GridSearchCV(graph(), GRID, cv=LabeledSplit(3), scoring="accuracy").fit(X, y)
    right = GridSearchCV(graph(), GRID, cv=LabeledSplit(3), scoring=OTHER[0]).fit(X, y)
    assert wrong.best_score_ == right.best_score_
    assert wrong.score(X, y) < 0.4
    assert right.score(X, y) == wrong.score(X[y != -1], y[y != -1]) > 0.7


@pytest.mark.filterwarnings("ignore:No label reaches")
def test_selectors_of_columns(few):
    X, y = few
    X = np.column_stack([X, np.random.default_rng(0).normal(size=(200, 2))])
    for cv in (3, LabeledSplit(3)):
        chosen = SequentialFeatureSelector(graph(), n_features_to_select=2, cv=cv).fit(X, y)
        assert chosen.get_support(indices=True).max() < 4

    def best(cv, scoring):
        rfe = RFECV(graph(), cv=cv, scoring=scoring, importance_getter=importances)
        return rfe.fit(X, y).cv_results_["mean_test_score"].max()

    assert best(3, None) < 0.4  # RFECV takes accuracy, not the estimator's own score
    assert best(3, OTHER[0]) > 0.7
    assert best(LabeledSplit(3), None) > 0.7


def importances(clf):
    return -np.arange(clf.n_features_in_)


def test_permutation_importance(few):
    X, y = few
    labeled = y != -1
    args = {"n_repeats": 20, "random_state": 0}
    clf = graph().fit(X, y)
    own = permutation_importance(clf, X, y, **args).importances_mean
    known = permutation_importance(clf, X[labeled], y[labeled], **args).importances_mean
    np.testing.assert_allclose(own, known, atol=0.03)
    wrong = permutation_importance(clf, X, y, scoring="accuracy", **args).importances_mean
    np.testing.assert_allclose(wrong, 0.4 * own)


def test_predictions_of_held_out_rows(few):
    X, y = few
    labeled = y != -1
    predicted = cross_val_predict(graph(), X, y, cv=3)
    right = np.mean(predicted[labeled] == y[labeled])
    assert right == pytest.approx(np.mean(by_hand(X, y, StratifiedKFold(3))), abs=0.01)
    with pytest.raises(ValueError, match="only works for partitions"):
        cross_val_predict(graph(), X, y, cv=LabeledSplit(3))
    with pytest.raises(ValueError, match="has encoded y"):
        cross_val_predict(graph(), X, y, cv=3, method="predict_proba")
    assert len(out_of_fold(graph(), X, y, cv=3)[0]) == 80


@pytest.mark.parametrize("tool", [TunedThresholdClassifierCV, FixedThresholdClassifier])
def test_thresholds_want_labeled_rows_alone(few, tool):
    X, y = few
    with pytest.raises(ValueError, match="Only binary classification"):
        tool(graph()).fit(X, y)
    labeled, clf = y != -1, FrozenEstimator(graph().fit(X, y))
    prefit = {"cv": "prefit", "refit": False} if tool is TunedThresholdClassifierCV else {}
    assert tool(clf, **prefit).fit(X[labeled], y[labeled]).score(X[labeled], y[labeled]) > 0.7


@pytest.mark.parametrize("tool", [OneVsOneClassifier, OutputCodeClassifier])
def test_tools_of_many_classifiers_are_refused(few, tool):
    with pytest.raises(ValueError, match="has encoded y"):
        tool(graph()).fit(*few)


def test_calibration_is_refused_since_it_makes_a_class_of_the_mark(few):
    with pytest.raises(ValueError, match="CalibratedClassifierCV takes unlabeled rows for a class"):
        CalibratedClassifierCV(graph(), cv=3).fit(*few)


def test_nothing_warns_where_the_score_is_right(few):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cross_val_score(graph(), *few, cv=LabeledSplit(3))
        GridSearchCV(graph(), GRID, cv=3).fit(*few)
