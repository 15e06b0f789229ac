"""Rows and what they were taken for."""

import numpy as np
import pytest

from sklearn_ssl import FixMatchClassifier
from sklearn_ssl.plotting import ConfidenceDisplay, PseudoLabelDisplay

PROBA = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.55, 0.45]])


def test_bars_are_the_confidences_the_surest_first():
    display = PseudoLabelDisplay.from_predictions(
        np.zeros((4, 3)), PROBA, classes=["a", "b"], y_true=["a", "a", None, "a"]
    )
    assert [bar.get_width() for bar in display.ax_.patches] == [0.9, 0.8, 0.7, 0.55]
    labels = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert labels == ["row 0: a, right", "row 1: b, is a", "row 2: a", "row 3: a, right"]
    hatched = [bool(bar.get_hatch()) for bar in display.ax_.patches]
    assert hatched == [False, True, False, False]


def test_only_unlabeled_rows_are_drawn(fixmatch):
    clf, X, y, truth = fixmatch
    about = {"y": y, "y_true": truth, "n_rows": 5, "random_state": 0}
    display = PseudoLabelDisplay.from_estimator(clf, X, **about)
    assert len(display.rows) == 5
    assert (y[display.rows] == -1).all()
    np.testing.assert_allclose(display.confidence, clf.predict_proba(X[display.rows]).max(1))
    assert display.labels.tolist() == clf.predict(X[display.rows]).tolist()
    right = (display.labels == truth[display.rows]).tolist()
    assert [said == "right" for said in display.said] == right
    again = PseudoLabelDisplay.from_estimator(clf, X, **about)
    assert again.rows.tolist() == display.rows.tolist()


@pytest.mark.parametrize("shape", [(1, 2, 3), (2, 3), (3, 2, 3)])
def test_images_of_rows_have_their_pixels_and_titles(shape):
    X = np.arange(4 * np.prod(shape)).reshape(4, -1) / (4 * np.prod(shape))
    about = {"y_true": [0, 0, -1, 0], "random_state": 0}
    display = PseudoLabelDisplay.from_predictions(X, PROBA, image_shape=shape, **about)
    titles = [axes.get_title() for axes in display.ax_]
    assert titles == ["0\n0.90\nright", "1\n0.80\nis 0", "0\n0.70", "0\n0.55\nright"]
    pixels = np.moveaxis(X[1].reshape(-1, 2, 3), 0, -1).squeeze()
    np.testing.assert_array_equal(display.ax_[1].images[0].get_array(), pixels)
    whole = PseudoLabelDisplay.from_predictions(X.reshape(4, *shape), PROBA, random_state=0)
    np.testing.assert_array_equal(whole.ax_[1].images[0].get_array(), pixels)


def test_colours_beyond_the_unit_range_are_scaled():
    display = PseudoLabelDisplay(np.linspace(-3, 5, 12).reshape(1, 3, 2, 2), ["a"], [0.9]).plot()
    drawn = display.ax_[0].images[0].get_array()
    assert (drawn.min(), drawn.max()) == (0, 1)
    even = PseudoLabelDisplay(np.full((1, 3, 2, 2), 5.0), ["a"], [0.9]).plot()
    assert (even.ax_[0].images[0].get_array() == 0).all()


def test_input_shape_of_the_estimator_makes_images(digits):
    X, y, *_ = digits
    clf = FixMatchClassifier(max_steps=2, input_shape=(1, 8, 8), random_state=0).fit(X, y)
    display = PseudoLabelDisplay.from_estimator(clf, X, n_rows=3)
    assert len(display.ax_) == 3
    assert display.ax_[0].images[0].get_array().shape == (8, 8)


def test_float_truth_matches_int_classes_and_minus_one_may_be_a_class():
    display = PseudoLabelDisplay.from_predictions(
        np.zeros((4, 1)), PROBA, y_true=[0.0, 1, np.nan, 1]
    )
    assert display.said == ["right", "right", "", "is 1.0"]
    truth = [-1, -1, np.nan]
    plain = PseudoLabelDisplay(
        np.zeros((3, 1)), [-1, 1, 1], [0.9] * 3, truth=truth, unlabeled_label=None
    )
    assert [said.split(".")[0] for said in plain.said] == ["right", "is -1", ""]


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"n_rows": 0}, "n_rows must be at least 1"),
        ({"y": [0, 1, 0, 1]}, "marks no row as unlabeled"),
        ({"y_true": [0, 1]}, "y_true must hold one label a row"),
        ({"classes": ["a"]}, "2 columns for 1 classes"),
        ({"image_shape": (3, 3)}, "image_shape=.*fit 2-D rows"),
        ({"y_proba": PROBA + 1}, "must hold probabilities"),
        ({"X": np.zeros((4, 2, 5, 5))}, "Images must be"),
        ({"y_proba": PROBA[:2]}, "inconsistent numbers of samples"),
    ],
)
def test_what_cannot_be_drawn_is_refused(about, message):
    about = {"X": np.zeros((4, 3)), "y_proba": PROBA, **about}
    with pytest.raises(ValueError, match=message):
        PseudoLabelDisplay.from_predictions(**about)


def test_the_mark_is_the_estimators_own(blobs):
    X, y, truth = blobs
    signs, true = np.where(y == -1, np.nan, 2.0 * truth - 1), 2 * truth - 1
    clf = FixMatchClassifier(max_steps=20, unlabeled_label=None, random_state=0).fit(X, signs)
    right = (clf.predict(X) == true).astype(float)
    rows = PseudoLabelDisplay.from_estimator(clf, X, y=signs, y_true=true, n_rows=60)
    assert sorted(rows.rows) == np.flatnonzero(y == -1).tolist()
    assert [said == "right" for said in rows.said] == (right[rows.rows] == 1).tolist()
    assert "" not in rows.said
    np.testing.assert_array_equal(ConfidenceDisplay.from_estimator(clf, X, true).correct, right)
