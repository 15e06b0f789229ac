"""Randomness of a fit: seeds of its own, and the global generators as they were afterwards."""

from contextlib import contextmanager

import numpy as np
import torch

__all__ = ["derived_seeds", "private_generators"]


def derived_seeds(seed, number=0):
    """Three seeds of a fit: of held-out rows, of torch's generators, of batches.

    ``number`` is that of one of several trainings.
    """
    return np.random.default_rng([seed, number]).integers(2**63 - 1, size=3)


@contextmanager
def private_generators(device, seed):
    """Seed torch's global generators, which networks draw from; put them back at the end."""
    cuda = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        torch.default_generator.manual_seed(seed)
        if cuda:  # torch.manual_seed would touch the generators of other devices too
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        elif device.type != "cpu":
            torch.manual_seed(seed)
        yield
