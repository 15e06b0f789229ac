"""Kinds of target."""

import numpy as np
import torch

from sklearn_ssl.inputs.targets import TrainingRows, masked_mse


def test_loss_leaves_unknown_targets_out():
    outputs = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    targets = torch.tensor([[0.0, float("nan")], [1.0, 1.0]])
    assert masked_mse(outputs, targets) == (1 + 4 + 9) / 3
    assert masked_mse(outputs, torch.full((2, 2), torch.nan)) == 0


def test_held_out_rows_are_neither_labeled_nor_unlabeled():
    held_out = np.array([False, True, False, False])
    for y in (np.array([1, -1, -1, 0]), np.array([[1.0], [np.nan], [np.nan], [0.0]])):
        rows = TrainingRows(None, y, np.ones(4), held_out, y[:1], None)
        assert rows.labeled.tolist() == [True, False, False, True]
        assert rows.unlabeled.tolist() == [False, False, True, False]
