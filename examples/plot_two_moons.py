"""
Two moons: what unlabeled rows change
=====================================

Two interleaved half circles, and four labels for each. A network trained on the eight labels
alone puts its boundary wherever it separates them. Virtual adversarial training also asks that a
prediction stays the same when a row moves a little, for all rows, so that the boundary leaves the
places where rows are.
"""

# %%
# The data
# --------
# ``hide_labels`` keeps eight labels and replaces all others by -1, which is how an unlabeled row is
# marked. The labels are drawn at random.

import matplotlib.pyplot as plt
from sklearn.datasets import make_moons
from sklearn.inspection import DecisionBoundaryDisplay

from sklearn_ssl import VATClassifier, hide_labels

X, y = make_moons(600, noise=0.1, random_state=2)
y_few = hide_labels(y, 8, stratify="balanced", random_state=2)
hidden = y_few == -1

# %%
# Two fits
# --------
# ``unlabeled_weight=0`` leaves the unlabeled rows out: the supervised net with the same network and
# the same number of steps. Everything else stays. ``epsilon`` is how far a row may move, in
# standard deviations of its columns. It must be smaller than the gap between the moons.

after = VATClassifier(epsilon=0.2, max_steps=400, random_state=0)
before = VATClassifier(epsilon=0.2, max_steps=400, random_state=0, unlabeled_weight=0)
accuracy = {}
for name, clf in (("labels alone", before), ("with unlabeled rows", after)):
    accuracy[name] = clf.fit(X, y_few).score(X[hidden], y[hidden])
    print(f"{name:20s} accuracy on the unlabeled rows {accuracy[name]:.3f}")

# %%
# The regions
# -----------
# Shading is the probability of the second class and the line is where it is one half. The labels
# are the large markers. On the left the boundary cuts off the left ends of both moons, where no
# label says otherwise. On the right it runs through the gap between them.

figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True, layout="constrained")
for axis, clf, (name, score) in zip(axes, (before, after), accuracy.items(), strict=True):
    about = {"ax": axis, "response_method": "predict_proba", "grid_resolution": 120}
    DecisionBoundaryDisplay.from_estimator(clf, X, cmap="Greys", alpha=0.5, **about)
    DecisionBoundaryDisplay.from_estimator(
        clf, X, plot_method="contour", levels=[0.5], colors="black", **about
    )
    for label, marker in enumerate("os"):
        rows, given = y == label, y_few == label
        axis.scatter(*X[rows & hidden].T, s=8, marker=marker, color=f"C{label}", alpha=0.6)
        axis.scatter(*X[given].T, s=110, marker=marker, color=f"C{label}", edgecolor="black")
    axis.set(title=f"{name}: accuracy {score:.3f}", xlabel="first column")
axes[0].set_ylabel("second column")
plt.show()

# %%
# A radius that is too large
# --------------------------
# The farther rows may move, the fewer places are left for a boundary.

by_radius = {0.2: accuracy["with unlabeled rows"]}
for radius in (0.4, 0.8):
    by_radius[radius] = after.set_params(epsilon=radius).fit(X, y_few).score(X[hidden], y[hidden])
for radius, score in by_radius.items():
    print(f"epsilon {radius:.1f}  accuracy {score:.3f}")
