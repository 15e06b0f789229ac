"""Graphs of neighbours, and labels that diffuse over them."""

import math

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_ssl.methods.label_propagation.graph import certainty, diffuse, pooled, spread
from sklearn_ssl.methods.label_propagation.neighbors import nearest


def affinity(n, seed=0):
    rng = np.random.default_rng(seed)
    W = sp.random_array((n, n), density=0.1, rng=rng, format="csr")
    return sp.csr_array(W + W.T), rng


@pytest.mark.parametrize("alpha", [0.5, 0.99, 0.999])
def test_diffusion_is_the_dense_solution(alpha):
    W, rng = affinity(80)
    kept = sp.diags_array((np.arange(80) != 7) * 1.0)
    W = sp.csr_array(kept @ W @ kept)  # a row with no edge keeps its own Y
    Y = (rng.random((80, 3)) < 0.1) * rng.random((80, 3))
    Y[7] = [1.0, 0.0, 2.0]
    d = W.toarray().sum(1)
    root = np.where(d > 0, 1 / np.sqrt(np.where(d > 0, d, 1)), 0)
    S = root[:, None] * W.toarray() * root
    expected = np.linalg.solve(np.eye(80) - alpha * S, Y)
    F, n_iter = diffuse(W, Y, alpha)
    np.testing.assert_allclose(F, expected, atol=1e-6 * expected.max())
    np.testing.assert_allclose(F[7], Y[7])
    assert n_iter <= 80
    assert (F >= 0).all()


def test_a_class_without_labels_stays_empty():
    W, _ = affinity(20)
    Y = np.zeros((20, 2))
    Y[0, 0] = 1
    F, _ = diffuse(W, Y, 0.9)
    assert (F[:, 1] == 0).all()
    assert np.isfinite(F).all()


def test_certainty_by_hand():
    p = np.array([[1.0, 0, 0, 0], [0.25, 0.25, 0.25, 0.25], [0.5, 0.5, 0, 0], [0.9, 0.1, 0, 0]])
    entropy = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    np.testing.assert_allclose(certainty(p), [1, 0, 0.5, 1 - entropy / math.log(4)], atol=1e-12)
    np.testing.assert_array_equal(certainty(np.ones((2, 1))), [1, 1])  # one class


def test_columns_are_scaled_to_the_roots_of_the_classes_shares():
    """A chain of six rows, solved with dense matrices; class 0 has .9 of the labels' weight."""
    rows = np.array([[1], [2], [3], [4], [5], [4]])
    codes, weight = np.array([0, -1, -1, -1, -1, 1]), np.array([9.0, 1, 1, 1, 1, 1])
    p, _ = spread(np.ones((6, 1)), rows, pooled(codes, weight, np.arange(6), 2), 0.9)
    A = np.zeros((6, 6))
    A[np.arange(6), rows[:, 0]] = 1
    W = A + A.T
    root = 1 / np.sqrt(W.sum(0))
    Y = np.zeros((6, 2))
    Y[0, 0], Y[5, 1] = 9, 1
    F = np.linalg.solve(np.eye(6) - 0.9 * root[:, None] * W * root, Y)
    F *= np.sqrt([0.9, 0.1]) / F.sum(0)
    np.testing.assert_allclose(p, F / F.sum(1, keepdims=True), atol=1e-6)


def test_a_node_of_equal_rows_by_hand():
    """Three rows that are one, and two others, in a chain; the labels are pooled."""
    codes, weight = np.array([0, 1, -1, -1, 1]), np.array([3.0, 0.5, 1, 1, 2])
    node = np.array([0, 0, 0, 1, 2])
    Y = pooled(codes, weight, node, 2)
    np.testing.assert_array_equal(Y, [[3, 0.5], [0, 0], [0, 2]])
    p, _ = spread(np.ones((3, 1)), np.array([[1], [0], [1]]), Y, 0.8, np.array([3, 1, 1]))
    W = np.array([[0.0, 2, 0], [2, 0, 1], [0, 1, 0]])
    W[0, 0] = 2 * W[0].sum()
    root = 1 / np.sqrt(W.sum(0))
    F = np.linalg.solve(np.eye(3) - 0.8 * root[:, None] * W * root, Y)
    F *= np.sqrt(Y.sum(0) / Y.sum()) / (np.array([[3], [1], [1]]) * F).sum(0)
    np.testing.assert_allclose(p, F / F.sum(1, keepdims=True), atol=1e-6)


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_labels_of_any_unit(unit):
    rng = np.random.default_rng(0)
    rows, codes = nearest(rng.normal(size=(50, 2)), 3)[1], np.where(rng.random(50) < 0.2, 1, -1)
    codes[:3] = 0
    Y = pooled(codes, rng.uniform(1, 2, 50), np.arange(50), 2)
    p = spread(np.ones((50, 3)), rows, Y, 0.9)[0]
    np.testing.assert_allclose(spread(np.ones((50, 3)), rows, unit * Y, 0.9)[0], p, atol=1e-7)
