"""Classifiers: labels with -1 for unlabeled, probabilities, a score that leaves -1 out."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted
from torch import nn

from .base import SSLEstimator
from .labels import as_label_array, is_labeled, plain
from .validation import check_labels

__all__ = ["SSLClassifier"]


def cross_entropy_and_accuracy(logits, target):
    """What validation records: logits (n, K), int64 (n,) -> dict of float."""
    accuracy = (logits.argmax(1) == target).float().mean()
    loss = nn.functional.cross_entropy(logits, target)
    return {"valid_loss": float(loss), "valid_acc": float(accuracy)}


def softmax(logits, temperature=1.0):
    """Probabilities in float64: (n, K) -> (n, K)."""
    return torch.softmax(logits.double() / temperature, dim=1)


@dataclass(kw_only=True, eq=False, repr=False)
class SSLClassifier(ClassifierMixin, SSLEstimator):
    """Base of the classifiers: everything but the loss.

    A child is a dataclass, so that its signature is explicit and its ``__init__`` only assigns.
    It adds its own parameters as fields, changes a default by assigning the field again, and
    gives its loss in ``_make_loss``.

    Parameters
    ----------
    class_weight : "balanced", dict of class to weight, or None, default=None
        Times ``sample_weight``, from the labeled rows alone.
    unlabeled_label : scalar or None, default=-1
        What marks an unlabeled row in y, beside missing values, which always do. With None (or
        NaN) only missing values do, and -1 is a class like any other.
    temperature_scaling : bool, default=False
        Divide logits by a temperature that minimises the loss of held-out labeled rows
        (``validation_fraction``), so that confidences match accuracy (Guo et al. 2017, arXiv
        1706.04599). It changes no decision of the trained net.
    module, module_params, max_steps, batch_size, unlabeled_ratio, unlabeled_weight, \
    optimizer, lr, optimizer_params, ema_decay, validation_fraction, early_stopping, callbacks, \
    device, precision, warm_start, verbose, random_state, checkpoint_dir, input_shape, compile
        As in `SSLEstimator`.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        Real classes only.
    transduction_ : ndarray of shape (n,)
        Labels of all training rows: the given ones, and predictions for unlabeled rows.
    label_distributions_ : ndarray of shape (n, K) in [0, 1]
        Class probabilities of all training rows; a given label has probability 1.
    temperature_ : float >= 1
        1 without ``temperature_scaling``.
    n_features_in_, feature_names_in_, n_iter_, history_, net_
        As in `SSLEstimator`.
    """

    class_weight: object = None
    unlabeled_label: object = -1
    temperature_scaling: bool = False

    _parameter_constraints = {
        **SSLEstimator._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "unlabeled_label": "no_validation",
        "temperature_scaling": ["boolean"],
    }
    _valid_scores = staticmethod(cross_entropy_and_accuracy)
    _nonlinearity = staticmethod(softmax)

    # ----------------------------------------------------------------- fit

    def fit(self, X, y, sample_weight=None):
        """Train on labeled and unlabeled rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features), or images of shape (n, C, H, W)
            Numbers; uint8 images are read as [0, 1]. Sparse rows are made dense batch by batch. A
            `torch.utils.data.Dataset` is read row by row when needed; see `LazyRows`.
        y : array-like of shape (n,)
            Classes of any kind; -1 (see ``unlabeled_label``), None, NaN and pandas.NA mark an
            unlabeled row.
        sample_weight : array-like of shape (n,) or None, default=None
            At least 0. Batches draw labeled rows in proportion to it, so that it weighs them in
            the labeled loss of every method. A row of weight 0 is left out, labeled or not; what
            else an unlabeled row weighs does not matter.

        Returns
        -------
        self
            The fitted estimator itself.

        Raises
        ------
        ValueError
            For input that cannot be trained on, before any training.
        OSError
            If a checkpoint cannot be written; the one before it stays whole.
        FloatingPointError
            If the loss becomes NaN or infinite; the last good weights stay.
        """
        return self._checked_fit(X, y, sample_weight, warm=self.warm_start)

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train for ``max_steps`` more steps on other rows, from the weights so far.

        Each call has its own learning rate schedule and optimizer; the scaling of the features
        is that of the first call.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features), or images of shape (n, C, H, W)
            Rows of the shape of the first call.
        y : array-like of shape (n,)
            At least one label, and classes of the first call only.
        classes : array-like of shape (K,) or None, default=None
            All classes that will ever come; needed in the first call unless its y holds them all.
        sample_weight : array-like of shape (n,) or None, default=None
            As in `fit`.

        Returns
        -------
        self
            The estimator itself.
        """
        first = not hasattr(self, "net_")
        if classes is not None:
            classes = as_label_array(classes)
            classes = plain(classes[is_labeled(classes, self.unlabeled_label)])
        known = classes if first or classes is not None else self.classes_
        if not first and not np.array_equal(np.unique(known), self.classes_):
            raise ValueError(f"classes={classes!r}, but the first call had {self.classes_}.")
        return self._checked_fit(X, y, sample_weight, known, reset=first, warm=not first)

    def _check_targets(self, X, y, weight, classes):
        found, codes, weight = check_labels(
            X,
            y,
            weight,
            unlabeled_label=self.unlabeled_label,
            class_weight=self.class_weight,
            classes=classes,
        )
        if self.warm_start and hasattr(self, "net_") and not np.array_equal(found, self.classes_):
            raise ValueError(
                f"warm_start=True, but the earlier fit had other classes: {self.classes_}, and now "
                f"{found}."
            )
        self.classes_ = found
        return codes, weight

    def _n_outputs(self):
        return len(self.classes_)

    def _wants_validation(self):
        return super()._wants_validation() or self.temperature_scaling

    def _strata(self, codes):
        return codes

    def _without_targets(self, codes, rows):
        codes = codes.copy()
        codes[rows] = -2  # -1 is unlabeled
        return codes

    def _transduce(self, X, codes, used):
        """Set what is known of all rows; ``used`` says which ones `_fit` was given."""
        labeled = codes >= 0
        self.label_distributions_ = self._probabilities(X)
        self.label_distributions_[labeled] = np.eye(len(self.classes_))[codes[labeled]]
        self.transduction_ = self.classes_[self.label_distributions_.argmax(1)]

    def _finish(self, net):
        self.temperature_ = self._scale_temperature(net)
        super()._finish(net)

    def _scale_temperature(self, net):
        """Return the temperature from 1 on that minimises the loss of the held-out rows.

        A few rows that are all right would ask for a temperature of 0, and certainty everywhere.
        """
        if not self.temperature_scaling:
            return 1.0
        X, y = net.valid
        logits = torch.from_numpy(net.collect(X))

        def loss(log_temperature):
            scaled = logits / np.exp(log_temperature)
            return float(nn.functional.cross_entropy(scaled, torch.from_numpy(y)))

        best = minimize_scalar(loss, bounds=(0.0, 4.0), method="bounded")
        return float(np.exp(best.x))

    def _prepare_to_predict(self, net):
        net.predict_nonlinearity = partial(softmax, temperature=self.temperature_)

    # ---------------------------------------------------------- prediction

    def _probabilities(self, X):
        return self.net_.predict_proba(X)

    def predict_proba(self, X):
        """Class probabilities.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Rows, of the kind that ``fit`` was given.

        Returns
        -------
        ndarray of shape (n, K) in [0, 1]
            Columns in the order of ``classes_``; rows sum to 1.
        """
        check_is_fitted(self)
        return self._probabilities(self._check_X(X, reset=False))

    def predict_log_proba(self, X):
        """Logarithms of `predict_proba`.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Rows, of the kind that ``fit`` was given.

        Returns
        -------
        ndarray of shape (n, K)
            At most 0; -inf where a probability is 0.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X):
        """Predict the most probable class.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Rows, of the kind that ``fit`` was given.

        Returns
        -------
        ndarray of shape (n,)
            Classes, in the kind that y had.
        """
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(1)]

    def score(self, X, y, sample_weight=None):
        """Accuracy on the labeled rows; unlabeled rows do not count.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Rows, of the kind that ``fit`` was given.
        y : array-like of shape (n,)
            True classes; rows marked as unlabeled are left out.
        sample_weight : array-like of shape (n,) or None, default=None
            Weights of the rows.

        Returns
        -------
        float in [0, 1]
            Share of the labeled rows that are predicted right, weighted.

        Raises
        ------
        ValueError
            If no row is labeled.
        """
        labeled = is_labeled(y, self.unlabeled_label)
        if not labeled.any():
            raise ValueError("score needs labeled rows: every y marks an unlabeled row.")
        y = plain(as_label_array(y)[labeled])
        weight = None if sample_weight is None else np.asarray(sample_weight)[labeled]
        return accuracy_score(y, self.predict(X)[labeled], sample_weight=weight)
