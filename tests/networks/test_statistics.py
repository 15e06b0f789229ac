"""BatchNorm's running statistics, left alone."""

import torch
from torch import nn

from sklearn_ssl.networks import still_statistics


def test_running_statistics_stay_and_batches_are_still_normalised():
    layer = nn.Sequential(nn.BatchNorm1d(2))
    layer(torch.randn(8, 2))
    before = {k: v.clone() for k, v in layer.state_dict().items()}
    with still_statistics(layer):
        out = layer(3 + 2 * torch.randn(64, 2))
    assert out.mean().abs() < 1e-5
    for name, value in layer.state_dict().items():
        assert torch.equal(value, before[name]), name
    layer(torch.randn(8, 2))  # and go on afterwards
    assert layer[0].num_batches_tracked == 2
