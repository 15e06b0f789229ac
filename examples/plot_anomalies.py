"""
Which rows are unusual?
=======================

``VAEClassifier.score_samples`` bounds the logarithm of each row's density: low for rows unlike the
training rows. This example shows what it finds, and what it does not.
"""

# %%
# Four kinds of rows
# ------------------
# The network sees no digit 8 in training. In the test half there are ordinary digits, the same
# digits with noise, the same with their pixels shuffled, and the eights.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from sklearn_ssl import VAEClassifier, hide_labels

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)
X_train, y_train = X_train[y_train != 8], y_train[y_train != 8]
y_few = hide_labels(y_train, 90, stratify="balanced", random_state=0)
vae = VAEClassifier(max_steps=600, random_state=0).fit(X_train, y_few)

rng = np.random.default_rng(0)
ordinary = X_test[y_test != 8]
kinds = {
    "ordinary": ordinary,
    "noise": np.clip(ordinary + rng.normal(0, 4, ordinary.shape), 0, 16),
    "shuffled": rng.permuted(ordinary, axis=1),
    "digit 8": X_test[y_test == 8],
}

# %%
# Two scores
# ----------
# The bound is one score; the classifier's confidence is another. The area under the ROC curve (ROC
# AUC) is the probability that an unusual row scores lower than an ordinary one: 1 is perfect, 0.5
# is chance.

bound = {name: vae.score_samples(rows) for name, rows in kinds.items()}
sure = {name: vae.predict_proba(rows).max(1) for name, rows in kinds.items()}


def auc(scores, name):
    both = np.concatenate([scores["ordinary"], scores[name]])
    return roc_auc_score(np.arange(len(both)) < len(scores["ordinary"]), both)


areas = {name: (auc(bound, name), auc(sure, name)) for name in list(kinds)[1:]}
for name, (by_bound, by_confidence) in areas.items():
    print(f"{name:9s} ROC AUC of the bound {by_bound:.2f}, of the confidence {by_confidence:.2f}")

# %%
# What each can see
# -----------------
# The bound finds broken images almost without fail, better than the confidence does. It does not
# find the eights: they are made of strokes that the decoder knows, and it gives them back well. The
# classifier, which has no place for them, hesitates. Where new classes may come, look at both.

usual = np.median(bound["ordinary"])
below = {name: scores - usual for name, scores in bound.items()}
figure = plt.figure(figsize=(9, 4), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=(1, 2))
for axes, (name, rows) in zip(left.subplots(4, 3), kinds.items(), strict=True):
    for axis, row in zip(axes, rows, strict=False):
        axis.imshow(row.reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
        axis.set(xticks=[], yticks=[])
    axes[0].set_ylabel(name)
for axis, scores in zip(right.subplots(1, 2, sharey=True), (below, sure), strict=True):
    axis.boxplot(list(scores.values())[::-1], orientation="horizontal", sym=".", widths=0.6)
    axis.set_yticks(range(1, 5), list(scores)[::-1])
right.axes[0].set(xlabel="bound less its usual value, nats")
right.axes[0].set_xscale("symlog", linthresh=10)
right.axes[1].set(xlabel="confidence")
plt.show()
