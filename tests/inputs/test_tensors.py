"""Rows as tensors, where they lie."""

import numpy as np
import torch

from sklearn_ssl import FixMatchClassifier
from sklearn_ssl.inputs.tensors import rows_to_tensor, to_float

from ..helpers import quick


class InPlace(torch.nn.Linear):
    def __init__(self):
        super().__init__(64, 10)

    def forward(self, x):
        return super().forward(x.sub_(5.0))


def test_read_only_memmap_is_trained_on_where_it_lies_and_no_row_is_written_to(digits, tmp_path):
    X, y, X_test, _ = digits
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert not mapped.flags.writeable
    rows = rows_to_tensor(mapped)
    assert rows.data_ptr() == mapped.ctypes.data  # no copy
    params = {"module": InPlace, "module_params": None}
    copied = X_test.copy()
    clf = quick(FixMatchClassifier, **params).fit(mapped, y)
    first, second = clf.predict_proba(X_test), clf.predict_proba(X_test)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(X_test, copied)
    np.testing.assert_array_equal(mapped, X)
    in_memory = quick(FixMatchClassifier, **params).fit(X, y).predict_proba(X_test)
    np.testing.assert_array_equal(in_memory, first)


def test_bytes_of_images_are_read_as_the_unit_range_and_numbers_as_they_are():
    images = np.array([0, 51, 255], dtype=np.uint8).reshape(3, 1, 1, 1)
    torch.testing.assert_close(
        to_float(rows_to_tensor(images)).flatten(), torch.tensor([0.0, 0.2, 1.0])
    )
    counts = to_float(rows_to_tensor(images.reshape(3, 1)))
    assert counts.flatten().tolist() == [0, 51, 255]
    assert to_float(torch.tensor([51.0])).tolist() == [51]
