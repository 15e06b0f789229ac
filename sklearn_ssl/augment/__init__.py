"""Random views of batches: callables ``(x, generator) -> x`` on the tensor's device."""

from .image import AffineColorCutout, ShiftFlip
from .tabular import GaussianNoise, SwapFeatures, relative_spacing

__all__ = [
    "AffineColorCutout",
    "GaussianNoise",
    "ShiftFlip",
    "SwapFeatures",
    "default_views",
    "relative_spacing",
]


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
