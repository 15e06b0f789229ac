"""Histograms of confidences, and reliability."""

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier

from sklearn_ssl import FixMatchClassifier, MeanTeacherRegressor, SelfTrainingNet, VAEClassifier
from sklearn_ssl.plotting import ConfidenceDisplay

PROBA = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.55, 0.45]])


def test_reliability_by_hand():
    confidence = [0.55, 0.62, 0.68, 0.95, 1.0, 0.99, 0.6]
    correct = [1, 0, 1, 1, 1, np.nan, np.nan]
    display = ConfidenceDisplay(confidence, correct, threshold=0.95, n_bins=5).plot()
    histogram, reliability = display.ax_
    assert [bar.get_height() for bar in histogram.patches] == [0, 0, 1, 3, 3]
    x, y = reliability.lines[0].get_data()
    np.testing.assert_allclose(x, [0.55, 0.65, 0.975])
    np.testing.assert_allclose(y, [1, 0.5, 1])
    expected = (0.45 + 2 * 0.15 + 2 * 0.025) / 5
    assert display.calibration_error == pytest.approx(expected)
    (text,) = reliability.get_legend().get_texts()
    assert text.get_text() == f"calibration error {expected:.3f}"
    (text,) = histogram.get_legend().get_texts()
    assert text.get_text() == "threshold 0.95: 43% of rows"
    assert histogram.lines[0].get_xdata() == [0.95, 0.95]


def test_the_threshold_is_the_estimators_own(fixmatch):
    clf, X, y, truth = fixmatch
    display = ConfidenceDisplay.from_estimator(clf, X, y)
    assert display.threshold == clf.threshold == 0.95
    assert display.counts.sum() == len(X)
    assert (~np.isnan(display.correct)).sum() == (y >= 0).sum()
    assert ConfidenceDisplay.from_estimator(clf, X, truth, threshold=0.5).threshold == 0.5
    right = clf.predict(X) == truth
    np.testing.assert_array_equal(ConfidenceDisplay.from_estimator(clf, X, truth).correct, right)


def test_a_threshold_that_is_not_used_is_not_drawn(blobs):
    X, y, truth = blobs
    clf = SelfTrainingNet(max_steps=2, max_iter=0, random_state=0).fit(X, y)
    assert ConfidenceDisplay.from_estimator(clf, X, truth).threshold is None
    clf.set_params(criterion="threshold")
    assert ConfidenceDisplay.from_estimator(clf, X, truth).threshold == 0.75


def test_confidences_without_a_true_class():
    display = ConfidenceDisplay.from_predictions([-1] * 4, PROBA)
    assert np.isnan(display.calibration_error)
    assert display.counts.sum() == 4
    assert len(display.ax_[1].lines[0].get_xdata()) == 0


def test_wrong_confidence_parameters_are_refused(blobs):
    with pytest.raises(ValueError, match=r"threshold must lie in \[0, 1\], got 95"):
        ConfidenceDisplay([0.5], [1], threshold=95)
    with pytest.raises(ValueError, match="n_bins must be an int of at least 1"):
        ConfidenceDisplay([0.5], [1], n_bins=0)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ConfidenceDisplay([0.5, 0.6], [1])
    X, y, _ = blobs
    reg = MeanTeacherRegressor(max_steps=2).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="MeanTeacherRegressor has no predict_proba"):
        ConfidenceDisplay.from_estimator(reg, X, y)


def test_confidences_that_are_none_are_refused():
    for confidence, correct, n_bins, message in [
        ([1.7], [1], 10, "confidence must lie"),
        ([np.nan], [1], 10, "confidence must lie"),
        ([0.7], [5], 10, "1, 0 or NaN"),
        ([0.7], [1], 2.5, "n_bins must be an int"),
    ]:
        with pytest.raises(ValueError, match=message):
            ConfidenceDisplay(confidence, correct, n_bins=n_bins)


def test_labels_of_another_kind_are_not_counted_as_wrong():
    proba = np.array([[0.9, 0.1], [0.2, 0.8]])
    with pytest.raises(ValueError, match="names of the columns as classes"):
        ConfidenceDisplay.from_predictions(["no", "yes"], proba)
    named = ConfidenceDisplay.from_predictions(["no", "yes"], proba, classes=["no", "yes"])
    assert named.correct.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("clf", "expected"),
    [
        (FixMatchClassifier(threshold=0.7, max_steps=2), 0.7),
        (FixMatchClassifier(unlabeled_weight=0, max_steps=2), None),
        (VAEClassifier(max_steps=2), 0.8),
        (VAEClassifier(objective="m2", max_steps=2), None),
        (FixedThresholdClassifier(LogisticRegression()), None),
    ],
)
def test_only_thresholds_in_use_are_drawn(clf, expected):
    X, y = make_blobs(40, centers=2, random_state=0)
    assert ConfidenceDisplay.from_estimator(clf.fit(X, y), X, y).threshold == expected
