"""The table of docs/workflows.md: each cell is run, by a classifier that says what it was given."""

import contextlib
import re
from pathlib import Path

import numpy as np
import pytest
import sklearn
from sklearn.base import TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import make_moons
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import RFE, RFECV, SelectFromModel, SequentialFeatureSelector
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import partial_dependence, permutation_importance
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
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ssl import LabelPropagationClassifier, MeanTeacherRegressor, hide_labels

PAGE = Path(__file__).parents[1] / "docs" / "workflows.md"
GRID = {"n_neighbors": [3, 5]}
HALVES = {"min_resources": 60, "factor": 2, "random_state": 0}


class Graph(LabelPropagationClassifier):
    """Writes down the classes of each fit, and how many rows had no label."""

    seen = []

    def fit(self, X, y, sample_weight=None, X_unlabeled=None):
        super().fit(X, y, sample_weight, X_unlabeled)
        extra = 0 if X_unlabeled is None else len(self.transduction_unlabeled_)
        unlabeled = extra + int((np.asarray(y) == -1).sum())
        self.seen.append((set(self.classes_.tolist()), unlabeled))
        return self


@pytest.fixture(scope="module")
def moons():
    """Two moons: (X, y with 60 labels, X_test, y_test)."""
    X, truth = make_moons(900, noise=0.1, random_state=0)
    y = hide_labels(truth[:600], 60, stratify="balanced", random_state=0)
    return X[:600], y, X[600:], truth[600:]


def inside(make):
    """A tool that is an estimator around ours: fitted, and its score on test rows."""

    def use(clf, X, y, test, pool):
        return make(clf).fit(X, y, **pool).score(*test)

    return use


def scored(tool, **params):
    """A function that cross-validates: the mean of its scores."""

    def use(clf, X, y, test, pool):
        found = tool(clf, X, y, cv=StratifiedKFold(3), params=pool, **params)
        if isinstance(found, dict):
            found = found["test_score"]
        elif isinstance(found, tuple):  # curves: scores of test parts last
            found = found[2] if tool is learning_curve else found[1]
        return np.mean(found)

    return use


def in_one_score(tool, **params):
    def use(clf, X, y, test, pool):
        return tool(clf, X, y, cv=StratifiedKFold(3), params=pool, random_state=0, **params)[0]

    return use


def predicted(method):
    def use(clf, X, y, test, pool):
        found = cross_val_predict(clf, X, y, cv=3, params=pool, method=method)
        found = found.argmax(1) if found.ndim > 1 else found
        return np.mean(found[y != -1] == y[y != -1])

    return use


def pipeline(*steps):
    def make(clf):
        routed = sklearn.get_config()["enable_metadata_routing"]
        kw = {"transform_input": ["X_unlabeled"]} if routed else {}
        return make_pipeline(*steps, clf, **kw)

    return inside(make)


def several_outputs(make):
    def use(clf, X, y, test, pool):
        Y = np.column_stack([y, y])
        fitted = make(clf).fit(X, Y, **pool)
        return np.mean(fitted.predict(test[0])[:, 1] == test[1])

    return use


def selected(make):
    """A tool that chooses columns, the first of which tells the classes; a third is noise."""

    def use(clf, X, y, test, pool):
        rng = np.random.default_rng(0)
        X = np.column_stack([X, 0.1 * rng.normal(size=len(X))])
        if pool:
            noise = 0.1 * rng.normal(size=len(pool["X_unlabeled"]))
            pool = {"X_unlabeled": np.column_stack([pool["X_unlabeled"], noise])}
        chosen = make(clf).fit(X, y, **pool)
        assert len(chosen.transform(X)) == len(X)
        return 1.0 if chosen.get_support()[0] else 0.0

    return use


def first_columns(fitted):
    return np.arange(fitted.n_features_in_, 0, -1)


def stacked(clf, X, y, test, pool):
    return StackingClassifier([("a", clf)], cv=3).fit(X, y, **pool).score(*test)


def looked_at(use):
    """A tool that looks at a fitted estimator, on labeled rows."""

    def run(clf, X, y, test, pool):
        fitted = clf.fit(X, y, **pool)
        return use(fitted, X[y != -1], y[y != -1])

    return run


def importance(fitted, X, y):
    found = permutation_importance(fitted, X, y, random_state=0).importances_mean
    return 1.0 if found.min() > 0.05 else 0.0


def dependence(fitted, X, y):
    average = partial_dependence(fitted, X, [1], kind="average")["average"][0]
    return 1.0 if average[0] > average[-1] + 0.2 else 0.0  # class 0 is the upper moon


def resampled(clf, X, y, test, pool):
    under = pytest.importorskip("imblearn.under_sampling").RandomUnderSampler(random_state=0)
    make = pytest.importorskip("imblearn.pipeline").make_pipeline
    rare = (y != 1) | (np.cumsum(y == 1) <= 5)
    return make(under, clf).fit(X[rare], y[rare], **pool).score(*test)


def regression(clf, X, y, test, pool):
    net = MeanTeacherRegressor(max_steps=200, random_state=0)
    numbers = np.where(y == -1, np.nan, 10.0 * y)
    tool = TransformedTargetRegressor(net, func=np.sqrt, inverse_func=np.square)
    fitted = tool.fit(X, numbers, **pool)
    Graph.seen.append(({0, 1}, len(getattr(fitted.regressor_, "transduction_unlabeled_", []))))
    return np.mean((fitted.predict(test[0]) > 5) == test[1])


CASES = {
    "Pipeline": pipeline(StandardScaler()),
    "ColumnTransformer": pipeline(ColumnTransformer([("both", StandardScaler(), [0, 1])])),
    "cross_val_score": scored(cross_val_score),
    "cross_validate": scored(cross_validate),
    "validation_curve": scored(validation_curve, param_name="n_neighbors", param_range=[3]),
    "learning_curve": scored(learning_curve, train_sizes=[1.0], shuffle=True, random_state=0),
    "permutation_test_score": in_one_score(permutation_test_score, n_permutations=2),
    "cross_val_predict": predicted("predict"),
    'cross_val_predict(method="predict_proba")': predicted("predict_proba"),
    "GridSearchCV": inside(lambda clf: GridSearchCV(clf, GRID, cv=3)),
    "RandomizedSearchCV": inside(
        lambda clf: RandomizedSearchCV(clf, GRID, n_iter=2, cv=3, random_state=0)
    ),
    "HalvingGridSearchCV": inside(lambda clf: HalvingGridSearchCV(clf, GRID, cv=3, **HALVES)),
    "HalvingRandomSearchCV": inside(
        lambda clf: HalvingRandomSearchCV(clf, GRID, cv=3, n_candidates=2, **HALVES)
    ),
    "VotingClassifier": inside(
        lambda clf: VotingClassifier([("a", clf), ("b", clf)], voting="soft")
    ),
    "StackingClassifier": stacked,
    "BaggingClassifier": inside(lambda clf: BaggingClassifier(clf, n_estimators=3, random_state=0)),
    "AdaBoostClassifier": inside(lambda clf: AdaBoostClassifier(clf, n_estimators=3)),
    "OneVsRestClassifier": inside(OneVsRestClassifier),
    "OneVsOneClassifier": inside(OneVsOneClassifier),
    "OutputCodeClassifier": inside(lambda clf: OutputCodeClassifier(clf, random_state=0)),
    "MultiOutputClassifier": several_outputs(MultiOutputClassifier),
    "ClassifierChain": several_outputs(ClassifierChain),
    "CalibratedClassifierCV": inside(lambda clf: CalibratedClassifierCV(clf, cv=3)),
    "CalibratedClassifierCV(ensemble=False)": inside(
        lambda clf: CalibratedClassifierCV(clf, cv=3, ensemble=False)
    ),
    "TunedThresholdClassifierCV": inside(lambda clf: TunedThresholdClassifierCV(clf, cv=3)),
    "FixedThresholdClassifier": inside(FixedThresholdClassifier),
    "TransformedTargetRegressor": regression,
    "SelectFromModel": selected(
        lambda clf: SelectFromModel(clf, importance_getter=first_columns, max_features=2)
    ),
    "RFE": selected(lambda clf: RFE(clf, importance_getter=first_columns)),
    "RFECV": selected(lambda clf: RFECV(clf, importance_getter=first_columns, cv=3)),
    "SequentialFeatureSelector": selected(
        lambda clf: SequentialFeatureSelector(clf, n_features_to_select=2, cv=3)
    ),
    "permutation_importance": looked_at(importance),
    "partial_dependence": looked_at(dependence),
    "imblearn.pipeline.Pipeline": resampled,
}


def table():
    """Rows of the page's table: name of the tool to its two cells."""
    rows = {}
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 3:
            for name in re.findall(r"`([^`]+)`", cells[0]):
                rows[name] = cells[1:]
    return rows


def test_every_tool_of_the_page_is_run():
    assert sorted(table()) == sorted(CASES)


@pytest.mark.filterwarnings("ignore:No label reaches", "ignore:The split has left no label")
@pytest.mark.parametrize("column", [0, 1], ids=["-1 in y", "X_unlabeled"])
@pytest.mark.parametrize("name", CASES)
def test_cell(moons, name, column, monkeypatch):
    X, y, *test = moons
    monkeypatch.setattr(Graph, "seen", [])
    labeled, pool = y != -1, {}
    n_pool = int((~labeled).sum())
    context = contextlib.nullcontext()
    if column == 1:
        pool = {"X_unlabeled": X[~labeled]}
        X, y = X[labeled], y[labeled]
        context = sklearn.config_context(enable_metadata_routing=True)
    said = table()[name][column].split()[0].strip(",;:")
    with context:
        if said == "refused":
            with pytest.raises((ValueError, TypeError), match=r"unlabeled|mark|encoded|binary|NaN"):
                CASES[name](Graph(), X, y, test, pool)
            return
        score = CASES[name](Graph(), X, y, test, pool)
    right = score > 0.9 and all(classes <= {0, 1} for classes, _ in Graph.seen)
    if column == 1:
        right &= all(unlabeled == n_pool for _, unlabeled in Graph.seen)
    assert Graph.seen
    assert right == (said == "right"), (score, Graph.seen[:3])
    assert said in ("right", "wrong")


class Shift(TransformerMixin, sklearn.base.BaseEstimator):
    def fit(self, X, y=None):
        self.by_ = 100.0
        return self

    def transform(self, X):
        return X + self.by_


def test_without_routing_a_step_is_given_the_pool_as_it_is_and_says_so(moons):
    X, y, *test = moons
    labeled = y != -1
    clf = LabelPropagationClassifier()
    direct = clf.fit(X[labeled], y[labeled], X_unlabeled=X[~labeled]).predict_proba(test[0])
    pipe = make_pipeline("passthrough", LabelPropagationClassifier())
    pool = {"labelpropagationclassifier__X_unlabeled": X[~labeled]}
    np.testing.assert_array_equal(
        pipe.fit(X[labeled], y[labeled], **pool).predict_proba(test[0]), direct
    )
    pipe = make_pipeline(Shift(), LabelPropagationClassifier())
    told = r"gave X through \['shift'\], and X_unlabeled as it was"
    with pytest.warns(UserWarning, match=told), pytest.warns(UserWarning, match="No label reaches"):
        pipe.fit(X[labeled], y[labeled], **pool)
    with sklearn.config_context(enable_metadata_routing=True):
        pipe.set_params(transform_input=["X_unlabeled"])
        shifted = pipe.fit(X[labeled], y[labeled], X_unlabeled=X[~labeled])
        assert shifted.score(*test) > 0.95
        assert shifted[-1].transduction_unlabeled_.shape == ((~labeled).sum(),)


def test_stacking_of_fitted_classifiers_with_a_pool(moons):
    X, y, *test = moons
    labeled = y != -1
    clf = LabelPropagationClassifier().fit(X[labeled], y[labeled], X_unlabeled=X[~labeled])
    stack = StackingClassifier([("a", FrozenEstimator(clf))], cv="prefit")
    assert stack.fit(X[labeled], y[labeled]).score(*test) > 0.95
