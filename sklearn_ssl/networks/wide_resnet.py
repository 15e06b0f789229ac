"""Wide residual networks, in the form that MixMatch, FixMatch and their successors train.

Sergey Zagoruyko, Nikos Komodakis: "Wide Residual Networks", BMVC 2016, arXiv 1605.07146; leaky
ReLU, slow BatchNorm statistics and the initialisation as in Oliver et al. 2018, arXiv 1804.09170,
and in FixMatch, arXiv 2001.07685.
"""

from torch import nn

from .mlp import Standardize

__all__ = ["ResNet18", "WideResNet"]


class _Residual(nn.Module):
    """x + conv(act(conv(act(x)))), both convolutions 3x3 after BatchNorm."""

    def __init__(self, n_in, n_out, stride, norm, activation, activate_first=False):
        super().__init__()
        self.activate_first = activate_first  # the shortcut of the first block sees act(x) too
        self.enter = nn.Sequential(norm(n_in), activation())
        self.body = nn.Sequential(
            nn.Conv2d(n_in, n_out, 3, stride, padding=1, bias=False),
            norm(n_out),
            activation(),
            nn.Conv2d(n_out, n_out, 3, padding=1, bias=False),
        )
        same = n_in == n_out and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(n_in, n_out, 1, stride, bias=False)

    def forward(self, x):
        h = self.enter(x)
        return self.shortcut(h if self.activate_first else x) + self.body(h)


class WideResNet(nn.Module):
    """WRN-depth-width; the default is the WRN-28-2 of the semi-supervised literature.

    Parameters
    ----------
    input_shape : tuple (C, H, W)
        Shape of an image.
    n_classes : int
        Outputs, K.
    mean, scale : tensors (C, 1, 1)
        Of the training images, labeled or not.
    depth : int, 6 n + 4
        Layers with weights; n residual blocks in each of the three stages.
    width : int
        Factor of the 16, 32 and 64 channels of the three stages.
    dropout : float in [0, 1)
        Before the last layer.

    Raises
    ------
    ValueError
        If the depth is not 6 n + 4.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.networks import WideResNet
    >>> WideResNet((3, 16, 16), n_classes=10, depth=10, width=1)(torch.zeros(2, 3, 16, 16)).shape
    torch.Size([2, 10])
    """

    def __init__(self, input_shape, n_classes, mean=0.0, scale=1.0, depth=28, width=2, dropout=0.0):
        super().__init__()
        if depth < 10 or (depth - 4) % 6:
            raise ValueError(f"depth must be 10, 16, 22, 28, ..., got {depth}.")

        def norm(channels):  # momentum .001 of torch is .999 in the papers' words
            return nn.BatchNorm2d(channels, momentum=0.001)

        def activation():
            return nn.LeakyReLU(0.1, inplace=True)

        channels = 16
        layers = [
            Standardize(mean, scale),
            nn.Conv2d(input_shape[0], channels, 3, padding=1, bias=False),
        ]
        for stage in range(3):
            for block in range((depth - 4) // 6):
                first, wide = block == 0, 16 * width * 2**stage
                stride = 2 if first and stage else 1
                layers.append(
                    _Residual(channels, wide, stride, norm, activation, first and stage == 0)
                )
                channels = wide
        layers += [norm(channels), activation(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        self.layers = nn.Sequential(*layers, nn.Dropout(dropout), nn.Linear(channels, n_classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # variance 2 / (k * k * outputs)
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.Linear):
                nn.init.xavier_normal_(module.weight)
                nn.init.zeros_(module.bias)

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


class ResNet18(nn.Module):
    """ResNet-18 with pre-activation for images of 64 pixels and more.

    Kaiming He, Xiangyu Zhang, Shaoqing Ren, Jian Sun: "Identity Mappings in Deep Residual
    Networks", ECCV 2016, arXiv 1603.05027.

    Parameters
    ----------
    input_shape : tuple (C, H, W)
        Shape of an image.
    n_classes : int
        Outputs, K.
    mean, scale : tensors (C, 1, 1)
        Of the training images, labeled or not.
    width : int
        Channels of the first of four stages.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.networks import ResNet18
    >>> ResNet18((3, 64, 64), n_classes=10, width=8)(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 10])
    """

    def __init__(self, input_shape, n_classes, mean=0.0, scale=1.0, width=64):
        super().__init__()

        def activation():
            return nn.ReLU(inplace=True)

        layers = [
            Standardize(mean, scale),
            nn.Conv2d(input_shape[0], width, 7, 2, padding=3, bias=False),
            nn.MaxPool2d(3, 2, padding=1),
        ]
        channels = width
        for stage in range(4):
            for block in range(2):
                stride = 2 if stage and not block else 1
                wide = width * 2**stage
                layers.append(_Residual(channels, wide, stride, nn.BatchNorm2d, activation))
                channels = wide
        layers += [nn.BatchNorm2d(channels), activation(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
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
