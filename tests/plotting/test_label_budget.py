"""Scores by the number of labels."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from sklearn_ssl.model_selection.comparison import LabelBudgetCurve
from sklearn_ssl.plotting import LabelBudgetDisplay


def curve(names=("A",), budgets=(10, 20), seed=0):
    scores = np.random.default_rng(seed).random((len(names), len(budgets), 3))
    return LabelBudgetCurve(list(names), np.array(budgets), scores)


def test_budget_points_and_error_bars():
    both = curve(["A", "B"], [40, 10])
    display = LabelBudgetDisplay.from_curves(both)
    for i, container in enumerate(display.ax_.containers):
        line, _, (bars,) = container
        assert line.get_xdata().tolist() == [10, 40]
        assert line.get_ydata().tolist() == both.mean[i, ::-1].tolist()
        lengths = [np.ptp(segment[:, 1]) / 2 for segment in bars.get_segments()]
        np.testing.assert_allclose(lengths, both.standard_error[i, ::-1])
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == ["A", "B"]
    assert [text.get_text() for text in display.ax_.get_xticklabels()] == ["10", "40"]
    assert len({c[0].get_linestyle() for c in display.ax_.containers}) == 2
    assert len({c[0].get_marker() for c in display.ax_.containers}) == 2


def test_names_of_several_curves():
    display = LabelBudgetDisplay({"x": curve(), "y": curve(["A", "B"], [10, 80])}).plot()
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == ["x", "y, A", "y, B"]
    assert display.ax_.get_xscale() == "log"


def test_budget_from_an_estimator(digits):
    X, _, _, _ = digits
    truth = np.arange(len(X)) % 2
    display = LabelBudgetDisplay.from_estimator(
        LogisticRegression(max_iter=5000), X[:60], truth[:60], [4, 8], n_repeats=2, random_state=0
    )
    assert display.curves[""].scores.shape == (1, 2, 2)
    assert display.curves[""].names == ["LogisticRegression"]


@pytest.mark.parametrize("curves", [{}, {"a": [1, 2]}])
def test_what_is_no_curve_is_refused(curves):
    with pytest.raises(ValueError, match="must hold LabelBudgetCurves"):
        LabelBudgetDisplay(curves)
