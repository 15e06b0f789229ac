"""Curves of a fit."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from skorch.callbacks import Callback

from sklearn_ssl import (
    FixMatchClassifier,
    LabelPropagationClassifier,
    MeanTeacherRegressor,
    SemiSupervisedGaussianMixture,
)
from sklearn_ssl.plotting import TrainingDisplay

from ..helpers import every_estimator, quick


def test_training_curves_are_the_history(fixmatch):
    clf, *_ = fixmatch
    display = TrainingDisplay.from_estimator(clf)
    assert list(display.panels) == ["loss", "mask rate", "learning rate"]
    loss, mask, lr = display.ax_
    drawn = {line.get_label(): line for line in loss.lines}
    assert set(drawn) == {"total", "labeled", "unlabeled"}
    steps = [record["step"] for record in clf.history_]
    for name, key in [("total", "loss"), ("labeled", "labeled_loss")]:
        assert drawn[name].get_xdata().tolist() == steps
        assert drawn[name].get_ydata().tolist() == [record[key] for record in clf.history_]
    assert mask.lines[0].get_ydata().tolist() == [r["mask_rate"] for r in clf.history_]
    assert lr.lines[0].get_ydata().tolist() == [r["lr"] for r in clf.history_]
    assert len({line.get_linestyle() for line in loss.lines}) == 3  # not told by colour alone


def test_rounds_follow_one_another():
    history = [
        {"round": r, "step": s, "loss": 1.0, "pseudo_label_shares": [0.1 * r, 0.2 * r]}
        for r, s in [(0, 4), (0, 8), (1, 9), (1, 12), (2, 12)]
    ]
    display = TrainingDisplay(history).plot()
    assert display.steps.tolist() == [4, 8, 17, 20, 32]
    np.testing.assert_allclose(display.panels["mask rate"][""], [0, 0, 0.3, 0.3, 0.6])
    assert [line.get_xdata()[0] for line in display.ax_[0].lines[1:]] == [8, 20]
    assert display.ax_[-1].get_xlabel() == "optimizer steps, 3 rounds"


def test_validation_and_gaps():
    history = [
        {"step": 1, "loss": 2.0, "labeled_loss": 2.0, "valid_loss": 1.5, "valid_acc": 0.5},
        {"step": 2, "loss": 1.0, "labeled_loss": 0.5, "unlabeled_loss": 0.5, "valid_acc": 0.75},
    ]
    panels = TrainingDisplay(history).panels
    np.testing.assert_array_equal(panels["loss"]["unlabeled"], [np.nan, 0.5])
    np.testing.assert_array_equal(panels["loss"]["valid"], [1.5, np.nan])
    np.testing.assert_array_equal(panels["valid. acc."][""], [0.5, 0.75])


@every_estimator
def test_every_estimator_can_be_drawn(cls, blobs):
    X, y, _ = blobs
    clf = quick(cls, max_steps=4).fit(X, y)
    display = TrainingDisplay.from_estimator(clf)
    assert len(display.ax_) == len(display.panels) >= 2
    last = [r["step"] for r in clf.history_][-1]
    rounds = 1 + clf.history_[-1].get("round", 0)
    assert display.steps[-1] == rounds * last


def test_a_regressor_can_be_drawn(blobs):
    X, y, _ = blobs
    targets = np.where(y == -1, np.nan, X[:, 0])
    reg = MeanTeacherRegressor(max_steps=4, random_state=0).fit(X, targets)
    assert list(TrainingDisplay.from_estimator(reg).panels) == ["loss", "learning rate"]


@pytest.mark.parametrize("clf", [LabelPropagationClassifier(), SemiSupervisedGaussianMixture()])
def test_training_without_a_network_is_refused(clf, blobs):
    X, y, _ = blobs
    with pytest.raises(ValueError, match=f"{type(clf).__name__} trained no network"):
        TrainingDisplay.from_estimator(clf.fit(X, y))


def test_training_of_nothing_is_refused():
    with pytest.raises(NotFittedError):
        TrainingDisplay.from_estimator(FixMatchClassifier())
    for history in ([], [{"iteration": 0, "lower_bound": 1.0}]):
        with pytest.raises(ValueError, match="no losses of optimizer steps"):
            TrainingDisplay(history)


def test_a_fit_that_ended_between_epochs_is_drawn(digits):
    class Stop(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 3:
                raise RuntimeError("enough")

    X, y, _, _ = digits
    clf = FixMatchClassifier(max_steps=100, callbacks=[Stop()], random_state=0)
    with pytest.raises(RuntimeError, match="enough"):
        clf.fit(X, y)
    assert len(TrainingDisplay.from_estimator(clf).steps) == len(clf.history_) == 2
    assert f"{clf.history_[-1]['step']} of 100 steps" in clf._repr_html_()
