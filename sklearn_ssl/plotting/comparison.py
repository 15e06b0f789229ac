"""Scores with and without the unlabeled rows, fold by fold."""

import numpy as np

from ..model_selection.comparison import Comparison, compare_with_supervised
from .base import Display

__all__ = ["ComparisonDisplay"]


class ComparisonDisplay(Display):
    """Scores of both sides on each fold, and the interval of their difference.

    Parameters
    ----------
    comparison : Comparison
        The result of `compare_with_supervised`.

    Attributes
    ----------
    ax_ : ndarray of 2 matplotlib Axes
        One line of the figure for each fold, and one for the mean. On the left the two scores: a
        filled circle for the estimator, an empty square for the other side. On the right their
        difference, with a line at 0 and the interval of the mean, if there is one.
    figure_ : matplotlib Figure

    Raises
    ------
    ValueError
        If ``comparison`` is something else.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ssl import SemiSupervisedGaussianMixture, compare_with_supervised, hide_labels
    >>> from sklearn_ssl.plotting import ComparisonDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> few = hide_labels(y, 30, random_state=0)
    >>> result = compare_with_supervised(SemiSupervisedGaussianMixture(), X, few, cv=3)
    >>> display = ComparisonDisplay.from_comparison(result)
    >>> [label.get_text() for label in display.ax_[0].get_yticklabels()]
    ['fold 1', 'fold 2', 'fold 3', 'mean']
    """

    _n_axes = 2

    def __init__(self, comparison):
        if not isinstance(comparison, Comparison):
            raise ValueError("comparison must be a Comparison, as compare_with_supervised returns.")
        self.comparison = comparison

    @classmethod
    def from_estimator(cls, estimator, X, y, cv=5, *, ax=None, **params):
        """Cross-validate with and without the unlabeled rows, and draw the scores.

        Parameters
        ----------
        estimator : estimator, or Pipeline that ends in one
            What to compare, as in `compare_with_supervised`.
        X : array-like of shape (n, ...)
            Rows, labeled or not.
        y : array-like of shape (n,)
            Labels, with -1 (or NaN for a regressor) for unlabeled rows.
        cv : int, splitter or LabeledSplit, default=5
            How labeled rows are split.
        ax : array of 2 matplotlib Axes or None, default=None
            Where to draw; None makes a new figure.
        **params
            ``baseline``, ``scoring``, ``confidence`` and the other parameters of
            `compare_with_supervised`.

        Returns
        -------
        ComparisonDisplay
        """
        return cls(compare_with_supervised(estimator, X, y, cv, **params)).plot(ax)

    @classmethod
    def from_comparison(cls, comparison, *, ax=None):
        """Draw a comparison that exists already.

        Parameters
        ----------
        comparison : Comparison
            The result of `compare_with_supervised`.
        ax : array of 2 matplotlib Axes or None, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        ComparisonDisplay
        """
        return cls(comparison).plot(ax)

    def _layout(self, width, height):
        lines = len(self.comparison.scores) + 1
        return (1.4 * width, max(0.75 * height, 0.25 * lines + 1.2)), 2

    def _draw(self):
        found, (scores, differences) = self.comparison, self.ax_
        names = found.names or ("with unlabeled rows", "without")
        ours, other = (np.append(s, s.mean()) for s in (found.scores, found.supervised_scores))
        lines = np.arange(len(ours))
        scores.hlines(lines, ours, other, color="C0", linewidth=1)
        scores.plot(ours, lines, "o", color="C0", label=names[0])
        scores.plot(other, lines, "s", color="C1", markerfacecolor="none", label=names[1])
        differences.axvline(0, color=differences.spines["left"].get_edgecolor(), linewidth=1)
        differences.plot((ours - other)[:-1], lines[:-1], "o", color="C0")
        low, high = np.nan_to_num(found.interval, nan=found.difference)
        reach = [[found.difference - low], [high - found.difference]]
        differences.errorbar(
            found.difference, lines[-1], xerr=reach, marker="D", color="C0", capsize=4
        )
        folds = [f"fold {i + 1}" for i in lines[:-1]]
        for axes, labels in ((scores, [*folds, "mean"]), (differences, [])):
            axes.set_yticks(lines, labels or [""] * len(lines))
            axes.set_ylim(lines[-1] + 0.5, -0.5)
            axes.axhline(lines[-1] - 0.5, color="grey", linewidth=0.5)
            axes.locator_params(axis="x", nbins=5)
        level = "" if np.isnan(found.interval).any() else f", {found.confidence:.0%} interval"
        scores.set(xlabel="score")
        differences.set(xlabel="difference")
        differences.set_title(f"{found.verdict}{level}", fontsize="small")
        about = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.2}
        scores.legend(fontsize="small", frameon=False, **about)
