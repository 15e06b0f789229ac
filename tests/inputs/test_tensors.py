"""Rows as tensors, where they lie."""

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

from sklearn_ssl import FixMatchClassifier, LazyRows, MeanTeacherRegressor
from sklearn_ssl.inputs.from_torch import to_numpy
from sklearn_ssl.inputs.tensors import rows_to_tensor, to_float

from ..helpers import EVERYTHING, REGRESSORS, few_steps, quick


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


@pytest.mark.parametrize("cls", EVERYTHING, ids=lambda cls: cls.__name__)
def test_tensors_with_a_gradient_are_read(cls, blobs):
    X, y, _ = blobs
    y = np.where(y < 0, np.nan, y).astype(np.float32) if cls in REGRESSORS else y
    weight = np.linspace(1, 2, 60)
    plain = quick(cls, **few_steps(cls)).fit(X, y, sample_weight=weight)
    rows = torch.tensor(X, requires_grad=True)
    kept = torch.tensor(weight, requires_grad=True)
    clf = quick(cls, **few_steps(cls))
    clf.fit(rows, torch.tensor(y, requires_grad=cls in REGRESSORS), sample_weight=kept)
    np.testing.assert_array_equal(clf.predict(rows), plain.predict(X))
    np.testing.assert_array_equal(clf.transduction_, plain.transduction_)
    assert clf.score(rows, torch.tensor(y)) == plain.score(X, y)
    assert rows.requires_grad
    assert rows.grad is None


def test_rows_of_kinds_that_numpy_lacks(blobs):
    X, y, _ = blobs
    X = np.round(X)  # which eight bits hold
    plain = quick(FixMatchClassifier).fit(X, y).predict_proba(X)
    brain = torch.tensor(X).bfloat16()
    np.testing.assert_array_equal(quick(FixMatchClassifier).fit(brain, y).predict_proba(X), plain)
    lazy = quick(FixMatchClassifier).fit(LazyRows(list(X)), y).predict_proba(X)
    of_tensors = LazyRows([row.requires_grad_() for row in brain])
    of_tensors = quick(FixMatchClassifier).fit(of_tensors, y).predict_proba(X)
    np.testing.assert_array_equal(of_tensors, lazy)
    assert to_numpy(brain).dtype == np.float32
    assert to_numpy("text") == "text"


def test_targets_are_read_from_any_kind_of_tensor(blobs):
    X, y, _ = blobs
    targets = np.where(y < 0, np.nan, np.arange(60.0))
    reg = quick(MeanTeacherRegressor).fit(X, targets)
    other = quick(MeanTeacherRegressor).fit(X, torch.tensor(targets).bfloat16().requires_grad_())
    np.testing.assert_array_equal(other.predict(X), reg.predict(X))


def test_images_of_bytes_are_read_where_they_lie(tmp_path):
    np.save(tmp_path / "X.npy", np.arange(4 * 64, dtype=np.uint8).reshape(4, 1, 8, 8))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert rows_to_tensor(mapped).data_ptr() == mapped.ctypes.data


def test_documents():
    words = ["wheat rain field", "goal team match"]
    texts = [f"{words[i % 2]} {i}" for i in range(60)]
    y = np.where(np.arange(60) < 10, np.arange(60) % 2, -1)
    clf = make_pipeline(TfidfVectorizer(), quick(FixMatchClassifier, max_steps=40)).fit(texts, y)
    assert clf.predict(words).tolist() == [0, 1]
