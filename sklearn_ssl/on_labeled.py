"""Supervised transformers among unlabeled rows."""

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, TransformerMixin, clone
from sklearn.utils import _safe_indexing, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .inputs.labels import is_labeled, label_column, plain

__all__ = ["OnLabeled"]


def _inside_has(name):
    def check(self):
        getattr(getattr(self, "transformer_", self.transformer), name)
        return True

    return check


class OnLabeled(MetaEstimatorMixin, TransformerMixin, BaseEstimator):
    """Fit a transformer that learns from y on the labeled rows alone; transform all rows.

    ``SelectKBest``, ``TargetEncoder`` and their kind take -1 for a class: in a Pipeline they would
    pick the columns that tell labeled rows from unlabeled ones.

    Parameters
    ----------
    transformer : transformer
        Cloned; anything with ``fit(X, y)`` and ``transform(X)``.
    unlabeled_label : scalar, None or "auto", default="auto"
        As in `LabeledSplit`.

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

    _knows_unlabeled = True

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
            Passed on.

        Returns
        -------
        self
            The wrapper itself.

        Raises
        ------
        ValueError
            If no row is labeled.
        """
        if y is not None:
            labeled = np.flatnonzero(is_labeled(y, self.unlabeled_label))
            if not len(labeled):
                raise ValueError("No row is labeled: the transformer has nothing to learn from.")
            if len(labeled) < len(label_column(y)):
                X, y = _safe_indexing(X, labeled), plain(label_column(y)[labeled])
        self.transformer_ = clone(self.transformer).fit(X, y, **params)
        return self

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

    def __sklearn_is_fitted__(self):
        return hasattr(self, "transformer_")

    def __sklearn_tags__(self):
        tags, inside = super().__sklearn_tags__(), get_tags(self.transformer)
        tags.input_tags, tags.target_tags = inside.input_tags, inside.target_tags
        tags.transformer_tags = inside.transformer_tags or tags.transformer_tags
        return tags
