"""Paired batches: read one ahead, and gone on with."""

import numpy as np
import pytest
import torch

from sklearn_ssl import LazyRows
from sklearn_ssl.engine import batches as engine_batches
from sklearn_ssl.engine.batches import Batch, PairedBatches

from ..helpers import Squares


def test_batches_are_read_one_ahead_and_never_the_whole():
    data = Squares(10_000)
    y = np.where(np.arange(10_000) < 20, data.truth, -1)
    batches = PairedBatches(
        LazyRows(data), y, y >= 0, np.arange(10_000), batch_size=4, unlabeled_ratio=2,
        max_steps=100, device="cpu", seed=0,
    )  # fmt: skip
    before = data.read
    for step in range(5):
        batch = batches.draw(step / 100)
        expected = data.images[batch.i_u.numpy()].astype(np.float32) / 255
        np.testing.assert_allclose(batch.x_u.numpy(), expected, atol=1e-6)
    assert data.read - before <= 6 * 12
    twin = PairedBatches(
        LazyRows(data), y, y >= 0, np.arange(10_000), batch_size=4, unlabeled_ratio=2,
        max_steps=100, device="cpu", seed=1,
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
    far = PairedBatches(LazyRows(data), y, y >= 0, np.arange(200), **params)
    far.draw(0.0)
    near = PairedBatches(data.images, y, y >= 0, np.arange(200), **params)
    near.load_state_dict(far.state_dict())
    assert torch.equal(near.draw(0.1).x_u, far.draw(0.1).x_u)
    assert near.draw(0.2).x_u.shape == (8, 1, 8, 8)


@pytest.fixture
def long_streams(monkeypatch):
    """Let a stream be long from 200 rows on, and come in pieces of 50 numbers."""
    monkeypatch.setattr(engine_batches, "LARGE", 200)
    monkeypatch.setattr(engine_batches._Permuted, "CHUNK", 50)


@pytest.mark.parametrize(("n", "large"), [(30, 10**6), (300, 10**6), (300, 200), (230, 200)])
def test_each_pass_is_every_row_once_in_an_order_of_its_own(n, large, long_streams, monkeypatch):
    """30 rows: several passes are drawn at a time; 300: one is, or a part of one."""
    monkeypatch.setattr(engine_batches, "LARGE", large)
    X, y = np.zeros((n, 2), np.float32), np.where(np.arange(n) < 10, 0, -1)
    batches = PairedBatches(
        X,
        y,
        y >= 0,
        np.arange(n),
        batch_size=5,
        unlabeled_ratio=2,
        max_steps=99,
        device="cpu",
        seed=0,
    )
    passes = [torch.cat([batches.draw(0.0).i_u for _ in range(n // 10)]).tolist() for _ in range(3)]
    assert all(sorted(rows) == list(range(n)) for rows in passes)
    assert all(rows != sorted(rows) for rows in passes)
    assert passes[0] != passes[1] != passes[2]


def test_a_long_stream_draws_from_everywhere_at_any_time():
    n = 40_000
    stream = engine_batches._Permuted(n, torch.Generator().manual_seed(0))
    for start in range(0, n, 4000):
        part = stream.take(4000).numpy()
        counts = np.bincount(part * 20 // n, minlength=20)
        assert ((counts - 200) ** 2 / 200).sum() < 45, start  # chi-square, 19 degrees: p of .001
        assert abs(np.corrcoef(part[1:], part[:-1])[0, 1]) < 0.06


def test_a_long_stream_holds_a_few_numbers():
    stream = engine_batches._Permuted(10**12, torch.Generator().manual_seed(0))
    assert len(stream.take(500).unique()) == 500
    assert len(stream.state()) < 2**15 + 10


def test_long_streams_are_gone_on_with(long_streams):
    X = np.arange(300, dtype=np.float32)[:, None]
    y = np.where(np.arange(300) < 20, 0, -1)
    params = {"batch_size": 4, "unlabeled_ratio": 2, "max_steps": 99, "device": "cpu"}
    one, other = (
        PairedBatches(X, y, y >= 0, np.arange(300), seed=seed, **params) for seed in (0, 1)
    )
    for drawn in (3, 40):  # within the first pass, and in the second
        for _ in range(drawn):
            one.draw(0.0)
        other.load_state_dict(one.state_dict())
        for _ in range(60):  # into the next pass
            assert torch.equal(one.draw(0.0).x_u, other.draw(0.0).x_u)


@pytest.mark.parametrize("weight", [None, np.array([3.0, 1.0, 0.0, 9.0])])
def test_labeled_rows_come_in_proportion_to_their_weight(weight):
    y = np.array([0, 1, -1, -1])
    batches = PairedBatches(
        np.arange(4, dtype=np.float32)[:, None], y, y >= 0, None, weight=weight,
        batch_size=2000, unlabeled_ratio=1, max_steps=9, device="cpu", seed=0,
    )  # fmt: skip
    first = (batches.draw(0.0).x_l == 0).float().mean().item()
    assert first == (0.5 if weight is None else pytest.approx(0.75, abs=0.03))


@pytest.mark.parametrize(
    ("pool", "share"),
    [
        (range(8, 40), 8 / 40),
        (range(40), 0.0),  # the labeled rows come as rows of the pool
        (range(6, 20), 6 / 20),
        ([30, 31], 8 / 10),
        ([], 1.0),
    ],
)
def test_a_batch_knows_how_many_of_all_rows_are_labeled(pool, share):
    X, y = np.zeros((40, 2), np.float32), np.where(np.arange(40) < 8, 0, -1)
    batches = PairedBatches(
        X, y, y >= 0, np.array(pool, dtype=int), batch_size=5, unlabeled_ratio=2,
        max_steps=9, device="cpu", seed=0,
    )  # fmt: skip
    assert batches.draw(0.0).labeled_share == pytest.approx(share)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.1, 0.1 * 3 + 0.9 * 11), (None, (2 + 4 + 10 + 11 + 12) / 5), (0, 11)]
)
def test_the_mean_over_rows_weighs_both_kinds_by_their_shares(share, expected):
    x = torch.zeros(5, 1)
    batch = Batch(x[:2], None, x[2:], None, 0.0, None, labeled_share=share)
    values = torch.tensor([2.0, 4.0, 10.0, 11.0, 12.0])
    assert batch.mean_over_rows(values).item() == pytest.approx(expected)
    alone = batch._replace(x_u=x[:0])
    assert alone.mean_over_rows(values[:2]).item() == 3
