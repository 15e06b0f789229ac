"""Semi-supervised GAN."""

from .estimator import SGANClassifier

__all__ = ["SGANClassifier"]
