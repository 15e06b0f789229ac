"""Every operation of RandAugment against Pillow, image by image."""

import math

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps

from sklearn_ssl.augment import RandAugment
from sklearn_ssl.augment.randaugment import GEOMETRIC, OPERATIONS, POINTWISE, _matrices, _resample


def affine(image, *matrix):
    return image.transform(image.size, Image.Transform.AFFINE, matrix)


PILLOW = {
    "identity": lambda image, v: image,
    "auto_contrast": lambda image, v: ImageOps.autocontrast(image),
    "brightness": lambda image, v: ImageEnhance.Brightness(image).enhance(v),
    "color": lambda image, v: ImageEnhance.Color(image).enhance(v),
    "contrast": lambda image, v: ImageEnhance.Contrast(image).enhance(v),
    "sharpness": lambda image, v: ImageEnhance.Sharpness(image).enhance(v),
    "equalize": lambda image, v: ImageOps.equalize(image),
    "posterize": lambda image, v: ImageOps.posterize(image, int(v)),
    "solarize": lambda image, v: ImageOps.solarize(image, v),
    "rotate": lambda image, v: image.rotate(-math.degrees(v)),
    "shear_x": lambda image, v: affine(image, 1, v, 0, 0, 1, 0),
    "shear_y": lambda image, v: affine(image, 1, 0, 0, v, 1, 0),
    "translate_x": lambda image, v: affine(image, 1, 0, v, 0, 1, 0),
    "translate_y": lambda image, v: affine(image, 1, 0, 0, 0, 1, v),
}

AMOUNTS = {
    **dict.fromkeys(("brightness", "color", "contrast", "sharpness"), (0.05, 0.28, 1.0, 1.72)),
    "posterize": (1, 3, 4, 8),
    "solarize": (0, 26, 128, 256),
    "rotate": tuple(math.radians(d) for d in (-30, -9, 3, 27)),
    "shear_x": (-0.3, -0.03, 0.12, 0.27),
    "shear_y": (-0.3, -0.03, 0.12, 0.27),
    "translate_x": (-9, -1, 3, 8),
    "translate_y": (-9, -1, 3, 8),
}


def images(channels, height, width):
    """Noise, a smooth ramp, one colour, two colours, few levels: (5, C, H, W) in 0..255."""
    rng = np.random.default_rng(0)
    shape = (channels, height, width)
    ramp = np.linspace(20, 180, np.prod(shape)).reshape(shape)
    two = np.where(rng.random(shape) < 0.5, 30, 200)
    few = 17 * rng.integers(0, 4, shape)
    return np.stack([rng.integers(0, 256, shape), ramp, np.full(shape, 77), two, few]).astype(
        np.uint8
    )


def by_pillow(x, name, amount):
    mode = "RGB" if x.shape[0] == 3 else "L"
    image = Image.fromarray(x.transpose(1, 2, 0) if mode == "RGB" else x[0], mode=None)
    out = np.asarray(PILLOW[name](image, amount))
    return out.transpose(2, 0, 1) if mode == "RGB" else out[None]


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 28, 28), (3, 17, 24), (1, 8, 8)])
@pytest.mark.parametrize("name", [name for name in OPERATIONS if name != "identity"])
def test_operation_equals_pillow(name, shape):
    X = images(*shape)
    for amount in AMOUNTS.get(name, (0,)):
        expected = np.stack([by_pillow(x, name, amount) for x in X])
        x = torch.from_numpy(X).float()
        a = torch.full((len(X),), amount, dtype=torch.float64)
        if name in GEOMETRIC:
            ops = torch.full((len(X),), OPERATIONS.index(name))
            got = _resample(x, _matrices(ops, a, *shape[1:]), fill=0.0)
        else:
            got = POINTWISE[name](x, a.float()[:, None, None, None])
        np.testing.assert_array_equal(got.numpy(), expected, err_msg=f"{name} {amount}")


@pytest.mark.parametrize("style", ["fixmatch", "torchssl"])
def test_operations_follow_one_another_as_in_pillow(style):
    """The whole view, replayed from its own draws; only two geometric ones in a row may differ."""
    x = torch.from_numpy(np.concatenate([images(3, 32, 32)] * 40)).float()
    view = RandAugment(style)
    ops, amount, _ = view.draw(x, torch.Generator().manual_seed(0))
    got = view.apply(x.clone(), ops, amount, fill=0.0).numpy()
    compared = 0
    for i in range(len(x)):
        names = [OPERATIONS[op] for op in ops[:, i]]
        if names[0] in GEOMETRIC and names[1] in GEOMETRIC:
            continue
        expected = x[i].numpy().astype(np.uint8)
        for name, a in zip(names, amount[:, i].tolist(), strict=True):
            expected = by_pillow(expected, name, a)
        wrong = np.abs(got[i] - expected) > 1  # torchssl: thresholds and factors of any value
        assert wrong.mean() < (0.02 if style == "torchssl" else 1e-9), names
        compared += 1
    assert compared > 100


def test_draws_have_the_distribution_of_the_paper():
    view, n = RandAugment(), 40_000
    x = torch.zeros(n, 1, 32, 32)
    ops, amount, (side, down, across) = view.draw(x, torch.Generator().manual_seed(0))
    assert ops.shape == (2, n)
    share = torch.bincount(ops.flatten(), minlength=14) / ops.numel()
    np.testing.assert_allclose(share[1:], 0.5 / 14, atol=0.003)  # the rest are not applied
    bright = amount[ops == OPERATIONS.index("brightness")]
    levels, counts = np.unique(bright.numpy().round(4), return_counts=True)
    np.testing.assert_allclose(levels, 0.1 + 0.18 * np.arange(1, 10), atol=1e-4)
    np.testing.assert_allclose(counts / counts.sum(), 1 / 9, atol=0.02)
    shift = amount[ops == OPERATIONS.index("translate_x")].numpy()
    assert set(np.abs(shift)) == set(range(1, 10))
    assert abs((shift > 0).mean() - 0.5) < 0.03
    bits = amount[ops == OPERATIONS.index("posterize")].numpy()
    assert set(bits) == {1, 2, 3, 4}
    assert (side == 0.5).all()
    assert 0.49 < down.mean() < 0.51
    assert 0.49 < across.mean() < 0.51
    ops, amount, (side, _, _) = RandAugment("torchssl").draw(x, torch.Generator().manual_seed(0))
    share = torch.bincount(ops.flatten(), minlength=14) / ops.numel()
    np.testing.assert_allclose(share, 1 / 14, atol=0.003)
    turn = amount[ops == OPERATIONS.index("rotate")].numpy()
    assert np.abs(turn).max() <= math.radians(30)
    np.testing.assert_allclose(turn.std(), math.radians(30) / math.sqrt(3), rtol=0.02)
    assert 0.24 < side.mean() < 0.26


def test_images_of_a_batch_do_not_see_each_other():
    x = torch.rand(64, 3, 32, 32)
    view = RandAugment(flip=False)
    first = view(x, torch.Generator().manual_seed(1))
    torch.testing.assert_close(first, view(x, torch.Generator().manual_seed(1)), rtol=0, atol=0)
    other = torch.cat([x[:1], torch.rand(63, 3, 32, 32)])
    second = view(other, torch.Generator().manual_seed(1))
    torch.testing.assert_close(first[0], second[0], rtol=0, atol=0)
    assert not torch.equal(first, view(x, torch.Generator().manual_seed(2)))


def test_the_square_has_half_the_side_and_the_input_stays_as_it_is():
    x = torch.full((200, 1, 32, 32), 0.2)
    kept = x.clone()
    out = RandAugment()(x, torch.Generator().manual_seed(0))
    assert torch.equal(x, kept)
    grey = (out[:, 0] - 0.5).abs() < 1e-3
    assert grey.flatten(1).sum(1).max() <= 16 * 16 + 32 * 9 * 2  # and what moved images leave
    assert ((grey.flatten(1).sum(1) == 256).sum()) > 30


def test_other_ranges_of_values():
    x = torch.rand(8, 3, 16, 16)
    g = torch.Generator().manual_seed
    unit = RandAugment()(x, g(0))
    wide = RandAugment(value_range=(-2.0, 4.0))(6 * x - 2, g(0))
    torch.testing.assert_close(wide, 6 * unit - 2, rtol=0, atol=1e-4)


def test_the_way_for_devices_gives_the_same():
    """Where counting rows would wait for the device, all images are computed and then chosen."""
    x = torch.rand(32, 3, 16, 16)
    eager = RandAugment()(x, torch.Generator().manual_seed(0))
    from unittest import mock

    with mock.patch("torch.compiler.is_compiling", return_value=True):
        dense = RandAugment()(x, torch.Generator().manual_seed(0))
    torch.testing.assert_close(eager, dense, rtol=0, atol=0)


def test_compiled():
    x = torch.rand(16, 3, 16, 16)
    view = RandAugment()
    ops, amount, _ = view.draw(x, torch.Generator().manual_seed(0))
    x = (x * 255).round()
    expected = view.apply(x.clone(), ops, amount, 127.5)
    compiled = torch.compile(view.apply, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(x.clone(), ops, amount, 127.5), expected)
