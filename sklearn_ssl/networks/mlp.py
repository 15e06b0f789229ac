"""The automatic network for tables."""

import torch
from torch import nn

__all__ = ["MLP", "InputNoise", "SmoothClip", "Standardize"]


class Standardize(nn.Module):
    """Subtract the training mean and divide by the training standard deviation.

    Parameters
    ----------
    mean, scale : tensors that broadcast against a row (float32)
        A scale of 0 (a constant feature) counts as 1. Buffers, not parameters.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.networks import Standardize
    >>> Standardize([1.0, 0.0], [2.0, 0.0])(torch.tensor([[3.0, 5.0]]))
    tensor([[1., 5.]])
    """

    def __init__(self, mean, scale):
        super().__init__()
        self.register_buffer("mean", torch.as_tensor(mean, dtype=torch.float32))
        scale = torch.as_tensor(scale, dtype=torch.float32)
        self.register_buffer("scale", torch.where(scale > 0, scale, torch.ones_like(scale)))

    def forward(self, x):
        """Standardise.

        Parameters
        ----------
        x : tensor (n, ...)
            Rows.

        Returns
        -------
        tensor (n, ...)
            Rows in units of the standard deviation.
        """
        return (x - self.mean) / self.scale


class SmoothClip(nn.Module):
    """x / sqrt(1 + (x / limit)^2): nearly x around 0, never beyond +-limit, so outliers are tame.

    Holzmueller, Grinsztajn, Steinwart 2024, arXiv 2407.04491, use it for tables.
    """

    def __init__(self, limit=3.0):
        super().__init__()
        self.limit = limit

    def forward(self, x):
        """(n, ...) -> (n, ...) in (-limit, limit)."""
        return x / torch.sqrt(1 + (x / self.limit).square())


class InputNoise(nn.Module):
    """Add Gaussian noise of that standard deviation in training."""

    def __init__(self, amount):
        super().__init__()
        self.amount = amount

    def forward(self, x):
        """(n, ...) -> (n, ...)."""
        return x + self.amount * torch.randn_like(x) if self.training and self.amount else x


def hidden_blocks(width, sizes, dropout, first=None, noise=0.0):
    """Linear-BatchNorm-ReLU-noise-Dropout blocks on so many columns, and how many they end with.

    ``first`` makes the first linear layer of a width and a size; None: an `nn.Linear` too.
    """
    layers = []
    for size in sizes:
        linear = nn.Linear(width, size, bias=False) if layers or not first else first(width, size)
        layers += [linear, nn.BatchNorm1d(size), nn.ReLU()]
        layers += [InputNoise(noise)] if noise else []
        layers += [nn.Dropout(dropout)] if dropout else []
        width = size
    return layers, width


class MLP(nn.Module):
    """Standardise, clip smoothly, then Linear-BatchNorm-ReLU-Dropout blocks, then logits.

    Parameters
    ----------
    input_shape : tuple (d,)
        Number of columns.
    n_classes : int
        Outputs, K.
    mean, scale : tensors (d,)
        Of the training rows, labeled or not.
    hidden_layer_sizes : sequence of int
        Widths of the blocks.
    dropout : float in [0, 1)
        After each block.
    noise : float >= 0
        Standard deviation of Gaussian noise on what each block gives, in training.
    normalize_logits : bool
        BatchNorm on the logits too. It keeps the predictions of a batch apart and makes classes
        about equally frequent, which is wrong where one of them is rare.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.networks import MLP
    >>> MLP((4,), n_classes=3, hidden_layer_sizes=(8,))(torch.zeros(2, 4)).shape
    torch.Size([2, 3])
    """

    def __init__(
        self,
        input_shape,
        n_classes,
        mean=0.0,
        scale=1.0,
        hidden_layer_sizes=(256, 256),
        dropout=0.0,
        noise=0.0,
        normalize_logits=False,
    ):
        super().__init__()
        blocks, width = hidden_blocks(input_shape[0], hidden_layer_sizes, dropout, noise=noise)
        scaled = Standardize(mean, scale), SmoothClip()
        self.layers = nn.Sequential(*scaled, *blocks, nn.Linear(width, n_classes))
        if normalize_logits:
            self.layers.append(nn.BatchNorm1d(n_classes))

    def forward(self, x):
        """Classify rows.

        Parameters
        ----------
        x : tensor (n, d)
            Rows.

        Returns
        -------
        tensor (n, K)
            Logits.
        """
        return self.layers(x)
