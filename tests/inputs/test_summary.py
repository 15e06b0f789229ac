"""What is told of the rows."""

import numpy as np
import pytest

from sklearn_ssl.inputs.summary import DataSummary


@pytest.mark.parametrize(
    ("low", "high", "inside"), [(0, 1, True), (-0.5, 1, False), (0, 1.5, False), (0.2, 0.3, True)]
)
def test_the_range_of_values(low, high, inside):
    X = np.array([[low, high], [high, low]], dtype=np.float32)
    summary = DataSummary.of(X, 3)
    assert (summary.low, summary.high) == pytest.approx((low, high))
    assert summary.in_unit_range is inside
    assert summary.input_shape == (2,)
    assert set(summary.for_signature()) == {"input_shape", "n_classes", "mean", "scale"}


def test_bytes_are_read_as_the_unit_range():
    images = np.full((2, 1, 3, 3), 200, dtype=np.uint8)
    summary = DataSummary.of(images, 2)
    assert summary.in_unit_range
    assert summary.is_bytes
