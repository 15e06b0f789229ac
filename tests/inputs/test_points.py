"""Rows as points, and which of them are equal."""

import numpy as np
import scipy.sparse as sp

from sklearn_ssl.inputs.points import as_points, digests, nodes_of


def test_columns_are_divided_by_their_scale_dense_or_sparse():
    X = np.array([[2.0, 0.0], [0.0, 9.0]], dtype=np.float32)
    scale = np.array([2.0, 3.0], dtype=np.float32)
    expected = np.diag([1.0, 3.0])
    np.testing.assert_array_equal(as_points(X, scale), expected)
    points = as_points(sp.csr_array(X), scale, sparse=True)
    assert sp.issparse(points)
    np.testing.assert_array_equal(points.toarray(), expected)


def test_images_become_flat():
    X = np.full((2, 3, 4, 4), 51, dtype=np.uint8)
    points = as_points(X, np.full((3, 1, 1), 0.1, dtype=np.float32))
    np.testing.assert_allclose(points, np.full((2, 48), 2.0), rtol=1e-6)


def test_documents_have_length_one():
    X = np.array([[3.0, 4.0], [0.0, 2.0]])
    points = as_points(X, np.ones(2, np.float32), documents=True)
    np.testing.assert_allclose(points.toarray(), [[0.6, 0.8], [0, 1]], rtol=1e-6)


def test_equal_rows_have_equal_digests_and_others_have_not():
    rng = np.random.default_rng(0)
    X = rng.integers(-1, 3, (300, 4)).astype(np.float32)
    X[::7] *= -1  # which makes zeros negative
    known = np.unique(X + 0.0, axis=0, return_inverse=True)[1]
    sparse = sp.csr_array(X)
    sparse.data[:5] = 0  # stored all the same
    dense = sparse.toarray()
    for rows, expected in [(X, known), (sparse, np.unique(dense, axis=0, return_inverse=True)[1])]:
        first, node = nodes_of(digests(rows))
        assert (np.diff(first) > 0).all()
        assert (node[first] == np.arange(len(first))).all()
        pairs = np.unique(np.stack([node, expected.ravel()]), axis=1)
        assert pairs.shape[1] == len(first) == expected.max() + 1
    twice = sp.csr_array((np.ones(4), [1, 1, 0, 2], [0, 2, 4]), (2, 3))  # 2 in column 1, as a sum
    other = sp.csr_array(([2.0, 1, 1], [1, 0, 2], [0, 1, 3]), (2, 3))
    assert digests(twice) == digests(other)
