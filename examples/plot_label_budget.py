"""
How many labels are enough?
===========================

``label_budget_curve`` trains with so many labels and tests on rows that were set aside, again and
again. Here four methods that learn from unlabeled rows stand beside a network that does not.
"""

# %%
# Methods and budgets
# -------------------
# All labels of the digits are known here, so every budget can be tried. With data of your own the
# largest budget is what you have, less the test rows. The networks take 100 steps a fit to keep
# this page short; the default is 1,000. Any classifier of scikit-learn may take part: it is fitted
# on the labeled rows alone.

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from sklearn_ssl import (
    FixMatchClassifier,
    LabelPropagationClassifier,
    PseudoLabelClassifier,
    SemiSupervisedGaussianMixture,
    label_budget_curve,
)
from sklearn_ssl.plotting import LabelBudgetDisplay

X, y = load_digits(return_X_y=True)
short = {"max_steps": 100, "random_state": 0}
methods = {
    "labels alone": FixMatchClassifier(unlabeled_weight=0, **short),
    "FixMatch": FixMatchClassifier(threshold=0.9, **short),
    "Pseudo-Label": PseudoLabelClassifier(**short),
    "label propagation": LabelPropagationClassifier(),
    "Gaussian mixture": SemiSupervisedGaussianMixture(),
}
curve = label_budget_curve(methods, X, y, [20, 50, 200], n_repeats=3, random_state=0)
print(curve)

# %%
# The curves
# ----------
# Bars are one standard error over the three repeats. All methods beside the Gaussian mixture gain
# from the unlabeled rows at every budget, most where labels are few. Label propagation leads: the
# distances between these images say much about their classes, which is not so with all data. The
# mixture is good with few labels, and falls behind the network with 200: one Gaussian a class is
# too simple then.

LabelBudgetDisplay.from_curves(curve).ax_.set_ylabel("test accuracy")
plt.show()
