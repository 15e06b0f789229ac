"""partial_fit, input_shape, temperature_scaling, metadata routing, the history as a frame."""

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
import skorch
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn_ssl.net import _SSLNet

from sklearn_ssl import (
    FixMatchClassifier,
    LabeledSplit,
    SelfTrainingNet,
    VAEClassifier,
    hide_labels,
)
from sklearn_ssl.losses import align_distribution

from .conftest import ESTIMATORS, quick

every_estimator = pytest.mark.parametrize("cls", ESTIMATORS, ids=lambda cls: cls.__name__)


# ------------------------------------------------------------ partial_fit


@every_estimator
def test_partial_fit_goes_on_from_the_weights_so_far(cls, digits):
    X, y, X_test, y_test = digits
    whole = quick(cls, max_steps=40).fit(X, y)
    parts = quick(cls, max_steps=40).partial_fit(X, y)
    np.testing.assert_array_equal(whole.predict_proba(X_test), parts.predict_proba(X_test))
    parts.partial_fit(X[::2], y[::2])
    assert not np.array_equal(whole.predict_proba(X_test), parts.predict_proba(X_test))
    assert parts.score(X_test, y_test) > whole.score(X_test, y_test) - 0.02
    fresh = quick(cls, max_steps=40).fit(X[::2], y[::2])
    assert parts.score(X_test, y_test) > fresh.score(X_test, y_test)


@every_estimator
def test_partial_fit_learns_a_class_that_comes_later(cls, blobs):
    X, _, truth = blobs
    first, later = np.where(truth == 0, 0, -1), np.where(truth == 1, 1, -1)
    clf = quick(cls, max_steps=30).partial_fit(X, first, classes=[0, 1])
    np.testing.assert_array_equal(clf.classes_, [0, 1])
    for _ in range(3):
        clf.partial_fit(X, np.where(np.arange(60) % 2, first, later))
    assert clf.score(X, truth) > 0.9


@every_estimator
def test_partial_fit_refuses_other_classes_and_columns(cls, blobs):
    X, y, _ = blobs
    clf = quick(cls).partial_fit(X, y)
    before = clf.predict_proba(X)
    with pytest.raises(ValueError, match="not among the classes"):
        clf.partial_fit(X, np.where(y == 1, 7, y))
    with pytest.raises(ValueError, match="the first call had"):
        clf.partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="features"):
        clf.partial_fit(X[:, :3], y)
    np.testing.assert_array_equal(clf.predict_proba(X), before)


# ------------------------------------------------------------ input_shape


@every_estimator
def test_input_shape_sees_rows_as_images(cls, digits):
    X, y, X_test, _ = digits
    net = {"module_params": {"width": 8}}
    rows = quick(cls, input_shape=(1, 8, 8), **net).fit(X, y)
    images = quick(cls, **net).fit(X.reshape(-1, 1, 8, 8), y)
    np.testing.assert_array_equal(
        rows.predict_proba(X_test), images.predict_proba(X_test.reshape(-1, 1, 8, 8))
    )
    assert rows.n_features_in_ == 64
    piped = make_pipeline(StandardScaler(), quick(cls, input_shape=(1, 8, 8), **net))
    assert piped.fit(pd.DataFrame(X), y).predict(pd.DataFrame(X_test)).shape == (len(X_test),)


def test_input_shape_gives_rows_back():
    X, y = load_digits(return_X_y=True)
    vae = quick(VAEClassifier, input_shape=(1, 8, 8), module_params={"width": 8}).fit(X, y)
    assert vae.inverse_transform(vae.transform(X[:5])).shape == (5, 64)
    assert vae.sample(3, random_state=0)[0].shape == (3, 64)
    assert vae.set_output(transform="pandas").transform(X[:5]).shape == (5, 32)


@every_estimator
def test_input_shape_that_does_not_fit_is_refused(cls, digits):
    X, y, _, _ = digits
    for rows in (X[:, :60], sp.csr_array(X), X.reshape(-1, 8, 8)):
        with pytest.raises(ValueError, match=r"input_shape=\(1, 8, 8\) needs dense 2-D rows of 64"):
            quick(cls, input_shape=(1, 8, 8), module_params=None).fit(rows, y)


# ----------------------------------------------------- temperature_scaling


@every_estimator
def test_temperature_minimises_the_loss_of_held_out_rows(cls):
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.5, random_state=0)
    rng = np.random.default_rng(0)
    noisy = np.where(rng.random(len(y)) < 0.3, rng.integers(10, size=len(y)), y)  # overconfident
    few = hide_labels(noisy, 300, random_state=0)
    # no rounds of self-training: which rows they take depends on the confidences
    early = ("FixMatchClassifier", "SelfTrainingNet", "VAEClassifier")  # to become overconfident
    steps = 150 if cls.__name__ in early else 400
    params = {"max_steps": steps, "validation_fraction": 0.3}
    params.update({"max_iter": 0} if "max_iter" in cls().get_params() else {})
    plain = quick(cls, **params).fit(X, few)
    scaled = quick(cls, temperature_scaling=True, **params)
    scaled.fit(X, few)
    assert plain.temperature_ == 1
    assert scaled.temperature_ > 1.2
    np.testing.assert_array_equal(plain.predict(X_test), scaled.predict(X_test))
    noisy_test = np.where(rng.random(len(y_test)) < 0.3, rng.integers(10, size=len(y_test)), y_test)
    assert log_loss(noisy_test, scaled.predict_proba(X_test)) < log_loss(
        noisy_test, plain.predict_proba(X_test)
    )


# ------------------------------------------------------- routing, history


def test_sample_weight_is_routed(digits):
    X, y, X_test, _ = digits
    weight = (np.arange(len(y)) % 2 == 0) * 1.0
    alone = quick(FixMatchClassifier).fit(X, y, sample_weight=weight)
    with sklearn.config_context(enable_metadata_routing=True):
        clf = quick(FixMatchClassifier).set_fit_request(sample_weight=True)
        clf.set_score_request(sample_weight=True)
        piped = make_pipeline(clf).fit(X, y, sample_weight=weight)
        np.testing.assert_array_equal(piped.predict_proba(X_test), alone.predict_proba(X_test))
        search = GridSearchCV(piped, {"fixmatchclassifier__threshold": [0.9]}, cv=LabeledSplit(2))
        assert search.fit(X, y, sample_weight=weight).best_score_ > 0.1


@every_estimator
def test_history_as_a_frame(cls, digits):
    X, y, _, _ = digits
    clf = quick(cls).fit(X, y)
    frame = clf.history_frame()
    assert len(frame) == len(clf.history_)
    assert {"step", "lr", "loss", "labeled_loss", "seconds"} <= set(frame.columns)
    assert frame["loss"].notna().all()
    assert not any(isinstance(v, torch.Tensor) for record in clf.history_ for v in record.values())


# ------------------------------------------------------- once found wrong


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


class StopAt(skorch.callbacks.Callback):
    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_end(self, net, **_):
        if len(net.history) == self.epoch:
            raise KeyboardInterrupt


def test_temperature_never_sharpens():
    X, y = load_digits(return_X_y=True)
    X, y = X[y < 2], y[y < 2]  # easy: no held-out row is wrong
    clf = quick(FixMatchClassifier, max_steps=100, temperature_scaling=True)
    assert clf.fit(X, hide_labels(y, 20, random_state=0)).temperature_ == pytest.approx(1, abs=1e-3)


def test_samples_of_three_balanced_classes():
    X, y = load_digits(return_X_y=True)
    few = hide_labels(y[y < 3], 30, "balanced", random_state=0)
    assert quick(VAEClassifier).fit(X[y < 3], few).sample(5)[0].shape == (5, 64)


def test_rows_that_no_round_labeled_keep_the_mark_and_the_dtype(digits):
    X, y, _, _ = digits
    params = {"max_iter": 1, "k_best": 5}
    clf = quick(SelfTrainingNet, **params).fit(X, y)
    assert clf.transduction_.dtype == y.dtype
    assert (clf.transduction_ == -1).sum() == (y < 0).sum() - 5
    missing = np.where(y < 0, np.nan, y - 1.0)  # -1 is a class
    clf = quick(SelfTrainingNet, unlabeled_label=None, **params).fit(X, missing)
    assert np.isnan(clf.transduction_).sum() == (y < 0).sum() - 5


@every_estimator
def test_a_refused_fit_leaves_the_estimator_as_it_was(cls, digits):
    X, y, _, _ = digits
    clf = quick(cls, warm_start=True).fit(X, y)
    before = clf.predict_proba(X)
    with pytest.raises(ValueError, match="other classes"):
        clf.fit(X, np.where(y < 0, -1, y + 10))
    with pytest.raises(ValueError, match="too few"):
        clf.set_params(warm_start=False, validation_fraction=0.01).fit(X, y + 10 * (y >= 0))
    with pytest.raises(ValueError, match="class_weight"):
        clf.set_params(validation_fraction=None, class_weight={0: -1.0}).fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), before)
    np.testing.assert_array_equal(clf.classes_, np.arange(10))


def test_partial_fit_takes_the_unlabeled_mark_out_of_classes(blobs, tmp_path):
    X, y, _ = blobs
    clf = quick(FixMatchClassifier).partial_fit(X, y, classes=np.unique(y))
    np.testing.assert_array_equal(clf.classes_, [0, 1])
    with pytest.raises(ValueError, match="checkpoint_dir=None"):
        clf.set_params(checkpoint_dir=tmp_path).partial_fit(X, y)


def test_save_after_a_metadata_request_and_labels_in_a_frame(blobs, tmp_path):
    X, y, _ = blobs
    with sklearn.config_context(enable_metadata_routing=True):
        clf = quick(FixMatchClassifier).set_fit_request(sample_weight=True).fit(X, y)
    clf.save(tmp_path / "net")
    with pytest.warns(sklearn.exceptions.DataConversionWarning):
        framed = quick(FixMatchClassifier).fit(X, pd.DataFrame({"y": y}))
    np.testing.assert_array_equal(framed.predict_proba(X), clf.predict_proba(X))


def test_labeled_split_takes_a_generator_of_splits(blobs):
    X, y, _ = blobs
    cv = LabeledSplit((a, b) for a, b in [(np.arange(3), np.arange(3, 6))] * 2)
    assert cv.get_n_splits(X, y) == len(list(cv.split(X, y))) == len(list(cv.split(X, y))) == 2


def test_alignment_of_a_class_that_is_never_predicted_is_finite():
    p = torch.tensor([[1.0, 0.0]])
    aligned = align_distribution(p, torch.tensor([1.0, 0.0]), torch.tensor([1.0, 0.0]), limit=2)
    torch.testing.assert_close(aligned, p)


# the compiler looks at .grad of VAT's perturbed rows, and tells of it
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
@pytest.mark.parametrize("cls", ESTIMATORS, ids=lambda cls: cls.__name__)
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


class Backbone(torch.nn.Module):
    """As a pretrained network of a model library would be used: a backbone and a new head."""

    def __init__(self, n_classes):
        super().__init__()
        self.backbone = torch.nn.Sequential(torch.nn.Linear(64, 16), torch.nn.ReLU())
        self.head = torch.nn.Linear(16, n_classes)

    def forward(self, x):
        return self.head(self.backbone(x / 16))


def test_parameter_groups_by_name(digits):
    X, y, _, _ = digits
    groups = [("backbone.*", {"lr": 1e-12})]
    clf = FixMatchClassifier(module=Backbone, max_steps=5, random_state=0)
    clf.set_params(optimizer__param_groups=groups, optimizer__weight_decay=0.0).fit(X, y)
    free = FixMatchClassifier(module=Backbone, max_steps=5, random_state=0).fit(X, y)
    moved = (
        (clf.net_.module_.head.weight - free.net_.module_.head.weight).abs().max(),
        (clf.net_.module_.backbone[0].weight - free.net_.module_.backbone[0].weight).abs().max(),
    )
    assert min(moved) > 1e-4
    start = FixMatchClassifier(module=Backbone, max_steps=1, lr=1e-12, random_state=0).fit(X, y)
    torch.testing.assert_close(
        clf.net_.module_.backbone[0].weight, start.net_.module_.backbone[0].weight
    )
    assert groups == [("backbone.*", {"lr": 1e-12})]
    with pytest.raises(ValueError, match=r"no parameter .* 'body\.\*'.*backbone"):
        clf.set_params(optimizer__param_groups=[("body.*", {})]).fit(X, y)


READS = ["item", "tolist", "numpy", "cpu", "__bool__", "__float__", "__int__", "__index__"]


@pytest.mark.parametrize("kind", ["table", "images"])
@pytest.mark.parametrize("cls", ESTIMATORS, ids=lambda cls: cls.__name__)
def test_no_step_reads_from_the_device(cls, kind, digits, monkeypatch):
    """A read makes the host wait for a GPU; losses are read once an epoch."""
    X, y, _, _ = digits
    params = {"max_steps": 400, "batch_size": 8}
    if kind == "images":
        X = (X[:200] * 15).astype(np.uint8).reshape(-1, 1, 8, 8)
        y = y[:200]
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
    step = _SSLNet.train_step

    def train_step(self, *args, **kwargs):
        inside.append(1)
        try:
            return step(self, *args, **kwargs)
        finally:
            inside.pop()

    monkeypatch.setattr(_SSLNet, "train_step", train_step)
    quick(cls, **params).fit(X, y)
    assert not reads
