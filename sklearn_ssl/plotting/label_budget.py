"""Score against the number of labels."""

import numpy as np

from ..model_selection.comparison import LabelBudgetCurve, label_budget_curve
from .base import LINES, MARKERS, Display

__all__ = ["LabelBudgetDisplay"]


class LabelBudgetDisplay(Display):
    """Score against the number of labels, with error bars of one standard error.

    Parameters
    ----------
    curves : LabelBudgetCurve, or dict of str to LabelBudgetCurve
        What `label_budget_curve` returns. In a dict, a curve with one estimator is called by its
        key, and several are called by the key and their names.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Raises
    ------
    ValueError
        If there is no curve, or something else.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssl.model_selection import LabelBudgetCurve
    >>> from sklearn_ssl.plotting import LabelBudgetDisplay
    >>> scores = np.array([[[0.5, 0.7], [0.8, 0.9]]])  # one estimator, two budgets, two repeats
    >>> curve = LabelBudgetCurve(["FixMatch"], np.array([10, 20]), scores)
    >>> LabelBudgetDisplay.from_curves(curve).ax_.get_xlabel()
    'labels'
    """

    def __init__(self, curves):
        curves = {"": curves} if isinstance(curves, LabelBudgetCurve) else curves
        self.curves = dict(curves) if isinstance(curves, dict) else {"": curves}
        kinds = {type(curve) for curve in self.curves.values()}
        if kinds != {LabelBudgetCurve}:
            raise ValueError("curves must hold LabelBudgetCurves, as label_budget_curve returns.")

    @classmethod
    def from_estimator(cls, estimator, X, y, budgets, *, ax=None, **params):
        """Fit with so many labels, again and again, and draw the scores.

        Parameters
        ----------
        estimator : estimator, list, or dict of name to estimator
            What to train, as in `label_budget_curve`.
        X : array-like of shape (n, ...)
            Rows, labeled or not.
        y : array-like of shape (n,)
            Labels; rows marked as unlabeled stay so.
        budgets : sequence of int
            Numbers of labels in training.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a new figure.
        **params
            ``n_repeats``, ``test_size``, ``scoring``, ``random_state`` and what else
            `sklearn_ssl.label_budget_curve` takes.

        Returns
        -------
        LabelBudgetDisplay
        """
        return cls(label_budget_curve(estimator, X, y, budgets, **params)).plot(ax)

    @classmethod
    def from_curves(cls, curves, *, ax=None):
        """Draw curves that are there already.

        Parameters
        ----------
        curves : LabelBudgetCurve, or dict of str to LabelBudgetCurve
            What is drawn, with the names that a dict gives.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        LabelBudgetDisplay
        """
        return cls(curves).plot(ax)

    def _draw(self):
        drawn, ticks = 0, set()
        for key, curve in self.curves.items():
            order = np.argsort(curve.n_labeled)
            ticks.update(curve.n_labeled.tolist())
            for name, mean, error in zip(
                curve.names, curve.mean[:, order], curve.standard_error[:, order], strict=True
            ):
                label = name if not key else key if len(curve.names) == 1 else f"{key}, {name}"
                style = {"marker": MARKERS[drawn % 11], "linestyle": LINES[drawn % 4]}
                about = {"color": f"C{drawn}", "capsize": 3, "label": label, **style}
                self.ax_.errorbar(curve.n_labeled[order], mean, error, **about)
                drawn += 1
        if max(ticks) >= 8 * min(ticks):
            self.ax_.set_xscale("log")
            self.ax_.minorticks_off()
        self.ax_.set_xticks(sorted(ticks), labels=[str(n) for n in sorted(ticks)])
        self.ax_.set(xlabel="labels", ylabel="mean score ± s.e.")
        self.ax_.legend(fontsize="small")
