"""One fit: what trains a network, and knows no method. `Training` is the entrance."""

from .callbacks import check_callbacks
from .checkpoint import check_repeatable
from .fingerprint import shared_parameters
from .generators import derived_seeds, drawn_seed, few_threads, seed_after
from .network import build_network
from .optimizer import OPTIMIZERS, groups_within
from .progress import Diagram
from .ranks import Ranks, together
from .training import Training

__all__ = [
    "OPTIMIZERS",
    "Diagram",
    "Ranks",
    "Training",
    "build_network",
    "check_callbacks",
    "check_repeatable",
    "derived_seeds",
    "drawn_seed",
    "few_threads",
    "groups_within",
    "seed_after",
    "shared_parameters",
    "together",
]
