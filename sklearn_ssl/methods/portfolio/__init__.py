"""A mean of classifiers, of those that use unlabeled rows and of those that do not."""

from .classifier import AutoSSLClassifier

__all__ = ["AutoSSLClassifier"]
