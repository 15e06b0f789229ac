"""Classifiers: labels with -1 for unlabeled, probabilities, a score that leaves -1 out."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from .base import SSLEstimator
from .engine import together
from .inputs.callers import look_at_callers_of_clone
from .inputs.checks import weight_of_scored
from .inputs.class_prior import CONSTRAINT
from .inputs.labels import as_label_array, is_labeled, label_column, plain
from .inputs.targets import ClassTargets
from .model_selection.class_prior import settled_class_prior

__all__ = ["LabeledScoreMixin", "SSLClassifier"]


class LabeledScoreMixin(ClassifierMixin):
    """Methods on top of ``predict_proba`` and ``classes_``: decisions, and a score without -1."""

    __metadata_request__fit = {"X_unlabeled": True}  # routed without set_fit_request

    def __sklearn_clone__(self):
        look_at_callers_of_clone(self.unlabeled_label)
        return super().__sklearn_clone__()

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
        y = plain(label_column(y)[labeled])
        weight = weight_of_scored(sample_weight, labeled)
        return accuracy_score(y, self.predict(X)[labeled], sample_weight=weight)


class SSLClassifier(LabeledScoreMixin, SSLEstimator):
    """Base of the classifiers with a network: a child gives its loss.

    See ``sklearn_ssl.base.SSLEstimator`` for what else it may give. Nothing needs a decorator:
    annotated fields are parameters.

    Parameters
    ----------
    class_weight : "balanced", dict of class to weight, or None, default=None
        Multiplies ``sample_weight``. "balanced" counts the labeled rows alone.
    unlabeled_label : scalar or None, default=-1
        Mark of an unlabeled row in y. Missing values always mark one too. With None (or NaN) only
        missing values do, and -1 is a class like any other.
    temperature_scaling : bool, default=False
        Divide logits by a temperature that minimises the loss of held-out labeled rows
        (``validation_fraction``), so that confidences match accuracy (Guo et al. 2017, arXiv
        1706.04599). The predicted classes of the trained network stay the same.
    class_prior : "labels", "uniform", "estimate" or array-like of shape (K,), default="labels"
        Shares of the classes among unlabeled and new rows, in the order of ``classes_``, or a dict
        of class to share. If they are given, the mean of `predict_proba` over the unlabeled rows
        equals them, and methods use them where they need class shares, as in distribution
        alignment. "labels": the shares of the labels, and predictions stay as they are. "estimate":
        `estimate_class_prior` of the supervised network, which needs about ten labels a class and 5
        more fits without checkpoints. Right shares raise accuracy and may lower balanced accuracy.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        Real classes only.
    transduction_ : ndarray of shape (n,)
        Labels of the rows of X: the given ones, and predictions for unlabeled rows.
    label_distributions_ : ndarray of shape (n, K) in [0, 1]
        Class probabilities of the rows of X; a given label has probability 1.
    transduction_unlabeled_, label_distributions_unlabeled_
        The same of the rows of X_unlabeled, where it was given.
    temperature_ : float >= 1
        1 without ``temperature_scaling``.
    class_prior_ : ndarray of shape (K,)
        Shares of the classes that the fit used; they sum to 1.
    """

    class_weight: object = None
    unlabeled_label: object = -1
    temperature_scaling: bool = False
    class_prior: object = "labels"

    _parameter_constraints = {
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "unlabeled_label": "no_validation",
        "temperature_scaling": ["boolean"],
        "class_prior": CONSTRAINT,
    }

    # ----------------------------------------------------------------- fit

    @together()
    def fit(self, X, y, sample_weight=None, X_unlabeled=None):
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
        X_unlabeled : as X, of shape (m, ...), or None, default=None
            More rows without a label, behind those of X; see ``docs/workflows.md``.

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
        previous = vars(self).get("net_") if self.warm_start else None
        self._check_parameters(previous)
        prior = settled_class_prior(self, X, y, sample_weight, X_unlabeled)
        targets = self._new_targets(class_prior=prior)
        return self._fit(X, y, sample_weight, X_unlabeled, targets, previous)

    @together()
    def partial_fit(self, X, y, classes=None, sample_weight=None, X_unlabeled=None):
        """Train for ``max_steps`` more steps on other rows, from the weights so far.

        Each call has its own learning rate schedule and optimizer, and draws other rows than the
        calls before; with an int as ``random_state`` the same calls draw the same ones. Running
        means of the loss go on, and the scaling of the features is that of the first call. Of a
        stream keep the labeled rows, and give them with each block as X_unlabeled; see
        ``docs/large_data.md``.

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
        X_unlabeled : as X, of shape (m, ...), or None, default=None
            As in `fit`.

        Returns
        -------
        self
            The estimator itself.
        """
        previous = vars(self).get("net_")
        if classes is not None:
            classes = as_label_array(classes)
            classes = plain(classes[is_labeled(classes, self.unlabeled_label)])
        known = classes if previous is None or classes is not None else self.classes_
        if previous is not None and not np.array_equal(np.unique(known), self.classes_):
            raise ValueError(f"classes={classes!r}, but the first call had {self.classes_}.")
        targets = self._new_targets(known, self.class_prior)
        reset = previous is None
        return self._fit(X, y, sample_weight, X_unlabeled, targets, previous, reset=reset)

    def _new_targets(self, classes=None, class_prior="labels"):
        continues = self.warm_start and hasattr(self, "net_")
        earlier = self._targets if continues else None
        return ClassTargets(self.unlabeled_label, self.class_weight, class_prior, classes, earlier)

    def _transduce(self, X, y, used):
        labeled = y >= 0
        p = self._probabilities(X)
        pool = used & ~labeled if self.unlabeled_weight > 0 else np.zeros_like(used)
        self.label_distributions_ = self._targets.match(p, pool)
        self.label_distributions_[labeled] = np.eye(len(self.classes_))[y[labeled]]
        self.transduction_ = self.classes_[self.label_distributions_.argmax(1)]

    # ---------------------------------------------------------- prediction

    @property
    def classes_(self):
        """Real classes: ndarray (K,)."""
        return self._targets.classes

    @property
    def temperature_(self):
        """Temperature that divides the logits: float >= 1."""
        return self._targets.temperature

    @property
    def class_prior_(self):
        """Shares of the classes that the fit used: ndarray (K,)."""
        if self._targets.prior is None:
            raise AttributeError("A file of an earlier version holds no class_prior_.")
        return self._targets.prior

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
        return self._probabilities(self._check_X(X))
