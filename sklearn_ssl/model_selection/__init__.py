"""Splits, scores, hidden labels and comparisons where -1 means unlabeled."""

from .class_prior import PriorEstimate, estimate_class_prior
from .comparison import Comparison, LabelBudgetCurve, compare_with_supervised, label_budget_curve
from .labeling import rows_to_label
from .out_of_fold import out_of_fold
from .ranking import Ranking, rank_methods
from .search_space import get_search_space
from .splitting import LabeledSplit, hide_labels, labeled_scorer

__all__ = [
    "Comparison",
    "LabelBudgetCurve",
    "LabeledSplit",
    "PriorEstimate",
    "Ranking",
    "compare_with_supervised",
    "estimate_class_prior",
    "get_search_space",
    "hide_labels",
    "label_budget_curve",
    "labeled_scorer",
    "out_of_fold",
    "rank_methods",
    "rows_to_label",
]
