"""RandAugment for whole batches: every image draws its own operations, on the tensor's device.

Ekin D. Cubuk, Barret Zoph, Jonathon Shlens, Quoc V. Le: "RandAugment: Practical automated data
augmentation with a reduced search space", NeurIPS 2020, arXiv 1909.13719, in the two variants that
FixMatch (arXiv 2001.07685, appendix D) and TorchSSL use. Each operation gives what Pillow gives,
pixel by pixel; inside, images are float tensors of the whole numbers 0..255.
"""

import math
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from .image import ShiftFlip, apply_where

__all__ = ["OPERATIONS", "RandAugment"]

GEOMETRIC = ("rotate", "shear_x", "shear_y", "translate_x", "translate_y")


def _blend(degenerate, x, factor):
    """Pillow's enhancers: degenerate + factor * (x - degenerate), cut off to whole numbers."""
    return (degenerate + factor * (x - degenerate)).clamp(0, 255).floor()


def _grey(x):
    """Luma of ITU-R 601 in Pillow's fixed point: (n, C, H, W) -> (n, 1, H, W)."""
    if x.shape[1] != 3:
        return x.mean(1, keepdim=True)
    red, green, blue = x.double().split(1, 1)
    return ((19595 * red + 38470 * green + 7471 * blue + 32768) / 65536).floor().to(x.dtype)


def _brightness(x, factor):
    return _blend(torch.zeros_like(x), x, factor)


def _contrast(x, factor):
    mean = _grey(x).double().mean((1, 2, 3), keepdim=True)
    return _blend((mean + 0.5).floor().to(x.dtype), x, factor)


def _color(x, factor):
    return _blend(_grey(x), x, factor)


def _sharpness(x, factor):
    """Blend with the 3x3 mean whose centre counts 5 times; the border stays as it is."""
    if min(x.shape[2:]) < 3:
        return x
    total = F.avg_pool2d(x, 3, stride=1, divisor_override=1) + 4 * x[:, :, 1:-1, 1:-1]
    smooth = x.clone()
    smooth[:, :, 1:-1, 1:-1] = (total / 13 + 0.5).floor()
    return _blend(smooth, x, factor)


def _auto_contrast(x, _):
    low, high = x.amin((2, 3), keepdim=True).double(), x.amax((2, 3), keepdim=True).double()
    scale = 255 / (high - low).clamp_min(1)
    stretched = (x * scale - low * scale).clamp(0, 255).floor().to(x.dtype)
    return torch.where(high > low, stretched, x)


def _equalize(x, _):
    """Pillow's table: running sums of the histogram in steps of a 255th of all pixels."""
    level = x.flatten(2).long()
    count = torch.zeros(*level.shape[:2], 256, dtype=torch.int64, device=x.device)
    count.scatter_add_(2, level, torch.ones_like(level))
    last = count.gather(2, level.amax(2, keepdim=True))
    step = (count.sum(2, keepdim=True) - last) // 255
    below = count.cumsum(2) - count
    table = ((below + step // 2) // step.clamp_min(1)).clamp(0, 255)
    equal = table.gather(2, level).to(x.dtype).reshape(x.shape)
    return torch.where(step[..., None] > 0, equal, x)


def _posterize(x, bits):
    """Keep the highest bits of each value."""
    width = 2 ** (8 - bits)
    return (x / width).floor() * width


def _solarize(x, threshold):
    return torch.where(x < threshold, x, 255 - x)


POINTWISE = {
    "auto_contrast": _auto_contrast,
    "brightness": _brightness,
    "color": _color,
    "contrast": _contrast,
    "equalize": _equalize,
    "posterize": _posterize,
    "sharpness": _sharpness,
    "solarize": _solarize,
}
OPERATIONS = ("identity", *POINTWISE, *GEOMETRIC)


def _matrices(ops, amount, height, width):
    """Pillow's maps from pixels of the result to pixels of the image: (n,), (n,) -> (n, 3, 3)."""
    eye = torch.eye(3, dtype=torch.float64, device=amount.device)
    matrix = eye.repeat(len(amount), 1, 1)
    zero = torch.zeros_like(amount)
    of = {name: torch.where(ops == OPERATIONS.index(name), amount, zero) for name in GEOMETRIC}
    cos, sin = torch.cos(of["rotate"]), torch.sin(of["rotate"])
    matrix[:, 0, 0] = matrix[:, 1, 1] = cos
    matrix[:, 0, 1] = of["shear_x"] + sin
    matrix[:, 1, 0] = of["shear_y"] - sin
    x, y = width / 2, height / 2  # rotation is about the middle
    matrix[:, 0, 2] = of["translate_x"] + x - cos * x - sin * y
    matrix[:, 1, 2] = of["translate_y"] + y + sin * x - cos * y
    return matrix


def _resample(x, matrix, fill):
    """Nearest pixel by an affine map in 16.16 fixed point, as Pillow: (n, C, H, W)."""
    n, channels, height, width = x.shape
    offset = matrix[:, :2, 2] + matrix[:, :2, :2].sum(2) / 2  # from the middle of the pixel
    linear, offset = ((v * 65536 + 0.5).floor().long() for v in (matrix[:, :2, :2], offset))
    across = torch.arange(width, device=x.device)[None, None, :]
    down = torch.arange(height, device=x.device)[None, :, None]
    column, row = (
        (linear[:, i, 0, None, None] * across + linear[:, i, 1, None, None] * down
         + offset[:, i, None, None]) >> 16
        for i in (0, 1)
    )  # fmt: skip
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    index = (row * width + column).where(inside, 0).reshape(n, 1, -1)
    moved = x.flatten(2).gather(2, index.expand(-1, channels, -1)).reshape(x.shape)
    return moved.where(inside[:, None], fill)


@dataclass(frozen=True)
class RandAugment:
    """Shift and flip, a few random operations an image, then a grey square.

    Parameters
    ----------
    style : {"fixmatch", "torchssl"}
        "fixmatch": 2 operations, each applied with probability 1/2, magnitudes from 1 to 9 of 10,
        a square of half the side. "torchssl": 3 operations, all applied, uniform magnitudes, a
        square of up to half the side, black instead of grey around moved images.
    flip : bool
        Whether `ShiftFlip`, which comes first, mirrors half of the images.
    value_range : tuple (low, high) of float
        The values that stand for black and white. Results are rounded to 256 levels between them.

    References
    ----------
    Cubuk et al. 2020, arXiv 1909.13719; Sohn et al. 2020, arXiv 2001.07685, appendix D.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.augment import RandAugment
    >>> view = RandAugment()(torch.rand(4, 3, 32, 32), torch.Generator().manual_seed(0))
    >>> view.shape, bool(view.min() >= 0), bool(view.max() <= 1)
    (torch.Size([4, 3, 32, 32]), True, True)
    """

    style: str = "fixmatch"
    flip: bool = True
    value_range: tuple = (0.0, 1.0)

    def __post_init__(self):
        if self.style not in ("fixmatch", "torchssl"):
            raise ValueError(f"style must be 'fixmatch' or 'torchssl', got {self.style!r}.")

    def __call__(self, x, generator):
        """(n, C, H, W) -> (n, C, H, W)."""
        low, high = self.value_range
        x = ShiftFlip(flip=self.flip)(x, generator)
        x = x.sub_(low).mul_(255 / (high - low)).round_().clamp_(0, 255)  # of a copy
        ops, amount, square = self.draw(x, generator)
        x = self.apply(x, ops, amount, 127.5 if self.style == "fixmatch" else 0.0)
        x = _cutout(x, *square, fill=127.5)
        return x.mul_((high - low) / 255).add_(low)

    def draw(self, x, g):
        """Draw what is done to each image.

        Parameters
        ----------
        x : tensor (n, C, H, W)
            Images.
        g : torch.Generator
            Draws.

        Returns
        -------
        ops, amount : tensors (n_ops, n)
            Positions in ``OPERATIONS``, and how much.
        square : tuple of tensors (n,)
            Side and middle of what is cut out, in shares of the image.
        """
        n, _, height, width = x.shape
        fixmatch = self.style == "fixmatch"
        k = 2 if fixmatch else 3
        ops = torch.randint(len(OPERATIONS), (k, n), generator=g, device=x.device)
        u, on, side, down, across = torch.rand(5, k, n, generator=g, device=x.device)
        sign = torch.randint(2, (k, n), generator=g, device=x.device) * 2 - 1
        if fixmatch:
            ops = torch.where(on < 0.5, ops, 0)
            level = (1 + (9 * u).floor()) / 10  # 1 to 9 of 10
            amounts = _fixmatch_amounts(level, sign, height, width)
        else:
            amounts = _torchssl_amounts(u, height, width)
        amount = torch.zeros_like(level if fixmatch else u, dtype=torch.float64)
        for name, value in amounts.items():
            amount = torch.where(ops == OPERATIONS.index(name), value.double(), amount)
        side = torch.full_like(side[0], 0.5) if fixmatch else side[0] / 2
        return ops, amount, (side, down[0], across[0])

    def apply(self, x, ops, amount, fill):
        """Do the operations in order; two geometric ones in a row are one resampling.

        Parameters
        ----------
        x : tensor (n, C, H, W)
            Images in 0..255; changed in place.
        ops, amount : tensors (n_ops, n)
            As `draw` returns them.
        fill : float
            Value of pixels that come from outside.

        Returns
        -------
        tensor (n, C, H, W)
            Images in 0..255.
        """
        height, width = x.shape[2:]
        maps = [_matrices(o, a, height, width) for o, a in zip(ops, amount, strict=True)]
        geometric = ops >= OPERATIONS.index(GEOMETRIC[0])
        for k in range(len(ops)):
            for name, function in POINTWISE.items():
                factor = amount[k, :, None, None, None].to(x.dtype)
                x = apply_where(x, ops[k] == OPERATIONS.index(name), function, factor)
            if k % 2 == 0:
                matrix, moved = maps[k], geometric[k]
                if k + 1 < len(ops):
                    matrix, moved = matrix @ maps[k + 1], moved | geometric[k + 1]
                x = apply_where(x, moved, lambda x, m: _resample(x, m, fill), matrix)
        return x


def _fixmatch_amounts(level, sign, height, width):
    factor = 1.8 * level + 0.1
    return {
        **dict.fromkeys(("brightness", "color", "contrast", "sharpness"), factor),
        "posterize": 4 - (4 * level).floor(),
        "solarize": 256 - (256 * level).floor(),
        "rotate": -sign * (30 * level).round() * math.pi / 180,
        "shear_x": sign * 0.3 * level,
        "shear_y": sign * 0.3 * level,
        "translate_x": sign * (width * 0.3125 * level).floor(),
        "translate_y": sign * (height * 0.3125 * level).floor(),
    }


def _torchssl_amounts(u, height, width):
    both = 2 * u - 1
    return {
        **dict.fromkeys(("brightness", "color", "contrast", "sharpness"), 0.05 + 0.9 * u),
        "posterize": (4 + 4 * u).floor(),
        "solarize": 256 * u,
        "rotate": -30 * both * math.pi / 180,
        "shear_x": 0.3 * both,
        "shear_y": 0.3 * both,
        "translate_x": 0.3 * width * both,
        "translate_y": 0.3 * height * both,
    }


def _cutout(x, side, down, across, fill):
    """Fill a square around a random pixel, cut off at the border."""
    near = []
    for size, middle in zip(x.shape[2:], (down, across), strict=True):
        position = torch.arange(size, device=x.device)
        half, middle = (side * size / 2).floor()[:, None], (middle * size).floor()[:, None]
        near.append((position >= middle - half) & (position < middle + half))
    keep = 1 - (near[0][:, None, :, None] & near[1][:, None, None, :]).to(x.dtype)
    return torch.addcmul(fill * (1 - keep), x, keep)
