"""BatchNorm's running statistics, left alone."""

from contextlib import contextmanager

from torch.nn.modules.batchnorm import _BatchNorm

__all__ = ["still_statistics"]


@contextmanager
def still_statistics(model):
    """Leave BatchNorm's running statistics alone while rows pass that are not to count."""
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
