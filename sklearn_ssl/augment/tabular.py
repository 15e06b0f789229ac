"""Weak and strong views of table rows (n, d)."""

from dataclasses import dataclass, field

import numpy as np
import torch

from ..inputs.devices import to_device
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
    X : ndarray of shape (n, ...), CSR matrix or MixedRows
        Rows, labeled or not. Two values of a category are as far apart as two numbers are on
        average.
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
    columns, X = getattr(X, "columns", None), X[:: max(1, X.shape[0] // max_rows)]
    X = rows_to_tensor(less_offset(X, find_offset(X))).float().flatten(1)
    scale, mean = torch.std_mean(X, 0, correction=0)
    varies = scale > 0
    n_features = int(varies.sum())
    if columns is not None:
        n_features = len(np.unique(columns.groups[varies.numpy()]))
        numbers = torch.zeros_like(varies)
        numbers[columns.numbers] = True
        scale[~numbers] = 1.0
    X = ((X - mean) / scale)[:, varies]
    if len(X) < 2 or not n_features:
        return 0.0
    distance = torch.cdist(X, X).fill_diagonal_(float("inf")).min(1).values
    return min(1.0, float(distance.median()) / n_features**0.5)


def _spread(x):
    """Standard deviation of each column (n, d) -> (d,): as `torch.std`, in a third of its time.

    Columns are divided by their largest distance from the mean, whose square may be no float.
    """
    apart = x - x.mean(0)
    largest = apart.abs().amax(0).clamp_min(torch.finfo(x.dtype).tiny)
    return largest * apart.div_(largest).square_().mean(0).sqrt_()


def _noise(x, amount, generator, columns=None):
    """x plus Gaussian noise of ``amount`` standard deviations of each feature of the batch.

    With ``columns`` numbers that are not missing get some, and nothing else.
    """
    if amount == 0:
        return x
    if columns is None:
        noise = torch.randn(x.shape, generator=generator, device=x.device)
        return torch.addcmul(x, noise, _spread(x), value=amount)
    told = np.flatnonzero(columns.indicators >= 0)
    numbers, told, indicators = (
        to_device(torch.from_numpy(index), x.device)
        for index in (columns.numbers, told, columns.indicators[told])
    )
    z = x[:, numbers]
    given = torch.ones_like(z)
    given[:, told] = 1 - x[:, indicators]
    n = given.sum(0).clamp_min(1)
    spread = (((z - (z * given).sum(0) / n) * given).square().sum(0) / n).sqrt()
    noise = torch.randn(z.shape, generator=generator, device=x.device)
    return x.index_add(1, numbers, amount * given * spread * noise)


@dataclass(frozen=True)
class GaussianNoise:
    """Add Gaussian noise, in units of each feature's standard deviation in the batch.

    Parameters
    ----------
    noise : float >= 0
        Standard deviation of the noise, in that unit; 0 leaves rows as they are.
    columns : Columns or None
        What the features are where some are categories or have gaps, which get no noise.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.augment import GaussianNoise
    >>> view = GaussianNoise(noise=0.1)
    >>> view(torch.eye(3), torch.Generator().manual_seed(0)).shape
    torch.Size([3, 3])
    """

    noise: float = 0.1
    columns: object = field(default=None, repr=False, compare=False)

    def __call__(self, x, generator):
        """(n, d) -> (n, d)."""
        return _noise(x, self.noise, generator, self.columns)


@dataclass(frozen=True)
class SwapFeatures:
    """Replace each feature, with probability p, by the same feature of another row; add noise.

    Parameters
    ----------
    p : float in [0, 1]
        Share of the features swapped, each from a row of its own.
    noise : float >= 0
        Gaussian noise in units of each feature's standard deviation in the batch.
    columns : Columns or None
        What the features are where some are categories or have gaps: a category is swapped as a
        whole, a number with the column that says whether it is missing.

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
    columns: object = field(default=None, repr=False, compare=False)

    def __call__(self, x, generator):
        """(n, d) -> (n, d)."""
        shape = x.shape if self.columns is None else (len(x), len(self.columns.widths))
        swap = torch.rand(shape, generator=generator, device=x.device) < self.p
        donor = torch.randint(len(x), shape, generator=generator, device=x.device)
        if self.columns is not None:
            groups = to_device(torch.from_numpy(self.columns.groups), x.device)
            swap, donor = swap[:, groups], donor[:, groups]
        swapped = torch.where(swap, x.gather(0, donor), x)
        return _noise(swapped, self.noise, generator, self.columns)
