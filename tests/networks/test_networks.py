"""The automatic networks' first layers."""

import torch

from sklearn_ssl.inputs.sparse_rows import SparseRows
from sklearn_ssl.networks import DocumentMLP, Standardize
from sklearn_ssl.networks.mlp import SmoothClip


def test_constant_columns_are_divided_by_one():
    layer = Standardize(torch.tensor([1.0, 5.0]), torch.tensor([2.0, 0.0]))
    assert layer(torch.tensor([[3.0, 6.0]])).tolist() == [[1.0, 1.0]]


def test_clipping_is_smooth_and_bounded():
    clip = SmoothClip(3.0)
    torch.testing.assert_close(
        clip(torch.tensor([4.0])), torch.tensor([2.4])
    )  # 4 / sqrt(1 + 16 / 9)
    assert clip(torch.tensor([1e6])).item() <= 3.0


def test_the_length_of_a_document_does_not_count():
    torch.manual_seed(0)
    net = DocumentMLP((6,), n_classes=3, hidden_layer_sizes=(8, 5)).eval()
    x = torch.tensor([[0.0, 1.0, 0.0, 2.0, 0.0, 0.0], [3.0, 0.0, 0.0, 0.0, 0.0, 0.0]])
    torch.testing.assert_close(net(40 * x), net(x))
    torch.testing.assert_close(net(SparseRows.of(40 * x.numpy())), net(x))
    for size in (1e-25, 1e25):
        torch.testing.assert_close(net(size * x), net(x))
        torch.testing.assert_close(net(SparseRows.of(size * x.numpy())), net(x))
    assert net(torch.zeros(2, 6)).isfinite().all()  # a document without words
    first = net.layers[0]
    by_hand = 6**0.5 * (x / x.norm(dim=1, keepdim=True)) @ first.weight
    torch.testing.assert_close(first(x), by_hand)
