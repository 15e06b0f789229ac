"""Paired batches: read one ahead, and gone on with."""

import numpy as np
import torch

from sklearn_ssl import LazyRows
from sklearn_ssl.engine.batches import PairedBatches

from ..helpers import Squares


def test_batches_are_read_one_ahead_and_never_the_whole():
    data = Squares(10_000)
    y = np.where(np.arange(10_000) < 20, data.truth, -1)
    batches = PairedBatches(
        LazyRows(data), y, np.arange(10_000), batch_size=4, unlabeled_ratio=2, max_steps=100,
        device="cpu", seed=0,
    )  # fmt: skip
    before = data.read
    for step in range(5):
        batch = batches.draw(step / 100)
        expected = data.images[batch.i_u.numpy()].astype(np.float32) / 255
        np.testing.assert_allclose(batch.x_u.numpy(), expected, atol=1e-6)
    assert data.read - before <= 6 * 12
    twin = PairedBatches(
        LazyRows(data), y, np.arange(10_000), batch_size=4, unlabeled_ratio=2, max_steps=100,
        device="cpu", seed=1,
    )  # fmt: skip
    twin.load_state_dict(batches.state_dict())
    for _ in range(3):
        one, other = batches.draw(0.5), twin.draw(0.5)
        assert torch.equal(one.x_u, other.x_u)
        assert torch.equal(one.i_u, other.i_u)


def test_a_checkpoint_goes_on_where_rows_fit_by_now():
    data = Squares(200)
    y = np.where(np.arange(200) < 20, data.truth, -1)
    params = {"batch_size": 4, "unlabeled_ratio": 2, "max_steps": 9, "device": "cpu", "seed": 0}
    far = PairedBatches(LazyRows(data), y, np.arange(200), **params)
    far.draw(0.0)
    near = PairedBatches(data.images, y, np.arange(200), **params)
    near.load_state_dict(far.state_dict())
    assert torch.equal(near.draw(0.1).x_u, far.draw(0.1).x_u)
    assert near.draw(0.2).x_u.shape == (8, 1, 8, 8)
