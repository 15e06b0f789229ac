"""Plain torch modules; the automatic choice for tables and images, and larger ones for images."""

from .cnn import CNN, FastCNN
from .document_mlp import DocumentMLP
from .features import WithFeatures
from .mlp import MLP, Standardize
from .start import start_from_rows
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
    "start_from_rows",
    "still_statistics",
]
