"""A batch for methods worked out by hand."""

import pytest
import torch

from sklearn_ssl.engine.batches import Batch

from .by_hand import B, K, N


@pytest.fixture
def batch():
    """Rows that are logits themselves, so that the identity is the network."""
    g = torch.Generator().manual_seed(0)
    x_l, x_u = torch.randn(B, K, generator=g), 2 * torch.randn(N, K, generator=g)
    return Batch(x_l, torch.tensor([0, 2, 3]), x_u, torch.arange(N) + 2, 0.5, g)


@pytest.fixture(autouse=True)
def generator_kept():
    state = torch.get_rng_state()
    yield
    torch.set_rng_state(state)
