"""The regressors: scikit-learn's checks, and what NaN in y means."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_diabetes
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_ssl import MeanTeacherRegressor, load
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
