"""A table, for labels and rows of every kind."""

import pytest
from sklearn.datasets import load_breast_cancer

from sklearn_ssl import hide_labels


@pytest.fixture(scope="session")
def cancer():
    """X (200, 30), the true classes, and which of them are hidden."""
    X, y = load_breast_cancer(return_X_y=True)
    return X[:200], y[:200], hide_labels(y[:200], 40, random_state=0) < 0
