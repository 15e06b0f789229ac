"""Supervised transformers among unlabeled rows."""

import sys

import numpy as np
from scipy.sparse import issparse, vstack
from sklearn.base import BaseEstimator, MetaEstimatorMixin, TransformerMixin, clone
from sklearn.utils import _safe_indexing, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_method_params, check_is_fitted

from .inputs.labels import label_column, labeled_rows, plain

__all__ = ["OnLabeled"]


def _in_order(tables, order):
    """Stack arrays, sparse matrices or frames (n_i, d), and put their rows in that order."""
    if issparse(tables[0]):
        return vstack(tables, format="csr")[order]
    if hasattr(tables[0], "columns"):  # of pandas or polars, which is therefore imported
        library = sys.modules[type(tables[0]).__module__.partition(".")[0]]
        return _safe_indexing(library.concat(tables), order)
    return np.concatenate(tables)[order]


def _inside_has(name):
    def check(self):
        getattr(getattr(self, "transformer_", self.transformer), name)
        return True

    return check


class OnLabeled(MetaEstimatorMixin, TransformerMixin, BaseEstimator):
    """Fit a transformer that learns from y on the labeled rows alone; transform all rows.

    ``SelectKBest``, ``TargetEncoder`` and their kind take -1 for a class: in a Pipeline they would
    pick the columns that tell labeled rows from unlabeled ones. Labeled rows pass through the
    ``fit_transform`` of the transformer in ``fit_transform``, so that ``TargetEncoder`` does not
    show them their own labels.

    Parameters
    ----------
    transformer : transformer
        Cloned; anything with ``fit(X, y)`` and ``transform(X)``.
    unlabeled_label : scalar, None or "auto", default="auto"
        As in `LabeledSplit`: where the estimator behind it has another mark, give it here too.

    Attributes
    ----------
    transformer_ : transformer
        The fitted one.
    n_features_in_, feature_names_in_
        Those of ``transformer_``.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.feature_selection import SelectKBest, chi2
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_ssl import OnLabeled, SemiSupervisedGaussianMixture, hide_labels
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = make_pipeline(OnLabeled(SelectKBest(chi2, k=30)), SemiSupervisedGaussianMixture())
    >>> clf.fit(X, hide_labels(y, 100, random_state=0)).score(X, y) > 0.7
    True
    """

    def __init__(self, transformer, unlabeled_label="auto"):
        self.transformer = transformer
        self.unlabeled_label = unlabeled_label

    def fit(self, X, y=None, **params):
        """Fit the transformer on the labeled rows.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Rows, labeled or not.
        y : array-like of shape (n,) or None, default=None
            None fits on all rows.
        **params : dict
            Passed on; what holds an entry for each row is cut to the labeled ones.

        Returns
        -------
        self
            The wrapper itself.

        Raises
        ------
        ValueError
            If no row is labeled.
        """
        X, y, params, _ = self._labeled(X, y, params)
        self.transformer_ = clone(self.transformer).fit(X, y, **params)
        return self

    def fit_transform(self, X, y=None, **params):
        """Fit the transformer on the labeled rows, and transform all rows.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Rows, labeled or not.
        y : array-like of shape (n,) or None, default=None
            None fits on all rows.
        **params : dict
            As in `fit`.

        Returns
        -------
        array-like of shape (n, ...)
            Of labeled rows what the ``fit_transform`` of the transformer gives, where it has one;
            of the others what its ``transform`` gives.

        Raises
        ------
        ValueError
            If no row is labeled.
        """
        X_labeled, y_labeled, cut, rows = self._labeled(X, y, params)
        transformer = clone(self.transformer)
        if not hasattr(transformer, "fit_transform"):
            self.transformer_ = transformer.fit(X_labeled, y_labeled, **cut)
            return self.transformer_.transform(X)
        out = transformer.fit_transform(X_labeled, y_labeled, **cut)
        self.transformer_ = transformer
        if rows is None:
            return out
        labeled, others = rows
        rest = transformer.transform(_safe_indexing(X, others))
        return _in_order([out, rest], np.argsort(np.concatenate([labeled, others])))

    def _labeled(self, X, y, params):
        """X, y and what belongs to them, of labeled rows; numbers of these and of the others."""
        if y is None:
            return X, y, params, None
        mask = labeled_rows(y, self.unlabeled_label)
        labeled, others = np.flatnonzero(mask), np.flatnonzero(~mask)
        if not len(labeled):
            raise ValueError("No row is labeled: the transformer has nothing to learn from.")
        if not len(others):
            return X, y, params, None
        params = _check_method_params(X, params, labeled)
        y = plain(label_column(y)[labeled])
        return _safe_indexing(X, labeled), y, params, (labeled, others)

    def transform(self, X):
        """Transform rows, labeled or not.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Rows.

        Returns
        -------
        array-like of shape (n, ...)
            As the transformer gives them.
        """
        check_is_fitted(self, "transformer_")
        return self.transformer_.transform(X)

    @available_if(_inside_has("inverse_transform"))
    def inverse_transform(self, X):
        """Take a transformation back, where the transformer can.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Transformed rows.

        Returns
        -------
        array-like of shape (n, ...)
            Rows.
        """
        check_is_fitted(self, "transformer_")
        return self.transformer_.inverse_transform(X)

    @available_if(_inside_has("get_feature_names_out"))
    def get_feature_names_out(self, input_features=None):
        """Names of the columns that come out.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the columns that go in.

        Returns
        -------
        ndarray of str
            As the transformer gives them.
        """
        check_is_fitted(self, "transformer_")
        return self.transformer_.get_feature_names_out(input_features)

    @property
    def n_features_in_(self):
        """Columns of the rows given to `fit`."""
        return self.transformer_.n_features_in_

    @property
    def feature_names_in_(self):
        """Their names, where they had some."""
        return self.transformer_.feature_names_in_

    def get_metadata_routing(self):
        """Return what the transformer requests, ``sample_weight`` for instance.

        Returns
        -------
        MetadataRouter
            As scikit-learn's meta-estimators return it.
        """
        calls = MethodMapping().add(caller="fit", callee="fit")
        calls.add(caller="fit_transform", callee="fit_transform")
        return MetadataRouter(owner=self).add(transformer=self.transformer, method_mapping=calls)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "transformer_")

    def __sklearn_tags__(self):
        tags, inside = super().__sklearn_tags__(), get_tags(self.transformer)
        tags.input_tags, tags.target_tags = inside.input_tags, inside.target_tags
        tags.transformer_tags = inside.transformer_tags or tags.transformer_tags
        return tags
