"""Semi-supervised variational autoencoders."""

from .estimator import VAEClassifier

__all__ = ["VAEClassifier"]
