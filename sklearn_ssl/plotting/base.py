"""What the displays share."""

import numpy as np
from sklearn.utils.validation import check_array, check_is_fitted

from ..inputs.labels import as_label_array, is_labeled, plain
from ..inputs.marks import core

LINES = ("-", "--", ":", "-.")
MARKERS = "os^XDvP<*>p"  # 11 of them: with 10 colours, 110 classes that look different


class Display:
    """A child draws on ``ax_`` in `_draw`: an Axes, or an ndarray of ``_n_axes``."""

    _n_axes = None
    _height = 1.0  # of a new figure, in heights of matplotlib's default

    def _layout(self, width, height):
        """Size of a new figure of that width, in inches, and its number of columns."""
        return (width, height * self._height), 1

    def plot(self, ax=None):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, array of as many as ``ax_`` holds, or None, default=None
            None makes a new figure.

        Returns
        -------
        self
            The display, with ``ax_`` and ``figure_``.

        Raises
        ------
        ImportError
            Without matplotlib.
        ValueError
            If ax holds another number of axes.
        """
        try:
            import matplotlib.pyplot as plt
        except ImportError as error:
            raise ImportError(
                'Displays need matplotlib: pip install "sklearn-ssl[plot]"'
            ) from error
        n = self._n_axes or 1
        if ax is None:
            size, columns = self._layout(*plt.rcParams["figure.figsize"])
            figure = plt.figure(figsize=size, layout="constrained")
            ax = [figure.add_subplot(-(-n // columns), columns, i + 1) for i in range(n)]
        axes = np.ravel(np.asarray(ax, dtype=object))
        if len(axes) != n:
            raise ValueError(f"{type(self).__name__} draws {n} axes, and ax holds {len(axes)}.")
        self.figure_, self.ax_ = axes[0].figure, axes if self._n_axes else axes[0]
        self._draw()
        return self


def legend_above(axes):
    """Explain curves above the axes, where no curve is hidden, in as many columns as there fit."""
    columns = max(1, int(axes.figure.get_figwidth() / 1.5))
    about = {"ncols": columns, "borderaxespad": 0.2, "handlelength": 2.5, "frameon": False}
    axes.legend(fontsize="small", loc="lower left", bbox_to_anchor=(0, 1), **about)


def innermost(estimator):
    """Return the estimator inside fitted searches and pipelines."""
    check_is_fitted(estimator)
    return core(estimator)


def unlabeled_mark(estimator):
    """Return what marks unlabeled rows."""
    return getattr(innermost(estimator), "unlabeled_label", -1)


def probabilities(estimator, X):
    """Class probabilities (n, K) of a fitted classifier."""
    check_is_fitted(estimator)
    if not hasattr(estimator, "predict_proba"):
        raise ValueError(f"{type(estimator).__name__} has no predict_proba: give a classifier.")
    return estimator.predict_proba(X)


def decide(y_proba, classes):
    """Probabilities (n, K) -> predicted classes (n,), confidences (n,)."""
    y_proba = check_array(y_proba, input_name="y_proba")
    classes = np.arange(y_proba.shape[1]) if classes is None else np.asarray(classes)
    if len(classes) != y_proba.shape[1]:
        raise ValueError(f"y_proba has {y_proba.shape[1]} columns for {len(classes)} classes.")
    if y_proba.min() < 0 or not np.allclose(y_proba.sum(1), 1, atol=1e-3):
        raise ValueError("y_proba must hold probabilities: at least 0, and each row sums to 1.")
    return classes[y_proba.argmax(1)], y_proba.max(1)


def check_labels(y, n, name, unlabeled_label):
    """Return an array of labels (n,), and which of them are some."""
    labeled, y = is_labeled(y, unlabeled_label), as_label_array(y)
    if y.shape != (n,):
        raise ValueError(f"{name} must hold one label a row, shape ({n},), got shape {y.shape}.")
    return y, labeled


def correctness(truth, predicted, name, unlabeled_label):
    """1 for right, 0 for wrong, NaN for unlabeled: (n,)."""
    truth, known = check_labels(truth, len(predicted), name, unlabeled_label)
    truth, predicted = plain(truth[known]), plain(predicted)
    if len(truth) and (truth.dtype.kind in "US") != (predicted.dtype.kind in "US"):
        raise ValueError(
            f"{name} holds labels such as {truth[0]!r}, predictions are such as {predicted[0]!r}: "
            "pass labels as fit got them, or the names of the columns as classes."
        )
    correct = np.full(len(predicted), np.nan)
    correct[known] = truth == predicted[known]
    return correct
