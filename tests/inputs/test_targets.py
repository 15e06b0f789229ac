"""Kinds of target."""

import numpy as np
import pandas as pd
import pytest
import torch

from sklearn_ssl.inputs.targets import as_numbers, masked_mse


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
    with pytest.raises(ValueError, match="could not convert"):
        as_numbers(np.array(["a", None], dtype=object))
