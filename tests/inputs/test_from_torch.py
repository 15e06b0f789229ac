"""Tensors of torch as rows, targets and weights."""

import numpy as np
import pytest
import torch

from sklearn_ssl import (
    FixMatchClassifier,
    LabelPropagationClassifier,
    LazyRows,
    MeanTeacherRegressor,
    SemiSupervisedGaussianMixture,
    hide_labels,
)
from sklearn_ssl.inputs.from_torch import to_numpy

from ..helpers import quick

KINDS = {
    "with a gradient": lambda t: t.clone().requires_grad_(),
    "result of a network": lambda t: t.clone().requires_grad_() * 1,
    "parameter": torch.nn.Parameter,
    "double": torch.Tensor.double,
    "transposed": lambda t: t.T.contiguous().T,
    "rows as a list": lambda t: list(t.clone().requires_grad_()),
}


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_all_kinds_of_tensors(blobs, kind):
    X, y, _ = blobs
    expected = quick(FixMatchClassifier).fit(X, y).predict_proba(X)
    rows = KINDS[kind](torch.from_numpy(X))
    clf = quick(FixMatchClassifier).fit(rows, torch.from_numpy(y))
    np.testing.assert_allclose(clf.predict_proba(rows), expected, atol=1e-6)


def test_half_precision_is_read_as_it_is():
    x = torch.tensor([[1.5, -3.0], [0.25, 2.0]])
    for dtype in (torch.bfloat16, torch.float16, torch.float8_e5m2):
        np.testing.assert_array_equal(to_numpy(x.to(dtype)), x.numpy())
        rows = LazyRows([(row, 1) for row in x.to(dtype).requires_grad_()])
        np.testing.assert_array_equal(rows.read(), x.numpy())
    assert to_numpy("x") == "x"


@pytest.mark.parametrize("cls", [LabelPropagationClassifier, SemiSupervisedGaussianMixture])
def test_estimators_without_a_network(blobs, cls):
    X, y, truth = blobs
    rows, weight = torch.from_numpy(X).requires_grad_(), torch.ones(60, requires_grad=True)
    clf = quick(cls).fit(rows, torch.from_numpy(y), sample_weight=weight)
    expected = quick(cls).fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(rows), expected.predict_proba(X))
    score = clf.score(rows, torch.from_numpy(truth), sample_weight=weight)
    assert score == expected.score(X, truth)


def test_targets_and_weights_with_gradients(blobs):
    X, y, truth = blobs
    numbers = torch.from_numpy(np.where(y < 0, np.nan, X[:, 0])).requires_grad_()
    weight = torch.ones(60, dtype=torch.bfloat16, requires_grad=True)
    ours = quick(MeanTeacherRegressor).fit(X, numbers, sample_weight=weight)
    known = torch.from_numpy(X[:, 0]).requires_grad_()
    assert np.isfinite(ours.score(X, known, sample_weight=weight))
    labels = [torch.tensor(float(v), requires_grad=True) for v in truth]
    assert (hide_labels(labels, 6, random_state=0) >= 0).sum() == 6
    one_by_one = quick(FixMatchClassifier).fit(X, [torch.tensor(int(v)) for v in y])
    assert one_by_one.classes_.tolist() == [0, 1]


@pytest.mark.parametrize(
    "convert",
    [torch.Tensor.to_sparse, torch.Tensor.to_sparse_csr, lambda t: t.to("meta")],
    ids=["coordinates", "compressed", "meta"],
)
@pytest.mark.filterwarnings("ignore:Sparse CSR tensor")
def test_tensors_that_are_no_arrays_are_refused_in_words(blobs, convert):
    X, y, _ = blobs
    with pytest.raises(ValueError, match="cannot be read as an array: give a dense one"):
        quick(FixMatchClassifier).fit(convert(torch.from_numpy(X)), y)
