"""The first ten minutes: few labels, four nets, a grid search that scores right, a figure.

    python examples/quick_start.py

On the 1,797 digits that come with scikit-learn: half of them are the test set; of the other half
10 a class keep their label and all others are marked -1. Writes quick_start.png.
"""

import time

import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ssl import (
    FixMatchClassifier,
    LabeledSplit,
    SelfTrainingNet,
    VAEClassifier,
    hide_labels,
)

X, y = load_digits(return_X_y=True)
X_train, X_test, y_true, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)
y_train = hide_labels(y_true, 100, stratify="balanced", random_state=0)
labeled = y_train != -1
print(f"{labeled.sum()} labeled and {(~labeled).sum()} unlabeled rows, {len(X_test)} test rows\n")

models = {
    "supervised net": FixMatchClassifier(unlabeled_weight=0, random_state=0),
    "SelfTrainingNet": SelfTrainingNet(random_state=0),
    "FixMatchClassifier": FixMatchClassifier(random_state=0),
    "VAEClassifier": VAEClassifier(random_state=0),
}
print(f"{'':20s} accuracy  macro F1  ROC AUC  seconds")
for name, model in models.items():
    start = time.perf_counter()
    model.fit(X_train, y_train)
    seconds = time.perf_counter() - start
    p = model.predict_proba(X_test)
    predicted = model.classes_[p.argmax(1)]
    auc = roc_auc_score(y_test, p, multi_class="ovr")
    f1 = f1_score(y_test, predicted, average="macro")
    accuracy = accuracy_score(y_test, predicted)
    print(f"{name:20s} {accuracy:8.3f}  {f1:8.3f}  {auc:7.3f}  {seconds:7.1f}", flush=True)

print("\nGridSearchCV over the threshold, with -1 in y:")
pipe = make_pipeline(StandardScaler(), FixMatchClassifier(max_steps=400, random_state=0))
search = GridSearchCV(
    pipe, {"fixmatchclassifier__threshold": [0.8, 0.95]}, cv=LabeledSplit(3), n_jobs=2
).fit(X_train, y_train)
for params, score in zip(
    search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
):
    print(f"  threshold {params['fixmatchclassifier__threshold']:.2f}  CV accuracy {score:.3f}")
print(
    f"  CV score of the best {search.best_score_:.3f} (on folds that hide a third of the labels), "
    f"true test score {search.score(X_test, y_test):.3f}"
)


def draw(model, path):
    """Loss curves, and unlabeled digits with their pseudo-labels and confidences."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure = plt.figure(figsize=(10, 5), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1.15))
    axis = left.subplots()
    steps = [record["step"] for record in model.history_]
    for key, label, style in [
        ("labeled_loss", "labeled loss", "-"),
        ("unlabeled_loss", "unlabeled loss", "--"),
        ("mask_rate", "mask rate (share of confident rows)", ":"),
    ]:
        axis.plot(steps, [record[key] for record in model.history_], style, label=label)
    axis.set(xlabel="optimizer step", ylabel="loss in nats; share", title="FixMatch on digits")
    axis.legend()
    rows = np.random.default_rng(0).choice(np.flatnonzero(~labeled), 20, replace=False)
    for axis, row in zip(right.subplots(4, 5).flat, rows, strict=True):
        pseudo, truth = model.transduction_[row], y_true[row]
        confidence = model.label_distributions_[row].max()
        axis.imshow(X_train[row].reshape(8, 8), cmap="gray_r")
        axis.set_title(
            f"{pseudo}  {confidence:.2f}" + ("" if pseudo == truth else f"\nis {truth}"),
            fontsize=9,
            color="black" if pseudo == truth else "firebrick",
        )
        axis.axis("off")
    right.suptitle("unlabeled digits: pseudo-label, confidence")
    figure.savefig(path, dpi=120)
    print(f"\nWrote {path}")


draw(models["FixMatchClassifier"], "quick_start.png")
