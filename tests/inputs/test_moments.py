"""Mean and scale of columns, by hand."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from sklearn_ssl.inputs.moments import moments

from ..helpers import EVERYTHING, REGRESSORS, few_steps, quick

# one value fills most of the first column: its scale is how far the others are from it
X = np.array([[0.0, 1], [0, 3], [0, 1], [0, 3], [0, 2], [3, 2], [4, 2]])


@pytest.mark.parametrize("kind", [np.asarray, csr_matrix])
def test_rare_values_have_a_scale_of_their_own(kind):
    mean, scale = moments(kind(X))
    np.testing.assert_allclose(mean, [1, 2], rtol=1e-6)
    np.testing.assert_allclose(scale, [np.sqrt(12.5), np.sqrt(4 / 7)], rtol=1e-6)


def test_images_have_one_scale_a_channel_in_unit_range():
    images = np.zeros((2, 2, 1, 2), dtype=np.uint8)
    images[:, 1] = [[[0, 255]]]
    mean, scale = moments(images)
    assert mean.flatten().tolist() == [0, 0.5]
    assert scale.flatten().tolist() == [0, 0.5]


@pytest.mark.parametrize("cls", EVERYTHING, ids=lambda cls: cls.__name__)
def test_the_unit_of_a_column_changes_nothing(cls, blobs):
    X, y, _ = blobs
    y = np.where(y < 0, np.nan, y) if cls in REGRESSORS else y
    unit = 2.0 ** np.array([40, -40, 0, 13], dtype=np.float32)  # which changes no digit
    usual = quick(cls, **few_steps(cls)).fit(X, y)
    other = quick(cls, **few_steps(cls)).fit(X * unit, y)
    read = "predict" if cls in REGRESSORS else "predict_proba"
    seen, expected = getattr(other, read)(X * unit), getattr(usual, read)(X)
    np.testing.assert_allclose(seen, expected, rtol=0, atol=1e-12)
