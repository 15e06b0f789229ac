"""How sure predictions are, and how often the sure ones are right."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils.validation import check_consistent_length

from .base import (
    Display,
    correctness,
    decide,
    innermost,
    legend_above,
    probabilities,
    unlabeled_mark,
)

__all__ = ["ConfidenceDisplay"]


def _own_threshold(estimator):
    """The threshold of pseudo-labels of an estimator that uses one, or None."""
    unused = (
        getattr(estimator, "unlabeled_weight", 1) == 0
        or getattr(estimator, "criterion", None) == "k_best"
        or getattr(estimator, "objective", "joint") != "joint"
    )
    own = getattr(estimator, "threshold", getattr(estimator, "pseudo_label_threshold", None))
    return None if unused or not isinstance(own, Real) else own


class ConfidenceDisplay(Display):
    """Histogram of confidences with the threshold, and how often each confidence is right.

    Parameters
    ----------
    confidence : array-like of shape (n,) in [0, 1]
        Largest class probability of each row.
    correct : array-like of shape (n,)
        1 where the predicted class is right, 0 where it is wrong, NaN where that is unknown.
    threshold : float in [0, 1] or None, default=None
        Drawn as a line; None draws none.
    n_bins : int >= 1, default=10
        Bins of equal width from 0 to 1.

    Attributes
    ----------
    ax_ : ndarray of 2 matplotlib Axes
    figure_ : matplotlib Figure
    counts : ndarray of int of shape (n_bins,)
        Of all rows.
    mean_confidence, accuracy : ndarray of shape (n_bins,)
        Of the rows with a known class; NaN in bins without any.
    calibration_error : float in [0, 1]
        Expected calibration error (Guo et al. 2017, arXiv 1706.04599): the mean over rows with a
        known class of ``|accuracy - mean_confidence|`` of their bin; NaN without any.

    Raises
    ------
    ValueError
        If an argument is out of range, or lengths differ.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssl.plotting import ConfidenceDisplay
    >>> proba = np.array([[0.9, 0.1], [0.85, 0.15], [0.3, 0.7]])
    >>> display = ConfidenceDisplay.from_predictions([0, 1, -1], proba, n_bins=5)
    >>> display.counts, round(display.calibration_error, 3)
    (array([0, 0, 0, 1, 2]), 0.375)
    """

    _n_axes, _height = 2, 1.3

    def __init__(self, confidence, correct, *, threshold=None, n_bins=10):
        self.confidence = np.asarray(confidence, dtype=float)
        self.correct = np.asarray(correct, dtype=float)
        check_consistent_length(self.confidence, self.correct)
        if not ((self.confidence >= 0) & (self.confidence <= 1)).all():
            raise ValueError("confidence must lie in [0, 1].")
        if not np.isin(self.correct[~np.isnan(self.correct)], (0, 1)).all():
            raise ValueError("correct must hold 1, 0 or NaN.")
        if threshold is not None and not 0 <= threshold <= 1:
            raise ValueError(f"threshold must lie in [0, 1], got {threshold!r}.")
        if not isinstance(n_bins, Integral) or n_bins < 1:
            raise ValueError(f"n_bins must be an int of at least 1, got {n_bins!r}.")
        self.threshold, self.n_bins = threshold, n_bins
        edges = np.arange(n_bins + 1) / n_bins
        bins = np.clip(np.searchsorted(edges, self.confidence, side="right") - 1, 0, n_bins - 1)
        self.counts = np.bincount(bins, minlength=n_bins)
        known = ~np.isnan(self.correct)
        n, right, sure = (
            np.bincount(bins[known], values, n_bins)
            for values in (None, self.correct[known], self.confidence[known])
        )
        with np.errstate(invalid="ignore"):
            self.accuracy, self.mean_confidence = right / n, sure / n
            self.calibration_error = float(np.abs(right - sure).sum() / n.sum())

    @classmethod
    def from_estimator(cls, estimator, X, y, *, threshold=None, n_bins=10, ax=None):
        """Draw the confidences of a classifier.

        Parameters
        ----------
        estimator : fitted classifier, or a fitted Pipeline or search around one
            It needs ``predict_proba``.
        X : array-like of shape (n, ...)
            Test rows: confidences of rows whose labels ``fit`` saw are too high.
        y : array-like of shape (n,)
            True classes. Unlabeled rows count in the histogram alone.
        threshold : float in [0, 1] or None, default=None
            None: the confidence from which the method takes a pseudo-label, where that is one of
            its parameters and in use. In training it is asked of aligned probabilities, and by some
            methods less of some classes, so the share of rows here is near the mask rate, not it.
        n_bins : int >= 1, default=10
            Bins of equal width between 0 and 1.
        ax : array of 2 matplotlib Axes or None, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        ConfidenceDisplay

        Raises
        ------
        ValueError
            If the estimator has no ``predict_proba``.
        """
        inner, p = innermost(estimator), probabilities(estimator, X)
        if threshold is None:
            threshold = _own_threshold(inner)
        about = {
            "threshold": threshold,
            "n_bins": n_bins,
            "unlabeled_label": unlabeled_mark(estimator),
        }
        return cls.from_predictions(y, p, classes=estimator.classes_, ax=ax, **about)

    @classmethod
    def from_predictions(
        cls,
        y_true,
        y_proba,
        *,
        classes=None,
        threshold=None,
        n_bins=10,
        unlabeled_label=-1,
        ax=None,
    ):
        """Draw given class probabilities.

        Parameters
        ----------
        y_true : array-like of shape (n,)
            True classes. Unlabeled rows count in the histogram alone.
        y_proba : array-like of shape (n, K)
            As ``predict_proba`` returns them.
        classes : array-like of shape (K,) or None, default=None
            Names of the columns; None: 0 to K - 1.
        threshold : float in [0, 1] or None, default=None
            Drawn as a line; None draws none.
        n_bins : int >= 1, default=10
            Bins of equal width between 0 and 1.
        unlabeled_label : scalar or None, default=-1
            As in the estimators.
        ax : array of 2 matplotlib Axes or None, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        ConfidenceDisplay
        """
        predicted, confidence = decide(y_proba, classes)
        correct = correctness(y_true, predicted, "y_true", unlabeled_label)
        return cls(confidence, correct, threshold=threshold, n_bins=n_bins).plot(ax)

    def _draw(self):
        histogram, reliability = self.ax_
        left, width = np.arange(self.n_bins) / self.n_bins, 1 / self.n_bins
        histogram.bar(left, self.counts, width, align="edge", alpha=0.6, edgecolor="grey")
        histogram.set_ylabel("rows")
        if self.threshold is not None:
            share = (self.confidence >= self.threshold).mean()
            label = f"threshold {self.threshold:g}: {share:.0%} of rows"
            color = histogram.yaxis.label.get_color()
            histogram.axvline(self.threshold, color=color, linestyle="--", label=label)
            legend_above(histogram)
        full = ~np.isnan(self.accuracy)
        error = f"calibration error {self.calibration_error:.3f}" if full.any() else "no true class"
        points = self.mean_confidence[full], self.accuracy[full]
        reliability.plot(*points, "o-", color="C0", label=error)
        reliability.plot([0, 1], [0, 1], ":", color="grey")
        legend_above(reliability)
        reliability.set(xlabel="confidence", ylabel="accuracy", ylim=(-0.05, 1.05))
        for axes in self.ax_:
            axes.set_xlim(0, 1.02)
        histogram.tick_params(labelbottom=False)
