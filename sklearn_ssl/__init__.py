"""Deep semi-supervised classification that behaves like scikit-learn."""

from .co_training import CoTrainingNet
from .comparison import compare_with_supervised, label_budget_curve
from .datasets import ImageFolder, load_cifar10, load_mnist
from .fixmatch import FixMatchClassifier
from .flexmatch import FlexMatchClassifier
from .freematch import FreeMatchClassifier
from .gaussian_mixture import SemiSupervisedGaussianMixture
from .label_propagation import LabelPropagationNet
from .lazy import LazyRows
from .mean_teacher import MeanTeacherClassifier
from .mean_teacher_regressor import MeanTeacherRegressor
from .mixmatch import MixMatchClassifier
from .model_selection import LabeledSplit, hide_labels, labeled_scorer
from .noisy_student import NoisyStudentClassifier
from .pi_model import PiModelClassifier
from .pseudo_label import PseudoLabelClassifier
from .remixmatch import ReMixMatchClassifier
from .self_training import SelfTrainingNet
from .sgan import SGANClassifier
from .sharing import load
from .softmatch import SoftMatchClassifier
from .temporal_ensembling import TemporalEnsemblingClassifier
from .uda import UDAClassifier
from .vae import VAEClassifier
from .vat import VATClassifier

__all__ = [
    "CoTrainingNet",
    "FixMatchClassifier",
    "FlexMatchClassifier",
    "FreeMatchClassifier",
    "ImageFolder",
    "LabelPropagationNet",
    "LabeledSplit",
    "LazyRows",
    "MeanTeacherClassifier",
    "MeanTeacherRegressor",
    "MixMatchClassifier",
    "NoisyStudentClassifier",
    "PiModelClassifier",
    "PseudoLabelClassifier",
    "ReMixMatchClassifier",
    "SGANClassifier",
    "SelfTrainingNet",
    "SemiSupervisedGaussianMixture",
    "SoftMatchClassifier",
    "TemporalEnsemblingClassifier",
    "UDAClassifier",
    "VAEClassifier",
    "VATClassifier",
    "compare_with_supervised",
    "hide_labels",
    "label_budget_curve",
    "labeled_scorer",
    "load",
    "load_cifar10",
    "load_mnist",
]
__version__ = "0.1.0"
