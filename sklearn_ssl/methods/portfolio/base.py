"""What portfolios of classifiers and of regressors share: members, their fits, their weights."""

from numbers import Integral, Real
from os import PathLike

import numpy as np
from sklearn.utils import Bunch, check_random_state, get_tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import _BaseComposition

from ..._parameters import ParameterTable
from ...inputs.checks import (
    check_like_fitted,
    check_rows,
    check_weight,
    check_y_is_given,
    restored_if_refused,
    rows_for_network,
)
from ...inputs.documents import are_documents
from ...inputs.lazy import LazyRows
from ...inputs.offsets import find_offset
from ...inputs.pool import pool_behind
from ...inputs.summary import DataSummary
from .fitting import Schedule
from .members import Fitted, check_members, is_list_of_pairs
from .rows import for_members

__all__ = ["Portfolio"]


class Portfolio(ParameterTable, _BaseComposition):
    """Base of the portfolios: everything but the kind of target and what becomes of the members.

    A child gives

    - the parameters ``estimators`` and ``budget``;
    - ``_member``: what a member is, the method that is asked, and advice where it is missing;
    - ``_new_targets()``: the kind of target;
    - ``_rows(X, numbers, y, n_pool, targets, weight)``: `Rows` of that kind;
    - ``_fit_members(rows, rng)``: choose members, `_fit_all`, weigh, report;
    - ``_transduce(rows, X, used)``: what is known of all rows.

    Parameters
    ----------
    cv : int >= 2 or None, default=3
        Number of folds of the labeled rows. With None the weights are equal.
    n_jobs : int or None, default=None
        Number of fits at a time, in processes; None is one.
    verbose : int, default=0
        1 prints a line for each fit.
    random_state : int, RandomState or None, default=None
        Seeds the folds, and members whose own ``random_state`` is None.
    categorical_features : "from_dtype", array-like or None, default="from_dtype"
        Which columns are categories, as in `SSLClassifier`. Only members of "auto" use it.
    documents : bool or "auto", default="auto"
        Whether rows are bags of words, as in `SSLClassifier`. Only members of "auto" use it.
    checkpoint_dir : str, path or None, default=None
        Folder for the checkpoints of members with a network. If a fit was killed, the same call
        with the same data and parameters continues from there. Needs an int as ``random_state``.

    Attributes
    ----------
    named_estimators_ : Bunch
        The fitted members, by name.
    weights_ : ndarray of shape (M,)
        Weights of the members, in the same order. They are at least 0 and sum to 1.
    input_kind_ : {"table", "mixed table", "documents", "images", "arrays"}
        Recognised kind of the rows.
    n_features_in_, feature_names_in_
        As in scikit-learn; for images ``n_features_in_`` is the number of channels.
    """

    cv: int | None = 3
    n_jobs: int | None = None
    verbose: int = 0
    random_state: object = None
    categorical_features: object = "from_dtype"
    documents: bool | str = "auto"
    checkpoint_dir: object = None

    _parameter_constraints = {
        "estimators": [StrOptions({"auto"}), "array-like"],
        "budget": [StrOptions({"fast", "good", "best"}), Interval(Real, 0, None, closed="neither")],
        "cv": [Interval(Integral, 2, None, closed="left"), None],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
        "categorical_features": [StrOptions({"from_dtype"}), "array-like", None],
        "documents": ["boolean", StrOptions({"auto"})],
        "checkpoint_dir": [str, PathLike, None],
    }
    _search_space = {"cv": [3, 5]}

    def get_params(self, deep=True):
        """Get the parameters, those of the members as ``name__parameter`` if deep.

        Parameters
        ----------
        deep : bool, default=True
            Whether to add the members and their parameters.

        Returns
        -------
        dict
            Names and values.
        """
        return self._get_params("estimators", deep=deep)

    def set_params(self, **params):
        """Set parameters, members (``name=...``) and their parameters (``name__parameter=...``).

        Parameters
        ----------
        **params : dict
            Names and values; a misspelt name is an error.

        Returns
        -------
        self
            The estimator itself.
        """
        self._set_params("estimators", **params)
        return self

    # ----------------------------------------------------------------- fit

    def _fit(self, X, y, sample_weight, X_unlabeled):
        stacked = pool_behind(self, X, X_unlabeled)
        with restored_if_refused(self), stacked as (X, n_pool):
            self._check_parameters()
            check_y_is_given(self, y is not None)
            self._targets = self._new_targets()
            rows, used = self._read(X, y, sample_weight, n_pool)
            self._fit_members(rows, check_random_state(self.random_state))
            self._transduce(rows, X, used)
        return self

    def _check_parameters(self):
        self._validate_params()
        if not isinstance(self.estimators, str):
            check_members(self.estimators, self.get_params(deep=False), *self._member)
        if self.checkpoint_dir is None:
            return
        if isinstance(self.budget, Real):
            raise ValueError(
                "checkpoint_dir keeps what ends by its steps, not by a time: give it a budget "
                'by name, "fast", "good" or "best".'
            )
        if not isinstance(self.random_state, Integral):
            raise ValueError("checkpoint_dir needs an int as random_state.")

    def _read(self, X, y, sample_weight, n_pool):
        """Check everything: `Rows` of positive weight, and which these are."""
        checked = check_rows(self, X, True)
        weight = check_weight(sample_weight, checked.shape[0] - n_pool)
        encoded = self._targets.encode(y, weight, n_pool)
        used = encoded.weight > 0
        offset = find_offset(checked, used)
        numbers = rows_for_network(self, checked, offset)
        documents = are_documents(checked, self.documents)
        seen = numbers[:1] if isinstance(numbers, LazyRows) else numbers
        self._summary = DataSummary.of(seen, self._targets.n_outputs, offset, documents)
        self.input_kind_ = self._summary.kind
        weight = None if np.ptp(encoded.weight[used]) == 0 else encoded.weight
        rows = self._rows(for_members(X, checked), numbers, y, n_pool, encoded.y, weight)
        return rows if used.all() else rows.part(np.flatnonzero(used)), used

    def _fit_all(self, members, rows, folds, others):
        """Fit every member on all labels, then without those of each fold.

        Returns
        -------
        results : dict of str to Fitted or str
            As `Schedule.whole` returns it.
        told, pools : ndarrays
            As `Schedule.out_of_fold` returns them, of ``_kept``, the members that were fitted.
        """
        schedule = Schedule(
            self.n_jobs, self.verbose, self.checkpoint_dir,
            forgiving=isinstance(self.estimators, str),
            seconds=self.budget if isinstance(self.budget, Real) else None,
        )  # fmt: skip
        results = schedule.whole(members, rows)
        self._kept = [m for m in members if isinstance(results[m.name], Fitted)]
        told, pools = schedule.out_of_fold(self._kept, rows, folds, others)
        self.named_estimators_ = Bunch(**{m.name: results[m.name].estimator for m in self._kept})
        return results, told, pools

    # ---------------------------------------------------------- prediction

    def _check_X(self, X):
        """Check rows; return them as members of the user are given them, and as numbers."""
        checked = check_rows(self, X, False, self._summary)
        check_like_fitted(self, checked, self._summary)
        return for_members(X, checked), rows_for_network(self, checked, self._summary.offset)

    def __sklearn_tags__(self):
        tags, given = super().__sklearn_tags__(), self.estimators
        pairs = given if is_list_of_pairs(given) else []  # "auto", or what fit refuses
        inside = [get_tags(e).input_tags for _, e in pairs if not isinstance(e, type)]
        tags.input_tags.categorical = True
        tags.input_tags.sparse = all(one.sparse for one in inside)
        tags.input_tags.allow_nan = all(one.allow_nan for one in inside)
        return tags
