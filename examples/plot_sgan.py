"""
A generator learns to draw digits
=================================

In ``SGANClassifier`` the classifier must also tell real rows from generated ones, and a generator
learns from it. ``partial_fit`` trains in portions, so that one can look in between.
"""

# %%
# Four portions of training
# -------------------------
# 100 labels. Each call of ``partial_fit`` goes on for ``max_steps`` more steps. The samples are
# drawn from the same noise each time, so a column shows one sample as it grows.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_ssl import SGANClassifier, hide_labels

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)
y_few = hide_labels(y_train, 100, stratify="balanced", random_state=0)

gan = SGANClassifier(random_state=0)
total, accuracy, samples = 0, {}, {}
for steps in (10, 40, 150, 600):
    gan.set_params(max_steps=steps).partial_fit(X_train, y_few)
    total += steps
    accuracy[total] = gan.score(X_test, y_test)
    samples[total] = gan.sample(400, random_state=0)
    print(f"after {total:4d} steps: test accuracy {accuracy[total]:.3f}")

# %%
# Samples
# -------
# At first all samples are the same blur. Later ones differ and have strokes, and some of the last
# could be digits, but they are far from the real ones in the bottom row.

figure, axes = plt.subplots(5, 12, figsize=(8, 3.6), layout="constrained")
rows = {f"{total} steps": images for total, images in samples.items()} | {"real": X_test}
for line, (name, images) in zip(axes, rows.items(), strict=True):
    for axis, image in zip(line, images, strict=False):
        axis.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
        axis.set(xticks=[], yticks=[])
    line[0].set_ylabel(name, rotation=0, ha="right", va="center")
plt.show()

# %%
# How varied are they?
# --------------------
# A generator may draw one good image again and again. The mean standard deviation of the pixels
# says whether it does, and the classes that the classifier sees in the samples whether some are
# missing.

spread = {total: images.std(0).mean() for total, images in samples.items()}
real_spread = X_test.std(0).mean()
shares = np.bincount(gan.predict(samples[total]), minlength=10) / len(samples[total])
for total, value in spread.items():
    print(f"after {total:4d} steps: spread {value:.2f}")
print(f"real rows: spread {real_spread:.2f}")

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
left.plot(list(spread), list(spread.values()), "o-", label="samples")
left.axhline(real_spread, linestyle=":", color="black", label="test rows")
left.set(xlabel="optimizer steps", ylabel="mean standard deviation", xscale="log")
left.legend(loc="lower right")
right.bar(range(10), shares, color="lightgrey", edgecolor="black")
right.axhline(0.1, linestyle=":", color="black")
right.set(xlabel="class of the last samples", ylabel="share", xticks=range(10))
plt.show()
