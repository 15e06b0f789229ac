"""Label propagation without a network: labels diffuse over a graph of neighbouring rows.

Dengyong Zhou, Olivier Bousquet, Thomas Navin Lal, Jason Weston, Bernhard Schoelkopf: "Learning with
Local and Global Consistency", NIPS 16, 2004.
"""

import numpy as np
from scipy.stats import randint
from sklearn.utils._param_validation import Integral, Interval, Real, StrOptions

from ..._warnings import warn
from ...classifier import LabeledScoreMixin
from ...inputs.checks import check_weight, check_y_is_given, restored_if_refused
from ...inputs.class_prior import CONSTRAINT
from ...inputs.pool import pool_behind
from ...inputs.targets import ClassTargets
from ...model_selection.class_prior import settled_class_prior
from .graph import LabelGraph
from .neighbors import CONSTRAINT as SEARCHES
from .neighbors import KnownGraph
from .rows import GraphEstimator

__all__ = ["LabelPropagationClassifier"]


class LabelPropagationClassifier(LabeledScoreMixin, GraphEstimator):
    r"""Labels spread over a graph of neighbouring rows, without a network, in seconds.

    Zhou et al. 2004, "Learning with Local and Global Consistency". W holds the affinities of
    neighbouring rows, D their degrees. The labels Y spread to

    .. math::

        F = (I - \alpha S)^{-1} Y, \qquad S = D^{-1/2} W D^{-1/2}

    The rows of F, normalised, are class distributions. Columns are divided by their standard
    deviation first. The method suits data whose distances are meaningful as they are. A new row
    takes the distributions of its nearest training rows, which the estimator keeps.

    Parameters
    ----------
    n_neighbors : int >= 1, default=5
        k, the neighbours of a row; W joins two rows if either is a neighbour of the other.
        On small tables 3 to 7 did best.
    alpha : float in (0, 1), default=0.99
        Share of a row's distribution that comes from its neighbours. Try .95 on small data without
        long chains of rows.
    neighbors : "auto", "precomputed" or transformer, default="auto"
        Search for neighbours. "auto" compares all pairs of up to 50,000 rows, and of sparse ones;
        beyond, rows are searched approximately, new ones too. A transformer is like scikit-learn's
        ``KNeighborsTransformer(mode="distance")``, for at least ``n_neighbors`` of them; it is
        cloned. With "precomputed" X is what such a one gives: a sparse graph of distances, (n, n)
        for ``fit`` and (m, n) for new rows. In ``fit`` entries on the diagonal are ignored, and
        equal rows do not share a node. Where all distances are equal, neighbours count alike.
    unlabeled_weight : float >= 0, default=1.0
        With 0, or if all rows are labeled, the labels of the nearest neighbours vote. All other
        weights have the same effect as 1.
    class_weight : "balanced", dict of class to weight, or None, default=None
        Times ``sample_weight``, from the labeled rows alone; multiplies the rows of Y.
    unlabeled_label : scalar or None, default=-1
        Mark of an unlabeled row in y. Missing values always mark one too. With None (or NaN) only
        missing values do, and -1 is a class like any other.
    categorical_features : "from_dtype", array-like or None, default="from_dtype"
        Which columns are categories, as in `SSLClassifier`. Two different categories are as far
        apart as two numbers are on average.
    documents : bool or "auto", default="auto"
        Whether rows are bags of words, whose neighbours are the rows of the largest cosine. "auto"
        decides from the values.
    class_prior : "labels", "uniform", "estimate" or array-like of shape (K,), default="labels"
        Shares of the classes among unlabeled rows, in the order of ``classes_``. Where they are
        given, the mean of the distributions of these rows has them. "labels": see the notes.
        "estimate": `estimate_class_prior` of clones that learn from labels alone, which takes some
        ten labels a class.
    random_state : int, RandomState or None, default=None
        Seed of the approximate search among more than 50,000 rows. With fewer rows nothing is
        random.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        Real classes only.
    transduction_ : ndarray of shape (n,)
        Labels of all training rows: the given ones, and predictions for unlabeled rows.
    label_distributions_ : ndarray of shape (n, K) in [0, 1]
        Class probabilities of all training rows, those of F; a given label has probability 1.
    class_prior_ : ndarray of shape (K,)
        Shares of the classes that the fit used; they sum to 1.
    n_iter_ : int
        Steps of the conjugate gradients.
    n_unreached_ : int
        Rows that no label reaches over the graph; the nearest labels voted on them. If they are
        more than a twentieth of all rows, a warning says so.
    input_kind_ : {"table", "mixed table", "documents", "images", "arrays", "graph"}
        Recognised kind of the rows.
    graph_ : graph.LabelGraph
        The rows, their neighbours and distributions.
    n_features_in_, feature_names_in_
        As in scikit-learn; for images ``n_features_in_`` is the number of channels.

    See Also
    --------
    LabelPropagationNet : The same over learned features.
    SemiSupervisedGaussianMixture : Also quick; Gaussians in place of distances.

    Notes
    -----
    Before rows of F are normalised, its columns are scaled so that their sums are proportional to
    the square root of the classes' shares among the labels: half way between class mass
    normalisation (Zhu, Ghahramani and Lafferty 2003), which lets rare classes vanish, and equal
    sums, which make too much of them. ``class_prior`` gives other shares. Equal rows share one node
    of the graph, with the labels of all of them, and count as often as they come in those sums. On
    a row that no label reaches, because its part of the graph has none, the nearest labels vote as
    with ``unlabeled_weight=0``.

    Time and memory grow linearly with the rows, but for the search for neighbours: up to 50,000
    rows, and for sparse X always, each pair is compared, and each new row with all that are kept.
    Beyond, rows are sorted into lists by k-means, and a row is compared with those of the lists
    that hold .995 of the neighbours of a sample. 100,000 rows of 64 columns took
    11 seconds on one core, and 170 MB beside the rows (``benchmarks/graph.py``).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import LabelPropagationClassifier, hide_labels
    >>> X, y = load_digits(return_X_y=True)
    >>> few = hide_labels(y, 50, random_state=0)
    >>> LabelPropagationClassifier().fit(X, few).score(X, y) > 0.9
    True
    """

    n_neighbors: int = 5
    alpha: float = 0.99
    neighbors: object = "auto"
    unlabeled_weight: float = 1.0
    class_weight: object = None
    unlabeled_label: object = -1
    categorical_features: object = "from_dtype"
    documents: bool | str = "auto"
    class_prior: object = "labels"
    random_state: object = None

    _parameter_constraints = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, 1, closed="neither")],
        "neighbors": [*SEARCHES, StrOptions({"precomputed"})],
        "unlabeled_weight": [Interval(Real, 0, None, closed="left")],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "unlabeled_label": "no_validation",
        "categorical_features": [StrOptions({"from_dtype"}), "array-like", None],
        "documents": ["boolean", StrOptions({"auto"})],
        "class_prior": CONSTRAINT,
        "random_state": ["random_state"],
    }
    _search_space = {"n_neighbors": randint(3, 21), "alpha": [0.9, 0.97, 0.99, 0.997]}

    def fit(self, X, y, sample_weight=None, X_unlabeled=None):
        """Build the graph and spread the labels.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features), or images of shape (n, C, H, W)
            Numbers, as for the classifiers with a network; with ``neighbors="precomputed"`` a
            sparse graph of shape (n, n).
        y : array-like of shape (n,)
            Classes of any kind; -1 (see ``unlabeled_label``), None, NaN and pandas.NA mark an
            unlabeled row.
        sample_weight : array-like of shape (n,) or None, default=None
            At least 0; multiplies the rows of Y. A row of weight 0 is left out of the graph.
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
            self._refuse_beside_a_graph(X_unlabeled)
            prior = settled_class_prior(self, X, y, sample_weight, X_unlabeled)
            X = self._check_rows(rows)
            targets = ClassTargets(self.unlabeled_label, self.class_weight, prior)
            weight = check_weight(sample_weight, X.shape[0] - n_pool)
            y, labeled, weight, _, given = targets.encode(y, weight, n_pool)
            used = weight > 0
            used = used & labeled if self.unlabeled_weight == 0 else used
            part = slice(None) if used.all() else used  # a slice copies nothing
            seed, self.classes_ = self._drawn_seed(), targets.classes
            self.graph_, rows, X = self._make_graph(X, used, targets.n_outputs)
            self.n_iter_, self.class_prior_ = self.graph_.fit(
                rows, y[part], weight[part], targets.n_outputs, seed, given
            )
            p = np.empty((len(y), targets.n_outputs))
            node, reached = self.graph_.node, self.graph_.reached
            p[used] = self.graph_.distributions[node]
            if not used.all():
                p[~used] = self.graph_.predict_proba(X[~used])
            p[labeled] = np.eye(targets.n_outputs)[y[labeled]]
            self.label_distributions_, self.transduction_ = p, self.classes_[p.argmax(1)]
            self.n_unreached_ = int((~reached)[node].sum())
        if self.n_unreached_ > 0.05 * len(node):
            votes = (
                "they get the shares of the labels" if self._is_graph else "the nearest labels vote"
            )
            warn(
                f"No label reaches {self.n_unreached_} of {len(node)} rows over the graph of "
                f"neighbours, and {votes}: raise n_neighbors, or label a row of each group."
            )
        return self

    def predict_proba(self, X):
        """Class probabilities: the distributions of the nearest training rows, by closeness.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Rows, of the kind that ``fit`` was given.

        Returns
        -------
        ndarray of shape (n, K) in [0, 1]
            Columns in the order of ``classes_``; rows sum to 1.
        """
        X = self._check_X(X)
        return self.graph_.predict_proba(X)

    def _make_graph(self, X, used, n_outputs):
        """A `LabelGraph` that is not fitted, the rows that it takes, and all of them as it does."""
        if self._is_graph:
            self.input_kind_, self._summary = "graph", None
            known = KnownGraph(np.flatnonzero(used))
            return LabelGraph(self.n_neighbors, self.alpha, neighbors=known), X[used], X
        X, rows, documents, offset = self._read_rows(X, used)
        scale = self._summarise(rows, n_outputs, offset, documents)
        graph = LabelGraph(self.n_neighbors, self.alpha, scale, documents, self.neighbors)
        return graph, rows, X

    def _refuse_beside_a_graph(self, X_unlabeled):
        """Refuse what needs rows where X is a graph."""
        if self._is_graph and X_unlabeled is not None:
            raise ValueError(
                "With neighbors='precomputed' X is a graph of all rows, and X_unlabeled cannot be "
                "joined to it: make the graph of both, with -1 in y."
            )
        if self._is_graph and isinstance(self.class_prior, str) and self.class_prior == "estimate":
            raise ValueError(
                "class_prior='estimate' needs rows, and with neighbors='precomputed' X is a graph: "
                "pass the shares, or neighbors='auto' and rows."
            )
