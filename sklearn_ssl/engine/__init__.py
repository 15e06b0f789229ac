"""One fit: what trains a network, and knows no method. `Training` is the entrance."""

from .callbacks import check_callbacks
from .generators import derived_seeds
from .network import build_network
from .optimizer import OPTIMIZERS
from .progress import caption
from .training import Training

__all__ = [
    "OPTIMIZERS",
    "Training",
    "build_network",
    "caption",
    "check_callbacks",
    "derived_seeds",
]
