"""Digit 8 against the others, with labels of both in equal numbers: what class shares give.

    python benchmarks/class_prior.py [--seeds 0 1 ...] [--labels 5 25] [--only NAME ...]

One digit in ten is an 8, and labels do not tell: k of each class are drawn. A stratified half of
the 1,797 rows is the test set (random_state = seed); the other half holds the labels and the pool.
Each method is fitted with ``class_prior`` "labels", "estimate", and the shares of the training half
given; the true shares are known to the last one alone. "swapped" has the classes in the other
order. Each run is a line of ``benchmarks/class_prior.csv``; those that are there are not repeated.
Then ``benchmarks/RESULTS_CLASS_PRIOR.md`` is written from all of them. One process, one thread.
"""

import argparse
import csv
import platform
import time
import warnings
from pathlib import Path

import numpy as np
import sklearn
import torch
from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_ssl
from sklearn_ssl import (
    AutoSSLClassifier,
    FixMatchClassifier,
    LabelPropagationClassifier,
    LabelPropagationNet,
    SemiSupervisedGaussianMixture,
)

METHODS = {
    "AutoSSLClassifier": AutoSSLClassifier,
    "FixMatchClassifier": FixMatchClassifier,
    "LabelPropagationNet": LabelPropagationNet,
    "LabelPropagationClassifier": LabelPropagationClassifier,
    "SemiSupervisedGaussianMixture": SemiSupervisedGaussianMixture,
}
PLAIN = {
    "logistic regression": lambda: make_pipeline(StandardScaler(), LogisticRegression()),
    "extra trees": lambda: ExtraTreesClassifier(random_state=0),
}
ORDERS = ("8 is 1", "swapped")
PRIORS = ("labels", "estimate", "given")
HERE = Path(__file__).parent
RAW = HERE / "class_prior.csv"
COLUMNS = ("method", "prior", "order", "labels", "seed", "accuracy", "balanced", "share", "seconds")


def draw(k, seed, swapped):
    """Training rows, labels and true classes, test rows and their classes."""
    X, digit = load_digits(return_X_y=True)
    y = (digit == 8) != swapped
    X, X_test, y, y_test = train_test_split(
        X, y.astype(int), test_size=0.5, stratify=y, random_state=seed
    )
    few, rng = np.full(len(y), -1), np.random.default_rng(seed)
    for c in (0, 1) if not swapped else (1, 0):  # the same rows in either order
        few[rng.choice(np.flatnonzero(y == c), k, replace=False)] = c
    return X, few, y, X_test, y_test


def runs_so_far():
    if not RAW.exists():
        RAW.write_text(",".join(COLUMNS) + "\n")
    with RAW.open(newline="") as file:
        return list(csv.DictReader(file))


def run(method, prior, k, seed, order):
    X, few, truth, X_test, y_test = draw(k, seed, order == "swapped")
    start = time.perf_counter()
    if method in PLAIN:
        clf = PLAIN[method]().fit(X[few >= 0], few[few >= 0])
    else:
        given = np.bincount(truth) / len(truth)
        clf = METHODS[method](class_prior=given if prior == "given" else prior, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of estimates that are noise
            clf.fit(X, few)
    seconds, found = time.perf_counter() - start, clf.predict(X_test)
    eight = float(getattr(clf, "class_prior_", [0.5, 0.5])[0 if order == "swapped" else 1])
    accuracy, balanced = accuracy_score(y_test, found), balanced_accuracy_score(y_test, found)
    return round(accuracy, 5), round(balanced, 5), round(eight, 4), round(seconds, 1)


def report():
    runs = runs_so_far()
    lines = [
        "# Class shares",
        "",
        "`python benchmarks/class_prior.py`: digit 8 against all others, 9.7 % of the rows, with k"
        " labels of each of the two classes; a stratified half is the test set. Accuracy and"
        ' balanced accuracy, mean +- standard deviation over draws. "8" is the mean of'
        " `class_prior_` of that class. Every run is in [class_prior.csv](class_prior.csv). No"
        " default was chosen on this task.",
    ]
    for k in sorted({int(r["labels"]) for r in runs}):
        lines += ["", f"## {k} labels a class", ""]
        lines += [
            "| | class_prior | accuracy | balanced | 8 | draws | seconds |",
            "| --- " * 7 + "|",
        ]
        for method in [*METHODS, *PLAIN]:
            for prior in PRIORS:
                mine = [r for r in runs if (r["method"], r["prior"]) == (method, prior)]
                mine = [r for r in mine if int(r["labels"]) == k and r["order"] == ORDERS[0]]
                if len(mine) > 1:
                    cells = [_cell(mine, name) for name in ("accuracy", "balanced")]
                    share = "" if method in PLAIN else f"{_mean(mine, 'share'):.3f}"
                    name = "" if method in PLAIN else prior
                    seconds = f"{_mean(mine, 'seconds'):.1f}"
                    row = (method, name, *cells, share, str(len(mine)), seconds)
                    lines.append(f"| {' | '.join(row)} |")
    pairs = {}
    for r in runs:
        key = (r["method"], r["prior"], r["labels"], r["seed"])
        pairs.setdefault(key, {})[r["order"]] = float(r["accuracy"])
    apart = [abs(p[ORDERS[0]] - p[ORDERS[1]]) for p in pairs.values() if len(p) == 2]
    if apart:
        lines += [
            "",
            f"With the classes in the other order, accuracy differs by {max(apart):.3f} at",
        ]
        lines[-1] += f" most, in {len(apart)} pairs of fits."
    versions = ", ".join(f"{m.__name__} {m.__version__}" for m in (sklearn_ssl, torch, sklearn))
    lines += ["", f"{versions}, Python {platform.python_version()}, CPU, one thread a fit, busy"]
    lines[-1] += " 2-core machine."
    (HERE / "RESULTS_CLASS_PRIOR.md").write_text("\n".join(lines) + "\n")


def _mean(runs, name):
    return np.mean([float(r[name]) for r in runs])


def _cell(runs, name):
    values = [float(r[name]) for r in runs]
    return f"{np.mean(values):.3f} +- {np.std(values, ddof=1):.3f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(5)))
    parser.add_argument("--labels", type=int, nargs="+", default=[5, 25])
    parser.add_argument("--only", choices=[*METHODS, *PLAIN], nargs="+", default=[*METHODS, *PLAIN])
    parser.add_argument("--orders", choices=ORDERS, nargs="+", default=ORDERS[:1])
    args = parser.parse_args()
    torch.set_num_threads(1)
    done = {tuple(r[c] for c in COLUMNS[:5]) for r in runs_so_far()}
    for seed in args.seeds:
        for k in args.labels:
            for order in args.orders:
                for method in args.only:
                    for prior in PRIORS if method in METHODS else PRIORS[:1]:
                        if (method, prior, order, str(k), str(seed)) not in done:
                            row = (
                                method,
                                prior,
                                order,
                                k,
                                seed,
                                *run(method, prior, k, seed, order),
                            )
                            with RAW.open("a", newline="") as file:
                                csv.writer(file).writerow(row)
                            print(*row, flush=True)
    report()


if __name__ == "__main__":
    main()
