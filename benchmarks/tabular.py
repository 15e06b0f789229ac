"""Every estimator, with its defaults, beside the supervised net of the same network and budget.

    python benchmarks/tabular.py DATA_DIR [--seeds 5] [--jobs 2]

DATA_DIR holds the UCI tables as ``NAME.csv.gz`` (the class in the last column). Protocol: a
stratified half of the data set is the test set (random_state = seed); of the other half, k labels
a class are drawn with ``np.random.default_rng(seed)`` and all other rows are unlabeled. Writes
``benchmarks/RESULTS.md``.
"""

import argparse
import platform
import time
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import sklearn
import skorch
import torch
from sklearn import datasets
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split

import sklearn_ssl
from sklearn_ssl import FixMatchClassifier, SelfTrainingNet, VAEClassifier

METHODS = [SelfTrainingNet, FixMatchClassifier, VAEClassifier]
LABELS = (10, 5, 2)
HERE = Path(__file__).parent


def load(name, folder):
    if name in ("digits", "breast_cancer", "wine"):
        return getattr(datasets, f"load_{name}")(return_X_y=True)
    header = 0 if name == "pendigits" else None
    table = pd.read_csv(Path(folder) / f"{name}.csv.gz", header=header)
    if name == "pendigits":
        table = table.iloc[:, 1:]  # row numbers
    y = np.unique(table.iloc[:, -1].astype(str), return_inverse=True)[1]
    return table.iloc[:, :-1].to_numpy(np.float32), y


def minority(_):
    """digits 8 against all others: 10 % minority, while the labels are balanced."""
    X, y = datasets.load_digits(return_X_y=True)
    return X, (y == 8).astype(int)


NAMES = {
    "digits": "digits",
    "pendigits": "pendigits",
    "banknote": "banknote_authentication",
    "ionosphere": "ionosphere",
    "wheat-seeds": "wheat-seeds",
    "breast cancer": "breast_cancer",
    "wine": "wine",
    "digit 8 (10 % minority)": None,
}


def split(X, y, k, seed):
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=seed)
    rng = np.random.default_rng(seed)
    few = np.full(len(y), -1)
    for c in np.unique(y):
        few[rng.choice(np.flatnonzero(y == c), k, replace=False)] = c
    return X, few, X_test, y_test


def one(name, cls, weight, k, seed, folder):
    torch.set_num_threads(1)
    X, y = minority(folder) if NAMES[name] is None else load(NAMES[name], folder)
    X, few, X_test, y_test = split(X, y, k, seed)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf = cls(random_state=seed, unlabeled_weight=weight).fit(X, few)
    seconds = time.perf_counter() - start
    predicted = clf.predict(X_test)
    accuracy = float(np.mean(predicted == y_test))
    balanced = balanced_accuracy_score(y_test, predicted)
    return (name, cls.__name__, weight, k, seed), (accuracy, balanced, seconds)


def table(results, seeds, column):
    """Markdown: mean +- standard deviation, and the paired gain over the supervised net."""
    head = ["data set", "labels a class"]
    for cls in METHODS:
        head += [f"{cls.__name__}", "supervised", "gain (standard error)"]
    lines = ["| " + " | ".join(head) + " |", "| --- " * len(head) + "|"]
    for name in NAMES:
        for k in LABELS:
            cells = [name, str(k)]
            for cls in METHODS:
                ours, supervised = (
                    np.array([results[name, cls.__name__, w, k, s][column] for s in range(seeds)])
                    for w in (1.0, 0.0)
                )
                gain = ours - supervised
                error = gain.std(ddof=1) / np.sqrt(seeds)
                worse = " **worse**" if gain.mean() < -error else ""
                cells += [
                    f"{ours.mean():.3f} +- {ours.std(ddof=1):.3f}",
                    f"{supervised.mean():.3f} +- {supervised.std(ddof=1):.3f}",
                    f"{gain.mean():+.3f} ({error:.3f}){worse}",
                ]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data_dir")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    cases = [
        (name, cls, weight, k, seed, args.data_dir)
        for seed in range(args.seeds)
        for name in NAMES
        for k in LABELS
        for cls in METHODS
        for weight in (1.0, 0.0)
    ]
    runs = joblib.Parallel(args.jobs, verbose=1, return_as="generator")(
        joblib.delayed(one)(*case) for case in cases
    )
    results = {}
    for key, value in runs:
        results[key] = value
        print(*key, *(f"{v:.3f}" for v in value), flush=True)
    seconds = {
        cls.__name__: np.mean([v[2] for k, v in results.items() if k[1:3] == (cls.__name__, 1.0)])
        for cls in METHODS
    }
    text = report(results, args.seeds, seconds)
    (HERE / "RESULTS.md").write_text(text)
    print(text)


def report(results, seeds, seconds):
    modules = (sklearn_ssl, torch, sklearn, skorch, np)
    versions = ", ".join(f"{m.__name__} {m.__version__}" for m in modules)
    return f"""# Tables: default parameters, the same everywhere

`python benchmarks/tabular.py DATA_DIR --seeds {seeds}`: mean +- standard deviation over seeds
0-{seeds - 1}. "supervised" is the same estimator with `unlabeled_weight=0`: the same network,
views and budget on the labeled rows alone. The gain is paired by seed; **worse** marks a mean
below the supervised net by more than one standard error.

The defaults were chosen on the hidden labels of the training halves of these data sets with seeds
10-14, not on these test sets.

{versions}, Python {platform.python_version()}, CPU, one thread a fit. Mean seconds a fit on a busy
2-core machine: {", ".join(f"{name} {value:.1f}" for name, value in seconds.items())}.

## Accuracy

{table(results, seeds, 0)}

## Balanced accuracy

{table(results, seeds, 1)}
"""


if __name__ == "__main__":
    main()
