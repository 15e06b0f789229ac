"""What is averaged over the steps of a fit: the network's weights, and BatchNorm's statistics."""

import torch
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import get_ema_multi_avg_fn

from ..schedules import warmed_ema_decay

__all__ = ["SlowStatistics", "WeightAverage"]


class WeightAverage:
    """Exponential moving average of a network's weights and floating buffers.

    BatchNorm's running statistics are averaged alike; integer buffers are copied.

    Parameters
    ----------
    average : nn.Module
        A copy of the network, which is changed in place.
    module : nn.Module
        The network that learns.
    decay : float in [0, 1)
        Warmed up by `warmed_ema_decay`.
    """

    def __init__(self, average, module, decay):
        self.decay = decay
        old, new = average.state_dict(), module.state_dict()
        floating = [k for k, v in new.items() if v.is_floating_point()]
        rest = [k for k in new if k not in set(floating)]
        self._averaged, self._copied = (
            ([old[k] for k in keys], [new[k] for k in keys]) for keys in (floating, rest)
        )

    @torch.no_grad()
    def update(self, step):
        """Take in the weights as they are after that many steps."""
        averages, sources = self._averaged
        if averages:
            get_ema_multi_avg_fn(warmed_ema_decay(step, self.decay))(averages, sources, None)
            for copy, original in zip(*self._copied, strict=True):
                copy.copy_(original)


class SlowStatistics:
    """BatchNorm layers of low momentum, warmed up like the averages: the mean of what they saw."""

    def __init__(self, module):
        layers = [m for m in module.modules() if isinstance(m, _BatchNorm)]
        self._layers = [(m, m.momentum) for m in layers if m.momentum is not None]
        self._layers = [(m, momentum) for m, momentum in self._layers if momentum < 0.1]

    def update(self, step):
        """Set the momentum of that step."""
        for layer, momentum in self._layers:
            layer.momentum = max(momentum, 1 / (2 + step))

    def end(self):
        """Leave the layers with the momentum they were made with."""
        for layer, momentum in self._layers:
            layer.momentum = momentum
