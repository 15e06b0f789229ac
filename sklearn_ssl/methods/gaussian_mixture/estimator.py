"""Gaussian mixtures with known classes, fitted by EM on labeled and unlabeled rows.

Kamal Nigam, Andrew Kachites McCallum, Sebastian Thrun, Tom Mitchell: "Text Classification from
Labeled and Unlabeled Documents using EM", Machine Learning 39, 2000, 103-134.
"""

from numbers import Integral, Real

import numpy as np
from scipy.linalg import cholesky
from scipy.special import logsumexp
from scipy.stats import loguniform
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import pairwise_distances_argmin
from sklearn.utils import check_random_state, check_scalar
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from ..._parameters import ParameterTable
from ..._warnings import warn
from ...classifier import LabeledScoreMixin
from ...inputs.checks import (
    check_weight,
    check_y_is_given,
    refuse_masked,
    restored_if_refused,
)
from ...inputs.class_prior import CONSTRAINT
from ...inputs.columns import as_rows, missing_located
from ...inputs.offsets import warn_of_float64
from ...inputs.pool import pool_behind
from ...inputs.targets import ClassTargets
from ...model_selection.class_prior import settled_class_prior
from .em import EM, log_joint, whiten

__all__ = ["SemiSupervisedGaussianMixture"]


class SemiSupervisedGaussianMixture(LabeledScoreMixin, ParameterTable, BaseEstimator):
    r"""One or more Gaussians for each class, fitted to labeled and unlabeled rows by EM.

    Nigam, McCallum, Thrun and Mitchell 2000, "Text Classification from Labeled and Unlabeled
    Documents using EM", with Gaussians in place of their naive Bayes model. Their two additions are
    included: the weight lambda of the unlabeled rows (EM-lambda) and several components for each
    class. The components c of all classes form one mixture, and EM maximises

    .. math::

        \sum_l \log \sum_{c \in y_l} \pi_c N(x_l; \mu_c, S_c)
        + \lambda \sum_u \log \sum_c \pi_c N(x_u; \mu_c, S_c)
        - \frac{s}{2} \sum_S (\log \det S + tr(S^{-1} S_0))

    A labeled row always belongs to its own class. s is ``shrinkage``. All covariances start at S_0:
    the scatter of the labeled rows around their class means, with 50 more rows whose covariance is
    that of uncorrelated features. The last term adds s rows of covariance S_0 to every estimate. It
    is not from the paper: two labels a class say almost nothing about a covariance.

    The method is quick and trains no network. The unlabeled rows help where the classes are about
    Gaussian, and can hurt where they are not. In that case lower ``unlabeled_weight``: with ten
    labels a class they cost a point on wine and on breast cancer, and a weight of 0.1 cost nothing.

    Parameters
    ----------
    n_components : int >= 1, default=1
        Number of Gaussians of each class.
    covariance_type : {"tied", "full", "diag", "spherical"}, default="tied"
        As in `sklearn.mixture.GaussianMixture`. "tied" shares one matrix and is the safe choice
        with few labels: with a matrix of its own a class can swallow its neighbours. "spherical"
        has one variance for all features, so scale them first.
    unlabeled_weight : float >= 0, default=1.0
        lambda, the weight of an unlabeled row. A labeled row has the weight 1. With 0 the unlabeled
        rows are left out altogether.
    shrinkage : float >= 0, default=50.0
        Rows of covariance S_0 that each covariance is shrunk by, in the unit of ``sample_weight``.
    reg_covar : float >= 1e-12, default=1e-6
        Smallest variance in any direction, where all features have variance 1.
    max_iter : int >= 1, default=100
        Largest number of EM steps.
    tol : float >= 0, default=1e-3
        EM stops when ``lower_bound_`` rises by less.
    random_state : int, RandomState or None, default=None
        Seed of the k-means that starts several components. With one component nothing is random.
    class_prior : "labels", "uniform", "estimate" or array-like of shape (K,), default="labels"
        Shares of the classes among unlabeled rows, in the order of ``classes_``. If they are given,
        the weights of a class's components sum to its share. "labels": EM begins with the shares of
        the labels and finds its own. "estimate": `estimate_class_prior` of clones that learn from
        the labels alone. It needs about ten labels a class and ignores weights other than 0.
    unlabeled_label : scalar or None, default=-1
        Mark of an unlabeled row in y. Missing values always mark one too. With None (or NaN) only
        missing values do, and -1 is a class like any other.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
    n_features_in_, feature_names_in_
        As in scikit-learn.
    component_classes_ : ndarray of shape (K * n_components,)
        The class of each component.
    weights_ : ndarray of shape (K * n_components,)
        pi; they sum to 1.
    class_prior_ : ndarray of shape (K,)
        Sums of ``weights_`` by class.
    means_ : ndarray of shape (K * n_components, d)
    covariances_ : ndarray
        In the units of X, shaped as in `sklearn.mixture.GaussianMixture`: "full" (components, d,
        d), "tied" (d, d), "diag" (components, d), "spherical" (components,).
    lower_bound_ : float
        What EM maximises, divided by the sum of the weights. Without shrinkage it is the mean log
        density of the rows, in nats and units of X.
    converged_ : bool
    n_iter_ : int
    history_ : list of dict
        ``iteration``, 0 for the start, and ``lower_bound``, which never falls.
    transduction_ : ndarray of shape (n,)
        Labels of all training rows: the given ones, and predictions for unlabeled rows.
    label_distributions_ : ndarray of shape (n, K) in [0, 1]
        Class probabilities of all training rows; a given label has probability 1.

    See Also
    --------
    LabelPropagationClassifier : Also quick; distances in place of Gaussians.
    VAEClassifier : A generative model with a network.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import SemiSupervisedGaussianMixture, hide_labels
    >>> X, y = load_digits(return_X_y=True)
    >>> few = hide_labels(y, 50, stratify="balanced", random_state=0)
    >>> SemiSupervisedGaussianMixture().fit(X, few).score(X, y) > 0.85
    True
    """

    n_components: int = 1
    covariance_type: str = "tied"
    unlabeled_weight: float = 1.0
    shrinkage: float = 50.0
    reg_covar: float = 1e-6
    max_iter: int = 100
    tol: float = 1e-3
    random_state: object = None
    class_prior: object = "labels"
    unlabeled_label: object = -1

    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "covariance_type": [StrOptions({"full", "tied", "diag", "spherical"})],
        "unlabeled_weight": [Interval(Real, 0, None, closed="left")],
        "shrinkage": [Interval(Real, 0, None, closed="left")],
        "reg_covar": [Interval(Real, 1e-12, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
        "class_prior": CONSTRAINT,
        "unlabeled_label": "no_validation",
    }
    _search_space = {
        "n_components": [1, 2, 3],
        "covariance_type": ["full", "tied", "diag", "spherical"],
        "unlabeled_weight": loguniform(0.01, 1),
        "shrinkage": loguniform(5, 500),
    }

    def fit(self, X, y, sample_weight=None, X_unlabeled=None):
        """Fit on labeled and unlabeled rows.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Numbers.
        y : array-like of shape (n,)
            Classes of any kind; -1 (see ``unlabeled_label``), None, NaN and pandas.NA mark an
            unlabeled row.
        sample_weight : array-like of shape (n,) or None, default=None
            At least 0, for labeled and unlabeled rows. Weight 2 counts as a row given twice.
        X_unlabeled : as X, of shape (m, ...), or None, default=None
            More rows without a label, behind those of X; they weigh 1 each.

        Returns
        -------
        self
            The fitted estimator itself.

        Raises
        ------
        ValueError
            For input that cannot be fitted on; the estimator stays as it was.
        """
        stacked = pool_behind(self, X, X_unlabeled)
        with restored_if_refused(self), stacked as (rows, n_pool):
            self._validate_params()
            check_y_is_given(self, y is not None)
            prior = settled_class_prior(self, X, y, sample_weight, X_unlabeled)
            X = self._check_X(rows, reset=True)
            targets = ClassTargets(self.unlabeled_label, class_prior=prior)
            weight = check_weight(sample_weight, len(X) - n_pool)
            codes, _, weight, _, prior = targets.encode(y, weight, n_pool)
            self.classes_ = targets.classes
            weight[codes < 0] *= self.unlabeled_weight
            used = weight > 0
            center, scale = self._center_and_scale(X[used], weight[used])
            Z = (X[used] - center) / scale
            weights, means, covariances = self._em(
                Z, codes[used], weight[used], np.log(scale).sum(), prior
            )

            self.component_classes_ = self.classes_.repeat(self.n_components)
            self.weights_, self.means_ = weights, center + scale * means
            self.class_prior_ = weights.reshape(len(self.classes_), -1).sum(1)
            units = np.outer(scale, scale) if covariances[0].ndim == 2 else scale**2
            self.covariances_ = np.array(covariances) * units
            if self.covariance_type == "tied":
                self.covariances_ = self.covariances_[0]
            elif self.covariance_type == "spherical":
                self.covariances_ = self.covariances_[:, 0]
            labeled = codes >= 0
            self.label_distributions_ = np.exp(self._log_probabilities(X))
            self.label_distributions_[labeled] = np.eye(len(self.classes_))[codes[labeled]]
            self.transduction_ = self.classes_[self.label_distributions_.argmax(1)]
        return self

    def _check_X(self, X, reset):
        refuse_masked(X)
        X = as_rows(X)
        with missing_located(X):
            rows = validate_data(self, X, reset=reset, dtype=np.float64)
        if reset:
            warn_of_float64(X if isinstance(X, np.ndarray) and X.dtype.kind in "iu" else rows)
        return rows

    def _center_and_scale(self, X, weight):
        """Weighted mean and standard deviation (d,); one deviation for all if spherical."""
        with np.errstate(over="ignore", invalid="ignore"):
            center = np.average(X, axis=0, weights=weight)
            variance = np.average((X - center) ** 2, axis=0, weights=weight)
        if not np.isfinite(variance).all():
            raise ValueError("X holds values too large to square: scale the features first.")
        if self.covariance_type == "spherical":
            variance[:] = variance.mean()
        scale = np.sqrt(variance)
        scale[scale <= np.maximum(1e-12 * np.abs(center), 1e-150)] = 1.0  # constant features
        return center, scale

    def _em(self, Z, codes, weight, log_scale, prior):
        """Run EM on standardised rows (n, d) and class codes; return weights, means, covariances.

        A covariance is a matrix (d, d), or a vector (d,) if diagonal; there is one a component.
        """
        owners = np.repeat(np.arange(len(self.classes_)), self.n_components)
        shares = None if prior is None else prior.shares
        if prior is not None and prior.trust < 1:  # EM has an estimate of its own to blend with
            own, *_ = self._em(Z, codes, weight, log_scale, None)
            shares = prior.blend(np.bincount(owners, own))
        em = EM(self.covariance_type, self.shrinkage, self.reg_covar, owners, shares)
        weights, means, S_0 = em.start(Z, codes, weight, len(self.classes_))
        if self.n_components > 1:
            labeled = codes >= 0
            u, _ = whiten(Z, S_0)
            nearest = codes[labeled][pairwise_distances_argmin(u, u[labeled])]
            nearest[labeled] = codes[labeled]
            weights, means = self._clusters(Z, nearest, weight)
        barred = (codes[:, None] >= 0) & (codes[:, None] != owners)
        model = em.shares_of(weights), means, [S_0] * len(means)
        model, bounds, self.converged_ = em.run(
            Z, weight, barred, model, S_0, self.max_iter, self.tol
        )
        bounds = [float(bound - log_scale) for bound in bounds]
        self.history_ = [{"iteration": i, "lower_bound": b} for i, b in enumerate(bounds)]
        self.n_iter_, self.lower_bound_ = len(bounds) - 1, bounds[-1]
        if not self.converged_:
            warn(
                f"EM did not converge in max_iter={self.max_iter} steps: raise max_iter or tol.",
                ConvergenceWarning,
            )
        return model

    def _clusters(self, Z, codes, weight):
        """Weights and means of k-means clusters of the rows of each class."""
        from sklearn.cluster import KMeans  # takes longer to import than all of this package

        rng = np.random.RandomState() if self.random_state is None else self.random_state
        k_means = KMeans(self.n_components, n_init=5, random_state=rng)
        weights, means = [], []
        for code, name in enumerate(self.classes_.tolist()):
            rows, own = Z[codes == code], weight[codes == code]
            distinct = len(np.unique(rows, axis=0))
            if distinct < self.n_components:
                raise ValueError(
                    f"n_components={self.n_components}, but only {distinct} distinct rows belong "
                    f"to class {name!r}: lower n_components, or give more rows."
                )
            cluster = k_means.fit_predict(rows, sample_weight=own)
            weights.append(np.bincount(cluster, own, self.n_components))
            means.append(k_means.cluster_centers_)
        return np.concatenate(weights) / weight.sum(), np.concatenate(means)

    def _log_joint(self, X):
        """log pi_c N(x; mu_c, S_c), ndarray (n, K, n_components)."""
        covariances = self._component_covariances()
        joint = log_joint(X, self.weights_, self.means_, covariances)
        return joint.reshape(len(X), len(self.classes_), self.n_components)

    def _component_covariances(self):
        if self.covariance_type == "tied":
            return [self.covariances_] * len(self.means_)
        if self.covariance_type == "spherical":
            return np.repeat(self.covariances_[:, None], self.n_features_in_, axis=1)
        return self.covariances_

    def _log_probabilities(self, X):
        joint = logsumexp(self._log_joint(X), axis=2)
        return joint - logsumexp(joint, axis=1, keepdims=True)

    def predict_log_proba(self, X):
        """Logarithms of `predict_proba`.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Rows.

        Returns
        -------
        ndarray of shape (n, K)
            At most 0.
        """
        check_is_fitted(self)
        return self._log_probabilities(self._check_X(X, reset=False))

    def predict_proba(self, X):
        """Class probabilities.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Rows.

        Returns
        -------
        ndarray of shape (n, K) in [0, 1]
            Columns in the order of ``classes_``; rows sum to 1.
        """
        return np.exp(self.predict_log_proba(X))

    def score_samples(self, X):
        """Log density of each row under the whole mixture, low for unusual rows.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Rows.

        Returns
        -------
        ndarray of shape (n,)
            In nats; a density in the units of X.
        """
        check_is_fitted(self)
        return logsumexp(self._log_joint(self._check_X(X, reset=False)), axis=(1, 2))

    def sample(self, n_samples=1, y=None, random_state=None):
        """Draw new rows from the mixture.

        Parameters
        ----------
        n_samples : int >= 1, default=1
            Number of rows.
        y : label, array-like of shape (n_samples,), or None, default=None
            Classes of the rows; None draws them with their shares in the mixture.
        random_state : int, RandomState or None, default=None
            Seeds the draw: the same int gives the same rows.

        Returns
        -------
        X : ndarray of shape (n_samples, d)
            The rows.
        y : ndarray of shape (n_samples,)
            Their classes.
        """
        check_is_fitted(self)
        check_scalar(n_samples, "n_samples", Integral, min_val=1)
        rng = check_random_state(random_state)
        shares = np.tile(self.weights_, (n_samples, 1))
        if y is not None:
            y = np.broadcast_to(np.asarray(y), (n_samples,))
            if not np.isin(y, self.classes_).all():
                raise ValueError(f"y must hold classes among {self.classes_}, got {np.unique(y)}.")
            shares[self.component_classes_ != y[:, None]] = 0.0
        shares = shares.cumsum(1)
        component = (shares > rng.random((n_samples, 1)) * shares[:, -1:]).argmax(1)
        X = rng.standard_normal((n_samples, self.n_features_in_))
        for c, covariance in enumerate(self._component_covariances()):
            factor = np.diag(np.sqrt(covariance)) if covariance.ndim == 1 else cholesky(covariance)
            X[component == c] = self.means_[c] + X[component == c] @ factor
        return X, self.component_classes_[component]
