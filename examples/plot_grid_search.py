"""
A grid search with unlabeled rows
=================================

``GridSearchCV`` works with -1 in y. What matters is that test folds hold labeled rows alone, and
that every unlabeled row stays in training: ``LabeledSplit`` sees to both, with any scorer.
"""

# %%
# The search
# ----------
# 100 labels, three folds of labeled rows, and a ``Pipeline`` around the network. Scores are macro
# F1, a scorer that would take -1 for a class without ``LabeledSplit``.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ssl import FixMatchClassifier, LabeledSplit, get_search_space, hide_labels

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)
y_few = hide_labels(y_train, 100, stratify="balanced", random_state=0)

pipeline = make_pipeline(StandardScaler(), FixMatchClassifier(max_steps=100, random_state=0))
grid = {
    "fixmatchclassifier__threshold": [0.6, 0.9, 0.999],
    "fixmatchclassifier__module__hidden_layer_sizes": [(64,), (256, 256)],
}
cv = LabeledSplit(3)
search = GridSearchCV(pipeline, grid, cv=cv, scoring="f1_macro").fit(X_train, y_few)

for train, test in cv.split(X_train, y_few):
    labels = y_few[train]
    print(f"training: {(labels != -1).sum()} labeled and {(labels == -1).sum()} unlabeled rows, "
          f"test: {len(test)} labeled rows")  # fmt: skip

# %%
# Was the choice right?
# ---------------------
# The true labels of the test half are known here, so that each candidate can also be scored on 899
# rows which the search never saw.

rows = []
for params, score in zip(
    search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
):
    pipeline.set_params(**params).fit(X_train, y_few)
    truth = f1_score(y_test, pipeline.predict(X_test), average="macro")
    layers, threshold = params.values()
    rows.append((layers, threshold, score, truth))
    print(f"layers {layers!s:10} threshold {threshold:5}  CV {score:.3f}  test {truth:.3f}")
cv_scores, test_scores = np.array([row[2:] for row in rows]).T
best = search.best_index_

figure, axis = plt.subplots(figsize=(5.5, 4.2), layout="constrained")
for layers, marker in (((64,), "o"), ((256, 256), "s")):
    of_these = [row for row in rows if row[0] == layers]
    axis.plot(*np.array([row[2:] for row in of_these]).T, marker, label=f"layers {layers}")
    for _, threshold, *point in of_these:
        axis.annotate(f"{threshold}", point, xytext=(6, -3), textcoords="offset points")
axis.plot(cv_scores[best], test_scores[best], "o", ms=16, mfc="none", mec="black", label="chosen")
axis.set(xlabel="macro F1 in cross-validation", ylabel="macro F1 on the test rows")
axis.margins(x=0.15)
axis.legend(loc="upper left")
plt.show()

# %%
# Without a grid of your own
# --------------------------
# ``get_search_space`` says for each estimator which parameters are worth a search, and gives
# distributions for ``RandomizedSearchCV``. Here are eight candidates of five parameters:

space = get_search_space(pipeline)
random_search = RandomizedSearchCV(
    pipeline, space, n_iter=8, cv=cv, scoring="f1_macro", random_state=0
).fit(X_train, y_few)

for name, value in random_search.best_params_.items():
    print(f"{name.removeprefix('fixmatchclassifier__'):25} {value:.2g}")
random_truth = f1_score(y_test, random_search.predict(X_test), average="macro")
print(f"CV {random_search.best_score_:.3f}, test {random_truth:.3f}")
