"""BatchNorm's running statistics, left alone."""

from contextlib import contextmanager

from torch.nn.modules.batchnorm import _BatchNorm

__all__ = ["still_statistics"]


@contextmanager
def still_statistics(model):
    """Leave BatchNorm's running statistics alone while rows pass that are not to count.

    Parameters
    ----------
    model : nn.Module
        In training mode its BatchNorm layers still use the statistics of each batch.

    Yields
    ------
    None
        The running statistics are back as they were when the context ends.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.networks import still_statistics
    >>> layer = torch.nn.BatchNorm1d(2)
    >>> with still_statistics(layer):
    ...     y = layer(torch.ones(4, 2))
    >>> layer.running_mean
    tensor([0., 0.])
    """
    layers = [m for m in model.modules() if isinstance(m, _BatchNorm)]
    kept = [(m.running_mean, m.running_var, m.num_batches_tracked) for m in layers]
    for layer, (mean, var, count) in zip(layers, kept, strict=True):
        if mean is not None:
            layer.running_mean, layer.running_var = mean.clone(), var.clone()
            layer.num_batches_tracked = count.clone()
    try:
        yield
    finally:
        for layer, (mean, var, count) in zip(layers, kept, strict=True):
            layer.running_mean, layer.running_var = mean, var
            layer.num_batches_tracked = count
