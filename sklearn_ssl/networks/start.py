"""Networks whose first weights depend on the training rows."""

__all__ = ["start_from_rows"]


def start_from_rows(module, x):
    """Call ``module.start_from(x)`` if there is such a method; else do nothing.

    Parameters
    ----------
    module : nn.Module
        The network, or a part of it that sees rows.
    x : tensor (n, ...) of float
        Training rows, as the network will see them.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.networks import FastCNN, start_from_rows
    >>> net = FastCNN((3, 32, 32), n_classes=10)
    >>> start_from_rows(net, torch.rand(50, 3, 32, 32))
    >>> net.started
    tensor(True)
    """
    start = getattr(module, "start_from", None)
    if start is not None:
        start(x)
