"""Displays in scikit-learn's style: of training, predictions, confidences, labels, latent spaces.

They need matplotlib, which is imported when something is drawn. Nothing is told by colour alone,
and colours come from matplotlib's style, so that grey prints and dark backgrounds work.
"""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted
from torch.utils.data import Dataset

from .comparison import LabelBudgetCurve, label_budget_curve
from .labels import as_label_array, is_labeled, plain
from .lazy import LazyRows

__all__ = [
    "ConfidenceDisplay",
    "LabelBudgetDisplay",
    "LatentDisplay",
    "PseudoLabelDisplay",
    "TrainingDisplay",
]

_LINES = ("-", "--", ":", "-.")
_MARKERS = "os^XDvP<*>p"  # 11 of them: with 10 colours, 110 classes that look different


class _Display:
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


def _legend_above(axes):
    """Explain curves above the axes, where no curve is hidden, in as many columns as there fit."""
    columns = max(1, int(axes.figure.get_figwidth() / 1.5))
    about = {"ncols": columns, "borderaxespad": 0.2, "handlelength": 2.5, "frameon": False}
    axes.legend(fontsize="small", loc="lower left", bbox_to_anchor=(0, 1), **about)


def _innermost(estimator):
    """Return the estimator inside fitted searches and pipelines."""
    check_is_fitted(estimator)
    while hasattr(estimator, "best_estimator_") or isinstance(estimator, Pipeline):
        inside = isinstance(estimator, Pipeline)
        estimator = estimator.steps[-1][1] if inside else estimator.best_estimator_
    return estimator


def _mark(estimator):
    """Return what marks unlabeled rows."""
    return getattr(_innermost(estimator), "unlabeled_label", -1)


def _probabilities(estimator, X):
    check_is_fitted(estimator)
    if not hasattr(estimator, "predict_proba"):
        raise ValueError(f"{type(estimator).__name__} has no predict_proba: give a classifier.")
    return estimator.predict_proba(X)


def _decide(y_proba, classes):
    """Probabilities (n, K) -> predicted classes (n,), confidences (n,)."""
    y_proba = check_array(y_proba, input_name="y_proba")
    classes = np.arange(y_proba.shape[1]) if classes is None else np.asarray(classes)
    if len(classes) != y_proba.shape[1]:
        raise ValueError(f"y_proba has {y_proba.shape[1]} columns for {len(classes)} classes.")
    if y_proba.min() < 0 or not np.allclose(y_proba.sum(1), 1, atol=1e-3):
        raise ValueError("y_proba must hold probabilities: at least 0, and each row sums to 1.")
    return classes[y_proba.argmax(1)], y_proba.max(1)


def _labeled(y, n, name, unlabeled_label):
    """Return an array of labels (n,), and which of them are some."""
    labeled, y = is_labeled(y, unlabeled_label), as_label_array(y)
    if y.shape != (n,):
        raise ValueError(f"{name} must hold one label a row, shape ({n},), got shape {y.shape}.")
    return y, labeled


def _correct(truth, predicted, name, unlabeled_label):
    """1 for right, 0 for wrong, NaN for unlabeled: (n,)."""
    truth, known = _labeled(truth, len(predicted), name, unlabeled_label)
    correct = np.full(len(predicted), np.nan)
    correct[known] = plain(truth[known]) == predicted[known]
    return correct


class TrainingDisplay(_Display):
    """Losses, mask rate, validation accuracy and learning rate over the optimizer steps of a fit.

    Parameters
    ----------
    history : list of dict
        ``history_`` of an estimator with a network: one record an epoch. Rounds of self-training
        follow one another, with dotted lines between.

    Attributes
    ----------
    ax_ : ndarray of matplotlib Axes, one for each of ``panels``
    figure_ : matplotlib Figure
    steps : ndarray of shape (n_epochs,)
        Steps since the start of the first round.
    panels : dict of str to dict of str to ndarray of shape (n_epochs,)
        What is drawn, by axes and curve; NaN where an epoch has no such value. The mask rate is the
        share of the rows that have a pseudo-label.

    Raises
    ------
    ValueError
        If the records hold no losses of steps.

    Examples
    --------
    >>> from sklearn_ssl.plotting import TrainingDisplay
    >>> history = [{"step": 10, "loss": 2.0, "lr": 0.03}, {"step": 20, "loss": 1.0, "lr": 0.02}]
    >>> list(TrainingDisplay(history).plot().panels)
    ['loss', 'learning rate']
    """

    def __init__(self, history):
        self.history = list(history)
        if not self.history or not all({"step", "loss"} <= r.keys() for r in self.history):
            raise ValueError(
                "history holds no losses of optimizer steps: TrainingDisplay draws the history_ of "
                "an estimator that trained a network."
            )
        rounds, steps = self._column("round"), self._column("step").astype(int)
        self._starts = np.flatnonzero(np.diff(rounds) > 0) + 1
        before = np.zeros(len(steps), dtype=int)
        before[self._starts] = steps[self._starts - 1]
        self.steps = steps + before.cumsum()
        names = list(dict.fromkeys(name for record in self.history for name in record))
        rate = self._column("mask_rate")
        if "mask_rate" not in names:
            rate = self._column("pseudo_label_shares")
        panels = {
            "loss": {
                name.removesuffix("_loss").replace("loss", "total"): self._column(name)
                for name in names
                if name == "loss" or name.endswith("_loss")
            },
            "mask rate": {"": rate},
            "valid. acc.": {"": self._column("valid_acc")},
            "learning rate": {"": self._column("lr")},
        }
        self.panels = {
            panel: curves
            for panel, curves in panels.items()
            if not all(np.isnan(values).all() for values in curves.values())
        }
        self._n_axes, self._height = len(self.panels), max(1, 0.5 * len(self.panels))

    def _column(self, name):
        return np.array([np.sum(record.get(name, np.nan)) for record in self.history], float)

    @classmethod
    def from_estimator(cls, estimator, *, ax=None):
        """Draw how an estimator was trained.

        Parameters
        ----------
        estimator : fitted estimator, or a fitted Pipeline or search around one
        ax : array of matplotlib Axes or None, default=None
            As many as ``panels`` has entries.

        Returns
        -------
        TrainingDisplay

        Raises
        ------
        ValueError
            If no network was trained, as with ``LabelPropagationNet(module=None)``.
        """
        inner = _innermost(estimator)
        if not hasattr(inner, "net_"):
            raise ValueError(f"{type(inner).__name__} trained no network: there are no losses.")
        return cls(inner.history_).plot(ax)

    def _draw(self):
        for axes, (panel, curves) in zip(self.ax_, self.panels.items(), strict=True):
            for i, (name, values) in enumerate(curves.items()):
                style = {"linestyle": _LINES[i % 4], "marker": "." if len(values) < 20 else ""}
                axes.plot(self.steps, values, color=f"C{i}", label=name, **style)
            for start in self._starts:
                axes.axvline(self.steps[start - 1], color="grey", linestyle=":", linewidth=1)
            if len(curves) > 1:
                _legend_above(axes)
            axes.set_ylabel(panel)
            axes.set_xlim(0, self.steps[-1])
            axes.tick_params(labelbottom=axes is self.ax_[-1])
        rounds = f", {len(self._starts) + 1} rounds" if len(self._starts) else ""
        self.ax_[-1].set_xlabel(f"optimizer steps{rounds}")


class PseudoLabelDisplay(_Display):
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
            correct = _correct(truth, self.labels, "truth", unlabeled_label)
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
        X : array-like of shape (n, ...)
        y : array-like of shape (n,) or None, default=None
            The labels given to `fit`. Rows are then drawn from the unlabeled ones alone.
        y_true : array-like of shape (n,) or None, default=None
            True classes, unlabeled where unknown.
        n_rows : int >= 1, default=10
            Rows to draw at random, or all where there are fewer.
        image_shape : tuple or None, default=None
            As in the class; None: ``input_shape`` of the estimator.
        random_state : int, RandomState or None, default=None
        ax : matplotlib Axes, array of as many as there are images, or None, default=None

        Returns
        -------
        PseudoLabelDisplay

        Raises
        ------
        ValueError
            If the estimator has no ``predict_proba``, or no row is left to draw.
        """
        X, mark = LazyRows(X) if isinstance(X, Dataset) else X, _mark(estimator)
        if image_shape is None:
            image_shape = getattr(_innermost(estimator), "input_shape", None)
        rows, truth = _some_rows(X, y, y_true, mark, n_rows, random_state)
        X = _safe_indexing(X, rows)
        about = _decide(_probabilities(estimator, X), estimator.classes_)
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
        y_proba : array-like of shape (n, K)
            As ``predict_proba`` returns them.
        classes : array-like of shape (K,) or None, default=None
            Names of the columns; None: 0 to K - 1.
        y, y_true, n_rows, image_shape, random_state, ax
            As in `from_estimator`; -1 and missing values mark unlabeled rows.

        Returns
        -------
        PseudoLabelDisplay
        """
        labels, confidence = _decide(y_proba, classes)
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
    return (x - x.min()) / np.ptp(x) if outside else x


def _some_rows(X, y, y_true, mark, n_rows, random_state):
    """Numbers of rows drawn from the unlabeled ones, or from all without y, and their truth."""
    n = X.shape[0] if hasattr(X, "shape") else len(X)
    if n_rows < 1:
        raise ValueError(f"n_rows must be at least 1, got {n_rows!r}.")
    rows = np.arange(n) if y is None else np.flatnonzero(~_labeled(y, n, "y", mark)[1])
    if not len(rows):
        raise ValueError("y marks no row as unlabeled: leave it out to draw from all rows.")
    rng = check_random_state(random_state)
    rows = np.sort(rng.choice(rows, min(n_rows, len(rows)), replace=False))
    return rows, None if y_true is None else _labeled(y_true, n, "y_true", mark)[0][rows]


class ConfidenceDisplay(_Display):
    """Histogram of confidences with the threshold, and how often each confidence is right.

    Parameters
    ----------
    confidence : array-like of shape (n,) in [0, 1]
        Largest class probability of each row.
    correct : array-like of shape (n,)
        1 where the predicted class is right, 0 where it is wrong, NaN where that is unknown.
    threshold : float in [0, 1] or None, default=None
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
        If threshold or n_bins are out of range, or lengths differ.

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
        if threshold is not None and not 0 <= threshold <= 1:
            raise ValueError(f"threshold must lie in [0, 1], got {threshold!r}.")
        if n_bins < 1:
            raise ValueError(f"n_bins must be at least 1, got {n_bins!r}.")
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
        X : array-like of shape (n, ...)
            Test rows: confidences of rows whose labels `fit` saw are too high.
        y : array-like of shape (n,)
            True classes. Unlabeled rows count in the histogram alone.
        threshold : float in [0, 1] or None, default=None
            None: the confidence from which the method takes a pseudo-label, where that is one of
            its parameters.
        n_bins : int >= 1, default=10
        ax : array of 2 matplotlib Axes or None, default=None

        Returns
        -------
        ConfidenceDisplay

        Raises
        ------
        ValueError
            If the estimator has no ``predict_proba``.
        """
        inner, p = _innermost(estimator), _probabilities(estimator, X)
        if threshold is None and getattr(inner, "criterion", None) != "k_best":
            own = getattr(inner, "pseudo_label_threshold", None)
            threshold = getattr(inner, "threshold", own)
        about = {"threshold": threshold, "n_bins": n_bins, "unlabeled_label": _mark(estimator)}
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
        threshold, n_bins, ax
            As in `from_estimator`; with None no threshold is drawn.
        unlabeled_label : scalar or None, default=-1
            As in the estimators.

        Returns
        -------
        ConfidenceDisplay
        """
        predicted, confidence = _decide(y_proba, classes)
        correct = _correct(y_true, predicted, "y_true", unlabeled_label)
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
            _legend_above(histogram)
        full = ~np.isnan(self.accuracy)
        error = f"calibration error {self.calibration_error:.3f}" if full.any() else "no true class"
        points = self.mean_confidence[full], self.accuracy[full]
        reliability.plot(*points, "o-", color="C0", label=error)
        reliability.plot([0, 1], [0, 1], ":", color="grey")
        _legend_above(reliability)
        reliability.set(xlabel="confidence", ylabel="accuracy", ylim=(-0.05, 1.05))
        for axes in self.ax_:
            axes.set_xlim(0, 1.02)
        histogram.tick_params(labelbottom=False)


class LabelBudgetDisplay(_Display):
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
    >>> from sklearn_ssl.comparison import LabelBudgetCurve
    >>> from sklearn_ssl.plotting import LabelBudgetDisplay
    >>> scores = np.array([[[0.5, 0.7], [0.8, 0.9]]])  # one estimator, two budgets, two repeats
    >>> curve = LabelBudgetCurve(["FixMatch"], np.array([10, 20]), scores)
    >>> LabelBudgetDisplay.from_curves(curve).ax_.get_xlabel()
    'labels'
    """

    def __init__(self, curves):
        self.curves = {"": curves} if isinstance(curves, LabelBudgetCurve) else dict(curves)
        kinds = {type(curve) for curve in self.curves.values()}
        if kinds != {LabelBudgetCurve}:
            raise ValueError("curves must hold LabelBudgetCurves, as label_budget_curve returns.")

    @classmethod
    def from_estimator(cls, estimator, X, y, budgets, *, ax=None, **params):
        """Fit with so many labels, again and again, and draw the scores.

        Parameters
        ----------
        estimator : estimator, list, or dict of name to estimator
        X : array-like of shape (n, ...)
        y : array-like of shape (n,)
        budgets : sequence of int
            Numbers of labels in training.
        ax : matplotlib Axes or None, default=None
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
        ax : matplotlib Axes or None, default=None

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
                style = {"marker": _MARKERS[drawn % 11], "linestyle": _LINES[drawn % 4]}
                about = {"color": f"C{drawn}", "capsize": 3, "label": label, **style}
                self.ax_.errorbar(curve.n_labeled[order], mean, error, **about)
                drawn += 1
        if max(ticks) >= 8 * min(ticks):
            self.ax_.set_xscale("log")
            self.ax_.minorticks_off()
        self.ax_.set_xticks(sorted(ticks), labels=[str(n) for n in sorted(ticks)])
        self.ax_.set(xlabel="labels", ylabel="mean score ± s.e.")
        self.ax_.legend(fontsize="small")


class LatentDisplay(_Display):
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
        self.labels, self._known = _labeled(labels, len(Z), "labels", unlabeled_label)
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
        y : array-like of shape (n,) or None, default=None
            Classes, or the labels given to `fit`.
        ax : matplotlib Axes or None, default=None

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
        return cls(estimator.transform(X), y, unlabeled_label=_mark(estimator)).plot(ax)

    @classmethod
    def from_predictions(cls, Z, y=None, *, ax=None):
        """Draw given latent variables.

        Parameters
        ----------
        Z : array-like of shape (n, d), d >= 2
        y : array-like of shape (n,) or None, default=None
            -1 and missing values mark unlabeled rows.
        ax : matplotlib Axes or None, default=None

        Returns
        -------
        LatentDisplay
        """
        return cls(Z, y).plot(ax)

    def _draw(self):
        known, classes = self._known, plain(self.labels[self._known])
        edge = self.ax_.yaxis.label.get_color()
        few = known.sum() < 500
        size = {"s": 25 if few else 12, "linewidths": 0.4 if few else 0}
        if not known.all():
            x, y = self.points[~known].T
            self.ax_.scatter(x, y, s=4, color="grey", alpha=0.3, label="unlabeled")
        for i, label in enumerate(np.unique(classes)):
            x, y = self.points[known][classes == label].T
            style = {"color": f"C{i}", "marker": _MARKERS[i % 11], "edgecolor": edge}
            self.ax_.scatter(x, y, label=str(label), **style, **size)
        if known.any():
            about = {"loc": "upper left", "bbox_to_anchor": (1, 1.02), "handlelength": 1}
            columns = 1 + len(self.ax_.collections) // 16
            self.ax_.legend(fontsize="small", frameon=False, ncols=columns, **about)
        self.ax_.set(xlabel=self._names[0], ylabel=self._names[1])
