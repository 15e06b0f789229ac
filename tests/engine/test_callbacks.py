"""skorch's own callbacks: each works or is refused in words; the table is in docs/training.md."""

import os
import signal
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_wine
from sklearn.metrics import balanced_accuracy_score
from skorch import callbacks as skorch_callbacks
from skorch.callbacks import Callback

from sklearn_ssl import MeanTeacherRegressor, PiModelClassifier, hide_labels


@pytest.fixture(scope="module")
def wine():
    X, truth = load_wine(return_X_y=True)
    return X, hide_labels(truth, 45, stratify="balanced", random_state=0), truth


def fit(wine, callback, **params):
    X, few, _ = wine
    held = {"validation_fraction": 0.4, **params}
    return PiModelClassifier(max_steps=30, random_state=0, callbacks=[callback], **held).fit(X, few)


def test_epoch_scoring_scores_the_held_out_rows(wine):
    seen = []

    def scorer(net, X, y):
        seen.append((len(y), balanced_accuracy_score(y, net.predict(X))))
        return seen[-1][1]

    callback = skorch_callbacks.EpochScoring(scorer, lower_is_better=False, name="balanced")
    clf = fit(wine, callback)
    assert [record["balanced"] for record in clf.history_] == [score for _, score in seen]
    assert {n for n, _ in seen} == {18}
    accuracy = skorch_callbacks.EpochScoring("accuracy", lower_is_better=False)
    for record in fit(wine, accuracy).history_:
        assert record["accuracy"] == pytest.approx(record["valid_acc"], abs=1e-6)


def test_epoch_scoring_of_a_regressor_gets_numbers(wine):
    X, few, _ = wine
    y = np.where(few >= 0, X[:, 0], np.nan)
    callback = skorch_callbacks.EpochScoring("neg_mean_squared_error", lower_is_better=False)
    reg = MeanTeacherRegressor(
        max_steps=30, random_state=0, validation_fraction=0.4, callbacks=[callback]
    ).fit(X, y)
    for record in reg.history_:
        error = -record["neg_mean_squared_error"]
        assert error == pytest.approx(record["valid_loss"], rel=1e-5)


def test_early_stopping_of_skorch_stops(wine):
    callback = skorch_callbacks.EarlyStopping(patience=1, threshold=10.0)
    clf = fit(wine, callback)
    assert clf.net_.stop_reason_ == "callback"
    assert clf.n_iter_ < 30


def test_checkpoints_of_skorch_write_files(wine, tmp_path):
    fit(wine, skorch_callbacks.Checkpoint(dirname=tmp_path / "best"))
    fit(wine, skorch_callbacks.TrainEndCheckpoint(dirname=tmp_path / "end"))
    assert (tmp_path / "best" / "params.pt").stat().st_size > 1000
    assert (tmp_path / "end" / "train_end_params.pt").stat().st_size > 1000


@pytest.mark.parametrize(
    "callback",
    [
        skorch_callbacks.EpochTimer(),
        skorch_callbacks.GradientNormClipping(0.5),
        skorch_callbacks.PrintLog(sink=lambda line: None),
        skorch_callbacks.PassthroughScoring("valid_acc", lower_is_better=False),
        skorch_callbacks.Freezer("layers.2.*"),
    ],
    ids=lambda callback: type(callback).__name__,
)
def test_others_that_work(wine, callback):
    assert fit(wine, callback).n_iter_ == 30


def test_gradients_are_clipped(wine):
    norms = []

    class Watch(Callback):
        def on_batch_end(self, net, **kwargs):
            grads = [p.grad.norm() for p in net.module_.parameters()]
            norms.append(float(sum(g**2 for g in grads) ** 0.5))

    X, few, _ = wine
    clip = skorch_callbacks.GradientNormClipping(1e-3)
    PiModelClassifier(max_steps=5, callbacks=[clip, Watch()], random_state=0).fit(X, few)
    assert max(norms) == pytest.approx(1e-3, rel=1e-3)


@pytest.mark.parametrize(
    ("make", "instead"),
    [
        (lambda: skorch_callbacks.LRScheduler("StepLR", step_size=2), "lr_schedule"),
        (lambda: skorch_callbacks.ProgressBar(), "verbose=1"),
        (lambda: skorch_callbacks.BatchScoring("accuracy"), "EpochScoring"),
        (lambda: skorch_callbacks.InputShapeSetter(), "input_shape"),
        (lambda: skorch_callbacks.EarlyStopping(load_best=True), "early_stopping"),
        (lambda: skorch_callbacks.EarlyStopping(monitor="train_loss"), "'loss'"),
    ],
)
def test_those_that_cannot_are_refused_before_training(wine, make, instead):
    with pytest.raises(ValueError, match=instead):
        fit(wine, make())


@pytest.mark.parametrize(
    "make",
    [
        lambda: skorch_callbacks.EarlyStopping(),
        lambda: skorch_callbacks.Checkpoint(),
        lambda: skorch_callbacks.EpochScoring("accuracy"),
    ],
)
def test_those_that_need_held_out_rows_say_so(wine, make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where skorch's Checkpoint writes
    with pytest.raises(ValueError, match="set validation_fraction"):
        fit(wine, make(), validation_fraction=None)
    assert fit(wine, make(), validation_fraction=None, early_stopping=30).n_iter_ > 0


class Trial:
    """As optuna's: shared, reported to, and not to be copied."""

    def __init__(self):
        self.values = []

    def __deepcopy__(self, memo):
        raise TypeError("a trial cannot be copied")


class Pruning(Callback):
    def __init__(self, trial):
        self.trial = trial

    def on_epoch_end(self, net, **kwargs):
        self.trial.values.append(net.history[-1, "loss"])
        if len(self.trial.values) == 3:
            raise RuntimeError("pruned")


def test_a_callback_that_cannot_be_cloned_reports_to_its_own_trial(wine):
    trial = Trial()
    with pytest.raises(RuntimeError, match="pruned"):
        fit(wine, Pruning(trial))
    assert len(trial.values) == 3


class PressCtrlC(Callback):
    """Ctrl-C while a callback runs, at one of its points."""

    def __init__(self, point, at):
        self.point, self.at = point, at

    def on_epoch_end(self, net, **kwargs):
        self._press("epoch", net)

    def on_batch_begin(self, net, **kwargs):
        self._press("batch", net)

    def _press(self, point, net):
        if point == self.point and net.step_ >= self.at:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def ctrl_c():
    """Ctrl-C as in a terminal: a process in the background may have been told to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("point", ["epoch", "batch"])
def test_ctrl_c_within_a_callback_is_no_end_of_training(wine, tmp_path, point):
    X, few, _ = wine

    def make(**params):
        return PiModelClassifier(max_steps=30, random_state=1, **params)

    whole = make().fit(X, few).predict_proba(X)
    before = signal.getsignal(signal.SIGINT)
    with pytest.warns(UserWarning, match="interrupted after step"):
        make(checkpoint_dir=tmp_path, callbacks=[PressCtrlC(point, 11)]).fit(X, few)
    assert signal.getsignal(signal.SIGINT) is before
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        resumed = make(checkpoint_dir=tmp_path).fit(X, few)
    assert resumed.n_iter_ == 30
    np.testing.assert_array_equal(resumed.predict_proba(X), whole)
