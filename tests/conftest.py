"""Data that many tests use."""

import functools
import gc

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_ssl import hide_labels

from .helpers import EVERYTHING, quick

LONGEST = "docs/cross_validation", "docs/tutorial", "tests/test_readme"
collect_ignore = ["mutants"]  # `make mutants` runs the tests over wrong code


def pytest_addoption(parser):
    parser.addoption("--first", action="store_true", help="only what fails first: make quick")


def pytest_collection_modifyitems(config, items):
    """What takes longest comes first, so that no worker is left alone with it at the end.

    With --first: of tests that run over classes or estimators those of FixMatch, no doctests.
    """
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))
    if not config.getoption("--first"):
        return

    def first(item):
        params = getattr(getattr(item, "callspec", None), "params", {}).values()
        names = {v.__name__ if isinstance(v, type) else type(v).__name__ for v in params}
        over = {cls.__name__ for cls in EVERYTHING} & names
        slow = item.get_closest_marker("slow")
        return isinstance(item, pytest.Function) and over <= {"FixMatchClassifier"} and not slow

    dropped = [item for item in items if not first(item)]
    config.hook.pytest_deselected(items=dropped)
    items[:] = [item for item in items if first(item)]


def pytest_collection_finish():
    gc.freeze()  # what imports and collection have made stays: no need to look for garbage in it


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


@pytest.fixture(scope="session")
def fitted(digits):
    """A function from a class to its estimator fitted on digits, for tests that only read it."""
    X, y, _, _ = digits
    net = {"hidden_layer_sizes": (32, 32), "dropout": 0.5}

    @functools.cache
    def fit(cls):
        clf = quick(cls, lr=0.02, optimizer_params={"weight_decay": 1e-3}, module_params=net)
        return clf.fit(X, y)

    return fit
