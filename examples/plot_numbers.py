"""
Numbers in the place of classes
===============================

A regressor takes NaN for unlabeled rows. Here rows lie along a rolled sheet, and the number to
predict is the way along it. Then intervals say how far a prediction may be off.
"""

# %%
# A graph of neighbouring rows
# ----------------------------
# Fifteen of 800 rows have their number. A Gaussian process sees these alone, and jumps from one
# layer of the roll to the next, since they are near to each other in space.
# ``LabelPropagationRegressor`` is a Gaussian process too, but one that also knows which rows are
# neighbours. ``unlabeled_weight=0`` leaves that out.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes, make_swiss_roll

from sklearn_ssl import AutoSSLRegressor, LabelPropagationRegressor

X, way = make_swiss_roll(800, noise=0.1, random_state=3)
y = np.where(np.arange(800) < 15, way, np.nan)
fits = {
    "labels alone": LabelPropagationRegressor(unlabeled_weight=0, random_state=0).fit(X, y),
    "and unlabeled rows": LabelPropagationRegressor(random_state=0).fit(X, y),
}
fig, axes = plt.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained")
for ax, (name, reg) in zip(axes, fits.items(), strict=True):
    error = np.abs(reg.predict(X) - way)
    points = ax.scatter(X[:, 0], X[:, 2], c=error, s=8, cmap="magma_r", vmin=0, vmax=4)
    ax.scatter(X[:15, 0], X[:15, 2], marker="x", color="tab:blue", label="labeled")
    ax.set_title(f"{name}: R2 {reg.score(X[15:], way[15:]):.2f}")
    ax.set_aspect("equal")
axes[0].legend(loc="lower left")
fig.colorbar(points, ax=axes, label="error")
plt.show()

r2 = [reg.score(X[15:], way[15:]) for reg in fits.values()]
print("R2", *(f"{score:.2f}" for score in r2))

# %%
# A mean of several models, and intervals
# ---------------------------------------
# On most tables a graph says less than that. ``AutoSSLRegressor`` takes a mean of plain models and
# of label propagation, with weights from labeled rows out of fold. 60 of 442 patients have their
# target here. The report says what each member reached, and whether unlabeled rows helped.

X, progress = load_diabetes(return_X_y=True)
y = np.where(np.random.default_rng(0).permutation(len(X)) < 60, progress, np.nan)
reg = AutoSSLRegressor(random_state=0).fit(X, y)
print(reg.report_)

# %%
# Intervals of nine patients in ten should hold the truth. They are calibrated on the labeled rows.

hidden = np.isnan(y)
predicted = reg.predict(X[hidden])
low, high = reg.predict_interval(X[hidden], confidence_level=0.9).T
truth = progress[hidden]
held = (low <= truth) & (truth <= high)
order = np.argsort(predicted)
fig, ax = plt.subplots(figsize=(9, 4))
ax.fill_between(np.arange(len(order)), low[order], high[order], alpha=0.2, label="interval")
ax.plot(predicted[order], label="prediction")
for inside, color in ((True, "tab:green"), (False, "tab:red")):
    rows = np.flatnonzero(held[order] == inside)
    ax.scatter(rows, truth[order][rows], s=8, color=color, label="held" if inside else "missed")
ax.set(xlabel="patients, by prediction", ylabel="progress after a year")
ax.set_title(f"{held.mean():.0%} of the intervals hold the truth")
ax.legend(loc="upper left", ncols=2)
plt.show()

print(f"{held.mean():.2f} of the intervals hold the truth")
