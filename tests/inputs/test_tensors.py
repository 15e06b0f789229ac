"""Rows as tensors, where they lie."""

import numpy as np
import torch

from sklearn_ssl import FixMatchClassifier
from sklearn_ssl.inputs.tensors import rows_to_tensor

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
