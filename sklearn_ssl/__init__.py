"""Deep semi-supervised learning that behaves like scikit-learn."""

from .classifier import SSLClassifier
from .datasets import ImageFiles, ImageFolder, load_cifar10, load_mnist
from .inputs.lazy import LazyRows
from .methods.co_training import CoTrainingNet
from .methods.fixmatch import FixMatchClassifier
from .methods.flexmatch import FlexMatchClassifier
from .methods.freematch import FreeMatchClassifier
from .methods.gaussian_mixture import SemiSupervisedGaussianMixture
from .methods.label_propagation import (
    LabelPropagationClassifier,
    LabelPropagationNet,
    LabelPropagationRegressor,
)
from .methods.mean_teacher import MeanTeacherClassifier
from .methods.mean_teacher_regressor import MeanTeacherRegressor
from .methods.mixmatch import MixMatchClassifier
from .methods.noisy_student import NoisyStudentClassifier
from .methods.pi_model import PiModelClassifier
from .methods.portfolio import AutoSSLClassifier, AutoSSLRegressor
from .methods.pseudo_label import PseudoLabelClassifier
from .methods.rankup import RankUpRegressor
from .methods.remixmatch import ReMixMatchClassifier
from .methods.s4l import S4LClassifier
from .methods.self_training import SelfTrainingNet
from .methods.sgan import SGANClassifier
from .methods.softmatch import SoftMatchClassifier
from .methods.temporal_ensembling import TemporalEnsemblingClassifier
from .methods.uda import UDAClassifier
from .methods.vae import VAEClassifier
from .methods.vat import VATClassifier
from .model_selection import (
    LabeledSplit,
    compare_with_supervised,
    estimate_class_prior,
    get_search_space,
    hide_labels,
    label_budget_curve,
    labeled_scorer,
    out_of_fold,
    rank_methods,
    rows_to_label,
)
from .on_labeled import OnLabeled
from .persistence import load, trusted_types
from .regressor import SSLRegressor

__all__ = [
    "AutoSSLClassifier",
    "AutoSSLRegressor",
    "CoTrainingNet",
    "FixMatchClassifier",
    "FlexMatchClassifier",
    "FreeMatchClassifier",
    "ImageFiles",
    "ImageFolder",
    "LabelPropagationClassifier",
    "LabelPropagationNet",
    "LabelPropagationRegressor",
    "LabeledSplit",
    "LazyRows",
    "MeanTeacherClassifier",
    "MeanTeacherRegressor",
    "MixMatchClassifier",
    "NoisyStudentClassifier",
    "OnLabeled",
    "PiModelClassifier",
    "PseudoLabelClassifier",
    "RankUpRegressor",
    "ReMixMatchClassifier",
    "S4LClassifier",
    "SGANClassifier",
    "SSLClassifier",
    "SSLRegressor",
    "SelfTrainingNet",
    "SemiSupervisedGaussianMixture",
    "SoftMatchClassifier",
    "TemporalEnsemblingClassifier",
    "UDAClassifier",
    "VAEClassifier",
    "VATClassifier",
    "compare_with_supervised",
    "estimate_class_prior",
    "get_search_space",
    "hide_labels",
    "label_budget_curve",
    "labeled_scorer",
    "load",
    "load_cifar10",
    "load_mnist",
    "out_of_fold",
    "rank_methods",
    "rows_to_label",
    "trusted_types",
]
__version__ = "0.1.0"
