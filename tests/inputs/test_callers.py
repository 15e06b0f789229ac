"""What tools around an estimator do to y, seen from ``fit`` and from where they clone."""

import warnings

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_wine
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.feature_selection import SelectKBest, SequentialFeatureSelector
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    ShuffleSplit,
    cross_val_predict,
    cross_val_score,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ssl import (
    LabeledSplit,
    OnLabeled,
    SemiSupervisedGaussianMixture,
    VAEClassifier,
    hide_labels,
)
from sklearn_ssl.inputs import classes

ENCODED = "has encoded y, and .* has become a class"


def mixture(**params):
    return SemiSupervisedGaussianMixture(max_iter=20, tol=0.1, **params)


@pytest.fixture(scope="module")
def wine():
    X, truth = load_wine(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    return X, hide_labels(truth, 60, random_state=1), truth


@pytest.fixture
def elsewhere(monkeypatch):
    """As in another process, where a fit does not see who called."""
    monkeypatch.setattr(classes, "look_at_callers", lambda *_: None)


@pytest.fixture
def silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def names(few, mark):
    return np.array([mark if v < 0 else f"wine {v}" for v in few], dtype=object)


# ------------------------------------------------------------------ y that was encoded

KINDS = {
    "-1": lambda few: (few, -1),
    "column": lambda few: (pd.DataFrame({"wine": few}), -1),
    "NaN, with -1 as the mark": lambda few: (np.where(few < 0, np.nan, few), -1),
    "NaN": lambda few: (np.where(few < 0, np.nan, few), np.nan),
    "None": lambda few: (names(few, None), None),
    "text": lambda few: (names(few, "open").astype(str), "open"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_probabilities_out_of_fold_are_refused_before_a_process_starts(wine, elsewhere, kind):
    X, few, _ = wine
    y, mark = KINDS[kind](few)
    inside = make_pipeline(StandardScaler(), mixture(unlabeled_label=mark))
    folds = KFold(3, shuffle=True, random_state=0)
    for clf in (inside, GridSearchCV(inside, {}, cv=2)):
        with pytest.raises(ValueError, match=f"cross_val_predict {ENCODED}"):
            cross_val_predict(clf, X, y, cv=folds, method="predict_proba", n_jobs=2)


@pytest.mark.parametrize(
    "tool",
    [
        lambda clf: VotingClassifier([("a", clf), ("b", clf)], n_jobs=2),
        lambda clf: StackingClassifier([("a", clf)], n_jobs=2),
        lambda clf: StackingClassifier([("a", LogisticRegression())], final_estimator=clf),
        lambda clf: CalibratedClassifierCV(clf, cv=3, ensemble=False, n_jobs=2),
        lambda clf: BaggingClassifier(clf, n_estimators=2, random_state=0),
    ],
)
def test_tools_that_clone_encoded_y_are_refused_at_the_clone(wine, elsewhere, tool):
    X, few, _ = wine
    for y, mark in ((few, -1), (names(few, "open"), "open")):
        with pytest.raises(ValueError, match=ENCODED):
            tool(mixture(unlabeled_label=mark)).fit(X, y)


@pytest.mark.parametrize("tool", [OneVsRestClassifier, OneVsOneClassifier, BaggingClassifier])
def test_tools_that_encode_in_a_worker_are_refused_there(wine, tool):
    X, few, _ = wine
    with (
        parallel_config("threading"),
        pytest.raises(ValueError, match=r"(sklearn.multiclass|BaggingClassifier) " + ENCODED),
    ):
        tool(mixture(), n_jobs=2).fit(X, few)


def test_a_code_of_classes_is_refused(wine):
    X, few, _ = wine
    with pytest.raises(ValueError, match=f"OutputCodeClassifier {ENCODED}"):
        OutputCodeClassifier(mixture(), random_state=0).fit(X, few)


@pytest.mark.usefixtures("silent")
def test_what_encodes_nothing_is_left_alone(wine):
    X, few, truth = wine
    for clf in (mixture(), make_pipeline(StandardScaler(), mixture())):
        assert len(cross_val_predict(clf, X, few, cv=3)) == len(X)
        assert cross_val_score(clf, X, few, cv=LabeledSplit(3)).mean() > 0.9
        GridSearchCV(clf, {}, cv=3).fit(X, few)
        cross_val_predict(clf, X, truth, cv=3, method="predict_proba")
    StackingClassifier([("a", mixture())]).fit(X, truth)
    assert clone(mixture(unlabeled_label="open")).unlabeled_label == "open"


# ------------------------------------------------------------------ calibration


@pytest.mark.parametrize(
    ("y", "cv"),
    [
        (lambda few: few, 3),  # unlabeled rows among those it learns from
        (lambda few: np.where(few == 2, -1, few), LabeledSplit(3)),  # two classes, and the mark
    ],
)
def test_calibration_that_would_be_wrong_is_refused(wine, y, cv):
    X, few, _ = wine
    with pytest.raises(ValueError, match="CalibratedClassifierCV takes unlabeled rows"):
        CalibratedClassifierCV(mixture(), cv=cv).fit(X, y(few))


@pytest.mark.usefixtures("silent")
def test_calibration_on_labeled_rows_of_three_classes_is_right(wine):
    X, few, truth = wine
    calibrated = CalibratedClassifierCV(mixture(), cv=LabeledSplit(3)).fit(X, few)
    assert calibrated.score(X, truth) > 0.9
    assert (calibrated.predict_proba(X)[:, 0] == 0).all()
    fresh = few < 0
    frozen = CalibratedClassifierCV(FrozenEstimator(mixture().fit(X, few)))
    assert frozen.fit(X[fresh], truth[fresh]).score(X, truth) > 0.9


# ------------------------------------------------------------------ steps that learn from y


@pytest.mark.usefixtures("elsewhere")
def test_supervised_steps_are_told_of_where_they_are_cloned(wine):
    X, few, _ = wine
    pipe = make_pipeline(SelectKBest(k=4), mixture())
    with pytest.warns(UserWarning, match=r"put OnLabeled\(SelectKBest"):
        cross_val_score(pipe, X, few, cv=LabeledSplit(2))
    with pytest.warns(UserWarning, match=r"put OnLabeled\(SelectKBest"):
        GridSearchCV(pipe, {"selectkbest__k": [3]}, cv=LabeledSplit(2)).fit(X, few)


def test_steps_with_another_mark_are_told(wine):
    X, few, _ = wine
    y = names(few, "open")
    pipe = make_pipeline(OnLabeled(SelectKBest(k=4)), mixture(unlabeled_label="open"))
    with pytest.warns(UserWarning, match=r"'onlabeled' takes other rows .* mark is 'open'"):
        pipe.fit(X, y)


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize(
    "step",
    [
        VAEClassifier(max_steps=2, random_state=0),
        make_pipeline(StandardScaler(), VAEClassifier(max_steps=2, random_state=0)),
        FrozenEstimator(SelectKBest(k=4).fit(*load_wine(return_X_y=True))),
        SequentialFeatureSelector(mixture(), n_features_to_select=1, cv=LabeledSplit(2)),
        make_pipeline(SimpleImputer(), OnLabeled(SelectKBest(k=4))),
    ],
    ids=lambda step: type(step).__name__,
)
def test_steps_that_know_unlabeled_rows_are_left_alone(wine, step):
    X, few, _ = wine
    make_pipeline(step, mixture()).fit(X, few)


@pytest.mark.usefixtures("silent")
def test_an_estimator_that_ends_a_pipeline_as_transformer(wine):
    X, few, _ = wine
    vae = VAEClassifier(max_steps=2, random_state=0, latent_dim=3)
    assert make_pipeline(StandardScaler(), vae).fit_transform(X, few).shape == (len(X), 3)


# ------------------------------------------------------------------ splits


@pytest.mark.parametrize("where", ["fit", "clone"])
def test_classes_that_a_split_leaves_out_are_told(wine, monkeypatch, where):
    if where == "clone":
        monkeypatch.setattr(classes, "look_at_callers", lambda *_: None)
    X, few, _ = wine  # sorted by class
    y = pd.Series(names(few, None)).astype("category")
    for run in (
        lambda: cross_val_score(mixture(), X, names(few, None), cv=2),
        lambda: GridSearchCV(make_pipeline(mixture()), {}, cv=KFold(2)).fit(X, few),
        lambda: cross_val_score(mixture(), X, y, cv=KFold(2)),
    ):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            run()
        texts = " ".join(str(w.message) for w in told)
        assert "has left no label of" in texts
        assert "0" in texts
        assert "2" in texts
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cross_val_score(mixture(), X, names(few, None), cv=LabeledSplit(2))
        shuffled = ShuffleSplit(2, test_size=0.3, random_state=0)
        cross_val_score(mixture(), X, names(few, None), cv=shuffled)
