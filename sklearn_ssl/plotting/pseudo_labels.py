"""Rows with what is predicted of them."""

import numpy as np
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils.validation import check_consistent_length
from torch.utils.data import Dataset

from ..inputs.labels import as_label_array
from ..inputs.lazy import LazyRows
from .base import (
    Display,
    check_labels,
    correctness,
    decide,
    innermost,
    probabilities,
    unlabeled_mark,
)

__all__ = ["PseudoLabelDisplay"]


class PseudoLabelDisplay(Display):
    """Some rows with the class predicted for them and its confidence, the surest first.

    Images are drawn; of rows of a table the confidences are, as bars.

    Parameters
    ----------
    X : array-like of shape (n, ...)
        The rows to draw: images (n, C, H, W) or (n, H, W), or with ``image_shape`` 2-D rows.
    labels : array-like of shape (n,)
        Predicted classes.
    confidence : array-like of shape (n,)
        Their probabilities.
    truth : array-like of shape (n,) or None, default=None
        True classes, unlabeled where unknown. Predictions are then said to be right or wrong.
    rows : array-like of int of shape (n,) or None, default=None
        Numbers by which rows of a table are called; None: 0 to n - 1.
    image_shape : tuple or None, default=None
        Shape (H, W) or (C, H, W) of the image that a 2-D row holds; C is 1 or 3.
    unlabeled_label : scalar or None, default=-1
        As in the estimators.

    Attributes
    ----------
    ax_ : ndarray of n matplotlib Axes for images, else one Axes
    figure_ : matplotlib Figure

    Raises
    ------
    ValueError
        If there is no row, or X does not fit the other parameters.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssl.plotting import PseudoLabelDisplay
    >>> names, truth = np.array(["cat", "dog"]), ["cat", "cat"]
    >>> display = PseudoLabelDisplay(np.zeros((2, 3)), names, [0.9, 0.8], truth=truth).plot()
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['row 0: cat, right', 'row 1: dog, is cat']
    """

    def __init__(
        self,
        X,
        labels,
        confidence,
        *,
        truth=None,
        rows=None,
        image_shape=None,
        unlabeled_label=-1,
    ):
        self.labels, self.confidence = np.asarray(labels), np.asarray(confidence, dtype=float)
        n = len(self.labels)
        self.rows = np.arange(n) if rows is None else np.asarray(rows)
        check_consistent_length(X, self.labels, self.confidence, self.rows)
        if not n:
            raise ValueError("There is no row to draw.")
        self.truth, self.said = truth, [""] * n
        if truth is not None:
            correct = correctness(truth, self.labels, "truth", unlabeled_label)
            words = {0.0: "is {}", 1.0: "right"}
            true = zip(correct, as_label_array(truth), strict=True)
            self.said = [words.get(c, "").format(name) for c, name in true]
        shape = np.shape(X)
        if image_shape is not None:
            image_shape = tuple(image_shape)
            if len(image_shape) not in (2, 3) or shape[1:] != (np.prod(image_shape),):
                raise ValueError(
                    f"image_shape={image_shape} must be (H, W) or (C, H, W) and fit 2-D rows; X "
                    f"has shape {shape}."
                )
            shape = (n, *image_shape)
        self.images, self._height = None, max(0.5, 0.25 + 0.08 * n)
        if len(shape) > 2:
            if len(shape) > 4 or (len(shape) == 4 and shape[1] not in (1, 3)):
                raise ValueError(
                    f"Images must be (n, H, W), (n, 1, H, W) or (n, 3, H, W), got {shape}."
                )
            self.images = [_picture(image) for image in np.asarray(X).reshape(shape)]
            self._n_axes = n

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        y=None,
        y_true=None,
        n_rows=10,
        image_shape=None,
        random_state=None,
        ax=None,
    ):
        """Draw what a classifier says of some rows.

        Parameters
        ----------
        estimator : fitted classifier, or a fitted Pipeline or search around one
            It needs ``predict_proba``.
        X : array-like of shape (n, ...)
            Rows, of which some are drawn.
        y : array-like of shape (n,) or None, default=None
            The labels given to ``fit``. Rows are then drawn from the unlabeled ones alone.
        y_true : array-like of shape (n,) or None, default=None
            True classes, unlabeled where unknown.
        n_rows : int >= 1, default=10
            Rows to draw at random, or all where there are fewer.
        image_shape : tuple or None, default=None
            As in the class; None: ``input_shape`` of the estimator.
        random_state : int, RandomState or None, default=None
            Draws the rows.
        ax : matplotlib Axes, array of as many as there are images, or None, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        PseudoLabelDisplay

        Raises
        ------
        ValueError
            If the estimator has no ``predict_proba``, or no row is left to draw.
        """
        X, mark = LazyRows(X) if isinstance(X, Dataset) else X, unlabeled_mark(estimator)
        if image_shape is None:
            image_shape = getattr(innermost(estimator), "input_shape", None)
        rows, truth = _some_rows(X, y, y_true, mark, n_rows, random_state)
        X = _safe_indexing(X, rows)
        about = decide(probabilities(estimator, X), estimator.classes_)
        return cls._surest_first(X, *about, truth, rows, image_shape, mark).plot(ax)

    @classmethod
    def from_predictions(
        cls,
        X,
        y_proba,
        *,
        classes=None,
        y=None,
        y_true=None,
        n_rows=10,
        image_shape=None,
        random_state=None,
        ax=None,
    ):
        """Draw given class probabilities of some rows.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Rows, of which some are drawn.
        y_proba : array-like of shape (n, K)
            As ``predict_proba`` returns them.
        classes : array-like of shape (K,) or None, default=None
            Names of the columns; None: 0 to K - 1.
        y : array-like of shape (n,) or None, default=None
            The labels given to ``fit``, -1 or missing for unlabeled rows. Rows are then drawn from
            the unlabeled ones alone.
        y_true : array-like of shape (n,) or None, default=None
            True classes, -1 or missing where unknown.
        n_rows : int >= 1, default=10
            How many rows are drawn, or all where there are fewer.
        image_shape : tuple or None, default=None
            As in the class.
        random_state : int, RandomState or None, default=None
            Draws the rows.
        ax : matplotlib Axes, array of as many as there are images, or None, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        PseudoLabelDisplay
        """
        labels, confidence = decide(y_proba, classes)
        check_consistent_length(X, labels)
        rows, truth = _some_rows(X, y, y_true, -1, n_rows, random_state)
        X = _safe_indexing(X, rows)
        about = X, labels[rows], confidence[rows], truth, rows, image_shape, -1
        return cls._surest_first(*about).plot(ax)

    @classmethod
    def _surest_first(cls, X, labels, confidence, truth, rows, image_shape, mark):
        order = np.argsort(-confidence, kind="stable")
        return cls(
            _safe_indexing(X, order),
            labels[order],
            confidence[order],
            truth=None if truth is None else truth[order],
            rows=rows[order],
            image_shape=image_shape,
            unlabeled_label=mark,
        )

    def _layout(self, width, height):
        if self.images is None:
            return super()._layout(width, height)
        longest = max(len(str(text)) for text in [*self.labels, *self.said])
        columns = int(np.clip(width / (0.2 + 0.08 * longest), 1, min(5, len(self.labels))))
        n_rows = -(-len(self.labels) // columns)
        return (width, n_rows * (width / columns + 0.65)), columns

    def _draw(self):
        if self.images is None:
            self._draw_bars()
            return
        for i, axes in enumerate(self.ax_):
            axes.imshow(self.images[i], cmap="gray")
            title = f"{self.labels[i]}\n{self.confidence[i]:.2f}\n{self.said[i]}".rstrip()
            weight = "bold" if self.said[i].startswith("is ") else "normal"
            axes.set_title(title, fontsize="small", fontweight=weight)
            axes.set(xticks=[], yticks=[])

    def _draw_bars(self):
        n, about = len(self.rows), zip(self.rows, self.labels, self.said, strict=True)
        names = [f"row {row}: {label}" + (f", {s}" if s else "") for row, label, s in about]
        hatches = ["////" if s.startswith("is ") else "" for s in self.said]
        bars = self.ax_.barh(range(n), self.confidence, color="C0", alpha=0.6, hatch=hatches)
        self.ax_.bar_label(bars, fmt="%.2f", padding=2, fontsize="small")
        self.ax_.set(xlim=(0, 1.35), xticks=[0, 0.5, 1], xlabel="confidence")
        self.ax_.set_yticks(range(n), labels=names, fontsize="small")
        self.ax_.invert_yaxis()


def _picture(x):
    """Image (H, W), (1, H, W) or (3, H, W) as matplotlib draws it, colours scaled into [0, 1]."""
    if x.ndim == 2 or len(x) == 1:
        return x.reshape(x.shape[-2:])
    x = np.moveaxis(x, 0, -1)
    outside = x.dtype != np.uint8 and (x.min() < 0 or x.max() > 1)
    return (x - x.min()) / (np.ptp(x) or 1) if outside else x


def _some_rows(X, y, y_true, mark, n_rows, random_state):
    """Numbers of rows drawn from the unlabeled ones, or from all without y, and their truth."""
    n = X.shape[0] if hasattr(X, "shape") else len(X)
    if n_rows < 1:
        raise ValueError(f"n_rows must be at least 1, got {n_rows!r}.")
    rows = np.arange(n) if y is None else np.flatnonzero(~check_labels(y, n, "y", mark)[1])
    if not len(rows):
        raise ValueError("y marks no row as unlabeled: leave it out to draw from all rows.")
    rng = check_random_state(random_state)
    rows = np.sort(rng.choice(rows, min(n_rows, len(rows)), replace=False))
    return rows, None if y_true is None else check_labels(y_true, n, "y_true", mark)[0][rows]
