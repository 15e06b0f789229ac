"""
When unlabeled rows hurt
========================

Methods that learn from unlabeled rows assume that classes follow the shape of the data. Where they
do not, more rows can make a classifier worse. ``compare_with_supervised`` tells from the labels.
"""

# %%
# Two moons, and classes that ignore them
# ---------------------------------------
# The class is not the moon here: a vertical line cuts both. The Gaussian mixture has one Gaussian a
# class, and EM moves them to where they explain all rows best.

import matplotlib.pyplot as plt
from sklearn.datasets import make_moons
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.model_selection import RepeatedStratifiedKFold

from sklearn_ssl import (
    FixMatchClassifier,
    SemiSupervisedGaussianMixture,
    compare_with_supervised,
    hide_labels,
)

X, _ = make_moons(1000, noise=0.1, random_state=0)
y = (X[:, 0] > 0.5).astype(int)
y_few = hide_labels(y, 100, stratify="balanced", random_state=0)
hidden = y_few == -1

# %%
# Before and after
# ----------------
# With the labels alone the boundary is near the true line, which is dashed. With the unlabeled rows
# it is not.

titles = ("labels alone", "with unlabeled rows")
accuracy = {}
figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
for axis, name, weight in zip(axes, titles, (0, 1), strict=True):
    clf = SemiSupervisedGaussianMixture(unlabeled_weight=weight).fit(X, y_few)
    accuracy[name] = clf.score(X[hidden], y[hidden])
    for about in (
        {"response_method": "predict_proba", "cmap": "Greys", "alpha": 0.5},
        {"response_method": "predict_proba", "plot_method": "contour", "levels": [0.5],
         "colors": "black"},
    ):  # fmt: skip
        DecisionBoundaryDisplay.from_estimator(clf, X, ax=axis, grid_resolution=150, **about)
    for label, marker in enumerate("os"):
        rows, given = y == label, y_few == label
        axis.scatter(*X[rows & hidden].T, s=8, marker=marker, color=f"C{label}", alpha=0.5)
        axis.scatter(*X[given].T, s=40, marker=marker, color=f"C{label}", edgecolor="black")
    axis.axvline(0.5, color="black", linestyle="--")
    axis.set(title=f"{name}: accuracy {accuracy[name]:.3f}", xlabel="first column")
axes[0].set_ylabel("second column")
plt.show()

# %%
# What the labels say
# -------------------
# The true classes of the unlabeled rows are not known outside of examples.
# ``compare_with_supervised`` needs none of them: it cross-validates with and without the unlabeled
# rows on the same labeled folds. Repeated folds make the interval narrower.

folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=4, random_state=0)
mixture = compare_with_supervised(SemiSupervisedGaussianMixture(), X, y_few, cv=folds)
print(f"Gaussian mixture: {mixture}")

# %%
# FixMatch asks for equal predictions for a row and rows near by, and its network can follow the
# line. On these folds it is as good with the unlabeled rows as without.

fixmatch = FixMatchClassifier(max_steps=100, random_state=0)
network = compare_with_supervised(fixmatch, X, y_few, cv=5)
print(f"FixMatch: {network}")

# %%
# "undecided" is the usual answer with few labels, since a difference of some points needs many to
# be seen. "hurt" is a reason to leave the unlabeled rows out, or to try another method.
