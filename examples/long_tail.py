"""Classes of very different sizes: what class weights, alignment and logit adjustment each do.

    python examples/long_tail.py [--seeds 3]

Digits, thinned so that the largest class has ten times the rows of the smallest, among labeled
and unlabeled rows alike; the test set is balanced, so that every class counts the same. Logit
adjustment (Menon et al. 2021, arXiv 2007.07314) divides probabilities by the class shares of the
training rows, here as the model itself estimates them.
"""

import argparse

import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import balanced_accuracy_score, recall_score
from sklearn.model_selection import train_test_split

from sklearn_ssl import FixMatchClassifier, hide_labels


def long_tail(y, ratio, rng):
    """Row numbers in which class c is ratio ** (-c / 9) as large as class 0."""
    rows = []
    for c in range(10):
        own = np.flatnonzero(y == c)
        rows.append(rng.choice(own, round(len(own) * ratio ** (-c / 9)), replace=False))
    return np.concatenate(rows)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--max-steps", type=int, default=600)
    args = parser.parse_args(arguments)
    X, y = load_digits(return_X_y=True)
    names = ["supervised", "FixMatch", "+ class_weight", "without alignment", "+ logit adjustment"]
    scores = {name: [] for name in names}
    for seed in range(args.seeds):
        Xa, X_test, ya, y_test = train_test_split(X, y, stratify=y, random_state=seed)
        rows = long_tail(ya, 10, np.random.default_rng(seed))
        Xa, few = Xa[rows], hide_labels(ya[rows], 60, random_state=seed)

        def net(few=few, Xa=Xa, seed=seed, **params):
            clf = FixMatchClassifier(max_steps=args.max_steps, random_state=seed, **params)
            return clf.fit(Xa, few)

        plain = net()
        shares = plain.label_distributions_.mean(0)
        adjusted = plain.classes_[(plain.predict_proba(X_test) / shares).argmax(1)]
        predictions = {
            "supervised": net(unlabeled_weight=0).predict(X_test),
            "FixMatch": plain.predict(X_test),
            "+ class_weight": net(class_weight="balanced").predict(X_test),
            "without alignment": net(distribution_alignment=False).predict(X_test),
            "+ logit adjustment": adjusted,
        }
        for name, predicted in predictions.items():
            rare = recall_score(y_test, predicted, labels=[7, 8, 9], average="macro")
            scores[name].append((balanced_accuracy_score(y_test, predicted), rare))
    print(f"{'':20s} balanced accuracy    recall of the three rarest classes")
    for name, values in scores.items():
        mean, spread = np.mean(values, 0), np.std(values, 0)
        print(f"{name:20s} {mean[0]:.3f} +- {spread[0]:.3f}       {mean[1]:.3f} +- {spread[1]:.3f}")
    return scores


if __name__ == "__main__":
    main()
