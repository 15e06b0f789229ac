"""Weighted means of members, of those that use unlabeled rows and of those that do not."""

from .classifier import AutoSSLClassifier
from .regressor import AutoSSLRegressor

__all__ = ["AutoSSLClassifier", "AutoSSLRegressor"]
