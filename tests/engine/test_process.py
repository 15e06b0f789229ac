"""The state of the process: threads, default dtype, gradients, devices."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from joblib import parallel_backend
from sklearn.datasets import make_moons
from sklearn.model_selection import GridSearchCV
from torch import nn

from sklearn_ssl import (
    LabeledSplit,
    MeanTeacherRegressor,
    MixMatchClassifier,
    SelfTrainingNet,
    VATClassifier,
    hide_labels,
)


@pytest.fixture(scope="module")
def moons():
    X, truth = make_moons(120, noise=0.2, random_state=0)
    return X, hide_labels(truth, 12, stratify="balanced", random_state=0), truth


class Dropping(nn.Sequential):
    """A user's network whose dropout draws from the global generator."""

    def __init__(self):
        super().__init__(nn.Linear(2, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 2))


@pytest.mark.parametrize("params", [{}, {"module": Dropping}])
def test_fits_in_threads_are_those_of_one_thread(moons, params):
    X, few, _ = moons

    def fit(seed):
        clf = VATClassifier(max_steps=12, random_state=seed, **params)
        return clf.fit(X, few).predict_proba(X)

    alone = [fit(seed) for seed in range(3)]
    state = torch.get_rng_state()
    with ThreadPoolExecutor(3) as threads:
        together = list(threads.map(fit, [0, 1, 2, 0, 1, 2]))
    assert torch.equal(torch.get_rng_state(), state)
    for one, other in zip(alone * 2, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_search_in_threads_scores_as_one_by_one(moons):
    X, few, _ = moons
    search = GridSearchCV(
        MixMatchClassifier(max_steps=10, module=Dropping, random_state=0),
        {"lr": [0.003, 0.1]},
        cv=LabeledSplit(2),
    )
    alone = search.fit(X, few).cv_results_["mean_test_score"]
    with parallel_backend("threading", n_jobs=3):
        threaded = search.set_params(n_jobs=3).fit(X, few).cv_results_["mean_test_score"]
    np.testing.assert_array_equal(alone, threaded)


@pytest.mark.parametrize("cls", [MixMatchClassifier, SelfTrainingNet, MeanTeacherRegressor])
def test_default_dtype_and_gradient_mode_change_nothing(moons, cls):
    X, few, _ = moons
    y = np.where(few < 0, np.nan, few) if cls is MeanTeacherRegressor else few
    usual = cls(max_steps=8, random_state=0).fit(X, y).predict(X)
    torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad():
            double = cls(max_steps=8, random_state=0).fit(X, y)
            np.testing.assert_array_equal(double.predict(X), usual)
            assert not torch.is_grad_enabled()
        assert torch.get_default_dtype() == torch.float64
        with torch.inference_mode():
            fitted = cls(max_steps=8, random_state=0).fit(X, y)
        np.testing.assert_array_equal(fitted.predict(X), usual)
        assert not any(p.is_inference() for p in fitted.net_.module_.parameters())
    finally:
        torch.set_default_dtype(torch.float32)


def test_cpu_with_a_number_is_the_cpu(moons):
    X, few, _ = moons
    clf = MixMatchClassifier(max_steps=3, device="cpu:0", random_state=0).fit(X, few)
    again = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))


@pytest.mark.parametrize("device", ["meta", "mps", "xpu:3", "cuda:99"])
def test_devices_that_cannot_train_are_refused(moons, device):
    X, few, _ = moons
    if device == "mps" and torch.backends.mps.is_available():
        pytest.skip("this machine has the device")
    with pytest.raises(ValueError, match="device="):
        MixMatchClassifier(max_steps=3, device=device).fit(X, few)


class Rounded(Dropping):
    """Integer logits."""

    def forward(self, x):
        return super().forward(x).long()


def test_integers_from_a_module_or_a_view_are_refused(moons):
    X, few, _ = moons
    clf = MixMatchClassifier(max_steps=3, module=Rounded)
    with pytest.raises(ValueError, match="floating logits"):
        clf.fit(X, few)
    assert not hasattr(clf, "net_")
    with pytest.raises(ValueError, match="floating rows"):
        MixMatchClassifier(max_steps=3, augment=lambda x, g: x.int()).fit(X, few)
