"""Random views of batches: callables ``(x, generator) -> x`` on the tensor's device."""

from dataclasses import dataclass

import torch

from .image import AffineColorCutout, ShiftFlip
from .tabular import GaussianNoise, SwapFeatures, relative_spacing

__all__ = [
    "AffineColorCutout",
    "GaussianNoise",
    "ShiftFlip",
    "SwapFeatures",
    "choose_views",
    "default_views",
    "relative_spacing",
]


@dataclass(frozen=True)
class _FullPrecision:
    """A view in float32 whatever the network runs in: bfloat16 grids are a pixel's fifth off."""

    view: object

    def __call__(self, x, generator):
        with torch.autocast(x.device.type, enabled=False):
            return self.view(x, generator)


def choose_views(X, weak="auto", strong="auto", flip="auto"):
    """Take a user's views, or those of `default_views` for "auto".

    Parameters
    ----------
    X : ndarray of shape (n, ...) or sparse matrix
    weak, strong : "auto" or callable ``(x, generator) -> x``
    flip : bool or "auto"
        Of the automatic views.

    Returns
    -------
    weak, strong : callables ``(x, generator) -> x``

    Raises
    ------
    ValueError
        If rows are to be flipped that are no images.
    """
    if flip is True and X.ndim != 4:
        raise ValueError(
            f"flip=True mirrors images (n, channels, height, width), and X has shape {X.shape}. "
            "Leave flip='auto', or give input_shape."
        )
    given = (weak, strong)
    auto = default_views(X, flip) if any(isinstance(v, str) for v in given) else given
    return tuple(
        _FullPrecision(a if isinstance(v, str) else v) for v, a in zip(given, auto, strict=True)
    )


def default_views(X, flip="auto"):
    """Choose a weak and a strong view from what X is.

    Images (n, C, H, W): `ShiftFlip` and `AffineColorCutout`. All else: `GaussianNoise` and
    `SwapFeatures`, with an amount r = `relative_spacing` taken from the rows themselves, so that a
    view moves a row no farther than its neighbours are: noise of r / 2 and r standard deviations,
    and features swapped with probability r^2 / 2 (at most .3), which moves a row as far as noise r
    does.

    Parameters
    ----------
    X : ndarray of shape (n, ...) or sparse matrix
    flip : bool or "auto"
        Whether images may be mirrored; "auto": only if they have 3 channels.

    Returns
    -------
    weak, strong : callables ``(x, generator) -> x``
    """
    if X.ndim == 4:
        flip = X.shape[1] == 3 if flip == "auto" else flip
        return ShiftFlip(flip=flip), AffineColorCutout(flip=flip)
    r = relative_spacing(X)
    return GaussianNoise(r / 2), SwapFeatures(p=min(0.3, r**2 / 2), noise=r)
