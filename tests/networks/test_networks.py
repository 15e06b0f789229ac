"""The automatic networks' first layers."""

import torch

from sklearn_ssl.networks import Standardize
from sklearn_ssl.networks.mlp import SmoothClip


def test_constant_columns_are_divided_by_one():
    layer = Standardize(torch.tensor([1.0, 5.0]), torch.tensor([2.0, 0.0]))
    assert layer(torch.tensor([[3.0, 6.0]])).tolist() == [[1.0, 1.0]]


def test_clipping_is_smooth_and_bounded():
    clip = SmoothClip(3.0)
    torch.testing.assert_close(
        clip(torch.tensor([4.0])), torch.tensor([2.4])
    )  # 4 / sqrt(1 + 16 / 9)
    assert clip(torch.tensor([1e6])).item() <= 3.0
