"""What a fitted estimator becomes outside of this process: a file to share, ONNX, plain arrays."""

from .files import load
from .mixin import FilesMixin
from .plain import trusted_types

__all__ = ["FilesMixin", "load", "trusted_types"]
