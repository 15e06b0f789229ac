"""Deep semi-supervised classification that behaves like scikit-learn."""

from .fixmatch import FixMatchClassifier
from .self_training import SelfTrainingNet
from .vae import VAEClassifier

__all__ = ["FixMatchClassifier", "SelfTrainingNet", "VAEClassifier"]
__version__ = "0.1.0"
