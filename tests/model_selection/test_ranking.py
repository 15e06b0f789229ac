"""Several methods on the same rows, and a careful choice."""

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_regression
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ssl import (
    LabeledSplit,
    LabelPropagationClassifier,
    MeanTeacherRegressor,
    hide_labels,
    labeled_scorer,
    rank_methods,
)

from ..helpers import quick

GRAPH = LabelPropagationClassifier()
LOGISTIC = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))


@pytest.fixture(scope="module")
def digits_200():
    X, y = load_digits(return_X_y=True)
    return X[:700], hide_labels(y[:700], 200, random_state=0)


def test_scores_and_differences_by_hand(digits_200):
    X, y = digits_200
    methods = {"logistic": LOGISTIC, "naive": GaussianNB(), "graph": GRAPH}
    ranking = rank_methods(methods, X, y, cv=4, scoring="accuracy")
    labeled = y >= 0
    expected = {
        "logistic": cross_val_score(LOGISTIC, X[labeled], y[labeled], cv=4),
        "naive": cross_val_score(GaussianNB(), X[labeled], y[labeled], cv=4),
        "graph": cross_val_score(GRAPH, X, y, cv=LabeledSplit(4), scoring=labeled_scorer()),
    }
    for name, scores in zip(ranking.names, ranking.scores, strict=True):
        np.testing.assert_array_equal(scores, expected[name])
    means = [expected[name].mean() for name in ranking.names]
    assert means == sorted(means, reverse=True)
    assert ranking.baseline == "logistic"  # the better of the two that saw labels alone
    d = expected["graph"] - expected["logistic"]
    i = ranking.names.index("graph")
    assert ranking.difference[i] == pytest.approx(d.mean())
    assert ranking.standard_error[i] == pytest.approx(np.sqrt((1 / 4 + 1 / 3) * d.var(ddof=1)))


def test_the_first_of_equals_is_chosen_and_a_worse_one_is_not(digits_200):
    X, y = digits_200
    trees = {str(i): ExtraTreesClassifier(30, random_state=i) for i in range(4)}
    ranking = rank_methods({"nothing": DummyClassifier(), **trees}, X, y, cv=3)
    assert ranking.names[-1] == "nothing"
    assert ranking.chosen != "nothing"
    behind = ranking.scores[0] - ranking.scores
    error = np.sqrt((1 / 3 + 1 / 2) * behind.var(1, ddof=1))
    within = {n for n, b, e in zip(ranking.names, behind.mean(1), error, strict=True) if b <= e}
    assert ranking.chosen == next(name for name in ["nothing", *trees] if name in within)
    assert f"Chosen: {ranking.chosen}" in str(ranking)
    assert "too good" in str(ranking)


def test_numbers_are_ranked(digits_200):
    X, y = make_regression(120, 5, random_state=0)
    y[60:] = np.nan
    methods = [("ridge", Ridge()), ("teacher", quick(MeanTeacherRegressor))]
    ranking = rank_methods(methods, X, y, cv=3, scoring="r2")
    assert ranking.names[0] == "ridge"
    assert ranking.baseline == "ridge"


def test_what_cannot_be_ranked_is_refused(digits_200):
    X, y = digits_200
    with pytest.raises(ValueError, match="'forest'"):
        rank_methods({"graph": GRAPH}, X, y, baseline="forest")
    rows = np.flatnonzero(y >= 0)
    one = [(np.arange(10, len(rows)), np.arange(10))]
    with pytest.raises(ValueError, match="two splits"):
        rank_methods({"graph": GRAPH}, X, y, cv=one)
