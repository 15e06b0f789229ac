"""Kinds of target."""

import numpy as np
import pandas as pd
import pytest
import torch

from sklearn_ssl import MeanTeacherRegressor
from sklearn_ssl.inputs.targets import NumberTargets, as_numbers, masked_mse

from ..helpers import quick


def test_loss_leaves_unknown_targets_out():
    outputs = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    targets = torch.tensor([[0.0, float("nan")], [1.0, 1.0]])
    assert masked_mse(outputs, targets) == (1 + 4 + 9) / 3
    assert masked_mse(outputs, torch.full((2, 2), torch.nan)) == 0


@pytest.mark.parametrize(
    "y",
    [
        [1, None, 2.5],
        np.array([1, pd.NA, 2.5], dtype=object),
        np.ma.masked_array([1, 8e9, 2.5], mask=[0, 1, 0]),
        np.ma.masked_array([1, "no number", 2.5], mask=[0, 1, 0], dtype=object),
        pd.Series([1, None, 2.5], dtype="Float64"),
    ],
)
def test_whatever_is_missing_among_numbers_is_nan(y):
    np.testing.assert_array_equal(as_numbers(y), [1, np.nan, 2.5])


def test_plain_numbers_are_not_copied():
    y = np.array([[1.0, np.nan], [2.0, 3.0]])
    assert np.shares_memory(as_numbers(y), y)
    with pytest.raises(ValueError, match="holds text"):
        as_numbers(np.array(["a", None], dtype=object))


@pytest.mark.parametrize("y", [["low", "high"], np.array([1, "high"], dtype=object)])
def test_text_is_no_target_of_a_regressor(y):
    with pytest.raises(ValueError, match=r"y holds text \('(low|high)'\).*needs numbers"):
        quick(MeanTeacherRegressor).fit(np.eye(2), y)


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
    targets.encode(y, np.ones(30))
    np.testing.assert_array_equal(targets.mean, np.nanmean(y, axis=0))
    np.testing.assert_array_equal(targets.scale, np.nanstd(y, axis=0))
    targets.encode(np.full(30, 0.0), np.ones(30))
    assert (targets.mean, targets.scale) == (0, 1)
