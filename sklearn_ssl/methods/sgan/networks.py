"""Discriminators and generators of semi-supervised GANs, for tables and images."""

import math
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from ...networks.mlp import InputNoise, SmoothClip, Standardize

__all__ = ["GAN", "Discriminator", "Generator"]


class _Normalized:
    """A layer whose weights learn a direction, and have a length of their own.

    Weight normalisation with a start from the data: Salimans and Kingma 2016, arXiv 1602.07868.
    The length learns too if ``learn_length``.
    """

    def __init__(self, *args, learn_length=False, **kwargs):
        super().__init__(*args, **kwargs)
        nn.init.normal_(self.weight, std=0.1)
        length = torch.ones(len(self.weight))
        if learn_length:
            self.length = nn.Parameter(length)
        else:
            self.register_buffer("length", length)

    def normalized(self):
        """The weights in use: each output's have the length that is its own."""
        norm = self.weight.flatten(1).norm(dim=1)
        return self.weight * (self.length / norm).reshape(-1, *[1] * (self.weight.ndim - 1))

    def start_from(self, x):
        """Set lengths and biases so that the outputs have mean 0 and deviation 1 on those rows."""
        out = self(x)
        std, mean = torch.std_mean(out, [0, *range(2, out.ndim)], correction=0)
        std = torch.where(std > 0, std, 1.0)
        self.length.div_(std)
        self.bias.sub_(mean).div_(std)


class NormalizedLinear(_Normalized, nn.Linear):
    """A linear layer with normalised weights."""

    def forward(self, x):
        """(n, n_in) -> (n, n_out)."""
        return F.linear(x, self.normalized(), self.bias)


class NormalizedConv2d(_Normalized, nn.Conv2d):
    """A convolution with normalised filters."""

    def forward(self, x):
        """(n, C, H, W) -> (n, C', H', W')."""
        return F.conv2d(x, self.normalized(), self.bias, self.stride, self.padding)


class Discriminator(nn.Module):
    """K logits from features, with weight normalisation and noise instead of BatchNorm.

    The lengths of the features' weights come from training rows (``start_from``), and stay. Those
    of the last layer begin short, so that the first logits are small, and learn.

    Parameters
    ----------
    input_shape : tuple (d,) or (C, H, W)
    n_classes : int
    mean, scale : tensors (d,) or (C, 1, 1)
    hidden_layer_sizes : sequence of int (tables)
        The paper's for MNIST is (1000, 500, 250, 250, 250).
    noise : float >= 0
        Of each layer's input; the first gets 3/5 of it, as in the paper (.3 and .5).
    width : int (images)
        Channels of the first convolution.
    dropout : float in [0, 1) (images)

    References
    ----------
    Salimans et al. 2016, arXiv 1606.03498, section 5.1.
    """

    def __init__(
        self, input_shape, n_classes, mean=0.0, scale=1.0, hidden_layer_sizes=(256, 256),
        noise=0.2, width=32, dropout=0.3,
    ):  # fmt: skip
        super().__init__()
        layers = [Standardize(mean, scale)]
        if len(input_shape) == 1:
            sizes = (input_shape[0], *hidden_layer_sizes)
            layers.append(SmoothClip())
            for depth, (n_in, n_out) in enumerate(pairwise(sizes)):
                layers += [InputNoise(noise * (1 if depth else 0.6))]
                layers += [NormalizedLinear(n_in, n_out), nn.ReLU()]
            top, noises = sizes[-1], [InputNoise(noise)]
        else:
            channels = input_shape[0]
            for factor in (1, 2, 4):
                conv = NormalizedConv2d(channels, factor * width, 3, stride=2, padding=1)
                layers += [conv, nn.LeakyReLU(0.2), nn.Dropout(dropout)]
                channels = factor * width
            layers += [nn.AdaptiveAvgPool2d(2), nn.Flatten()]
            top, noises = 4 * channels, []
        self.body = nn.Sequential(*layers)
        self.head = nn.Sequential(*noises, NormalizedLinear(top, n_classes, learn_length=True))
        nn.init.constant_(self.head[-1].length, 0.3)
        self.register_buffer("started", torch.tensor(False))

    @torch.no_grad()
    def start_from(self, x):
        """Set the lengths of the body's layers from training rows (n, ...), once."""
        if self.started:
            return
        self.train()
        for layer in self.body:
            if isinstance(layer, _Normalized):
                layer.start_from(x)
            x = layer(x)
        self.started.fill_(True)

    def features(self, x):
        """Rows (n, ...) -> what the last layer sees, (n, m)."""
        return self.body(x)

    def forward(self, x):
        """Rows (n, ...) -> logits (n, K)."""
        return self.head(self.body(x))


class Generator(nn.Module):
    """Noise (n, noise_dim) -> rows (n, *input_shape) in the units of the training rows.

    Parameters
    ----------
    input_shape : tuple (d,) or (C, H, W)
    mean, scale : tensors (d,) or (C, 1, 1)
    noise_dim : int
    unit : bool
        Rows lie in [0, 1]: the last layer is a sigmoid.
    hidden : int (tables)
    width : int (images)
    """

    def __init__(self, input_shape, mean, scale, noise_dim=100, unit=False, hidden=500, width=32):
        super().__init__()
        self.noise_dim, self.unit, self.input_shape = noise_dim, unit, tuple(input_shape)
        self.register_buffer("mean", torch.as_tensor(mean, dtype=torch.float32))
        self.register_buffer("scale", torch.as_tensor(scale, dtype=torch.float32))
        if len(input_shape) == 1:
            layers, n_in = [], noise_dim
            for _ in range(2):
                layers += [nn.Linear(n_in, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU()]
                n_in = hidden
            self.layers = nn.Sequential(*layers, nn.Linear(hidden, input_shape[0]))
        else:
            channels, *sides = input_shape
            small = [math.ceil(side / 4) for side in sides]
            self.layers = nn.Sequential(
                nn.Linear(noise_dim, 2 * width * small[0] * small[1], bias=False),
                nn.Unflatten(1, (2 * width, *small)),
                nn.BatchNorm2d(2 * width),
                nn.ReLU(),
                nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
                nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1),
            )

    def forward(self, z):
        """(n, noise_dim) -> (n, *input_shape)."""
        x = self.layers(z)
        if len(self.input_shape) == 3:
            x = x[..., : self.input_shape[1], : self.input_shape[2]]
        if self.unit:
            return torch.sigmoid(x)
        return x * self.scale + self.mean  # a constant feature, of scale 0, stays constant


class GAN(nn.Module):
    """Both players as one network, whose output is the discriminator's."""

    def __init__(self, discriminator, generator):
        super().__init__()
        self.discriminator, self.generator = discriminator, generator

    @property
    def start_from(self):
        """That of the discriminator, if it has one."""
        return self.discriminator.start_from

    def features(self, x):
        """What feature matching compares: of a discriminator without ``features`` its logits."""
        return getattr(self.discriminator, "features", self.discriminator)(x)

    def forward(self, x):
        """Rows (n, ...) -> logits (n, K)."""
        return self.discriminator(x)
