"""Displays in scikit-learn's style: of training, predictions, confidences, labels, latent spaces.

They need matplotlib, which is imported when something is drawn. Nothing is told by colour alone,
and colours come from matplotlib's style, so that grey prints and dark backgrounds work.
"""

from .comparison import ComparisonDisplay
from .confidence import ConfidenceDisplay
from .label_budget import LabelBudgetDisplay
from .latent import LatentDisplay
from .portfolio import PortfolioDisplay
from .pseudo_labels import PseudoLabelDisplay
from .training import TrainingDisplay

__all__ = [
    "ComparisonDisplay",
    "ConfidenceDisplay",
    "LabelBudgetDisplay",
    "LatentDisplay",
    "PortfolioDisplay",
    "PseudoLabelDisplay",
    "TrainingDisplay",
]
