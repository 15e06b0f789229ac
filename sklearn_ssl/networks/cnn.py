"""The automatic network for images: small enough for a CPU."""

from torch import nn

from .mlp import Standardize

__all__ = ["CNN"]


class CNN(nn.Module):
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
        return self.layers(x)
