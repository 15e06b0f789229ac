"""Averages of weights, and of BatchNorm's statistics, against numbers worked out by hand."""

import pytest
from torch import nn

from sklearn_ssl.engine.averaging import SlowStatistics, WeightAverage


def pair(average, value):
    """Two layers of one weight and BatchNorm's buffers."""
    layers = nn.BatchNorm1d(1), nn.BatchNorm1d(1)
    for layer, v in zip(layers, (average, value), strict=True):
        nn.init.constant_(layer.weight, v)
        layer.running_mean.fill_(v)
    layers[1].num_batches_tracked.fill_(5)
    return layers


@pytest.mark.parametrize(("step", "decay"), [(0, 0.1), (8, 0.5), (10**6, 0.9)])
def test_weights_and_floating_buffers_are_averaged_and_integers_copied(step, decay):
    average, module = pair(0.0, 1.0)
    WeightAverage(average, module, 0.9).update(step)
    assert average.weight.item() == pytest.approx(1 - decay)
    assert average.running_mean.item() == pytest.approx(1 - decay)
    assert average.num_batches_tracked.item() == 5
    assert module.weight.item() == 1


def test_slow_statistics_are_means_at_first_and_left_as_they_were():
    slow, usual = nn.BatchNorm1d(1, momentum=0.01), nn.BatchNorm1d(1)
    statistics = SlowStatistics(nn.Sequential(slow, usual))
    for step, momentum in [(0, 0.5), (1, 1 / 3), (8, 0.1), (10**4, 0.01)]:
        statistics.update(step)
        assert slow.momentum == pytest.approx(momentum)
    assert usual.momentum == 0.1
    statistics.update(0)
    statistics.end()
    assert slow.momentum == 0.01
