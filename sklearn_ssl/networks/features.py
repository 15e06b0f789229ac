"""A network whose features a method needs beside its logits."""

import torch
from torch import nn

from .around import AroundNetwork

__all__ = ["WithFeatures"]


class WithFeatures(AroundNetwork, nn.Module):
    """Let a network make features instead of logits, and put a linear classifier on them.

    Parameters
    ----------
    features : nn.Module
        Rows (n, ...) -> features (n, n_features).
    n_features, n_classes : int
        What goes into the classifier, and what comes out.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.networks import MLP, WithFeatures
    >>> net = WithFeatures(MLP((4,), n_classes=16), 16, 3)
    >>> net(torch.zeros(2, 4)).shape, net.features(torch.zeros(2, 4)).shape
    (torch.Size([2, 3]), torch.Size([2, 16]))
    """

    inside = "features"

    def __init__(self, features, n_features, n_classes):
        super().__init__()
        self.features, self.n_features = features, n_features
        self.head = nn.Linear(n_features, n_classes)

    def forward(self, x):
        """Classify rows.

        Parameters
        ----------
        x : tensor (n, ...)
            Rows.

        Returns
        -------
        tensor (n, n_classes)
            Logits.
        """
        features = self.features(x)
        if features.shape[1:] != (self.n_features,):
            raise ValueError(
                f"{type(self.features).__name__} gives {tuple(features.shape[1:])} outputs a row, "
                f"and the method needs {self.n_features} features: let it take n_classes, which "
                "will be that."
            )
        return self.head(torch.relu(features))
