"""
Pseudo-labels, right and wrong
==============================

Methods that teach themselves need confident predictions to be right. Here are the predictions for
unlabeled digits, how sure the network is of them, and those of which it is sure and wrong.
"""

# %%
# One fit
# -------
# Five labels a class, and the losses and the mask rate while it trains.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_ssl import FixMatchClassifier, hide_labels
from sklearn_ssl.plotting import ConfidenceDisplay, PseudoLabelDisplay, TrainingDisplay

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)
y_few = hide_labels(y_train, 50, stratify="balanced", random_state=0)
clf = FixMatchClassifier(max_steps=600, random_state=0).fit(X_train, y_few)
TrainingDisplay.from_estimator(clf)
plt.show()

# %%
# Ten unlabeled rows
# ------------------
# Drawn at random, the surest first.

about = {"y": y_few, "y_true": y_train, "image_shape": (8, 8)}
PseudoLabelDisplay.from_estimator(clf, X_train, random_state=0, **about)
plt.show()

# %%
# Sure and wrong
# --------------
# ``transduction_`` has the prediction for every training row, ``label_distributions_`` its
# probabilities. These are the wrong ones of which the network is surest: ones with a foot, taken
# for twos. No threshold keeps them out.

unlabeled = y_few == -1
confidence = clf.label_distributions_.max(1)
right = clf.transduction_ == y_train
sure = unlabeled & (confidence >= clf.threshold)
print(f"{sure.sum()} of {unlabeled.sum()} unlabeled rows reach the threshold of {clf.threshold}")
print(f"right among them {right[sure].mean():.3f}, among the others "
      f"{right[unlabeled & ~sure].mean():.3f}")  # fmt: skip

wrong = np.flatnonzero(unlabeled & ~right)
wrong = wrong[np.argsort(-confidence[wrong])][:10]
PseudoLabelDisplay(
    X_train[wrong], clf.transduction_[wrong], confidence[wrong], truth=y_train[wrong],
    image_shape=(8, 8),
).plot()  # fmt: skip
plt.show()

# %%
# How much a confidence is worth
# ------------------------------
# On test rows. Above, how many rows have which confidence. Below, how many of them are right:
# points under the dotted line are surer than they should be.

display = ConfidenceDisplay.from_estimator(clf, X_test, y_test)
print(f"expected calibration error {display.calibration_error:.3f}")
plt.show()
