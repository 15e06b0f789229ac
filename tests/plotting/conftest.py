"""Figures that are closed, and a fit to draw."""

import numpy as np
import pytest

from sklearn_ssl import FixMatchClassifier

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    plt.close("all")  # of doctests that ran before
    yield
    plt.close("all")


@pytest.fixture(scope="session")
def fixmatch():
    """A fitted estimator, its rows, their labels and their true classes."""
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1], 30)
    X = rng.normal(size=(60, 4)) + 4 * truth[:, None]
    y = np.where(np.arange(60) % 10 < 3, truth, -1)
    clf = FixMatchClassifier(max_steps=10, unlabeled_ratio=2, random_state=0).fit(X, y)
    return clf, X, y, truth
