"""Deep semi-supervised classification that behaves like scikit-learn."""

from .datasets import load_cifar10, load_mnist
from .fixmatch import FixMatchClassifier
from .model_selection import LabeledSplit, hide_labels
from .self_training import SelfTrainingNet
from .vae import VAEClassifier

__all__ = [
    "FixMatchClassifier",
    "LabeledSplit",
    "SelfTrainingNet",
    "VAEClassifier",
    "hide_labels",
    "load_cifar10",
    "load_mnist",
]
__version__ = "0.1.0"
