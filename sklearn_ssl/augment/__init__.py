"""Random views of batches: callables ``(x, generator) -> x`` on the tensor's device."""

from .image import AffineColorCutout, ShiftFlip
from .tabular import GaussianNoise, SwapFeatures

__all__ = ["AffineColorCutout", "GaussianNoise", "ShiftFlip", "SwapFeatures"]
