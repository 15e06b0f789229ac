"""Two classes, named one way and the other: what the order of the classes does to a score.

    python benchmarks/class_order.py [--data NAME ...] [--data-dir DATA_DIR] [--seeds 20]
                                     [--labels 10 5 2] [--methods NAME ...]

The splits and labels of ``benchmarks/tabular.py``, by default of digit 8 against the rest, which is
class 1 there. Then the two classes are swapped, so that the two runs of a pair differ in the order
of the classes alone. A classifier that knows nothing of a row has equal probabilities for it, or
none, and argmax names class 0: with 8 as class 1 that is the majority. Prints Markdown for
``benchmarks/RESULTS_TABLES.md``: balanced accuracy and accuracy both ways, mean and standard
deviation over the seeds, the paired difference with its standard error, and the share of undecided
test rows, whose probabilities are equal, all zero or NaN. For scikit-learn's graphs also the share
of training rows whose label distribution is all zeros. One process, one thread.
"""

import argparse
import time
import warnings

import numpy as np
import pandas as pd
import torch
from sklearn.base import clone
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tabular import BASELINES, LABELS, METHODS, NAMES, PLAIN, load, minority, plain, split

OURS = ("LabelPropagationClassifier", "FixMatchClassifier")
EIGHT = "digit 8 (10 % minority)"


def fit(method, X, few, seed):
    labeled = few >= 0
    if method in PLAIN:
        return plain(method, few[labeled], seed).fit(X[labeled], few[labeled])
    if method in METHODS:
        return METHODS[method](random_state=seed).fit(X, few)
    scaler = "passthrough" if "unscaled" in method else StandardScaler()
    return make_pipeline(scaler, clone(BASELINES[method])).fit(X, few)


def undecided(p):
    """Share of rows whose two probabilities are equal, all zero or NaN."""
    return np.mean(~(np.abs(p[:, 0] - p[:, 1]) > 1e-9))


def one(rows, method, k, seed, swapped):
    """Scores of one fit of ``rows = X, y``, with the classes as they are or swapped."""
    X, few, X_test, y_test = split(*rows, k, seed)
    if swapped:
        few, y_test = np.where(few < 0, few, 1 - few), 1 - y_test
    start = time.perf_counter()
    clf = fit(method, X, few, seed)
    seconds = time.perf_counter() - start
    predicted = clf.predict(X_test)
    last = clf[-1] if hasattr(clf, "steps") else clf
    empty = np.nan
    if "LabelSpreading" in method or "LabelPropagation(" in method:
        empty = np.mean(last.label_distributions_.sum(1) == 0)
    return {
        "balanced": balanced_accuracy_score(y_test, predicted),
        "accuracy": np.mean(predicted == y_test),
        "undecided": undecided(clf.predict_proba(X_test)),
        "empty": empty,
        "seconds": seconds,
    }


def table(runs):
    lines = [
        "| | balanced accuracy | swapped | difference | accuracy | swapped | undecided test rows | "
        "training rows without distribution |",
        "| --- " * 8 + "|",
    ]
    for method in runs.method.unique():
        here = runs[runs.method == method]
        cells = [method]
        for column in ("balanced", "accuracy"):
            scores = here.pivot(index="seed", columns="swapped", values=column)
            cells += [f"{scores[i].mean():.3f} +- {scores[i].std():.3f}" for i in (0, 1)]
            if column == "balanced":
                change = scores[1] - scores[0]
                error = change.std() / np.sqrt(len(change))
                cells.append(f"{change.mean():+.3f} +- {error:.3f}")
        cells.append(f"{here.undecided.mean():.1%}")
        cells.append("" if here["empty"].isna().all() else f"{here['empty'].mean():.1%}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main():
    names = [*BASELINES, *PLAIN, *OURS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", choices=NAMES, default=[EIGHT])
    parser.add_argument("--data-dir", help="for banknote and ionosphere")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--labels", nargs="+", type=int, choices=LABELS, default=list(LABELS))
    parser.add_argument("--methods", nargs="+", choices=[*BASELINES, *PLAIN, *METHODS],
                        default=names)  # fmt: skip
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # rows that no label reaches divide 0 by 0 in scikit-learn
    for data in args.data:
        rows = minority(None) if data == EIGHT else load(NAMES[data], args.data_dir)
        if len(np.unique(rows[1])) != 2:
            parser.error(f"{data} has more than two classes.")
        runs = []
        for method in args.methods:
            for k in args.labels:
                for seed in range(args.seeds):
                    for swapped in (0, 1):
                        keys = {"method": method, "k": k, "seed": seed, "swapped": swapped}
                        runs.append(keys | one(rows, method, k, seed, swapped))
                        print(data, *runs[-1].values(), flush=True)
        runs = pd.DataFrame(runs)
        for k in args.labels:
            print(f"\n### {data}, {k} labels a class\n\n{table(runs[runs.k == k])}")


if __name__ == "__main__":
    main()
