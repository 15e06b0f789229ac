"""One name to start with where numbers are predicted: a stacked mean of regressors."""

import numpy as np
from scipy.sparse import issparse
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from ...inputs.targets import NumberTargets, numbers_behind
from ...regressor import KnownScoreMixin
from .automatic_numbers import automatic_regressors
from .base import Portfolio
from .each_output import EachOutput
from .fitting import NONE, folds_of_numbers
from .members import read_members
from .report import NumberReport
from .rows import NumberRows, predictions
from .spread import Spread
from .stacking import safe_weights, squared_errors, stacked_weights
from .weights import mean_of

__all__ = ["AutoSSLRegressor"]


class AutoSSLRegressor(KnownScoreMixin, Portfolio):
    r"""The regressor to start with: a stacked mean of plain and of semi-supervised regressors.

    Members that use unlabeled rows are given all rows, the others the labeled rows alone. The
    weights minimise the squared error of the mean on labeled rows out of fold, and are pulled to
    equal ones,

    .. math:: \min_w \sum_i (y_i - \sum_m w_m p_{im})^2 + 2 \sum_m (w_m - 1 / M)^2

    with w at least 0 and of sum 1, and y of variance 1 (Breiman 1996, "Stacked regressions"). So
    the mean stays near the best member, and with few labels near that of all.

    Parameters
    ----------
    estimators : "auto" or list of (str, regressor), default="auto"
        The members: any regressors, also Pipelines and searches. A member whose ``fit`` takes
        ``X_unlabeled``, as ours do, is given all rows. "auto" takes ridge regression, forests, a
        Gaussian process (up to 1,000 labels), boosting (from 100 labels on), label propagation and
        networks on tables, and networks alone on images.
    budget : {"fast", "good", "best"} or float > 0, default="good"
        Which networks "auto" holds. On tables "fast" and "good" hold none: in our measurements they
        added nothing to the other members. "best" holds `RankUpRegressor` and
        `MeanTeacherRegressor`. On images "fast" and "good" hold the first of them. A number is a
        time in seconds: networks are fitted in this order, with their folds, until it is used up.
        Members without a network are always fitted.
    mean : {"stacked", "safe"}, default="stacked"
        "stacked": as above. "safe" (SAFER, Li, Zha and Zhou 2017): the stacked mean of the plain
        members is projected on the hull of what the others predict for unlabeled rows. If the truth
        lies in that hull, the projection is not farther from it than the plain mean. It takes two
        members that use unlabeled rows, as ``budget="best"`` has.

    Attributes
    ----------
    n_outputs_ : int
        Columns of y, T.
    report_ : report.NumberReport
        Scores and weights of the members. Printing it gives a table and says whether the unlabeled
        rows helped; ``report_.frame()`` is a DataFrame.
    transduction_ : ndarray of shape (n,) or (n, T)
        The given targets, and predictions where they were NaN.
    transduction_unlabeled_ : ndarray of shape (m,) or (m, T)
        Predictions for the rows of X_unlabeled, where it was given.

    See Also
    --------
    rank_methods : Compares methods of your choice on your labels.
    RankUpRegressor : A single network.
    AutoSSLClassifier : The same for classes.

    Notes
    -----
    A member of "auto" that refuses the rows is left out, with a warning and a line in ``report_``;
    a member of a list raises. Where y has several columns, plain members are fitted for each, on
    the rows in which it is known, and a member has one weight for all columns. Weights of rows are
    divided by their mean over the labeled ones, and "auto" leaves the Gaussian process out where
    these differ. Plain members of "auto" see y standardised, those of a list as it is. A member
    inside ``TransformedTargetRegressor`` is given the labeled rows alone. Ctrl-C keeps the members
    that are already fitted.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.ensemble import ExtraTreesRegressor
    >>> from sklearn.linear_model import RidgeCV
    >>> from sklearn_ssl import AutoSSLRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> few = np.where(np.arange(len(y)) < 50, y, np.nan)
    >>> members = [("ridge", RidgeCV()), ("trees", ExtraTreesRegressor())]
    >>> reg = AutoSSLRegressor(estimators=members, random_state=0).fit(X, few)
    >>> reg.score(X[50:], y[50:]) > 0.3
    True
    >>> predicted, std = reg.predict(X[50:], return_std=True)
    >>> predicted.shape == std.shape
    True
    """

    estimators: object = "auto"
    budget: object = "good"
    mean: str = "stacked"

    _parameter_constraints = {"mean": [StrOptions({"stacked", "safe"})]}
    _member = "regressor", "predict", "."

    # ----------------------------------------------------------------- fit

    def fit(self, X, y, sample_weight=None, X_unlabeled=None):
        """Fit the members, weigh them, and predict for the unlabeled rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features), or images of shape (n, C, H, W)
            Whatever the members take.
        y : array-like of shape (n,) or (n, T)
            Numbers; NaN (None, pandas.NA, a masked entry) marks an unknown target. A row with
            some known targets is labeled, and its unknown ones do not count.
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
        return NumberTargets()

    def _rows(self, X, numbers, y, n_pool, targets, weight):
        y = numbers_behind(y, n_pool)
        if weight is not None:  # those of unlabeled rows do not matter
            labeled = np.isfinite(targets).any(1)
            alike = np.ptp(weight[labeled]) == 0
            weight = None if alike else weight / weight[labeled].mean()
        return NumberRows(X, numbers, y, targets, weight, self._targets)

    def _members(self, rows, rng):
        if isinstance(self.estimators, str):
            names = "categorical_features", "documents"
            members = automatic_regressors(
                self.input_kind_, self.budget, rows.labeled.sum(),
                {name: getattr(self, name) for name in names}, rng,
                sparse=issparse(rows.numbers), weighted=rows.weight is not None,
            )  # fmt: skip
        else:
            members = read_members(self.estimators, rng)
        return members if rows.y.ndim == 1 else [EachOutput.around(m) for m in members]

    def _fit_members(self, rows, rng):
        """Fit the members, weigh them, report."""
        labeled, seed = rows.labeled, rng.randint(2**31)
        folds = folds_of_numbers(np.isfinite(rows.targets), self.cv, seed)
        members = self._members(rows, rng)
        n_knowing = sum(member.knows for member in members)
        if self.mean == "safe" and (n_knowing < 2 or n_knowing == len(members)):
            raise ValueError(
                'mean="safe" takes two members that use unlabeled rows or more and a plain one, '
                f"and there are {n_knowing} and {len(members) - n_knowing}: add some, or take "
                'budget="best", or mean="stacked".'
            )
        results, told, _ = self._fit_all(members, rows, folds, NONE)
        targets = rows.targets[labeled]
        omega = None if rows.weight is None else rows.weight[labeled]
        plain, alone = np.array([not member.knows for member in self._kept]), np.zeros(len(told))
        if plain.any():
            alone[plain] = stacked_weights(told[plain], targets, row_weight=omega)
        self.weights_ = stacked_weights(told, targets, row_weight=omega)
        if self.mean == "safe" and plain.any() and not plain.all() and not labeled.all():
            self.weights_ = self._safe_weights(rows, plain, alone)
        losses = np.array([squared_errors(p, targets) for p in told])
        self.report_ = NumberReport.of(
            members, results, told, targets, losses, self.weights_, alone
        )
        if self.mean == "safe":
            for member in self._kept:
                if not member.knows:
                    self.report_[member.name].note = "in the mean that is projected"
        if labeled.all():
            self.report_.gain = None
        self._spread = Spread.of(told, targets, self.weights_, omega)

    def _safe_weights(self, rows, plain, alone):
        pool = np.flatnonzero(~rows.labeled)
        fitted = [self.named_estimators_[member.name] for member in self._kept]
        said = np.array([rows.told(*pair, pool) for pair in zip(self._kept, fitted, strict=True)])
        weights = np.zeros(len(said))
        weights[~plain] = safe_weights(mean_of(said, alone), said[~plain])
        return weights

    def _transduce(self, rows, X, used):
        """Predict for all rows; note how far members are from their mean."""
        X, numbers = (rows.X, rows.numbers) if used.all() else self._check_X(X)
        targets = np.full((len(used), rows.width), np.nan)
        targets[used] = rows.targets
        said = self._said(X, numbers, np.ones(len(self._kept), dtype=bool))
        mean, unlabeled = mean_of(said, self.weights_), ~np.isfinite(targets).any(1)
        for member, p in zip(self._kept, said, strict=True):
            apart = np.square(p - mean)[unlabeled]
            self.report_[member.name].disagreement = float(
                np.sqrt(apart.mean() if len(apart) else 0)
            )
        given = self._targets.in_units_of_y(targets)
        given[used] = rows.y  # to the last digit
        predicted = self._targets.in_units_of_y(mean)
        self.transduction_ = np.where(np.isfinite(given), given, predicted)

    # ---------------------------------------------------------- prediction

    def _said(self, X, numbers, asked):
        """What members say, in standard deviations of the labels: (M, n, T)."""
        kept = [self._kept[i] for i in np.flatnonzero(asked)]
        return np.array(
            [
                predictions(m, self.named_estimators_[m.name], X, numbers, self._targets)
                for m in kept
            ]
        )

    def _counted(self, X):
        """What members with a weight say of rows (M, n, T), and their weights (M,)."""
        check_is_fitted(self)
        asked = self.weights_ > 0
        return self._said(*self._check_X(X), asked), self.weights_[asked]

    def predict(self, X, return_std=False):
        """Predict targets: the weighted mean of the members'.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Rows, of the kind that ``fit`` was given.
        return_std : bool, default=False
            Whether to return a standard deviation too.

        Returns
        -------
        ndarray of shape (n,) or (n, T), as y was
            In the unit of y.
        ndarray of the same shape
            With ``return_std``: about how far predictions are from the truth, root mean square. It
            is calibrated on labeled rows out of fold, and larger where members disagree.

        Raises
        ------
        ValueError
            If ``return_std`` asks for what was not measured, as with ``cv=None``.
        """
        counted = self._counted(X)
        predicted = self._targets.in_units_of_y(mean_of(*counted))
        if not return_std:
            return predicted
        std = self._spread.std(*counted) * self._targets.scale
        return predicted, std.reshape(predicted.shape)

    def predict_interval(self, X, confidence_level=0.9):
        """Predict intervals that hold the truth with a given probability.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Rows, of the kind that ``fit`` was given.
        confidence_level : float in (0, 1), default=0.9
            Share of rows like the labeled ones whose truth lies in their interval.

        Returns
        -------
        ndarray of shape (n, 2), or (n, T, 2) if y had columns
            Lower and upper ends, in the unit of y.

        Raises
        ------
        ValueError
            If there are fewer labels than that takes: a level of .9 takes 9, one of .99 takes 99.

        Notes
        -----
        The half width is the standard deviation of `predict` times the quantile of what labeled
        rows out of fold had (conformal prediction by cross-validation, Vovk 2015, "Cross-conformal
        predictors"). The share is that over many draws of labels: with ten or twenty labels a
        single fit may hold many fewer or all rows. ``benchmarks/RESULTS_REGRESSION.md`` has what
        was measured.
        """
        check_is_fitted(self)
        if not 0 < confidence_level < 1:
            raise ValueError(f"confidence_level must lie between 0 and 1, got {confidence_level}.")
        counted = self._counted(X)
        mean, std = mean_of(*counted), self._spread.std(*counted)
        reach = std * self._spread.quantile(confidence_level)
        ends = [self._targets.in_units_of_y(end) for end in (mean - reach, mean + reach)]
        return np.stack(ends, -1)
