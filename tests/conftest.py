import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import sklearn_ssl
from sklearn_ssl import hide_labels
from sklearn_ssl.classifier import SSLClassifier

sys.path.append(str(Path(__file__).parent.parent / "examples"))
from entropy_minimization import EntropyMinimizationClassifier

ESTIMATORS = [
    cls
    for cls in map(sklearn_ssl.__dict__.get, sklearn_ssl.__all__)
    if isinstance(cls, type) and issubclass(cls, SSLClassifier)
] + [EntropyMinimizationClassifier]  # the template of a new method keeps the contract too


def quick(cls, **params):
    """An instance that trains in a fraction of a second."""
    small = {"max_steps": 20, "unlabeled_ratio": 2, "random_state": 0}
    if "max_iter" in cls().get_params():
        small["max_iter"] = 2
    return cls(**{**small, "module_params": {"hidden_layer_sizes": (32, 32)}, **params})


@pytest.fixture(scope="session")
def digits():
    """(X_train, y_train with 10 labels a class, X_test, y_test)."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)
    y = hide_labels(y, 100, stratify="balanced", random_state=0)
    return X.astype(np.float32), y, X_test.astype(np.float32), y_test


@pytest.fixture
def blobs():
    """Two Gaussian classes, 3 labels each of 60 rows, and the true classes."""
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1], 30)
    X = rng.normal(size=(60, 4)).astype(np.float32) + 4 * truth[:, None].astype(np.float32)
    y = np.full(60, -1)
    y[[0, 1, 2, 30, 31, 32]] = truth[[0, 1, 2, 30, 31, 32]]
    return X, y, truth
