"""Random views of batches: callables ``(x, generator) -> x`` on the tensor's device."""

import torch

from ..inputs.documents import Documents
from ..inputs.lazy import in_unit_range, value_range
from .documents import DropWords
from .image import AffineColorCutout, CropColor, ShiftFlip
from .randaugment import RandAugment
from .tabular import GaussianNoise, SwapFeatures, relative_spacing

__all__ = [
    "AffineColorCutout",
    "CropColor",
    "DropWords",
    "GaussianNoise",
    "RandAugment",
    "ShiftFlip",
    "SwapFeatures",
    "choose_views",
    "default_views",
    "noisy_view",
    "relative_spacing",
    "unchanged",
]


class _FullPrecision(torch.nn.Module):
    """A view in float32 whatever the network runs in: bfloat16 grids are a pixel's fifth off."""

    def __init__(self, view):
        super().__init__()
        self.view = view  # a view that is a module keeps its state with the method

    def forward(self, x, generator):
        with torch.autocast(x.device.type, enabled=False):
            seen = self.view(x, generator)
        if seen.shape[:1] != x.shape[:1]:
            raise ValueError(
                f"A view must return as many rows as it gets: {len(x)}, not {tuple(seen.shape)}."
            )
        if not seen.is_floating_point():
            raise ValueError(f"A view must return floating rows, not {seen.dtype}.")
        return seen


def unchanged(x, generator):
    """Return rows as they are: the view that is none.

    Parameters
    ----------
    x : tensor (n, ...)
        Rows.
    generator : torch.Generator
        Not used.

    Returns
    -------
    tensor (n, ...)
        The same rows.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.augment import unchanged
    >>> unchanged(torch.ones(2), None)
    tensor([1., 1.])
    """
    return x


def choose_views(X, weak="auto", strong=None, flip="auto"):
    """Take a user's views, or those of `default_views` for "auto".

    Parameters
    ----------
    X : ndarray of shape (n, ...) or sparse matrix
        Training rows, from which "auto" chooses.
    weak, strong : "auto", callable ``(x, generator) -> x``, or None where it is not needed
        The user's choice.
    flip : bool or "auto"
        Of the automatic views.

    Returns
    -------
    weak, strong : callables ``(x, generator) -> x``, or None
        Each runs in float32 and is checked to return as many rows as it gets.

    Raises
    ------
    ValueError
        If rows are to be flipped that are no images.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from sklearn_ssl.augment import choose_views
    >>> X = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    >>> weak, strong = choose_views(X, strong="auto")
    >>> strong(torch.from_numpy(X), torch.Generator().manual_seed(0)).shape
    torch.Size([50, 4])
    """
    if not isinstance(flip, str) and flip and X.ndim != 4:
        raise ValueError(
            f"flip=True mirrors images (n, channels, height, width), and X has shape {X.shape}. "
            "Leave flip='auto', or give input_shape."
        )
    views = [weak, strong]
    if any(isinstance(view, str) for view in views):
        auto = default_views(X, flip)
        views = [a if isinstance(v, str) else v for v, a in zip(views, auto, strict=True)]
    return tuple(None if view is None else _FullPrecision(view) for view in views)


def noisy_view(X, view="auto"):
    """Take a user's view, or for "auto" the strong one on tables and the weak one on images.

    It is what methods add as noise that compare a row with itself.

    Parameters
    ----------
    X : ndarray of shape (n, ...) or sparse matrix
        Training rows, from which "auto" chooses.
    view : "auto" or callable ``(x, generator) -> x``
        The user's choice.

    Returns
    -------
    callable ``(x, generator) -> x``
        The view, in float32.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssl.augment import noisy_view
    >>> noisy_view(np.zeros((5, 1, 8, 8), dtype=np.float32)).view
    ShiftFlip(shift=0.125, flip=False)
    """
    weak, strong = choose_views(X, view, view)
    return strong if X.ndim == 2 else weak


def default_views(X, flip="auto"):
    """Choose a weak and a strong view from what X is.

    Images (n, C, H, W): `ShiftFlip`, and `RandAugment` where there are 3 channels, else
    `AffineColorCutout`. Documents, as a fit makes them of counts and tf-idf weights: `DropWords`, a
    tenth of the words and half of them. All else: `GaussianNoise` and
    `SwapFeatures`, with an amount r = `relative_spacing` taken from the rows themselves, so that a
    view moves a row no farther than its neighbours are: noise of r / 2 and r standard deviations,
    and features swapped with probability r^2 / 2 (at most .3), which moves a row as far as noise r
    does. A category is swapped as a whole and gets no noise; what is missing stays so in noise.

    Parameters
    ----------
    X : ndarray of shape (n, ...) or sparse matrix
        Training rows, labeled or not.
    flip : bool or "auto"
        Whether images may be mirrored; "auto": only if they have 3 channels.

    Returns
    -------
    weak, strong : callables ``(x, generator) -> x``
        Views of a float tensor (n, ...).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssl.augment import default_views
    >>> weak, strong = default_views(np.zeros((5, 1, 8, 8), dtype=np.uint8))
    >>> weak
    ShiftFlip(shift=0.125, flip=False)
    """
    if X.ndim == 4:
        flip = X.shape[1] == 3 if flip == "auto" else flip
        if X.shape[1] != 3:
            return ShiftFlip(flip=flip), AffineColorCutout(flip=flip)
        limits = (0.0, 1.0) if in_unit_range(X) else value_range(X)
        return ShiftFlip(flip=flip), RandAugment(flip=flip, value_range=limits)
    if isinstance(X, Documents):
        return DropWords(0.1), DropWords(0.5)
    r, columns = relative_spacing(X), getattr(X, "columns", None)
    strong = SwapFeatures(p=min(0.3, r**2 / 2), noise=r, columns=columns)
    return GaussianNoise(r / 2, columns), strong
