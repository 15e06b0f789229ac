"""Gaussian mixtures with known classes."""

from .estimator import SemiSupervisedGaussianMixture

__all__ = ["SemiSupervisedGaussianMixture"]
