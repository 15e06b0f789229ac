"""lr_schedule reaches the optimizer of every estimator."""

import math

import numpy as np
import pytest
from skorch.callbacks import Callback

from sklearn_ssl import MeanTeacherRegressor, MixMatchClassifier

from ..helpers import every_estimator, quick


class Rates(Callback):
    """Learning rates of all groups, after each step."""

    def __init__(self, sink):
        self.sink = sink

    def on_batch_end(self, net, **kwargs):
        self.sink.append([group["lr"] for group in net.optimizer_.param_groups])


EXPECTED = {
    "cosine": lambda t: math.cos(7 * math.pi * t / 16),
    "linear": lambda t: 1 - t,
    "constant": lambda t: 1.0,
}


@pytest.mark.parametrize("schedule", [*EXPECTED, lambda t: 0.5**t])
def test_rates_step_by_step(blobs, schedule):
    X, y, _ = blobs
    seen = []
    MixMatchClassifier(
        max_steps=10,
        lr=0.02,
        lr_schedule=schedule,
        optimizer_params={"param_groups": [("layers.2.*", {"lr": 0.5})]},
        callbacks=[Rates(seen)],
    ).fit(X, y)
    factors = [EXPECTED.get(schedule, schedule)(step / 10) for step in range(10)]
    np.testing.assert_allclose([min(rates) for rates in seen], np.multiply(factors, 0.02))
    np.testing.assert_allclose([max(rates) for rates in seen], np.multiply(factors, 0.5))


@every_estimator
def test_every_estimator_follows_it(cls, blobs):
    X, y, _ = blobs
    one_round = {"max_iter": 0} if "max_iter" in cls().get_params() else {}
    seen = []
    quick(
        cls, max_steps=4, lr_schedule=lambda t: 0.25 * (1 - t), callbacks=[Rates(seen)], **one_round
    ).fit(X, y)
    lr = cls().lr
    np.testing.assert_allclose(
        [rates[0] for rates in seen], [lr / 4 * (1 - i / 4) for i in range(4)]
    )


def test_a_regressor_follows_it():
    X = np.random.default_rng(0).normal(size=(40, 2))
    seen = []
    reg = MeanTeacherRegressor(max_steps=2, lr_schedule="constant", callbacks=[Rates(seen)])
    reg.fit(X, X[:, 0])
    assert {rate for rates in seen for rate in rates} == {0.001}


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ("cosin", "lr_schedule"),
        (lambda t: float("nan"), "numbers of at least 0"),
        (lambda t: -1.0, "numbers of at least 0"),
        (lambda t: 1 / t, "fails at progress 0"),
        (lambda: 1.0, "fails at progress 0"),
    ],
)
def test_bad_schedules_are_refused_before_training(blobs, schedule, message):
    X, y, _ = blobs
    clf = MixMatchClassifier(max_steps=2, lr_schedule=schedule)
    with pytest.raises(ValueError, match=message):
        clf.fit(X, y)
    assert not hasattr(clf, "net_")
