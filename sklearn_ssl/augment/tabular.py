"""Weak and strong views of table rows (n, d)."""

from dataclasses import dataclass

import torch

from ..inputs.offsets import find_offset, less_offset
from ..inputs.tensors import rows_to_tensor

__all__ = ["GaussianNoise", "SwapFeatures", "relative_spacing"]


def relative_spacing(X, max_rows=2000):
    """How far apart neighbouring rows are: the scale on which a view may move a row.

    The median distance to the nearest other row, features standardised, divided by the square
    root of the number of features that vary: Gaussian noise of that many standard deviations a
    feature moves a row about as far as its neighbour is. No label is used.

    Parameters
    ----------
    X : ndarray of shape (n, ...) or CSR matrix
        Rows, labeled or not.
    max_rows : int
        More rows than that are thinned out evenly.

    Returns
    -------
    float in [0, 1]
        0 if all rows are equal.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssl.augment import relative_spacing
    >>> relative_spacing(np.array([[0.0], [1.0], [2.0]], dtype=np.float32)) > 0.9
    True
    """
    X = X[:: max(1, X.shape[0] // max_rows)]
    X = rows_to_tensor(less_offset(X, find_offset(X))).float().flatten(1)
    scale, mean = torch.std_mean(X, 0, correction=0)
    X = ((X - mean) / scale)[:, scale > 0]
    if len(X) < 2 or not X.shape[1]:
        return 0.0
    distance = torch.cdist(X, X).fill_diagonal_(float("inf")).min(1).values
    return min(1.0, float(distance.median()) / X.shape[1] ** 0.5)


def _noise(x, amount, generator):
    """x plus Gaussian noise of ``amount`` standard deviations of each feature of the batch."""
    if amount == 0:
        return x
    spread = amount * x.std(0, correction=0)
    return x + spread * torch.randn(x.shape, generator=generator, device=x.device)


@dataclass(frozen=True)
class GaussianNoise:
    """Add Gaussian noise, in units of each feature's standard deviation in the batch.

    Parameters
    ----------
    noise : float >= 0
        Standard deviation of the noise, in that unit; 0 leaves rows as they are.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.augment import GaussianNoise
    >>> view = GaussianNoise(noise=0.1)
    >>> view(torch.eye(3), torch.Generator().manual_seed(0)).shape
    torch.Size([3, 3])
    """

    noise: float = 0.1

    def __call__(self, x, generator):
        """(n, d) -> (n, d)."""
        return _noise(x, self.noise, generator)


@dataclass(frozen=True)
class SwapFeatures:
    """Replace each feature, with probability p, by the same feature of another row; add noise.

    Parameters
    ----------
    p : float in [0, 1]
        Share of the features swapped, each from a row of its own.
    noise : float >= 0
        Gaussian noise in units of each feature's standard deviation in the batch.

    References
    ----------
    Yoon et al. 2020, VIME, NeurIPS 33, section 4.1; Bahri et al. 2022, SCARF, arXiv 2106.15147,
    section 3.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.augment import SwapFeatures
    >>> x = torch.arange(6.0).reshape(3, 2)
    >>> view = SwapFeatures(p=1.0, noise=0.0)(x, torch.Generator().manual_seed(0))
    >>> bool(((view - x) % 2 == 0).all())  # every value still comes from its own column
    True
    """

    p: float = 0.2
    noise: float = 0.2

    def __call__(self, x, generator):
        """(n, d) -> (n, d)."""
        swap = torch.rand(x.shape, generator=generator, device=x.device) < self.p
        donor = torch.randint(len(x), x.shape, generator=generator, device=x.device)
        return _noise(torch.where(swap, x.gather(0, donor), x), self.noise, generator)
