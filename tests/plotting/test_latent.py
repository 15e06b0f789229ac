"""Points of a latent space."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ssl import VAEClassifier
from sklearn_ssl.plotting import LatentDisplay


def test_two_dimensions_are_drawn_as_they_are():
    Z, y = np.arange(10.0).reshape(5, 2), [2, 10, -1, 2, -1]
    display = LatentDisplay.from_predictions(Z, y)
    grey, two, ten = display.ax_.collections
    assert [c.get_label() for c in (grey, two, ten)] == ["unlabeled", "2", "10"]
    for points, rows in [(grey, [2, 4]), (two, [0, 3]), (ten, [1])]:
        np.testing.assert_array_equal(points.get_offsets(), Z[rows])
    assert grey.get_sizes()[0] < two.get_sizes()[0]
    assert grey.get_zorder() <= two.get_zorder()
    shapes = [c.get_paths()[0].vertices.shape for c in (two, ten)]
    assert shapes[0] != shapes[1]  # not told by colour alone
    assert display.ax_.get_xlabel() == "latent variable 1"


def test_more_dimensions_become_principal_components():
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(50, 3)) * [1, 10, 0.1]
    display = LatentDisplay.from_predictions(Z)
    first = display.ax_.collections[0].get_offsets()[:, 0]
    assert abs(np.corrcoef(first, Z[:, 1])[0, 1]) > 0.999
    share = 100 * Z.var(0)[1] / Z.var(0).sum()
    assert display.ax_.get_xlabel() == f"PCA axis 1 of 3 ({share:.0f} %)"
    assert display.ax_.get_legend() is None


def test_latent_space_of_a_pipeline(blobs):
    X, y, _ = blobs
    pipe = make_pipeline(StandardScaler(), VAEClassifier(max_steps=2, latent_dim=2)).fit(X, y)
    display = LatentDisplay.from_estimator(pipe, X, y=y)
    np.testing.assert_array_equal(display.points, pipe.transform(X))
    assert len(display.ax_.collections[0].get_offsets()) == (y == -1).sum()


def test_what_has_no_latent_space_is_refused(fixmatch):
    clf, X, *_ = fixmatch
    with pytest.raises(ValueError, match="FixMatchClassifier has no transform"):
        LatentDisplay.from_estimator(clf, X)
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        LatentDisplay(np.zeros((3, 1)))
    with pytest.raises(ValueError, match="labels must hold one label a row"):
        LatentDisplay(np.zeros((3, 2)), [0, 1])
