"""Folds side by side, and the interval of their difference."""

import numpy as np
import pytest

from sklearn_ssl import LabelPropagationClassifier
from sklearn_ssl.model_selection import Comparison
from sklearn_ssl.plotting import ComparisonDisplay


def comparison(interval=(-0.05, 0.15), **about):
    scores, other = np.array([0.9, 0.8, 0.7]), np.array([0.8, 0.8, 0.65])
    return Comparison(scores, other, 0.05, interval, 0.95, **about)


def points(axes, marker):
    line = next(line for line in axes.get_lines() if line.get_marker() == marker)
    return np.transpose(line.get_data()).astype(float)


def test_points_are_the_scores_and_their_means():
    scores, differences = ComparisonDisplay.from_comparison(comparison()).ax_
    lines = np.arange(4)
    np.testing.assert_allclose(points(scores, "o"), np.c_[[0.9, 0.8, 0.7, 0.8], lines])
    np.testing.assert_allclose(points(scores, "s"), np.c_[[0.8, 0.8, 0.65, 0.75], lines])
    folds = np.c_[[0.1, 0, 0.05], lines[:3]]
    np.testing.assert_allclose(points(differences, "o"), folds, atol=1e-9)
    np.testing.assert_allclose(points(differences, "D"), [[0.05, 3]])
    (bar,) = differences.containers[0][2][0].get_segments()
    np.testing.assert_allclose(bar, [[-0.05, 3], [0.15, 3]])
    assert differences.get_title() == "undecided, 95% interval"
    assert scores.get_ylim()[0] > scores.get_ylim()[1]  # the first fold is at the top


def test_folds_that_agree_have_no_interval():
    _, differences = ComparisonDisplay(comparison((np.nan, np.nan))).plot().ax_
    (bar,) = differences.containers[0][2][0].get_segments()
    np.testing.assert_allclose(bar, [[0.05, 3]] * 2)
    assert differences.get_title() == "undecided"


def test_named_sides_are_in_the_legend():
    scores, _ = ComparisonDisplay(comparison(names=("A", "B"))).plot().ax_
    assert [text.get_text() for text in scores.get_legend().get_texts()] == ["A", "B"]


def test_comparison_of_an_estimator(blobs):
    X, y, _ = blobs
    display = ComparisonDisplay.from_estimator(LabelPropagationClassifier(), X, y, 3)
    assert len(display.comparison.scores) == 3
    assert display.comparison.n_labeled == 6


def test_what_is_no_comparison_is_refused():
    with pytest.raises(ValueError, match="must be a Comparison"):
        ComparisonDisplay([0.1, 0.2])
