"""
Which rows to label first?
==========================

Someone who can afford 60 labels need not give them to whatever rows come first. Here
``rows_to_label`` chooses them in three rounds, beside 60 rows that are drawn at random.
"""

# %%
# Three rounds
# ------------
# Before there is a label, rows are chosen that are typical and differ. In the rounds after it a
# forest says what it is uncertain of. Half of the digits is set aside as test rows. The truth is
# known here, so someone who labels is played by ``truth[rows]``; with rows of your own, write
# their numbers into a spreadsheet. Five draws of the halves show what is chance.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

from sklearn_ssl import rows_to_label

X, digit = load_digits(return_X_y=True)
rounds, draws = [20, 40, 60], range(5)
chosen, drawn = np.zeros((5, 3)), np.zeros((5, 3))
for seed in draws:
    train, test, truth, test_truth = train_test_split(X, digit, test_size=0.5, random_state=seed)
    order = np.random.default_rng(seed).permutation(len(truth))
    y, clf = np.full(len(truth), -1), None
    for i, labels in enumerate(rounds):
        rows = rows_to_label(train, 20, y, estimator=clf, random_state=seed)
        y[rows] = truth[rows]
        clf = RandomForestClassifier(random_state=seed).fit(train[y >= 0], y[y >= 0])
        chosen[seed, i] = clf.score(test, test_truth)
        some = order[:labels]
        other = RandomForestClassifier(random_state=seed).fit(train[some], truth[some])
        drawn[seed, i] = other.score(test, test_truth)

# %%
# What it brings
# --------------
# Each thin line is one draw. Chosen rows are ahead in every round on average, most in the first,
# where a random draw of 20 often leaves a digit out.

for scores, color, name in ((drawn, "tab:gray", "drawn at random"), (chosen, "tab:blue", "chosen")):
    plt.plot(rounds, scores.T, color=color, alpha=0.3)
    plt.plot(rounds, scores.mean(0), "o-", color=color, label=name)
plt.xticks(rounds)
plt.xlabel("labels")
plt.ylabel("test accuracy")
plt.legend()
plt.show()

# %%
# The first rows of a draw
# ------------------------
# The first ten rows that are chosen before there is any label.

first = rows_to_label(X, 10, random_state=0)
figure, axes = plt.subplots(1, 10, figsize=(8, 1.2))
for axis, row in zip(axes, first, strict=True):
    axis.imshow(X[row].reshape(8, 8), cmap="gray_r")
    axis.set_title(str(digit[row]))
    axis.axis("off")
plt.show()
