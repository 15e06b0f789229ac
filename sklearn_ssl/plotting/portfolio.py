"""Members of a portfolio: how they did on labeled rows out of fold, and what they weigh."""

import numpy as np

from .base import Display, innermost

__all__ = ["PortfolioDisplay"]


class PortfolioDisplay(Display):
    """Log-loss of each member out of fold, with its standard error, and its weight.

    Parameters
    ----------
    report : report.Report
        ``report_`` of an `AutoSSLClassifier`.

    Attributes
    ----------
    ax_ : ndarray of 2 matplotlib Axes
        Losses in nats, weights. Circles and plain bars are members that learn from all rows,
        squares and hatched bars those that learn from labeled rows alone.
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_ssl import AutoSSLClassifier, LabelPropagationClassifier, hide_labels
    >>> from sklearn_ssl.plotting import PortfolioDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> members = [("logistic", LogisticRegression(max_iter=500))]
    >>> members += [("graph", LabelPropagationClassifier())]
    >>> clf = AutoSSLClassifier(estimators=members).fit(X, hide_labels(y, 30, random_state=0))
    >>> display = PortfolioDisplay.from_estimator(clf)
    >>> [label.get_text() for label in display.ax_[1].get_yticklabels()]
    ['logistic', 'graph']
    """

    _n_axes = 2

    def __init__(self, report):
        self.report = report

    @classmethod
    def from_estimator(cls, estimator, ax=None):
        """Draw the report of a fitted portfolio.

        Parameters
        ----------
        estimator : AutoSSLClassifier
            Or a Pipeline that ends in one, or a search of one.
        ax : array of 2 matplotlib Axes or None, default=None
            None makes a new figure.

        Returns
        -------
        PortfolioDisplay

        Raises
        ------
        ValueError
            If the estimator has no report.
        """
        report = getattr(innermost(estimator), "report_", None)
        if report is None:
            raise ValueError(
                f"{type(estimator).__name__} has no report_: fit an AutoSSLClassifier or an "
                "AutoSSLRegressor."
            )
        return cls(report).plot(ax)

    def _layout(self, width, height):
        return (1.4 * width, max(0.6 * height, 0.35 * len(self.report.members) + 1)), 2

    def _draw(self):
        members = self.report.members
        losses, weights = self.ax_
        for rows, marker, hatch in (("all", "o", None), ("labeled", "s", "///")):
            for i, entry in enumerate(members):
                if entry.rows == rows:
                    value, error = (getattr(entry, entry.drawn + part) for part in ("", "_se"))
                    losses.errorbar(value, i, xerr=error, marker=marker, color="C0")
                    weights.barh(i, entry.weight, color="C0", hatch=hatch, edgecolor="white")
        for axes in self.ax_:
            axes.set_yticks(np.arange(len(members)), [entry.member for entry in members])
            axes.set_ylim(len(members) - 0.5, -0.5)
        losses.set(xlabel=f"{members[0].heads[0]}, out of fold")
        weights.set(xlabel="weight", xlim=(0, None))
        losses.set_title("circles: all rows, squares: labeled", fontsize="small")
        weights.set_title("hatched: labeled rows", fontsize="small")
