"""Label propagation for numbers: targets spread along a graph as far as the labels ask for it.

Mikhail Belkin, Partha Niyogi, Vikas Sindhwani: "Manifold Regularization: A Geometric Framework for
Learning from Labeled and Unlabeled Examples", Journal of Machine Learning Research 7, 2006.
"""

import numpy as np
from sklearn.utils._param_validation import Integral, Interval, Real, StrOptions

from ..._warnings import warn
from ...inputs.checks import check_weight, check_y_is_given, restored_if_refused
from ...inputs.points import as_points, digests, nodes_of
from ...inputs.pool import pool_behind
from ...inputs.targets import NumberTargets, numbers_behind
from ...regressor import KnownScoreMixin
from .graph import above_zero, stay_sparse
from .manifold import ManifoldRegression, pooled_targets
from .neighbors import CONSTRAINT
from .rows import GraphEstimator

__all__ = ["LabelPropagationRegressor"]


class LabelPropagationRegressor(KnownScoreMixin, GraphEstimator):
    r"""Targets spread over a graph of neighbouring rows, without a network, in seconds.

    Belkin, Niyogi and Sindhwani 2006, "Manifold Regularization" (JMLR 7), equation 4. Of the sums
    of Gaussian kernels around rows the one is found that minimises

    .. math::

        \frac{1}{\sigma^2} \sum_{i\ \mathrm{labeled}} w_i (y_i - f(x_i))^2
        + \lVert f \rVert_K^2 + \frac{\gamma}{n} f^\top L^p f

    L = D - W is the Laplacian of the graph that joins neighbouring rows, labeled or not, so that
    :math:`f^\top L f` sums the squared differences between neighbours. With gamma = 0 this is a
    Gaussian process on the labels; with a large gamma the graph alone decides. The width of the
    kernel, sigma, gamma and p (1 or 2) are not chosen: predictions are a mean over them by their
    posterior probabilities. So the graph weighs what the labels say it is worth.

    Parameters
    ----------
    n_neighbors : int >= 1, default=10
        k, the neighbours of a row; W joins two rows if either is a neighbour of the other.
    neighbors : "auto" or transformer, default="auto"
        Search for neighbours, as in `LabelPropagationClassifier`; "precomputed" is none, as the
        kernels need rows.
    graph_probability : float in [0, 1], default=0.25
        Probability before any label is seen that targets vary along the graph more smoothly than in
        space. 0 leaves the graph out; with 1 it always counts. A few labels hardly change it.
    n_landmarks : int >= 2, default=300
        Rows that have a kernel. Of more rows so many are drawn: labeled ones first, but where
        there are others at least half of these. The more, the finer is what can be told of many
        labels; time grows with their third power.
    unlabeled_weight : float >= 0, default=1.0
        With 0, or if no target is unknown, the labeled rows alone are looked at, without a graph.
        All other weights have the same effect as 1.
    categorical_features : "from_dtype", array-like or None, default="from_dtype"
        Which columns are categories, as in `SSLClassifier`. Two different categories are as far
        apart as two numbers are on average.
    documents : bool or "auto", default="auto"
        Whether rows are bags of words, which are brought to length 1. "auto" decides from the
        values.
    random_state : int, RandomState or None, default=None
        Seed of the draw of landmarks, and of the approximate search for neighbours among more than
        50,000 rows. With at most ``n_landmarks`` different rows nothing is random.

    Attributes
    ----------
    n_outputs_ : int
        Columns of y, T.
    transduction_ : ndarray of shape (n,) or (n, T)
        The given targets, and predictions where they were NaN.
    transduction_unlabeled_ : ndarray of shape (m,) or (m, T)
        Predictions for the rows of X_unlabeled, where it was given.
    graph_probability_ : ndarray of shape (T,)
        ``graph_probability`` after the labels have been seen, of each output; 0 where no graph was
        used.
    input_kind_ : {"table", "mixed table", "documents", "images", "arrays"}
        Recognised kind of the rows.
    function_ : manifold.ManifoldRegression
        The landmarks and their coefficients.
    n_features_in_, feature_names_in_
        As in scikit-learn; for images ``n_features_in_`` is the number of channels.

    See Also
    --------
    MeanTeacherRegressor : A network, which may be yours, for many rows or images.
    LabelPropagationClassifier : For classes.
    compare_with_supervised : Tells whether the unlabeled rows helped.

    Notes
    -----
    Columns are divided by their standard deviation. Equal rows are one node of the graph, with the
    mean of their targets. A weight counts as that many equal rows; a warning tells of weights of
    another unit, which should be divided by their mean. Outputs share the graph, and each is fitted
    to its own known targets.

    Priors: the width of the kernel is the median distance of rows within a factor of about two,
    gamma is 0 or, with ``graph_probability``, any power of ten from 10 to 100,000. sigma and the
    variance of f take their likeliest values for each width and gamma.

    Time and memory grow linearly with the rows, but for the search for neighbours: up to 50,000
    rows, and of sparse X, each pair is compared. A prediction compares a new row with the landmarks
    alone.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_swiss_roll
    >>> from sklearn_ssl import LabelPropagationRegressor
    >>> X, y = make_swiss_roll(800, noise=0.1, random_state=0)
    >>> few = np.where(np.arange(800) < 20, y, np.nan)
    >>> reg = LabelPropagationRegressor(random_state=0).fit(X, few)
    >>> reg.score(X, y) > 0.9
    True
    """

    n_neighbors: int = 10
    neighbors: object = "auto"
    graph_probability: float = 0.25
    n_landmarks: int = 300
    unlabeled_weight: float = 1.0
    categorical_features: object = "from_dtype"
    documents: bool | str = "auto"
    random_state: object = None

    _parameter_constraints = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "neighbors": CONSTRAINT,
        "graph_probability": [Interval(Real, 0, 1, closed="both")],
        "n_landmarks": [Interval(Integral, 2, None, closed="left")],
        "unlabeled_weight": [Interval(Real, 0, None, closed="left")],
        "categorical_features": [StrOptions({"from_dtype"}), "array-like", None],
        "documents": ["boolean", StrOptions({"auto"})],
        "random_state": ["random_state"],
    }
    _search_space = {"n_neighbors": [5, 10, 20], "graph_probability": [0, 0.25, 0.75]}

    def fit(self, X, y, sample_weight=None, X_unlabeled=None):
        """Build the graph and fit the targets.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features), or images of shape (n, C, H, W)
            Numbers, as for the estimators with a network.
        y : array-like of shape (n,) or (n, T)
            Numbers; NaN (None, pandas.NA, a masked entry) marks an unknown target. A row with
            some known targets is labeled, and its unknown ones do not count.
        sample_weight : array-like of shape (n,) or None, default=None
            At least 0; a labeled row counts so many times. A row of weight 0 is left out.
        X_unlabeled : as X, of shape (m, ...), or None, default=None
            More rows without a label, behind those of X; see ``docs/workflows.md``.

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
            X, targets = self._check_rows(rows), NumberTargets()
            weight = check_weight(sample_weight, X.shape[0] - n_pool)
            given = numbers_behind(y, n_pool)
            y, labeled, weight, _, _ = targets.encode(y, weight, n_pool)
            used = weight > 0
            used = used & labeled if self.unlabeled_weight == 0 else used
            X, rows, documents, offset = self._read_rows(X, used)
            self._targets, self._sparse = targets, stay_sparse(rows)
            plain = as_points(rows, np.ones(1, np.float32), documents, self._sparse)
            first, node = nodes_of(digests(plain))
            rows = rows if len(first) == len(node) else rows[first]
            self._summarise(rows, targets.n_outputs, offset, documents)
            mean, total, scatter = pooled_targets(y[used], weight[used], node)
            no_pool = self.unlabeled_weight == 0 or total.all()
            p = 0 if no_pool else self.graph_probability
            self.function_ = ManifoldRegression(
                self.n_neighbors, p, self.n_landmarks, self.neighbors
            )
            self.function_.fit(self._points(rows), mean, total, scatter, self._drawn_seed())
            self.graph_probability_ = self.function_.probabilities[:, 1:].sum((0, 1))
            given[~labeled] = np.nan  # of weight 0
            self.transduction_ = np.where(np.isfinite(given), given, self._outputs(X))
        mean = weight[labeled].mean()
        if not 0.1 <= mean <= 10:
            warn(
                f"The labeled rows have a mean weight of {mean:.3g}, and a weight counts as that "
                "many equal rows: divide sample_weight by its mean if it is no count."
            )
        return self

    def _points(self, X):
        known = self._summary
        return as_points(X, above_zero(known.scale), known.documents, self._sparse)

    def _outputs(self, X):
        return self._targets.in_units_of_y(self.function_.predict(self._points(X)))

    def predict(self, X):
        """Predict targets.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Rows, of the kind that ``fit`` was given.

        Returns
        -------
        ndarray of shape (n,) or (n, T), as y was
            In the unit of y.
        """
        return self._outputs(self._check_X(X))
