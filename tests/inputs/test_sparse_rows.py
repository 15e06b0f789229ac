"""A batch of sparse rows behaves as the dense tensor of the same values."""

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array

from sklearn_ssl.augment import DropWords
from sklearn_ssl.inputs.sparse_rows import SparseRows

DENSE = np.array([[0, 2, 0, 1], [0, 0, 0, 0], [3, 0, 0, 0], [0, 0, 5, 6]], dtype=np.float32)


@pytest.fixture
def rows():
    return SparseRows.of(csr_array(DENSE))


@pytest.fixture
def guarded(monkeypatch, rows):
    """Rows that must not become dense."""

    def refuse(self):
        raise AssertionError("became dense")

    monkeypatch.setattr(SparseRows, "dense", refuse)
    return rows


def values(rows):
    """The dense values of sparse rows, put together by hand."""
    out = np.zeros(tuple(rows.shape), dtype=np.float32)
    for i in range(len(rows)):
        for j in range(int(rows.start[i]), int(rows.start[i + 1])):
            out[i, int(rows.columns[j])] += float(rows.kept[j])
    return out


def test_shape_and_place_are_those_of_a_tensor(guarded):
    assert guarded.shape == (4, 4)
    assert (len(guarded), guarded.ndim, guarded.size(1)) == (4, 4 - 2, 4)
    assert guarded.dtype == torch.float32
    assert guarded.device.type == "cpu"
    assert guarded.is_floating_point()
    assert repr(guarded) == "SparseRows(5 values, shape=(4, 4))"


@pytest.mark.parametrize(
    "part", [slice(2), slice(2, None), slice(1, 3), slice(-1, None), slice(3, 1), slice(0, 0)]
)
def test_slices_stay_sparse(guarded, part):
    np.testing.assert_array_equal(values(guarded[part]), DENSE[part])


def test_rows_are_put_together_sparse(guarded):
    both = torch.cat([guarded, guarded[1:3], guarded[:0]])
    np.testing.assert_array_equal(values(both), np.concatenate([DENSE, DENSE[1:3]]))
    np.testing.assert_array_equal(values(both.to("cpu", copy=True)), values(both))


def test_product_and_its_gradient_are_those_of_dense_rows(guarded):
    weight = torch.randn(4, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    other = weight.detach().clone().requires_grad_()
    out, expected = guarded @ weight, torch.from_numpy(DENSE) @ other
    torch.testing.assert_close(out, expected)
    (out**2).sum().backward()
    (expected**2).sum().backward()
    torch.testing.assert_close(weight.grad, other.grad)


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: x * 2,
        lambda x: 1 - x,
        lambda x: x[:, 1:],
        lambda x: x[::2],
        lambda x: x[torch.tensor([2, 0])],
        lambda x: x[x.sum(1) > 0],
        lambda x: x.std(0),
        lambda x: torch.cat([x, torch.ones(1, 4)]),
        lambda x: torch.cat([x, x], 1),
        lambda x: torch.where(x > 1, x, 0),
        lambda x: torch.nn.functional.linear(x, torch.ones(2, 4)),
        lambda x: x.lerp(x.flip(0), 0.5),
        lambda x: x.double(),
        lambda x: x @ torch.ones(4),
        lambda x: torch.func.vmap(lambda row: row.sum())(x),
        lambda x: torch.from_numpy(x.numpy()),
    ],
)
def test_all_else_is_done_on_dense_rows(rows, operation):
    out, expected = operation(rows), operation(torch.from_numpy(DENSE))
    assert type(out) is torch.Tensor
    assert torch.equal(out, expected)


def test_changes_in_place_are_seen_from_then_on(rows):
    rows.mul_(2)
    rows[0, 0] = 7
    expected = 2 * torch.from_numpy(DENSE)
    expected[0, 0] = 7
    assert torch.equal(rows + 0, expected)
    assert torch.equal(rows[:2] + 0, expected[:2])
    assert torch.equal(torch.cat([rows, rows[2:]]), torch.cat([expected, expected[2:]]))
    assert torch.equal(rows @ torch.eye(4), expected)
    np.testing.assert_array_equal(values(rows), expected)
    np.testing.assert_array_equal(rows.matrix().toarray(), expected)
    assert torch.equal(DropWords(0.0)(rows, torch.Generator()).dense(), expected)
    rows.zero_()
    assert len(rows.kept) == 0


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: torch.cat([x, x], axis=0),
        lambda x: torch.cat(tensors=[x, x]),
        lambda x: torch.matmul(x, other=torch.eye(4)),
        lambda x: x.matmul(other=torch.eye(4)),
    ],
)
def test_every_spelling_is_known(rows, operation):
    assert torch.equal(operation(rows), operation(torch.from_numpy(DENSE)))


def test_gradients_with_respect_to_rows_need_dense_ones(rows):
    x = (rows + 0).requires_grad_()
    (x @ torch.ones(4, 2)).sum().backward()
    assert torch.equal(x.grad, torch.full((4, 4), 2.0))
