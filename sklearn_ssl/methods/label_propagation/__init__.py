"""Label propagation, over the rows themselves or over what a network has learned of them."""

from .classifier import LabelPropagationClassifier
from .network import LabelPropagationNet
from .regressor import LabelPropagationRegressor

__all__ = ["LabelPropagationClassifier", "LabelPropagationNet", "LabelPropagationRegressor"]
