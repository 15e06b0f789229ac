"""The automatic networks' first layers."""

import pytest
import torch

from sklearn_ssl.inputs.sparse_rows import SparseRows
from sklearn_ssl.networks import CNN, MLP, DocumentMLP, FastCNN, Standardize, WithFeatures
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


def test_first_layer_of_the_fast_network_whitens_patches():
    torch.manual_seed(0)
    x = torch.rand(200, 3, 12, 12).cumsum(3)  # neighbouring pixels are alike
    mean, scale = x.mean((0, 2, 3))[:, None, None], x.std((0, 2, 3))[:, None, None]
    net = FastCNN((3, 12, 12), n_classes=4, mean=mean, scale=scale)
    net.start_from(x)
    first = torch.nn.functional.conv2d(net.standardize(x), net.filters)
    rows = first.transpose(0, 1).flatten(1)[:12].double()  # the other 12 are their opposites
    torch.testing.assert_close(net.filters[12:], -net.filters[:12])
    moments = rows @ rows.T / rows.shape[1]
    outside = moments - moments.diag().diag()
    assert outside.abs().max() < 1e-3
    size = torch.linalg.eigvalsh(_patches(net.standardize(x)))
    expected = size / (size + 1e-2)  # 1 but for directions that hardly vary
    torch.testing.assert_close(moments.diag(), expected, atol=1e-3, rtol=1e-3)
    assert "filters" not in dict(net.named_parameters())  # they are not trained
    before = net.filters.clone()
    net.start_from(torch.rand(50, 3, 12, 12))
    assert torch.equal(net.filters, before)


@pytest.mark.parametrize("network", [CNN, FastCNN])
def test_maps_are_what_the_classifier_pools(network):
    torch.manual_seed(0)
    net = network((3, 26, 30), n_classes=4, width=4).eval()
    x = torch.rand(5, 3, 26, 30)
    maps = net.maps(x)
    assert maps.shape[:2] == (5, 16)
    assert min(maps.shape[2:]) > 1
    torch.testing.assert_close(net.from_maps(maps), net(x), rtol=0, atol=0)
    torch.testing.assert_close(net.from_maps(maps.flip(2, 3)), net(x))  # it pools over all places


def _patches(x):
    rows = x.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, 12).double()
    return rows.T @ rows / len(rows)


def test_a_wrapper_hands_on_the_rows_to_start_from():
    inner = FastCNN((3, 12, 12), n_classes=8)
    WithFeatures(inner, 8, 3).start_from(torch.rand(20, 3, 12, 12))
    assert inner.started
    assert not hasattr(WithFeatures(MLP((4,), n_classes=8), 8, 3), "start_from")  # nor has the MLP


def test_noise_and_normalised_logits_of_the_mlp():
    torch.manual_seed(0)
    x = torch.randn(500, 4)
    net = MLP((4,), n_classes=3, hidden_layer_sizes=(8,), noise=0.5, normalize_logits=True)
    logits = net(x)
    torch.testing.assert_close(logits.mean(0), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(logits.std(0, correction=0), torch.ones(3), atol=1e-3, rtol=0)
    assert not torch.equal(net(x), net(x))
    noises = [layer for layer in net.layers if hasattr(layer, "amount")]
    assert [layer.amount for layer in noises] == [0.5]
    added = noises[0](torch.zeros(4000, 2))
    assert abs(added.std().item() - 0.5) < 0.02
    net.eval()
    torch.testing.assert_close(net(x), net(x), atol=0, rtol=0)
    plain = MLP((4,), n_classes=3, hidden_layer_sizes=(8,))
    torch.testing.assert_close(plain(x), plain(x), atol=0, rtol=0)
