"""Views of tables and images."""

import numpy as np
import pytest
import torch

from sklearn_ssl.augment import (
    AffineColorCutout,
    CropColor,
    DropWords,
    GaussianNoise,
    ShiftFlip,
    SwapFeatures,
    default_views,
    noisy_view,
    relative_spacing,
)
from sklearn_ssl.inputs.sparse_rows import SparseRows


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_noise_has_the_stated_size():
    x = torch.randn(4000, 3, generator=generator()) * torch.tensor([1.0, 10.0, 0.0])
    change = GaussianNoise(0.1)(x, generator(1)) - x
    torch.testing.assert_close(change.std(0), torch.tensor([0.1, 1.0, 0.0]), rtol=0.05, atol=1e-6)


def test_swap_takes_the_stated_share_from_the_same_column():
    x = torch.arange(2000.0)[:, None] + torch.tensor([0.0, 10_000.0])
    view = SwapFeatures(p=0.3, noise=0.0)(x, generator())
    assert ((view >= 10_000) == torch.tensor([False, True])).all()
    assert (view != x).float().mean() == pytest.approx(0.3, abs=0.02)


def test_dropped_words_are_made_up_for_by_the_others():
    x = (torch.rand(500, 40, generator=generator()) < 0.2).float() * 3
    view = DropWords(0.5)(x, generator(1))
    assert ((view == 0) | (view == 6)).all()
    assert ((view > 0) <= (x > 0)).all()
    assert view[x > 0].mean() == pytest.approx(3, rel=0.05)
    sparse = DropWords(0.5)(SparseRows.of(x.numpy()), generator(1))
    assert torch.equal(sparse.dense(), view)
    assert torch.equal(DropWords(0.0)(x, generator(1)), x)


def test_relative_spacing_is_the_neighbour_distance():
    grid = np.stack(np.meshgrid(np.arange(10.0), np.arange(10.0)), -1).reshape(-1, 2)
    spread = grid[:, 0].std()
    assert relative_spacing(grid) == pytest.approx(1 / spread / np.sqrt(2), rel=1e-5)
    padded = np.c_[1e3 * grid, np.full(100, 7.0)]  # units and constant columns do not count
    assert relative_spacing(padded) == pytest.approx(relative_spacing(grid), rel=1e-4)
    assert relative_spacing(np.zeros((5, 2))) == 0


def test_shift_is_a_reflected_shift_and_flip_mirrors():
    x = torch.arange(64.0).reshape(1, 1, 8, 8).repeat(200, 1, 1, 1)
    view = ShiftFlip(shift=0.25, flip=False)(x, generator())
    padded = torch.nn.functional.pad(x[:1], (2, 2, 2, 2), mode="reflect")[0, 0]
    allowed = [padded[i : i + 8, j : j + 8] for i in range(5) for j in range(5)]
    seen = {next(k for k, a in enumerate(allowed) if torch.equal(a, v[0])) for v in view}
    assert len(seen) == 25
    flipped = ShiftFlip(shift=0.0)(x, generator())
    mirrored = torch.tensor([torch.equal(v, x[0].flip(-1)) for v in flipped])
    kept = torch.tensor([torch.equal(v, x[0]) for v in flipped])
    assert (mirrored ^ kept).all()
    assert 0.3 < mirrored.float().mean() < 0.7


def test_strong_image_view_without_strength_is_the_identity():
    x = torch.rand(5, 3, 9, 7, generator=generator())
    still = AffineColorCutout(degrees=0, scale=0, shift=0, color=0, cutout=0, flip=False)
    torch.testing.assert_close(still(x, generator()), x, rtol=0, atol=1e-5)
    view = AffineColorCutout()(x, generator())
    assert (view - x).flatten(1).norm(dim=1).min() > 0.1
    assert len({v.sum().item() for v in view}) == 5


def test_automatic_flip_spares_grey_images():
    grey, color = np.zeros((2, 1, 8, 8)), np.zeros((2, 3, 8, 8))
    assert [v.flip for v in default_views(grey)] == [False, False]
    assert [v.flip for v in default_views(color)] == [True, True]
    assert [v.flip for v in default_views(color, flip=False)] == [False, False]


def test_the_noisy_view_is_the_strong_one_on_tables_and_the_weak_one_on_images():
    rows = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    assert noisy_view(rows).view == default_views(rows)[1]
    assert isinstance(noisy_view(rows).view, SwapFeatures)
    assert noisy_view(np.zeros((2, 1, 8, 8))).view == ShiftFlip(flip=False)


def test_each_swapped_feature_comes_from_a_row_of_its_own():
    x = torch.arange(100.0)[:, None].repeat(1, 2)
    first, second = SwapFeatures(p=1.0, noise=0.0)(x, generator()).T
    assert (first == second).float().mean() < 0.1  # expected: .01


def test_crop_color_keeps_shape_range_and_the_generators_draws():
    for channels in (1, 3, 5):
        x = 2 + 3 * torch.rand(6, channels, 9, 7, generator=generator())
        view = CropColor()(x, generator(1))
        assert view.shape == x.shape
        assert view.min() >= x.min()
        assert view.max() <= x.max()
        assert torch.equal(view, CropColor()(x, generator(1)))
        assert not torch.equal(view, CropColor()(x, generator(2)))


def test_crop_color_draws_for_each_image():
    for part in ({}, {"color": 0, "grey": 0, "tint": 0}, {"area": 1, "flip": False}):
        x = torch.rand(1, 3, 8, 8, generator=generator()).repeat(20, 1, 1, 1)
        view = CropColor(**part)(x, generator())
        assert len({tuple(v.flatten().tolist()) for v in view}) == 20, part


STILL = {"color": 0, "grey": 0, "tint": 0, "flip": False}


def test_a_crop_without_strength_is_nearly_the_identity():
    """Of the whole area the aspect ratio still changes, until a side is as long as the image's."""
    x = torch.rand(50, 3, 8, 8, generator=generator())
    whole = CropColor(area=1, **STILL)._crop(x, generator())
    slope = torch.arange(8.0).reshape(1, 1, 8, 1).expand(50, 1, 8, 8)
    seen = CropColor(area=1, **STILL)._crop(slope.clone(), generator())
    assert whole.shape == x.shape
    assert (seen[:, :, 1:] - seen[:, :, :-1]).max() <= 1 + 1e-4


def test_a_crop_enlarges_a_part_and_shows_nothing_from_outside():
    """A ramp from left to right: its slope is the share of the width that is seen."""
    ramp = torch.arange(32.0).reshape(1, 1, 1, 32).expand(400, 1, 32, 32).clone()
    view = CropColor(**STILL)(ramp, generator())
    rows = view[:, 0, 16]
    slope = (rows[:, 24] - rows[:, 8]) / 16  # pixels of the image a pixel of the view
    assert slope.min() >= (0.25 * 3 / 4) ** 0.5 - 0.01
    assert slope.min() < 0.5
    assert slope.max() <= 1 + 1e-4
    assert slope.max() > 0.95
    assert (rows.diff(dim=1) >= -1e-4).all()  # nothing is repeated or mirrored
    left = rows[:, 0] - slope / 2
    assert left.min() < 1
    assert (rows[:, -1] - rows[:, 0]).min() > 10
    assert 0 < (rows[:, 31] < 20).float().mean() < 1  # parts lie left, and right


def test_crops_of_a_half_black_image_differ_in_how_much_is_black():
    x = torch.ones(300, 1, 16, 16)
    x[..., :8] = 0
    black = (CropColor(**STILL)(x, generator()) < 0.5).float().mean((1, 2, 3))
    assert black.min() < 0.2
    assert black.max() > 0.8
    assert black.mean() == pytest.approx(0.5, abs=0.05)
    flipped = CropColor(area=1, color=0, grey=0, tint=0)(x, generator())
    mirrored = flipped[:, 0, 8, 0] > 0.5
    assert 0.35 < mirrored.float().mean() < 0.65


def test_colours_change_and_a_fifth_of_the_images_become_grey():
    red = torch.rand(2000, 3, 2, 2, generator=generator()) * torch.tensor([1.0, 0.1, 0.1]).reshape(
        3, 1, 1
    )
    only_grey = CropColor(area=1, color=0, tint=0)(red, generator())
    grey = (only_grey.amax(1) - only_grey.amin(1)).amax((1, 2)) < 1e-5
    assert grey.float().mean() == pytest.approx(0.2, abs=0.03)
    flat = torch.full((2000, 3, 2, 2), 0.5)
    flat[0], flat[1] = 0, 1  # room for the range of the batch
    tinted = CropColor(color=0, grey=1, tint=0.1)(flat, generator())[2:, :, 0, 0]
    assert tinted.min() == pytest.approx(0.45, abs=0.005)
    assert tinted.max() == pytest.approx(0.55, abs=0.005)
    assert (tinted[:, 0] - tinted[:, 1]).abs().max() > 0.05
    bright = CropColor(color=0.4, tint=0)(flat, generator())[2:, :, 0, 0]
    assert bright.min() == pytest.approx(0.3, abs=0.005)
    assert bright.max() == pytest.approx(0.7, abs=0.005)


def test_a_part_that_is_the_whole_image_is_the_image():
    x = torch.rand(20, 3, 8, 8)
    view = CropColor(area=1.0, color=0.0, grey=0.0, tint=0.0, flip=False)
    torch.testing.assert_close(view(x, torch.Generator().manual_seed(0)), x, atol=1e-5, rtol=0)


@pytest.mark.parametrize("unit", [1.0, 1e27, 1e-30, 0.0])
def test_noise_is_in_units_of_columns_of_any_size(unit):
    x = unit * (torch.arange(12.0).reshape(6, 2) + 5)
    view = GaussianNoise(noise=0.5)
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    expected = x.double() + 0.5 * x.double().std(0, correction=0) * noise
    seen = view(x, torch.Generator().manual_seed(0))
    torch.testing.assert_close(seen.double(), expected, rtol=1e-5, atol=0)
