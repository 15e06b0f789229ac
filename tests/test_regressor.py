"""The regressors: scikit-learn's checks, and what NaN in y means."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_diabetes, make_swiss_roll
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn_ssl.data import Batch
from sklearn_ssl.mean_teacher_regressor import MeanTeacherRegressionLoss

from sklearn_ssl import (
    LabeledSplit,
    MeanTeacherRegressor,
    compare_with_supervised,
    hide_labels,
    label_budget_curve,
    load,
)
from sklearn_ssl.regressor import masked_mse

FAILURES = dict.fromkeys(
    (
        "check_sample_weight_equivalence_on_dense_data",
        "check_sample_weight_equivalence_on_sparse_data",
    ),
    "batches are drawn at random, so that weight 2 and a row given twice agree on average only",
)


def quick(**params):
    small = {"max_steps": 60, "unlabeled_ratio": 2, "random_state": 0}
    return MeanTeacherRegressor(
        **{**small, "module_params": {"hidden_layer_sizes": (32, 32)}, **params}
    )


@pytest.mark.filterwarnings("ignore:A column-vector y")
@parametrize_with_checks([quick(max_steps=300)], expected_failed_checks=lambda estimator: FAILURES)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.fixture
def diabetes():
    X, truth = load_diabetes(return_X_y=True)
    y = np.where(np.arange(len(truth)) < 120, truth, np.nan)
    return X, y, truth


def test_loss_leaves_unknown_targets_out():
    outputs = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    targets = torch.tensor([[0.0, float("nan")], [1.0, 1.0]])
    assert masked_mse(outputs, targets) == (1 + 4 + 9) / 3
    assert masked_mse(outputs, torch.full((2, 2), torch.nan)) == 0


def test_labels_are_a_batch_of_their_own_and_the_teacher_gets_no_gradient():
    g = torch.Generator().manual_seed(0)
    x_l, x_u = torch.randn(6, 3, generator=g), 2 + torch.randn(8, 3, generator=g)
    y_l = torch.randn(6, 1, generator=g)
    student = torch.nn.Sequential(torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 1))
    teacher = copy.deepcopy(student).eval()
    with torch.no_grad():
        teacher[1].weight += 1
    batch = Batch(x_l, y_l, x_u, torch.arange(8), 0.5, g, teacher)
    loss, parts = MeanTeacherRegressionLoss(lambda x, g: x, 2.0, 0.0)(student, batch)
    loss.backward()

    def outputs(x, weight):
        x = x.double().numpy()
        z = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5)
        return z @ weight.detach().double().numpy().T + student[1].bias.item()

    labeled = np.mean((outputs(x_l, student[1].weight) - y_l.double().numpy()) ** 2)
    gap = outputs(x_u, student[1].weight) - outputs(x_u, teacher[1].weight)
    assert parts["labeled_loss"].item() == pytest.approx(labeled, rel=1e-5)
    assert parts["unlabeled_loss"].item() == pytest.approx(np.mean(gap**2), rel=1e-5)
    assert loss.item() == pytest.approx(labeled + 2 * np.mean(gap**2), rel=1e-5)
    np.testing.assert_allclose(student[0].running_mean, 0.1 * x_l.mean(0), rtol=1e-5)
    assert teacher[1].weight.grad is None
    alone = copy.deepcopy(student)
    alone.zero_grad()
    masked_mse(alone(x_l), y_l).backward()
    assert not torch.allclose(alone[1].weight.grad, student[1].weight.grad)


def test_unlabeled_rows_help_along_a_swiss_roll():
    X, truth = make_swiss_roll(800, noise=0.1, random_state=0)
    y = np.where(np.arange(len(X)) < 40, truth, np.nan)
    r2 = [
        MeanTeacherRegressor(max_steps=500, random_state=0, unlabeled_weight=w)
        .fit(X, y)
        .score(X[40:], truth[40:])
        for w in (2.0, 0.0)
    ]
    assert r2[0] > r2[1]


def test_nan_marks_unlabeled_rows(diabetes):
    X, y, truth = diabetes
    reg = quick(max_steps=300).fit(X, y)
    assert reg.score(X[120:], truth[120:]) > 0.3
    assert reg.score(X, y) == reg.score(X[:120], y[:120])
    np.testing.assert_allclose(reg.transduction_[:120], y[:120], rtol=1e-6)
    np.testing.assert_allclose(reg.transduction_[120:], reg.predict(X)[120:])
    series = quick(max_steps=300).fit(X, pd.Series(y, dtype="Float64").replace(np.nan, pd.NA))
    np.testing.assert_array_equal(series.predict(X), reg.predict(X))
    other = quick(max_steps=300, unlabeled_weight=0).fit(X, y)
    assert np.abs(other.predict(X) - reg.predict(X)).max() > 1
    alone = quick(max_steps=300, unlabeled_weight=0).fit(X[:120], y[:120])
    np.testing.assert_array_equal(other.predict(X), alone.predict(X))


def test_units_of_the_target_do_not_matter(diabetes):
    X, y, _ = diabetes
    one, other = quick().fit(X, y).predict(X), quick().fit(X, 1000 * y - 7).predict(X)
    np.testing.assert_allclose(1000 * one - 7, other, rtol=1e-4)


def test_several_outputs_some_of_them_unknown(diabetes):
    X, y, truth = diabetes
    both = np.column_stack([y, -2 * truth])
    both[:100, 1] = np.nan
    reg = quick(max_steps=300).fit(X, both)
    predicted = reg.predict(X)
    assert predicted.shape == both.shape
    assert np.isfinite(reg.transduction_).all()
    assert np.corrcoef(predicted[:, 0], predicted[:, 1])[0, 1] < -0.7
    with pytest.raises(ValueError, match=r"Outputs \[1\] of y"):
        quick().fit(X, np.column_stack([y, np.full(len(y), np.nan)]))


def test_contract(diabetes, tmp_path):
    X, y, truth = diabetes
    state = torch.get_rng_state()
    reg = quick().fit(X, y)
    assert torch.equal(state, torch.get_rng_state())
    np.testing.assert_array_equal(reg.predict(X), quick().fit(X, y).predict(X))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(reg)).predict(X), reg.predict(X))
    reg.save(tmp_path / "net")
    np.testing.assert_allclose(load(tmp_path / "net").predict(X), reg.predict(X), rtol=1e-5)
    search = GridSearchCV(quick(), {"unlabeled_weight": [0.0, 1.0]}, cv=3).fit(X[:150], truth[:150])
    assert np.isfinite(search.best_score_)
    folds = KFold(3, shuffle=True, random_state=0)
    scores = cross_val_score(quick(max_steps=200), X, y, cv=folds)
    assert np.isfinite(scores).all()
    more = quick().partial_fit(X, y).partial_fit(X, y)
    assert more.score(X, truth) > reg.score(X, truth) - 0.05
    stopped = quick(max_steps=400, early_stopping=3).fit(X, y)
    assert {"valid_loss"} <= stopped.history_[-1].keys()
    assert stopped.n_iter_ < 400
    killed = quick(checkpoint_dir=tmp_path / "run").fit(X, y)
    np.testing.assert_array_equal(killed.predict(X), reg.predict(X))


def test_bad_targets_are_refused(diabetes):
    X, y, _ = diabetes
    for bad, message in [
        (np.full(len(y), np.nan), "No row is labeled"),
        (np.where(np.isnan(y), np.inf, y), "infinity"),
        (y[:-1], "inconsistent"),
        (np.array(["a"] * len(y)), "could not convert|dtype"),
    ]:
        with pytest.raises(ValueError, match=message):
            quick().fit(X, bad)
    with pytest.raises(ValueError, match="score needs labeled rows"):
        quick().fit(X, y).score(X, np.full(len(y), np.nan))


def test_comparison_and_budget_curve_take_regressors(diabetes):
    X, y, truth = diabetes
    reg = quick(max_steps=100)
    result = compare_with_supervised(reg, X, y, cv=3)
    folds = LabeledSplit(KFold(3, shuffle=True, random_state=0), unlabeled_label=None)
    for train, test in folds.split(X, y):
        assert np.isfinite(y[test]).all()
        assert set(np.flatnonzero(np.isnan(y))) <= set(train)
    expected = cross_val_score(quick(max_steps=100), X, y, cv=folds)
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
