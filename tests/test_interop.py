"""The tools around an estimator: each test runs where its tool is installed."""

import functools
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_matrix
from sklearn.exceptions import NotFittedError

import sklearn_ssl
from sklearn_ssl import (
    AutoSSLClassifier,
    FixMatchClassifier,
    LabelPropagationClassifier,
    MeanTeacherRegressor,
    VAEClassifier,
    trusted_types,
)

from .helpers import (
    DOCS,
    EVERYTHING,
    REGRESSORS,
    EntropyMinimizationClassifier,
    few_steps,
    quick,
)

WITH_NETWORK = [cls for cls in EVERYTHING if hasattr(cls, "to_onnx")]
TREE = ["sklearn.metrics._dist_metrics.EuclideanDistance64", "sklearn.neighbors._kd_tree.KDTree"]
NO_TYPES_OF_OURS = {
    AutoSSLClassifier: TREE,
    LabelPropagationClassifier: TREE,
    EntropyMinimizationClassifier: ["entropy_minimization.EntropyMinimizationClassifier"],
}
OBJECTIVES = [{"objective": name} for name in ("m1", "m2", "m1+m2")]
CASES = [(cls, {}) for cls in WITH_NETWORK] + [(VAEClassifier, case) for case in OBJECTIVES]


def answer(estimator, X):
    told = getattr(estimator, "predict_proba", estimator.predict)
    return told(X)


def from_page(word):
    """The code of the one block of docs/interop.md that holds this word, without prompts."""
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "interop.md").read_text(), re.S)
    (block,) = [block for block in blocks if word in block]
    assert ">>>" not in block
    return block


@pytest.fixture(scope="module")
def operators_read_once():
    """At every export torch reads the source of all operators of onnxscript: half of the time."""
    try:
        from torch.onnx._internal.exporter._registration import ONNXRegistry

        read = functools.cache(ONNXRegistry.from_torchlib)
    except (ImportError, AttributeError):  # another version of torch, or no onnxscript
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ONNXRegistry, "from_torchlib", staticmethod(read))
        yield


@pytest.fixture
def exported(tmp_path, operators_read_once):
    """A function: estimator, rows -> what onnxruntime says of them."""
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")

    def run(estimator, X):
        estimator.to_onnx(tmp_path / "model.onnx")
        assert [p.name for p in tmp_path.iterdir()] == ["model.onnx"]
        data = (tmp_path / "model.onnx").read_bytes()
        assert str(Path(sklearn_ssl.__file__).parent).encode() not in data
        run.session = runtime.InferenceSession(data, providers=["CPUExecutionProvider"])
        return run.session.run(None, {"X": X})[0]

    return run


# ---------------------------------------------------------------------- ONNX


@pytest.mark.slow
@pytest.mark.parametrize(("cls", "params"), CASES)
def test_onnx_gives_what_the_estimator_gives(cls, params, blobs, exported):
    X, y, _ = blobs
    if cls in REGRESSORS:
        y = np.where(y < 0, np.nan, 100 + 3.0 * y)
    else:
        params = {**params, "temperature_scaling": True, "class_prior": "uniform"}
    estimator = quick(cls, **{**few_steps(cls), **params}).fit(3 + 5 * X, y)
    before = torch.get_rng_state()
    got = exported(estimator, 3 + 5 * X)
    assert torch.equal(before, torch.get_rng_state())
    want = answer(estimator, 3 + 5 * X)
    np.testing.assert_allclose(got, want, atol=1e-5, rtol=1e-6)
    assert got.shape == want.shape
    for n in (1, 7):
        part = exported.session.run(None, {"X": 3 + 5 * X[:n]})[0]
        np.testing.assert_allclose(part, want[:n], atol=1e-5, rtol=1e-6)


def test_onnx_holds_temperature_class_prior_and_classes(blobs, exported):
    X, y, _ = blobs
    y = np.append(y[1:], [1])  # another share among the labels
    names = np.array(["-1", "no", "yes"])[y + 1]
    prior = {"no": 0.8, "yes": 0.2}
    clf = quick(FixMatchClassifier, temperature_scaling=True, class_prior=prior).fit(X, names)
    clf._targets.temperature = 1.7
    got = exported(clf, X)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, clf.predict_proba(X), atol=1e-5)
    assert abs(got - clf.net_.targets.decode(torch.from_numpy(clf.net_.collect(X))).numpy()).max()
    held = exported.session.get_modelmeta().custom_metadata_map
    assert held["classes"] == '["no", "yes"]'
    clf._targets.shift = None
    assert abs(got - clf.predict_proba(X)).max() > 1e-3


def test_onnx_takes_images_of_bytes_and_rows_that_are_images(exported):
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 256, (40, 1, 8, 8)).astype(np.uint8), np.arange(40) % 2
    X[y == 1, :, :4] //= 4
    y[20:] = -1
    clf = FixMatchClassifier(max_steps=3, module_params={"width": 4}, random_state=0).fit(X, y)
    np.testing.assert_allclose(exported(clf, X), clf.predict_proba(X), atol=1e-5)
    flat = X.reshape(40, -1).astype(np.float32)
    clf.set_params(input_shape=(1, 8, 8)).fit(flat, y)
    np.testing.assert_allclose(exported(clf, flat), clf.predict_proba(flat), atol=1e-5)


def test_onnx_takes_columns_far_from_zero_in_float64(blobs, exported):
    X, y, _ = blobs
    X = X.astype(np.float64) + np.array([0, 1e9, 0, 0])
    clf = quick(FixMatchClassifier, max_steps=5).fit(X, y)
    assert clf._summary.offset is not None
    np.testing.assert_allclose(exported(clf, X), clf.predict_proba(X), atol=1e-5)


def test_onnx_takes_gaps_and_refuses_categories(blobs, exported, tmp_path):
    X, y, _ = blobs
    X = X.astype(np.float64)
    X[::7, 1] = X[3::9, 3] = np.nan
    clf = quick(FixMatchClassifier, max_steps=5).fit(X, y)
    np.testing.assert_allclose(exported(clf, X), clf.predict_proba(X), atol=1e-5)
    frame = pd.DataFrame(X).add_prefix("n").assign(colour=np.where(X[:, 0] > 2, "a", "b"))
    clf.fit(frame, y)
    with pytest.raises(ValueError, match=r"Columns \['colour'\] of X are categories"):
        clf.to_onnx(tmp_path / "no")


def test_onnx_takes_documents_dense(exported):
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    X = rng.poisson(0.1 + 0.4 * (np.arange(200) % 2 == y[:, None])).astype(np.float32)
    y[30:] = -1
    clf = quick(FixMatchClassifier, max_steps=5, documents=True).fit(csr_matrix(X), y)
    np.testing.assert_allclose(exported(clf, X), clf.predict_proba(csr_matrix(X)), atol=1e-5)


def test_onnx_of_several_targets_keeps_the_digits_of_large_ones(blobs, exported):
    X, y, truth = blobs
    targets = np.stack([2_450_000.25 + truth, -X[:, 0]], 1).astype(np.float64)
    targets[y < 0] = np.nan
    reg = quick(MeanTeacherRegressor, max_steps=5).fit(X, targets)
    np.testing.assert_allclose(exported(reg, X), reg.predict(X), atol=1e-5, rtol=0)


class Unwritable(torch.nn.Linear):
    def __init__(self, n_classes):
        super().__init__(4, n_classes)

    def forward(self, x):
        return super().forward(x if x.sum() > 0 else -x)


def test_onnx_refuses_in_words(blobs, tmp_path, monkeypatch, operators_read_once):
    X, y, _ = blobs
    with pytest.raises(NotFittedError):
        FixMatchClassifier().to_onnx(tmp_path / "no")
    clf = FixMatchClassifier(max_steps=2, module=Unwritable).fit(X, y)
    if importlib.util.find_spec("onnxscript"):
        with pytest.raises(ValueError, match="torch cannot export the network Unwritable"):
            clf.to_onnx(tmp_path / "no")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install \"sklearn-ssl\[interop\]\""):
        clf.to_onnx(tmp_path / "no")
    assert not list(tmp_path.iterdir())


# --------------------------------------------------------------------- skops


@pytest.mark.parametrize("cls", EVERYTHING, ids=lambda cls: cls.__name__)
def test_skops_keeps_every_estimator(cls, blobs):
    skops = pytest.importorskip("skops.io")
    X, y, _ = blobs
    y = np.where(y < 0, np.nan, y) if cls in REGRESSORS else y
    estimator = quick(cls, **few_steps(cls)).fit(X, y)
    data = skops.dumps(estimator)
    same = skops.loads(data, trusted=trusted_types() + NO_TYPES_OF_OURS.get(cls, []))
    np.testing.assert_array_equal(answer(same, X), answer(estimator, X))
    np.testing.assert_array_equal(same.transduction_, estimator.transduction_)
    assert getattr(same, "history_", None) == getattr(estimator, "history_", None)


def test_trusted_types_are_types():
    for name in trusted_types():
        module, _, attribute = name.rpartition(".")
        assert isinstance(getattr(importlib.import_module(module), attribute), type)


def test_an_unfitted_estimator_and_a_portfolio_go_through_skops(blobs):
    skops = pytest.importorskip("skops.io")
    X, y, _ = blobs
    clf = skops.loads(skops.dumps(quick(FixMatchClassifier)), trusted=trusted_types())
    auto = quick(AutoSSLClassifier, estimators=[("fixmatch", clf)], cv=None).fit(X, y)
    same = skops.loads(skops.dumps(auto), trusted=trusted_types())
    np.testing.assert_array_equal(same.predict_proba(X), auto.predict_proba(X))


# ----------------------------------------------------- mlflow, SHAP, array API


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of mlflow's own parts
def test_mlflow_keeps_an_estimator_and_autolog_counts_unlabeled_rows(tmp_path, monkeypatch):
    pytest.importorskip("mlflow")
    pytest.importorskip("skops")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    values = {}
    exec(from_page("mlflow"), values)
    np.testing.assert_array_equal(
        values["same"].predict_proba(values["X"]), values["clf"].predict_proba(values["X"])
    )
    assert values["metrics"]["training_accuracy_score"] < 0.1
    assert values["metrics"]["training_score"] > 0.9


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of shap's own parts
def test_shap_is_additive_where_the_page_says_so():
    pytest.importorskip("shap")
    values = {}
    exec(from_page("shap"), values)
    assert values["gap"] < 1e-6
    assert values["deep_gap"] > 0.1
    assert values["deep_gap_behind_the_clip"] < 1e-4


ARRAY_API = """
import numpy as np, sklearn, torch
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn_ssl import FixMatchClassifier, LabelPropagationClassifier, MeanTeacherRegressor
from sklearn_ssl import hide_labels

X, truth = load_iris(return_X_y=True)
X, y = X.astype(np.float32), hide_labels(truth, 30, random_state=0)
tensors = torch.from_numpy(X), torch.from_numpy(y)
for estimator in (FixMatchClassifier(max_steps=5, random_state=0), LabelPropagationClassifier()):
    expected = estimator.fit(X, y).predict_proba(X)
    with sklearn.config_context(array_api_dispatch=True):
        p = estimator.fit(*tensors).predict_proba(tensors[0])
        score = estimator.score(tensors[0], torch.from_numpy(truth))
        scaled = make_pipeline(StandardScaler(), clone(estimator)).fit(*tensors)
        assert isinstance(scaled.predict(tensors[0]), np.ndarray)
    assert isinstance(p, np.ndarray) and (p == expected).all()
    assert score == estimator.score(X, truth)
regressor = MeanTeacherRegressor(max_steps=5, random_state=0)
numbers = np.where(y < 0, np.nan, y)
expected = regressor.fit(X, numbers).predict(X)
with sklearn.config_context(array_api_dispatch=True):
    regressor.fit(tensors[0], torch.from_numpy(numbers))
    assert (regressor.predict(tensors[0]) == expected).all()
"""


@pytest.mark.slow
def test_tensors_are_taken_with_array_api_dispatch():
    """In a process of its own: scipy reads the variable when it is imported."""
    env = {**os.environ, "SCIPY_ARRAY_API": "1"}
    run = subprocess.run([sys.executable, "-c", ARRAY_API], env=env, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
