"""Kinds of target."""

import numpy as np
import pytest
import torch

from sklearn_ssl import MeanTeacherRegressor
from sklearn_ssl.inputs.targets import NumberTargets, TrainingRows, masked_mse

from ..helpers import quick


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


@pytest.mark.parametrize("power", [-1000, -200, 3, 200, 1000])
def test_targets_of_any_unit_give_the_same_fit(power):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 2)) + 3
    y[10:] = np.nan
    unit = np.array([1.0, 2.0**power])  # about 1e-301 to 1e301
    usual, other = (quick(MeanTeacherRegressor).fit(X, targets) for targets in (y, y * unit))
    np.testing.assert_array_equal(other.predict(X), usual.predict(X) * unit)


def test_the_unit_of_targets_is_their_deviation_in_every_digit():
    y = np.random.default_rng(1).normal(size=(30, 4)) * [1e-5, 1, 77, 1e9] + [0, 5, -3, 1e10]
    y[::3, 1] = np.nan
    targets = NumberTargets()
    targets.encode(y, y, np.ones(30), None, 0)
    np.testing.assert_array_equal(targets.mean, np.nanmean(y, axis=0))
    np.testing.assert_array_equal(targets.scale, np.nanstd(y, axis=0))
    targets.encode(y, np.full(30, 0.0), np.ones(30), None, 0)
    assert (targets.mean, targets.scale) == (0, 1)
