"""
The confidence threshold
========================

FixMatch gives a row a pseudo-label when the network is at least as sure as ``threshold``. A low
threshold teaches many rows, wrong ones among them; a high one teaches few. This example draws both
sides, on the digits with five labels a class.
"""

# %%
# One fit for each threshold
# --------------------------
# Half of the digits are the test set. The mask rate is the share of the unlabeled rows of a batch
# that have a pseudo-label; ``history_`` has it for every epoch.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_ssl import FixMatchClassifier, hide_labels

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)
y_few = hide_labels(y_train, 50, stratify="balanced", random_state=0)

thresholds = [0.0, 0.7, 0.9, 0.95, 0.98, 0.999]
accuracy, mask_rates = [], []
for threshold in thresholds:
    clf = FixMatchClassifier(threshold=threshold, max_steps=300, random_state=0)
    accuracy.append(clf.fit(X_train, y_few).score(X_test, y_test))
    mask_rates.append([record["mask_rate"] for record in clf.history_])
    print(f"threshold {threshold:5}  accuracy {accuracy[-1]:.3f}  last mask rate "
          f"{mask_rates[-1][-1]:.2f}")  # fmt: skip

supervised = FixMatchClassifier(unlabeled_weight=0, max_steps=300, random_state=0)
supervised_accuracy = supervised.fit(X_train, y_few).score(X_test, y_test)
print(f"labels alone     accuracy {supervised_accuracy:.3f}")

# %%
# Accuracy has its best in between
# --------------------------------
# With threshold 0 every row has a pseudo-label from the first step on, while the network still
# knows little. With 0.999 most rows have none even at the end, and the test accuracy is no better
# than with the labels alone. The best threshold lies between, at the default of 0.95. On the right,
# how the mask rate grows in training. Which threshold is best depends on the data and the network;
# a grid search finds it without the test rows, as another example shows.

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
positions = np.arange(len(thresholds))
left.plot(positions, accuracy, "o-", label="accuracy")
left.plot(positions, [rates[-1] for rates in mask_rates], "s--", label="last mask rate")
left.axhline(supervised_accuracy, linestyle=":", color="black", label="accuracy, labels alone")
left.set_xticks(positions, [str(threshold) for threshold in thresholds])
left.set(xlabel="threshold", ylabel="share of rows")
left.legend()

steps = [record["step"] for record in clf.history_]
styles = ["-", "--", "-.", ":", (0, (5, 1)), (0, (1, 3))]
for threshold, rates, style in zip(thresholds, mask_rates, styles, strict=True):
    right.plot(steps, rates, linestyle=style, label=f"{threshold}")
right.set(xlabel="optimizer step", ylabel="mask rate")
right.legend(title="threshold", fontsize=8, loc=(0.72, 0.42))
plt.show()
