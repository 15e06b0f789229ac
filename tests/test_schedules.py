"""Functions of training progress."""

import math

import pytest

from sklearn_ssl.schedules import cosine_7_16, linear_ramp, sigmoid_ramp, warmed_ema_decay


def test_schedules():
    assert cosine_7_16(0) == 1
    assert cosine_7_16(0.5) == pytest.approx(math.cos(7 * math.pi / 32))
    assert [linear_ramp(t, 0.5) for t in (0, 0.25, 0.5, 1)] == [0, 0.5, 1, 1]
    assert warmed_ema_decay(0, 0.999) == 0.1
    assert warmed_ema_decay(90, 0.999) == pytest.approx(0.91)
    assert warmed_ema_decay(10**7, 0.999) == 0.999


def test_the_sigmoid_ramp_is_squared():
    assert sigmoid_ramp(0.25, 0.5) == pytest.approx(math.exp(-5 * 0.5**2))
    assert sigmoid_ramp(0.0, 0.5) == pytest.approx(math.exp(-5))
