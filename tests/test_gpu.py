"""What must hold on CUDA, over every estimator with a network. Skipped where there is no GPU."""

import pickle
import warnings
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from sklearn.base import is_regressor

from sklearn_ssl import FixMatchClassifier, LazyRows, ReMixMatchClassifier, load
from sklearn_ssl.augment import RandAugment
from sklearn_ssl.engine.training import Training

from .helpers import ESTIMATORS, FROM_PAGES, REGRESSION_NETS, assert_same_weights, quick, weights
from .inputs.test_documents import corpus, few
from .inputs.test_mixed import frame

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
WITH_NETWORK = [*ESTIMATORS, *FROM_PAGES, *REGRESSION_NETS]
every = pytest.mark.parametrize("cls", WITH_NETWORK, ids=lambda cls: cls.__name__)


def table(cls):
    """(X, y) of three groups, for a classifier or a regressor."""
    rng = np.random.default_rng(0)
    truth = np.arange(300) % 3
    X = (rng.normal(size=(300, 6)) + 3 * truth[:, None]).astype(np.float32)
    if is_regressor(cls()):
        return X, np.where(np.arange(300) < 60, truth + 0.5, np.nan), truth
    return X, np.where(np.arange(300) < 30, truth, -1), truth


def images(cls):
    rng = np.random.default_rng(0)
    truth = np.arange(120) % 2
    X = rng.integers(0, 60, (120, 3, 16, 16)).astype(np.uint8)
    X[truth == 1, :, :8] += 180
    hidden = np.arange(120) >= 30
    return X, np.where(hidden, np.nan if is_regressor(cls()) else -1, truth)


class Listed(list):
    """Rows one by one, which have no device."""


def on_cuda(clf):
    return {value.device.type for value in weights(clf).values()} == {"cuda"}


@contextmanager
def no_waiting():
    """Whatever makes the host wait for the device raises."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch calls the mode a prototype
            torch.cuda.set_sync_debug_mode("error")
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


@every
def test_it_learns_there_as_on_a_cpu(cls):
    X, y, truth = table(cls)
    here = quick(cls, max_steps=100, device="cpu").fit(X, y)
    there = quick(cls, max_steps=100, device="cuda", precision="float32").fit(X, y)
    assert on_cuda(there)
    assert there.score(X, truth) > here.score(X, truth) - 0.05


@every
def test_bfloat16_is_the_default_and_learns(cls):
    X, y, truth = table(cls)
    clf = quick(cls, max_steps=100).fit(X, y)
    assert on_cuda(clf)
    assert all(np.isfinite(record["loss"]) for record in clf.history_)
    assert {value.dtype for value in weights(clf).values()} <= {torch.float32, torch.int64}
    assert clf.score(X, truth) > (0.5 if is_regressor(clf) else 0.9)


@every
def test_a_fitted_one_goes_to_a_cpu(cls, tmp_path):
    X, y, _ = table(cls)
    clf = quick(cls, device="cuda", precision="float32").fit(X, y)
    others = [pickle.loads(pickle.dumps(clf))]
    if cls.__module__.startswith("sklearn_ssl"):
        clf.save(tmp_path / "net")
        others.append(load(tmp_path / "net", device="cpu"))
    for other in others:
        outputs = getattr(clf, "predict_proba", clf.predict)(X)
        np.testing.assert_allclose(
            getattr(other, "predict_proba", other.predict)(X), outputs, rtol=1e-3, atol=1e-4
        )


@every
def test_a_killed_fit_goes_on(cls, tmp_path):
    X, y, _ = table(cls)
    params = {"device": "cuda", "precision": "float32", "max_steps": 40}
    whole = quick(cls, **params).fit(X, y)

    seen = []

    def stop(self, *args, original=Training._end_epoch):
        reason = original(self, *args)
        seen.append(self)
        if len(seen) == 2:
            raise MemoryError("killed")
        return reason

    clf = quick(cls, checkpoint_dir=tmp_path, **params)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Training, "_end_epoch", stop)
        with pytest.raises(MemoryError, match="killed"):
            clf.fit(X, y)
    resumed = quick(cls, checkpoint_dir=tmp_path, **params).fit(X, y)
    a, b = (getattr(c, "predict_proba", c.predict)(X) for c in (whole, resumed))
    np.testing.assert_allclose(a, b, atol=0.02)  # operations that add in varying order


@every
@pytest.mark.parametrize("rows", ["table", "images"])
def test_a_step_does_not_wait(cls, rows, monkeypatch):
    X, y = table(cls)[:2] if rows == "table" else images(cls)
    steps = []

    def step(self, records, original=Training._step):
        steps.append(self)
        if len(steps) < 4:  # the first ones choose kernels and allocate
            return original(self, records)
        with no_waiting():
            return original(self, records)

    monkeypatch.setattr(Training, "_step", step)
    params = {} if rows == "table" else {"module_params": {"width": 8}}
    quick(cls, max_steps=10, **params).fit(X, y)
    assert len(steps) >= 10


@pytest.mark.parametrize("view", [RandAugment(), "auto"])
def test_views_of_images_do_not_wait(view, monkeypatch):
    X, y = images(FixMatchClassifier)
    steps = []

    def step(self, records, original=Training._step):
        steps.append(self)
        with no_waiting() if len(steps) > 3 else pytest.MonkeyPatch.context():
            return original(self, records)

    monkeypatch.setattr(Training, "_step", step)
    params = {"module_params": {"width": 8}, "strong_augment": view, "max_steps": 10}
    quick(FixMatchClassifier, **params).fit(X, y)


@every
def test_mixed_tables(cls):
    X, _, truth = frame(120)
    hidden = np.arange(120) >= 40
    y = np.where(hidden, np.nan if is_regressor(cls()) else -1, truth)
    try:
        quick(cls, device="cpu", max_steps=1).fit(X, y)
    except ValueError:
        pytest.skip("it refuses categories")
    assert np.isfinite(quick(cls).fit(X, y).score(X, truth))


@every
def test_documents(cls):
    from scipy.sparse import csr_array

    X, truth = corpus()
    y = few(truth).astype(float) if is_regressor(cls()) else few(truth)
    y = np.where(y == -1, np.nan, y) if is_regressor(cls()) else y
    clf = quick(cls).fit(csr_array(X), y)
    assert np.isfinite(clf.score(csr_array(X), truth))


@every
def test_images(cls):
    X, y = images(cls)
    clf = quick(cls, max_steps=30, module_params={"width": 8}).fit(X, y)
    assert on_cuda(clf)
    assert clf.score(X, np.arange(120) % 2) > 0.6


@pytest.mark.parametrize("shape", ["table", "images"])
def test_rows_that_do_not_fit_come_one_batch_ahead(shape, monkeypatch):
    X, y = table(FixMatchClassifier)[:2] if shape == "table" else images(FixMatchClassifier)
    params = {} if shape == "table" else {"module_params": {"width": 8}}
    near = quick(FixMatchClassifier, precision="float32", **params).fit(X, y)
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda device: (10, 10))
    far = quick(FixMatchClassifier, precision="float32", **params).fit(X, y)
    lazy = quick(FixMatchClassifier, precision="float32", **params).fit(LazyRows(Listed(X)), y)
    np.testing.assert_allclose(near.predict_proba(X), far.predict_proba(X), atol=0.02)
    assert np.mean(near.predict(X) == lazy.predict(X)) > 0.9


def test_generators_stay_as_they_were():
    X, y, _ = table(FixMatchClassifier)
    before = torch.cuda.get_rng_state(), torch.get_rng_state()
    quick(FixMatchClassifier).fit(X, y)
    after = torch.cuda.get_rng_state(), torch.get_rng_state()
    assert all(map(torch.equal, before, after))


def test_the_same_seed_gives_the_same_weights_of_a_table():
    X, y, _ = table(FixMatchClassifier)
    a, b = (quick(FixMatchClassifier).fit(X, y) for _ in range(2))
    assert_same_weights(weights(a), weights(b))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch.compile itself
@pytest.mark.parametrize("cls", [FixMatchClassifier, ReMixMatchClassifier])
def test_compiled(cls):
    X, y, truth = table(cls)
    clf = quick(cls, compile=True, max_steps=60).fit(X, y)
    assert clf.score(X, truth) > 0.9
