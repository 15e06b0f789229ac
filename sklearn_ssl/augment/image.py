"""Weak and strong views of images (n, C, H, W) in float, every image with its own draw."""

import math
from dataclasses import dataclass

import torch
from torch.nn import functional as F

__all__ = ["AffineColorCutout", "CropColor", "ShiftFlip"]


def _uniform(low, high, shape, x, generator):
    return low + (high - low) * torch.rand(shape, generator=generator, device=x.device)


def apply_where(x, chosen, function, *arguments):
    """Apply a function to the chosen images, in place: (n, C, H, W), (n,) -> (n, C, H, W).

    On a CPU to those alone. On a device to all, and then choose, since counting them would make
    the host wait.
    """
    if x.device.type != "cpu" or torch.compiler.is_compiling():
        return torch.where(chosen[:, None, None, None], function(x, *arguments), x)
    rows = chosen.nonzero()[:, 0]
    if len(rows):
        x[rows] = function(x[rows], *(a[rows] for a in arguments))
    return x


def _signs(n, x, generator):
    """(n,) of -1 and 1."""
    return torch.randint(0, 2, (n,), generator=generator, device=x.device) * 2 - 1


def _resampled(x, rows, padding_mode):
    """Affine maps, whose matrices have these two rows of three (n,), in coordinates -1 to 1."""
    matrix = torch.stack([torch.stack(row, -1) for row in rows], 1)
    grid = F.affine_grid(matrix, x.shape, align_corners=False)
    return F.grid_sample(x, grid, padding_mode=padding_mode, align_corners=False)


def _recolored(x, bright, contrast, saturation):
    """Multiply each of them by a factor (n, 1, 1, 1); saturation where there are 3 channels."""
    x = x * bright
    mean = x.mean((1, 2, 3), keepdim=True)
    x = mean + (x - mean) * contrast
    grey = x.mean(1, keepdim=True)
    return grey + (x - grey) * saturation if x.shape[1] == 3 else x


@dataclass(frozen=True)
class ShiftFlip:
    """Shift by whole pixels with reflected borders, and flip half of the images left to right.

    Parameters
    ----------
    shift : float in [0, 1)
        The largest shift, as a share of the height and of the width (.125: 4 pixels of 32).
    flip : bool
        Off where left and right carry meaning, as in digits, letters or text.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.augment import ShiftFlip
    >>> view = ShiftFlip(flip=False)
    >>> view(torch.rand(2, 1, 8, 8), torch.Generator().manual_seed(0)).shape
    torch.Size([2, 1, 8, 8])
    """

    shift: float = 0.125
    flip: bool = True

    def __call__(self, x, generator):
        """(n, C, H, W) -> (n, C, H, W)."""
        most = [int(size * self.shift) for size in x.shape[2:]]
        down, across = (
            torch.randint(2 * m + 1, (len(x),), generator=generator, device=x.device) for m in most
        )
        padded = F.pad(x, (most[1], most[1], most[0], most[0]), mode="reflect")
        windows = padded.unfold(2, x.shape[2], 1).unfold(3, x.shape[3], 1)  # a view of all shifts
        x = windows[torch.arange(len(x), device=x.device), :, down, across]
        if self.flip:
            flipped = torch.rand(len(x), generator=generator, device=x.device) < 0.5
            x = apply_where(x, flipped, lambda x: x.flip(3))
        return x


@dataclass(frozen=True)
class AffineColorCutout:
    """Rotate, scale, shear and shift; change brightness, contrast and saturation; cut a square.

    Values stay within the range of the batch.

    Parameters
    ----------
    degrees : float >= 0
        Rotation and shear are drawn from [-degrees, degrees].
    scale : float in [0, 1)
        Each axis is scaled by a factor in [1 - scale, 1 + scale].
    shift : float in [0, 1)
        Largest shift, as a share of the height and of the width.
    color : float in [0, 1)
        Brightness, contrast and saturation are each multiplied by [1 - color, 1 + color].
    cutout : float in [0, 1)
        Side of the square filled with the batch mean, as a share of the height and of the width.
    flip : bool
        Flip half of the images left to right.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.augment import AffineColorCutout
    >>> x = torch.rand(2, 3, 8, 8)
    >>> view = AffineColorCutout()(x, torch.Generator().manual_seed(0))
    >>> view.shape, bool(view.min() >= x.min() and view.max() <= x.max())
    (torch.Size([2, 3, 8, 8]), True)
    """

    degrees: float = 20.0
    scale: float = 0.2
    shift: float = 0.125
    color: float = 0.5
    cutout: float = 0.5
    flip: bool = True

    def __call__(self, x, generator):
        """(n, C, H, W) -> (n, C, H, W)."""
        low, high = x.min(), x.max()
        x = self._color(self._affine(x, generator), generator).clamp(low, high)
        return self._cutout(x, generator)

    def _affine(self, x, generator):
        """One resampling by A = rotation @ shear @ scale, in coordinates from -1 to 1."""
        n = len(x)
        angle, shear = _uniform(-1, 1, (2, n), x, generator) * math.radians(self.degrees)
        scale_x, scale_y = _uniform(1 - self.scale, 1 + self.scale, (2, n), x, generator)
        shift_x, shift_y = _uniform(-2 * self.shift, 2 * self.shift, (2, n), x, generator)
        if self.flip:
            scale_x = scale_x * _signs(n, x, generator)
        cos, sin, tan = angle.cos(), angle.sin(), shear.tan()
        rows = [
            [cos * scale_x, (cos * tan - sin) * scale_y, shift_x],
            [sin * scale_x, (sin * tan + cos) * scale_y, shift_y],
        ]
        return _resampled(x, rows, "border")

    def _color(self, x, generator):
        shape = 3, len(x), 1, 1, 1
        return _recolored(x, *_uniform(1 - self.color, 1 + self.color, shape, x, generator))

    def _cutout(self, x, generator):
        inside = None
        for axis, size in ((2, x.shape[2]), (3, x.shape[3])):
            center = _uniform(0, size, (len(x), 1, 1, 1), x, generator)
            shape = [1, 1, 1, 1]
            shape[axis] = size
            position = torch.arange(size, device=x.device).reshape(shape) + 0.5
            near = (position - center).abs() < self.cutout * size / 2
            inside = near if inside is None else inside & near
        return torch.where(inside, x.mean((0, 2, 3), keepdim=True), x)


@dataclass(frozen=True)
class CropColor:
    """Enlarge a part of the image to its full size; flip; change colours, or take them away.

    It is for contrastive losses: two such views of an image show other parts of it in other
    colours, so that neither tells on its own that they belong together. Values stay within the
    range of the batch.

    Parameters
    ----------
    area : float in (0, 1]
        The part has a share of the area in [area, 1], and an aspect ratio in [3/4, 4/3] of the
        image's own; no side is longer than the image's.
    color : float in [0, 1)
        Brightness, contrast and saturation are each multiplied by [1 - color, 1 + color].
    grey : float in [0, 1]
        Share of the images with 3 channels that become grey.
    tint : float in [0, 1)
        Each of 3 channels is multiplied by a factor in [1 - tint, 1 + tint], grey images too.
    flip : bool
        Flip half of the images left to right. Off where left and right carry meaning.

    References
    ----------
    Ting Chen, Simon Kornblith, Mohammad Norouzi, Geoffrey Hinton: "A Simple Framework for
    Contrastive Learning of Visual Representations", ICML 2020, arXiv 2002.05709, section 3: crops
    and colours matter most. Theirs have parts from 8 % of the area on, stronger changes, and blur.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.augment import CropColor
    >>> x = torch.rand(2, 3, 8, 8)
    >>> view = CropColor()(x, torch.Generator().manual_seed(0))
    >>> view.shape, bool(view.min() >= x.min() and view.max() <= x.max())
    (torch.Size([2, 3, 8, 8]), True)
    """

    area: float = 0.25
    color: float = 0.4
    grey: float = 0.2
    tint: float = 0.1
    flip: bool = True

    def __call__(self, x, generator):
        """(n, C, H, W) -> (n, C, H, W)."""
        low, high = x.min(), x.max()
        return self._color(self._crop(x, generator), generator).clamp(low, high)

    def _crop(self, x, generator):
        """One resampling, in coordinates from -1 to 1."""
        n = len(x)
        area = _uniform(self.area, 1, (n,), x, generator)
        limit = (-area.log()).clamp(max=math.log(4 / 3))  # so that no side is longer than 1
        ratio = (limit * _uniform(-1, 1, (n,), x, generator)).exp()
        width, height = (area * ratio).sqrt(), (area / ratio).sqrt()
        across, down = _uniform(-1, 1, (2, n), x, generator)
        across, down, zero = across * (1 - width), down * (1 - height), torch.zeros_like(area)
        if self.flip:
            width = width * _signs(n, x, generator)
        return _resampled(x, [[width, zero, across], [zero, height, down]], "reflection")

    def _color(self, x, generator):
        n = len(x)
        bright, contrast, saturation = _uniform(
            1 - self.color, 1 + self.color, (3, n, 1, 1, 1), x, generator
        )
        if x.shape[1] != 3:
            return _recolored(x, bright, contrast, saturation)
        kept = torch.rand((n, 1, 1, 1), generator=generator, device=x.device) >= self.grey
        x = _recolored(x, bright, contrast, saturation * kept)
        return x * _uniform(1 - self.tint, 1 + self.tint, (n, 3, 1, 1), x, generator)
