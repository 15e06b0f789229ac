"""One name to start with: a weighted mean of plain classifiers and semi-supervised ones.

That no single method is ahead everywhere is known (Jesse H. Krijthe, Marco Loog: "The Pessimistic
Limits and Possibilities of Margin-Based Losses in Semi-Supervised Learning", NeurIPS 2018, arXiv
1612.08875); a mean that holds the plain models too stays near the best of them.
"""

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import check_is_fitted

from ..._warnings import warn
from ...classifier import LabeledScoreMixin
from ...inputs.class_prior import CONSTRAINT
from ...inputs.pool import marked_behind
from ...inputs.targets import ClassTargets
from ...model_selection.class_prior import POOL, prior_of_probabilities
from .automatic import automatic_members
from .base import Portfolio
from .fitting import NONE, folds_of
from .members import read_members
from .report import Report
from .rows import ClassRows, probabilities
from .weights import mean_of, means_out_of_fold, tempered, weighed

__all__ = ["AutoSSLClassifier"]


class AutoSSLClassifier(LabeledScoreMixin, Portfolio):
    r"""The estimator to start with: a weighted mean of plain and of semi-supervised classifiers.

    Members that use unlabeled rows are given all rows, the others the labeled rows alone. With the
    members' probabilities p_m (at least .001 / K), weights w_m and temperatures T_m,

    .. math:: p(y | x) \propto \sum_m w_m \, p_m(y | x)^{1 / T_m}

    where each power is normalised. T_m, which minimises the log-loss, and w_m come from out-of-fold
    predictions of labeled rows. Weights are equal unless the losses show a difference. A member
    that is worse than the best plain one by more than a standard error gets the weight 0. So the
    mean stays near the best member (Krijthe and Loog 2018, arXiv 1612.08875).

    Parameters
    ----------
    estimators : "auto" or list of (str, classifier), default="auto"
        The members: any classifiers with ``predict_proba``, also Pipelines and searches. A member
        whose classifier has a parameter ``unlabeled_label``, or comes from
        `sklearn.semi_supervised`, is given all rows and the mark of this estimator. "auto" takes
        logistic regression, forests, boosting (from 100 labels on), label propagation over a graph
        and networks on tables, and networks alone on images.
    budget : {"fast", "good", "best"} or float > 0, default="good"
        How many networks "auto" holds. "fast": `LabelPropagationNet`, fitted once and not for each
        fold. "good": also `FixMatchClassifier`. "best": also `SelfTrainingNet` and `VATClassifier`.
        A number is a time in seconds: networks are fitted in this order, with their folds, until
        it is used up. Members without a network are always fitted.
    cv : int >= 2 or None, default=3
        Number of folds of the labeled rows, at most the number of labels of the rarest class. With
        None, or with a class of one label, the weights are equal.
    unlabeled_label : scalar or None, default=-1
        Mark of an unlabeled row in y. Missing values always mark one too. With None (or NaN) only
        missing values do, and -1 is a class like any other.
    class_prior : "labels", "uniform", "estimate" or array-like of shape (K,), default="labels"
        Shares of the classes among unlabeled rows, in the order of ``classes_``. If they are given,
        the mean of `predict_proba` over these rows equals them. "labels": predictions stay as they
        are. "estimate": from out-of-fold predictions of the members, as in `estimate_class_prior`;
        it needs about ten labels a class. The members keep their own ``class_prior``.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        Real classes only.
    temperatures_ : ndarray of shape (M,)
        Temperatures of the members. 1 if it was not measured.
    class_prior_ : ndarray of shape (K,)
        Shares of the classes: given, estimated, or those among the labels.
    report_ : report.Report
        Scores and weights of the members. Printing it gives a table and says whether the unlabeled
        rows helped; ``report_.frame()`` is a DataFrame.
    transduction_ : ndarray of shape (n,)
        Labels of the rows of X: the given ones, and predictions for unlabeled rows.
    label_distributions_ : ndarray of shape (n, K) in [0, 1]
        Class probabilities of the rows of X; a given label has probability 1.
    transduction_unlabeled_, label_distributions_unlabeled_
        The same of the rows of X_unlabeled, where it was given.

    See Also
    --------
    rank_methods : Compares methods of your choice on your labels.
    FixMatchClassifier : A single network.

    Notes
    -----
    A member of "auto" that refuses the rows is left out, with a warning and a line in ``report_``;
    a member of a list raises. ``report_`` also has the warnings of the members of "auto". Ctrl-C
    keeps the members that are already fitted.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_ssl import AutoSSLClassifier, LabelPropagationClassifier, hide_labels
    >>> X, y = load_iris(return_X_y=True)
    >>> members = [("logistic", LogisticRegression(max_iter=500))]
    >>> members += [("graph", LabelPropagationClassifier())]
    >>> clf = AutoSSLClassifier(estimators=members).fit(X, hide_labels(y, 15, random_state=0))
    >>> clf.score(X, y) > 0.9, len(clf.weights_)
    (True, 2)
    """

    estimators: object = "auto"
    budget: object = "good"
    unlabeled_label: object = -1
    class_prior: object = "labels"

    _parameter_constraints = {
        "unlabeled_label": "no_validation",
        "class_prior": CONSTRAINT,
    }
    _search_space = {"budget": ["fast", "good"]}
    _member = (
        "classifier",
        "predict_proba",
        ": wrap it in CalibratedClassifierCV, or set probability=True where it has that.",
    )

    # ----------------------------------------------------------------- fit

    def fit(self, X, y, sample_weight=None, X_unlabeled=None):
        """Fit the members, weigh them, and label the unlabeled rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features), or images of shape (n, C, H, W)
            Whatever the members take.
        y : array-like of shape (n,)
            Classes of any kind; -1 (see ``unlabeled_label``), None, NaN and pandas.NA mark an
            unlabeled row.
        sample_weight : array-like of shape (n,) or None, default=None
            At least 0; handed to the members. A row of weight 0 is left out.
        X_unlabeled : as X, of shape (m, ...), or None, default=None
            More rows without a label, behind those of X; see ``docs/workflows.md``.

        Returns
        -------
        self
            The fitted estimator itself.

        Raises
        ------
        ValueError
            For input that cannot be fitted on, or that a member of a list refuses; the
            estimator stays as it was.
        """
        return self._fit(X, y, sample_weight, X_unlabeled)

    def _new_targets(self):
        prior = "labels" if self._estimates_prior else self.class_prior
        return ClassTargets(self.unlabeled_label, class_prior=prior)

    def _rows(self, X, numbers, y, n_pool, codes, weight):
        self.classes_, mark = self._targets.classes, self.unlabeled_label
        y = marked_behind(y, n_pool, mark)
        return ClassRows(X, numbers, y, codes, weight, self.classes_, mark)

    @property
    def _estimates_prior(self):
        return isinstance(self.class_prior, str) and self.class_prior == "estimate"

    @property
    def class_prior_(self):
        """Shares of the classes: ndarray (K,)."""
        return self._targets.prior

    def _members(self, rows, fewest, rng):
        if not isinstance(self.estimators, str):
            return read_members(self.estimators, rng, self.unlabeled_label)
        names = "unlabeled_label", "categorical_features", "documents"
        choices = {name: getattr(self, name) for name in names}
        return automatic_members(
            self.input_kind_, self.budget, fewest, rows.labeled.sum(), choices, rng,
            issparse(rows.numbers),
        )  # fmt: skip

    def _fit_members(self, rows, rng):
        """Fit the members, weigh them, report; estimate class shares where that is asked."""
        folds, fewest = folds_of(rows.targets, self.cv, rng.randint(2**31))
        if self._estimates_prior and not folds:
            raise ValueError('class_prior="estimate" needs cv, and two labels of each class.')
        members = self._members(rows, fewest, rng)
        pool = np.flatnonzero(~rows.labeled) if self._estimates_prior else NONE
        pool = rng.permutation(pool)[:POOL]
        results, told, pools = self._fit_all(members, rows, folds, pool)
        codes = rows.targets[rows.labeled]
        plain = np.array([not member.knows for member in self._kept])
        self.temperatures_, told, losses, self.weights_ = weighed(told, codes, plain)
        self.report_ = Report.of(members, results, told, codes, losses, self.weights_)
        if rows.labeled.all():
            self.report_.gain = None
        if len(pool) and not np.isfinite(told).all((1, 2)).any():
            warn("No member was measured out of fold: class shares were not estimated.")
        elif len(pool):
            means = means_out_of_fold(told, pools, self.weights_, self.temperatures_)
            found = prior_of_probabilities(means[0], codes, means[1], self.classes_, rng=rng)
            self._targets.class_prior = found.known

    def _transduce(self, rows, X, used):
        """Label all rows; note how far members are from their mean."""
        X, numbers = (rows.X, rows.numbers) if used.all() else self._check_X(X)
        decisions, codes = {}, np.full(len(used), -1)
        codes[used] = rows.targets
        p, unlabeled = self._mean(X, numbers, decisions), codes < 0
        for name, decided in decisions.items():
            apart = decided[unlabeled] != p[unlabeled].argmax(1)
            self.report_[name].disagreement = float(apart.mean()) if len(apart) else 0.0
        p = self._targets.match(p, unlabeled & used)
        p[~unlabeled] = np.eye(len(self.classes_))[codes[~unlabeled]]
        self.label_distributions_, self.transduction_ = p, self.classes_[p.argmax(1)]

    # ---------------------------------------------------------- prediction

    def _mean(self, X, numbers, decisions=None):
        """Weighted mean (n, K); ``decisions`` takes the codes (n,) of each member.

        Without it members of weight 0 are not asked.
        """
        asked = self.weights_ > 0 if decisions is None else np.ones(len(self._kept), dtype=bool)

        def told():
            for i in np.flatnonzero(asked):
                member = self._kept[i]
                clf = self.named_estimators_[member.name]
                p = probabilities(member, clf, X, numbers, self.classes_)
                p = tempered(p, self.temperatures_[i])
                if decisions is not None:
                    decisions[member.name] = p.argmax(1)
                yield p

        return mean_of(told(), self.weights_[asked])

    def predict_proba(self, X):
        """Class probabilities: the weighted mean of the members'.

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
        return self._targets.matched(self._mean(*self._check_X(X)))
