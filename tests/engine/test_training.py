"""One fit of one network: what happens in a step, and at its end."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from skorch.callbacks import Callback

from sklearn_ssl import FixMatchClassifier, MeanTeacherClassifier, SelfTrainingNet
from sklearn_ssl.engine.training import Training
from sklearn_ssl.networks import WideResNet

from ..helpers import every_estimator, quick


def test_early_stopping_restores_the_best_weights(digits):
    X, y, _, _ = digits
    for stop in ({}, {"callbacks": [StopAt(9)]}):
        params = {"max_steps": 150, "lr": 0.5, "validation_fraction": 0.3, "early_stopping": 40}
        clf = quick(FixMatchClassifier, **params, **stop).fit(X, y)
        losses = clf.history_frame()["valid_loss"]
        assert losses.idxmin() < len(losses) - 1
        held = np.random.default_rng([0, 0]).integers(2**63 - 1, size=3)[0] % 2**32
        labeled = np.flatnonzero(y >= 0)
        _, held = train_test_split(
            labeled, test_size=0.3, stratify=y[labeled], random_state=int(held)
        )
        loss = log_loss(y[held], clf.predict_proba(X[held]), labels=clf.classes_)
        assert loss == pytest.approx(losses.min(), rel=1e-4)


class StopAt(Callback):
    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_end(self, net, **_):
        if len(net.history) == self.epoch:
            raise KeyboardInterrupt


# the compiler looks at .grad of VAT's perturbed rows, and tells of it
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
@every_estimator
def test_compiled_training_gives_nearly_the_same(cls, digits, monkeypatch):
    X, y, X_test, _ = digits
    compiled = []

    def by_eager_backend(module):
        compiled.append(module)
        module._compiled_call_impl = torch.compile(module._call_impl, backend="aot_eager")

    monkeypatch.setattr(torch.nn.Module, "compile", by_eager_backend)
    expected = quick(cls, max_steps=5).fit(X, y).predict_proba(X_test)
    clf = quick(cls, max_steps=5, compile=True).fit(X, y)
    assert compiled
    np.testing.assert_allclose(clf.predict_proba(X_test), expected, atol=1e-4)
    twin = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(twin.predict_proba(X_test), clf.predict_proba(X_test))


READS = ["item", "tolist", "numpy", "cpu", "__bool__", "__float__", "__int__", "__index__"]


@pytest.mark.parametrize("kind", ["table", "images"])
@every_estimator
def test_no_step_reads_from_the_device(cls, kind, digits, monkeypatch):
    """A read makes the host wait for a GPU; losses are read once an epoch."""
    X, y = digits[0][:200], digits[1][:200]
    params = {"max_steps": 20, "batch_size": 8}  # more than one epoch
    if kind == "images":
        X = (X * 15).astype(np.uint8).reshape(-1, 1, 8, 8)
        params |= {"max_steps": 12, "module_params": {"width": 4}}
    reads = []

    def counted(name):
        original = getattr(torch.Tensor, name)

        def call(self, *args, **kwargs):
            if inside:
                reads.append(name)
            return original(self, *args, **kwargs)

        return call

    inside = []
    for name in READS:
        monkeypatch.setattr(torch.Tensor, name, counted(name))
    step = Training._step

    def counted_step(self, *args, **kwargs):
        inside.append(1)
        try:
            return step(self, *args, **kwargs)
        finally:
            inside.pop()

    monkeypatch.setattr(Training, "_step", counted_step)
    quick(cls, **params).fit(X, y)
    assert not reads


def test_slow_batchnorm_predicts_well_after_few_steps(digits):
    """WideResNet's statistics have momentum .001: unless warmed up they stay near their start."""
    X, y, X_test, y_test = digits
    images, tests = (x.reshape(-1, 1, 8, 8) / 16 for x in (X, X_test))
    params = {
        "module": WideResNet, "module_params": {"depth": 10, "width": 1}, "max_steps": 200,
        "batch_size": 32, "unlabeled_ratio": 2, "random_state": 0,
    }  # fmt: skip
    for cls in (MeanTeacherClassifier, SelfTrainingNet):
        extra = {"max_iter": 0} if cls is SelfTrainingNet else {}
        clf = cls(**params, **extra).fit(images, y)
        assert clf.score(tests, y_test) > 0.8
        momenta = {m.momentum for m in clf.net_.module_.modules() if hasattr(m, "momentum")}
        assert momenta == {0.001}
