"""Deep semi-supervised classification that behaves like scikit-learn."""

from .comparison import compare_with_supervised, label_budget_curve
from .datasets import ImageFolder, load_cifar10, load_mnist
from .fixmatch import FixMatchClassifier
from .lazy import LazyRows
from .model_selection import LabeledSplit, hide_labels, labeled_scorer
from .self_training import SelfTrainingNet
from .sharing import load
from .vae import VAEClassifier

__all__ = [
    "FixMatchClassifier",
    "ImageFolder",
    "LabeledSplit",
    "LazyRows",
    "SelfTrainingNet",
    "VAEClassifier",
    "compare_with_supervised",
    "hide_labels",
    "label_budget_curve",
    "labeled_scorer",
    "load",
    "load_cifar10",
    "load_mnist",
]
__version__ = "0.1.0"
