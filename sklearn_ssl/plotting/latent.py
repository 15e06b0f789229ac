"""Rows in a latent space."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.utils.validation import check_array, check_is_fitted

from .base import MARKERS, Display, check_labels, unlabeled_mark

__all__ = ["LatentDisplay"]


class LatentDisplay(Display):
    """Rows in a latent space, in two dimensions, by class.

    Parameters
    ----------
    Z : array-like of shape (n, d), d >= 2
        Of more than two dimensions the first two principal components are drawn, and the axes say
        how much of the variance they hold.
    labels : array-like of shape (n,) or None, default=None
        Classes; unlabeled rows are small grey dots beneath the others.
    unlabeled_label : scalar or None, default=-1
        As in the estimators.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    points : ndarray of shape (n, 2)
        What is drawn.

    Raises
    ------
    ValueError
        If there are fewer than two dimensions, or not as many labels as rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssl.plotting import LatentDisplay
    >>> display = LatentDisplay.from_predictions(np.eye(3), y=["a", "b", -1])
    >>> display.ax_.get_xlabel()
    'PCA axis 1 of 3 (50 %)'
    """

    def __init__(self, Z, labels=None, *, unlabeled_label=-1):
        Z = check_array(Z, ensure_min_features=2, input_name="Z")
        labels = np.full(len(Z), None) if labels is None else labels
        self.labels, self._known = check_labels(labels, len(Z), "labels", unlabeled_label)
        self.points, self._names = Z, ["latent variable 1", "latent variable 2"]
        if Z.shape[1] > 2:
            pca = PCA(2, svd_solver="full").fit(Z)
            self.points, shares = pca.transform(Z), pca.explained_variance_ratio_
            self._names = [
                f"PCA axis {i} of {Z.shape[1]} ({100 * share:.0f} %)"
                for i, share in enumerate(shares, 1)
            ]

    @classmethod
    def from_estimator(cls, estimator, X, *, y=None, ax=None):
        """Draw where an estimator's ``transform`` puts rows.

        Parameters
        ----------
        estimator : fitted estimator with ``transform``, or a fitted Pipeline or search around one
            For instance `VAEClassifier`.
        X : array-like of shape (n, ...)
            Rows to encode.
        y : array-like of shape (n,) or None, default=None
            Classes, or the labels given to ``fit``.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        LatentDisplay

        Raises
        ------
        ValueError
            If the estimator has no ``transform``, or one with fewer than two columns.
        """
        check_is_fitted(estimator)
        if not hasattr(estimator, "transform"):
            raise ValueError(
                f"{type(estimator).__name__} has no transform: give an estimator with a latent "
                "space, such as VAEClassifier."
            )
        return cls(estimator.transform(X), y, unlabeled_label=unlabeled_mark(estimator)).plot(ax)

    @classmethod
    def from_predictions(cls, Z, y=None, *, ax=None):
        """Draw given latent variables.

        Parameters
        ----------
        Z : array-like of shape (n, d), d >= 2
            Encoded rows.
        y : array-like of shape (n,) or None, default=None
            -1 and missing values mark unlabeled rows.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        LatentDisplay
        """
        return cls(Z, y).plot(ax)

    def _draw(self):
        known, classes = self._known, self.labels[self._known]
        edge = self.ax_.yaxis.label.get_color()
        few = known.sum() < 500
        size = {"s": 25 if few else 12, "linewidths": 0.4 if few else 0}
        if not known.all():
            x, y = self.points[~known].T
            self.ax_.scatter(x, y, s=4, color="grey", alpha=0.3, label="unlabeled")
        for i, label in enumerate(np.unique(classes)):
            x, y = self.points[known][classes == label].T
            style = {"color": f"C{i}", "marker": MARKERS[i % 11], "edgecolor": edge}
            self.ax_.scatter(x, y, label=str(label), **style, **size)
        if known.any():
            about = {"loc": "upper left", "bbox_to_anchor": (1, 1.02), "handlelength": 1}
            columns = 1 + len(self.ax_.collections) // 16
            self.ax_.legend(fontsize="small", frameon=False, ncols=columns, **about)
        self.ax_.set(xlabel=self._names[0], ylabel=self._names[1])
