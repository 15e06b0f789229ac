"""Draws the figure of the landing page, for a light and a dark background.

    python docs/images/two_moons.py

Writes two_moons_light.png and two_moons_dark.png beside this file.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.colors import ListedColormap
from sklearn.datasets import make_moons

from sklearn_ssl import VATClassifier, hide_labels

COLOURS = "#0b84a5", "#e2812c"
X, y = make_moons(600, noise=0.1, random_state=0)
few = hide_labels(y, 8, stratify="balanced", random_state=0)
hidden = few == -1
grid = np.stack(np.meshgrid(np.linspace(-1.6, 2.6, 240), np.linspace(-1.1, 1.6, 180)), -1)

fits = {}
for name, weight in (("8 labels alone", 0.0), ("and 592 unlabeled rows", 1.0)):
    clf = VATClassifier(epsilon=0.2, max_steps=400, unlabeled_weight=weight, random_state=0)
    accuracy = clf.fit(X, few).score(X[hidden], y[hidden])
    regions = clf.predict_proba(grid.reshape(-1, 2))[:, 1].reshape(grid.shape[:2])
    fits[f"{name}: accuracy {accuracy:.2f}"] = regions

for look, style, rows in (("light", "default", "#555555"), ("dark", "dark_background", "#cccccc")):
    with plt.style.context(style):
        figure, axes = plt.subplots(1, 2, figsize=(8, 2.3), layout="constrained")
        for axis, (title, regions) in zip(axes, fits.items(), strict=True):
            extent = (-1.6, 2.6, -1.1, 1.6)
            axis.imshow(regions > 0.5, origin="lower", extent=extent, alpha=0.3, aspect="auto",
                        cmap=ListedColormap(COLOURS))  # fmt: skip
            axis.scatter(*X[hidden].T, s=6, color=rows, linewidths=0, alpha=0.8)
            for c, marker in enumerate("os"):
                axis.scatter(*X[few == c].T, s=90, color=COLOURS[c], marker=marker,
                             edgecolors="white" if look == "dark" else "black")  # fmt: skip
            axis.set_title(title, fontsize=12)
            axis.set(xticks=[], yticks=[])
        path = Path(__file__).with_name(f"two_moons_{look}.png")
        figure.savefig(path, dpi=110, transparent=True)
        plt.close(figure)
        print(f"Wrote {path.name}")
