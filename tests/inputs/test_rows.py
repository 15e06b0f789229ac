"""The rows of one fit."""

import numpy as np
import pytest

from sklearn_ssl.inputs.rows import EncodedTargets, TrainingRows


@pytest.mark.parametrize(
    "y", [np.array([1, 0, -1, 0, 1]), np.array([[1.0], [2.0], [np.nan], [0.0], [4.0]])]
)
@pytest.mark.parametrize("last_used", [True, False])
def test_held_out_rows_are_neither_labeled_nor_unlabeled(y, last_used):
    n = 5 if last_used else 4
    labeled, held_out = np.array([1, 1, 0, 1, 1], bool), np.array([0, 1, 0, 0, 0], bool)
    used = np.array([1, 1, 1, 1, last_used], bool)
    missing = -1 if y.ndim == 1 else np.nan
    encoded = EncodedTargets(y, labeled, np.ones(5), held_out)
    rows = TrainingRows.of(None, encoded, used, missing, None)
    assert rows.labeled.tolist() == [True, False, False, True, True][:n]
    assert rows.unlabeled.tolist() == [False, False, True, False, False][:n]
    assert rows.held_out.tolist() == held_out[:n].tolist()
    np.testing.assert_array_equal(rows.y_held_out, y[1:2])
    np.testing.assert_array_equal(rows.y[1], np.full_like(y[1], missing))
    np.testing.assert_array_equal(encoded.y, y)
