"""The automatic networks for images: small enough for a CPU."""

import torch
from torch import nn

from .mlp import Standardize

__all__ = ["CNN", "FastCNN"]


class _PooledNetwork(nn.Module):
    """``layers``, of which the last four pool over the image and classify."""

    divisor = 1  # of the logits

    def _enter(self, x):
        """What the first of ``layers`` is given for images x."""
        return x

    def maps(self, x):
        """Features before they are pooled over the image.

        Parameters
        ----------
        x : tensor (n, C, H, W) of float
            Images.

        Returns
        -------
        tensor (n, 4 width, H', W')
            Activations of the last stage.
        """
        return self.layers[:-4](self._enter(x))

    def from_maps(self, maps):
        """Classify images by what `maps` returns for them.

        Parameters
        ----------
        maps : tensor (n, 4 width, H', W')
            Activations of the last stage.

        Returns
        -------
        tensor (n, K)
            Logits.
        """
        return self.layers[-4:](maps) / self.divisor

    def forward(self, x):
        """Classify images.

        Parameters
        ----------
        x : tensor (n, C, H, W) of float
            Images.

        Returns
        -------
        tensor (n, K)
            Logits.
        """
        return self.from_maps(self.maps(x))


class CNN(_PooledNetwork):
    """Three stages of two 3x3 convolutions, halved in between while larger than 4 pixels.

    Parameters
    ----------
    input_shape : tuple (C, H, W)
        Shape of an image.
    n_classes : int
        Outputs, K.
    mean, scale : tensors (C, 1, 1)
        Of the training images, labeled or not.
    width : int
        Channels of the first stage; the later ones have 2 and 4 times as many.
    dropout : float in [0, 1)
        Before the last layer.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.networks import CNN
    >>> CNN((1, 8, 8), n_classes=10)(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 10])
    """

    def __init__(self, input_shape, n_classes, mean=0.0, scale=1.0, width=32, dropout=0.0):
        super().__init__()
        channels, height, side = input_shape
        size = min(height, side)
        layers = [Standardize(mean, scale)]
        for stage in (1, 2, 4):
            for _ in range(2):
                layers += [
                    nn.Conv2d(channels, stage * width, 3, padding=1, bias=False),
                    nn.BatchNorm2d(stage * width),
                    nn.ReLU(),
                ]
                channels = stage * width
            if size >= 8 and stage < 4:
                layers.append(nn.MaxPool2d(2))
                size //= 2
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear(channels, n_classes))


class FastCNN(_PooledNetwork):
    """The automatic network for small colour images: it learns much in few steps.

    A 2x2 convolution that whitens patches of the training images and is not trained; three stages
    of two 3x3 convolutions, each halved in size after its first; the largest value of each channel;
    small logits. With 32x32 images and the default width, a step takes three fifths of `CNN`'s
    (``benchmarks/image_steps.py``).

    Parameters
    ----------
    input_shape : tuple (C, H, W)
        Shape of an image, of at least 9 pixels a side.
    n_classes : int
        Outputs, K.
    mean, scale : tensors (C, 1, 1)
        Of the training images, labeled or not.
    width : int
        Channels of the first stage; the later ones have 2 and 4 times as many.
    dropout : float in [0, 1)
        Before the last layer.

    References
    ----------
    Keller Jordan: "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024, arXiv 2404.00498, for
    the whitened patches, the order of layers, the start at the identity and the small logits.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.networks import FastCNN
    >>> net = FastCNN((3, 32, 32), n_classes=10)
    >>> net.start_from(torch.rand(50, 3, 32, 32))
    >>> net(torch.rand(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    divisor = 3

    def __init__(self, input_shape, n_classes, mean=0.0, scale=1.0, width=32, dropout=0.0):
        super().__init__()
        channels = 8 * input_shape[0]  # every direction of a 2x2 patch, and its opposite
        self.standardize = Standardize(mean, scale)
        self.register_buffer("filters", 0.3 * torch.randn(channels, input_shape[0], 2, 2))
        self.register_buffer("started", torch.tensor(False))
        self.bias = nn.Parameter(torch.zeros(channels))
        layers = [nn.GELU()]
        for stage in (1, 2, 4):
            wide = stage * width
            layers += [_near_identity(channels, wide), nn.MaxPool2d(2)]
            layers += [nn.BatchNorm2d(wide), nn.GELU()]
            layers += [_near_identity(wide, wide), nn.BatchNorm2d(wide), nn.GELU()]
            channels = wide
        layers += [nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear(channels, n_classes))

    @torch.no_grad()
    def start_from(self, x):
        """Set the first layer's filters to the whitened directions of 2x2 patches, once.

        Parameters
        ----------
        x : tensor (n, C, H, W) of float
            Training images.
        """
        if self.started:
            return
        products, n = 0, 0
        for part in self.standardize(x).split(20):  # patches are four times as large as images
            patches = nn.functional.unfold(part, 2)  # (n, 4 C, positions)
            products = products + (patches @ patches.mT).sum(0)
            n += len(patches) * patches.shape[2]
        size, directions = torch.linalg.eigh(products / n)
        filters = (directions / (size + 1e-2).sqrt()).T.reshape(-1, *self.filters.shape[1:])
        self.filters.copy_(torch.cat([filters, -filters]))
        self.started.fill_(True)

    def _enter(self, x):
        return nn.functional.conv2d(self.standardize(x), self.filters, self.bias)


def image_network(input_shape):
    """Return the class of the automatic network for images of that shape, (C, H, W)."""
    channels, *sides = input_shape
    return FastCNN if channels == 3 and 24 <= min(sides) <= 48 else CNN


def _near_identity(n_in, n_out):
    """A 3x3 convolution that at first hands on its channels as they are."""
    conv = nn.Conv2d(n_in, n_out, 3, padding=1, bias=False)
    nn.init.dirac_(conv.weight[: min(n_in, n_out)])
    return conv
