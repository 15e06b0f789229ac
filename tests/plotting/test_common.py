"""What all displays have in common."""

import sys

import numpy as np
import pytest
from matplotlib import pyplot as plt
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_ssl
from sklearn_ssl import FixMatchClassifier, LabeledSplit
from sklearn_ssl.methods.portfolio.report import MemberReport, Report
from sklearn_ssl.plotting import (
    ComparisonDisplay,
    ConfidenceDisplay,
    LabelBudgetDisplay,
    LatentDisplay,
    PortfolioDisplay,
    PseudoLabelDisplay,
    TrainingDisplay,
)

from .test_comparison import comparison
from .test_label_budget import curve

DISPLAYS = [
    ComparisonDisplay(comparison()),
    ComparisonDisplay(comparison(names=("SemiSupervisedGaussianMixture", "LogisticRegression"))),
    TrainingDisplay([{"step": 1, "loss": 1.0, "lr": 0.1}, {"step": 2, "loss": 1.0, "lr": 0.1}]),
    PseudoLabelDisplay(np.zeros((2, 3)), [0, 1], [0.9, 0.8]),
    PseudoLabelDisplay(np.zeros((2, 3, 3)), [0, 1], [0.9, 0.8]),
    ConfidenceDisplay([0.9], [1]),
    LabelBudgetDisplay(curve()),
    LatentDisplay(np.eye(3)[:, :2]),
    PortfolioDisplay(
        Report([MemberReport("graph", "all", 0.6, 0.5, 0.1), MemberReport("net", "all")])
    ),
]

every_display = pytest.mark.parametrize("display", DISPLAYS, ids=lambda d: type(d).__name__)


@every_display
def test_axes_that_are_given_are_used(display):
    n = 1 if display._n_axes is None else display._n_axes
    figure, axes = plt.subplots(1, n)
    assert display.plot(axes) is display
    assert display.figure_ is figure
    assert len(plt.get_fignums()) == 1
    assert np.ravel(display.ax_).tolist() == np.ravel(axes).tolist()
    assert isinstance(display.ax_, np.ndarray) == (display._n_axes is not None)
    _, more = plt.subplots(1, 4)
    with pytest.raises(ValueError, match=f"draws {n} axes, and ax holds 4"):
        display.plot(more)


@every_display
@pytest.mark.parametrize("style", ["default", "dark_background", "grayscale"])
def test_text_stays_in_a_narrow_figure(display, style):
    with plt.style.context([style, {"figure.figsize": (3.15, 2.4)}]):
        figure = display.plot().figure_
        figure.canvas.draw()
        for axes in figure.axes:
            box = axes.get_tightbbox()
            assert box.x0 >= -1
            assert box.x1 <= figure.bbox.x1 + 1
            assert box.y1 <= figure.bbox.y1 + 1


@every_display
def test_without_matplotlib_the_extra_is_named(display, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'pip install "sklearn-ssl\[plot\]"'):
        display.plot()


def test_the_package_does_not_import_matplotlib():
    import subprocess

    code = "import sys, sklearn_ssl.plotting; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert sklearn_ssl.plotting.__all__


def test_searches_and_pipelines_are_looked_into(blobs):
    X, y, truth = blobs
    pipe = make_pipeline(StandardScaler(), FixMatchClassifier(max_steps=4, random_state=0))
    grid = {"fixmatchclassifier__threshold": [0.6]}
    search = GridSearchCV(pipe, grid, cv=LabeledSplit(2)).fit(X, y)
    inner = search.best_estimator_[-1]
    training = TrainingDisplay.from_estimator(search)
    assert training.panels["loss"]["total"].tolist() == [r["loss"] for r in inner.history_]
    confidence = ConfidenceDisplay.from_estimator(search, X, truth)
    assert confidence.threshold == 0.6
    np.testing.assert_array_equal(confidence.confidence, search.predict_proba(X).max(1))
    rows = PseudoLabelDisplay.from_estimator(search, X, y=y, n_rows=2)
    np.testing.assert_allclose(rows.confidence, search.predict_proba(X[rows.rows]).max(1))
