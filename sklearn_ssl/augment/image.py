"""Weak and strong views of images (n, C, H, W) in float, every image with its own draw."""

import math
from dataclasses import dataclass

import torch
from torch.nn import functional as F

__all__ = ["AffineColorCutout", "ShiftFlip"]


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
            scale_x = scale_x * (
                torch.randint(0, 2, (n,), generator=generator, device=x.device) * 2 - 1
            )
        cos, sin, tan = angle.cos(), angle.sin(), shear.tan()
        matrix = torch.stack(
            [
                torch.stack([cos * scale_x, (cos * tan - sin) * scale_y, shift_x], -1),
                torch.stack([sin * scale_x, (sin * tan + cos) * scale_y, shift_y], -1),
            ],
            1,
        )
        grid = F.affine_grid(matrix, x.shape, align_corners=False)
        return F.grid_sample(x, grid, padding_mode="border", align_corners=False)

    def _color(self, x, generator):
        bright, contrast, saturation = _uniform(
            1 - self.color, 1 + self.color, (3, len(x), 1, 1, 1), x, generator
        )
        x = x * bright
        mean = x.mean((1, 2, 3), keepdim=True)
        x = mean + (x - mean) * contrast
        grey = x.mean(1, keepdim=True)
        return grey + (x - grey) * saturation if x.shape[1] == 3 else x

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
