"""Plain torch modules; the automatic choice for tables and images."""

from .cnn import CNN
from .mlp import MLP, Standardize

__all__ = ["CNN", "MLP", "Standardize"]
