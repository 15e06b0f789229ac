"""Kinds of target."""

import torch

from sklearn_ssl.inputs.targets import masked_mse


def test_loss_leaves_unknown_targets_out():
    outputs = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    targets = torch.tensor([[0.0, float("nan")], [1.0, 1.0]])
    assert masked_mse(outputs, targets) == (1 + 4 + 9) / 3
    assert masked_mse(outputs, torch.full((2, 2), torch.nan)) == 0
