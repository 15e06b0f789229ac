"""Regressors: what NaN in y means."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_diabetes
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score

from sklearn_ssl import (
    LabeledSplit,
    LabelPropagationRegressor,
    MeanTeacherRegressor,
    RankUpRegressor,
    compare_with_supervised,
    estimate_class_prior,
    hide_labels,
    label_budget_curve,
    load,
    out_of_fold,
)

from .helpers import quick


def small(**params):
    return quick(MeanTeacherRegressor, **{"max_steps": 60, **params})


@pytest.fixture
def diabetes():
    X, truth = load_diabetes(return_X_y=True)
    y = np.where(np.arange(len(truth)) < 120, truth, np.nan)
    return X, y, truth


def test_nan_marks_unlabeled_rows(diabetes):
    X, y, truth = diabetes
    reg = small(max_steps=300).fit(X, y)
    assert reg.score(X[120:], truth[120:]) > 0.3
    assert reg.score(X, y) == reg.score(X[:120], y[:120])
    np.testing.assert_allclose(reg.transduction_[:120], y[:120], rtol=1e-6)
    np.testing.assert_allclose(reg.transduction_[120:], reg.predict(X)[120:])
    series = small(max_steps=300).fit(X, pd.Series(y, dtype="Float64").replace(np.nan, pd.NA))
    np.testing.assert_array_equal(series.predict(X), reg.predict(X))
    other = small(max_steps=300, unlabeled_weight=0).fit(X, y)
    assert np.abs(other.predict(X) - reg.predict(X)).max() > 1
    alone = small(max_steps=300, unlabeled_weight=0).fit(X[:120], y[:120])
    np.testing.assert_array_equal(other.predict(X), alone.predict(X))


def test_units_of_the_target_do_not_matter(diabetes):
    X, y, _ = diabetes
    one, other = small().fit(X, y).predict(X), small().fit(X, 1000 * y - 7).predict(X)
    np.testing.assert_allclose(1000 * one - 7, other, rtol=1e-4)


def test_several_outputs_some_of_them_unknown(diabetes):
    X, y, truth = diabetes
    both = np.column_stack([y, -2 * truth])
    both[:100, 1] = np.nan
    reg = small(max_steps=300).fit(X, both)
    predicted = reg.predict(X)
    assert predicted.shape == both.shape
    assert np.isfinite(reg.transduction_).all()
    assert np.corrcoef(predicted[:, 0], predicted[:, 1])[0, 1] < -0.7
    with pytest.raises(ValueError, match=r"Outputs \[1\] of y"):
        small().fit(X, np.column_stack([y, np.full(len(y), np.nan)]))


def test_contract(diabetes, tmp_path):
    X, y, truth = diabetes
    state = torch.get_rng_state()
    reg = small().fit(X, y)
    assert torch.equal(state, torch.get_rng_state())
    np.testing.assert_array_equal(reg.predict(X), small().fit(X, y).predict(X))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(reg)).predict(X), reg.predict(X))
    reg.save(tmp_path / "net")
    np.testing.assert_allclose(load(tmp_path / "net").predict(X), reg.predict(X), rtol=1e-5)
    search = GridSearchCV(small(), {"unlabeled_weight": [0.0, 1.0]}, cv=3).fit(X[:150], truth[:150])
    assert np.isfinite(search.best_score_)
    folds = KFold(3, shuffle=True, random_state=0)
    scores = cross_val_score(small(max_steps=200), X, y, cv=folds)
    assert np.isfinite(scores).all()
    more = small().partial_fit(X, y).partial_fit(X, y)
    assert more.score(X, truth) > reg.score(X, truth) - 0.05
    stopped = small(max_steps=400, early_stopping=3).fit(X, y)
    assert {"valid_loss"} <= stopped.history_[-1].keys()
    assert stopped.n_iter_ < 400
    killed = small(checkpoint_dir=tmp_path / "run").fit(X, y)
    np.testing.assert_array_equal(killed.predict(X), reg.predict(X))


def test_bad_targets_are_refused(diabetes):
    X, y, _ = diabetes
    for bad, message in [
        (np.full(len(y), np.nan), "No row is labeled"),
        (np.where(np.isnan(y), np.inf, y), "infinity"),
        (y[:-1], "inconsistent"),
        (np.array(["a"] * len(y)), "y holds text"),
    ]:
        with pytest.raises(ValueError, match=message):
            small().fit(X, bad)
    with pytest.raises(ValueError, match="score needs labeled rows"):
        small().fit(X, y).score(X, np.full(len(y), np.nan))


def test_comparison_and_budget_curve_take_regressors(diabetes):
    X, y, truth = diabetes
    reg = small(max_steps=40)
    result = compare_with_supervised(reg, X, y, cv=3)
    folds = LabeledSplit(KFold(3, shuffle=True, random_state=0), unlabeled_label=None)
    for train, test in folds.split(X, y):
        assert np.isfinite(y[test]).all()
        assert set(np.flatnonzero(np.isnan(y))) <= set(train)
    expected = cross_val_score(small(max_steps=40), X, y, cv=folds)
    np.testing.assert_allclose(result.scores, expected)
    assert np.isfinite(result.supervised_scores).all()
    curve = label_budget_curve(reg, X, truth, [10, 200], n_repeats=2, random_state=0)
    assert curve.mean[0, 1] > curve.mean[0, 0]
    few = hide_labels(truth, 50, stratify=False, unlabeled_label=None, random_state=0)
    assert np.isfinite(few).sum() == 50
    with pytest.raises(ValueError, match=r"LabeledSplit\(KFold\(3\)\)"):
        list(LabeledSplit(3).split(X, y))
    with pytest.raises(ValueError, match="stratify=False, unlabeled_label=None"):
        hide_labels(truth, 50)


def test_score_leaves_out_rows_with_an_unknown_target(diabetes):
    X, _, truth = diabetes
    y = np.column_stack([truth, -2 * truth])
    reg = small(max_steps=3).fit(X, y)
    y[:100, 0], y[300:] = np.nan, np.nan
    known, weight = slice(100, 300), np.linspace(1, 2, len(X))
    predicted = reg.predict(X[known])
    assert reg.score(X, y) == pytest.approx(r2_score(y[known], predicted))
    expected = r2_score(y[known], predicted, sample_weight=weight[known])
    assert reg.score(X, y, sample_weight=weight) == pytest.approx(expected)


def test_out_of_fold_predicts_each_labeled_row_without_its_target():
    X, truth = load_diabetes(return_X_y=True)
    y = np.where(np.arange(len(truth)) % 5 == 0, truth, np.nan)
    reg = LabelPropagationRegressor(n_landmarks=50, random_state=0)
    rows, predicted = out_of_fold(reg, X, y, cv=3)
    assert rows.tolist() == list(range(0, len(y), 5))
    _, test = next(KFold(3, shuffle=True, random_state=0).split(rows))
    train = np.setdiff1d(np.arange(len(y)), rows[test])
    expected = reg.fit(X[train], y[train]).predict(X[rows[test]])
    np.testing.assert_allclose(predicted[test], expected, rtol=1e-9)
    assert r2_score(y[rows], predicted) > 0.2
    with pytest.raises(ValueError, match="predicts numbers, which have no shares"):
        estimate_class_prior(reg, X, y)


@pytest.mark.parametrize("cls", [MeanTeacherRegressor, RankUpRegressor])
def test_a_prediction_does_not_depend_on_the_rows_beside_it(cls):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 7))
    reg = quick(cls, max_steps=5).fit(X, X[:, 0] + 1e3)
    together, alone = reg.predict(X), np.concatenate([reg.predict(x[None]) for x in X])
    np.testing.assert_allclose(together, alone, rtol=1e-13)


class OfFloats(torch.nn.Module):
    """It makes numbers of its own, in float32."""

    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(7, 1)

    def forward(self, x):
        return self.linear(x.float())


def test_a_network_that_knows_float32_alone_predicts_in_it():
    X = np.random.default_rng(0).normal(size=(50, 7))
    reg = MeanTeacherRegressor(module=OfFloats, max_steps=3, random_state=0).fit(X, X[:, 0])
    with torch.no_grad():
        out = reg.net_.predicting_module_(torch.from_numpy(X).float()).double().numpy()
    np.testing.assert_allclose(reg.predict(X), reg._targets.in_units_of_y(out), rtol=1e-6)
