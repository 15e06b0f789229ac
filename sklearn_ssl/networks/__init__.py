"""Plain torch modules; the automatic choice for tables and images, and larger ones for images."""

from .cnn import CNN, FastCNN
from .document_mlp import DocumentMLP
from .features import WithFeatures
from .mlp import MLP, Standardize
from .statistics import still_statistics
from .wide_resnet import ResNet18, WideResNet

__all__ = [
    "CNN",
    "MLP",
    "DocumentMLP",
    "FastCNN",
    "ResNet18",
    "Standardize",
    "WideResNet",
    "WithFeatures",
    "still_statistics",
]
