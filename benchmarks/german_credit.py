"""German credit, 60 labels: ROC AUC of plain models, our supervised net and our methods.

    python benchmarks/german_credit.py DATA_DIR [--seeds 10] [--missing 0.1] [--only NAME ...]

DATA_DIR holds ``german.csv.gz`` (the class in the last column, 1: good, 2: bad). A stratified half
of the 1,000 rows is the test set (random_state = seed); of the other half `hide_labels` keeps 60
labels (random_state = seed). With ``--missing`` that share of all values is removed at random. For
plain models columns pass a SimpleImputer (mean, most frequent value) and a OneHotEncoder, fitted on
the labeled rows, which is all that they see. Ours take the table as it is, categories and gaps
included, and all rows of the training half. Prints
Markdown for ``benchmarks/RESULTS_TABLES.md``: mean and standard deviation over the seeds, and the
paired difference to logistic regression with its standard error. One process, one thread.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from tabular import PLAIN, plain

from sklearn_ssl import (
    AutoSSLClassifier,
    FixMatchClassifier,
    LabelPropagationNet,
    SelfTrainingNet,
    SGANClassifier,
    VATClassifier,
    hide_labels,
)

OURS = (
    AutoSSLClassifier,
    FixMatchClassifier,
    LabelPropagationNet,
    VATClassifier,
    SelfTrainingNet,
    SGANClassifier,
)
REFERENCE = "plain LogisticRegression"


def encoder():
    """One column a category, numbers as they are; a category not seen in fit is all zeros."""
    categories = make_column_selector(dtype_exclude="number")
    one_hot = make_pipeline(
        SimpleImputer(strategy="most_frequent"),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    )
    return make_column_transformer((one_hot, categories), remainder=SimpleImputer())


def models(y, seed):
    """Name -> (classifier, whether it sees unlabeled rows), for labeled rows y."""
    found = {name: (plain(name, y, seed), False) for name in PLAIN}
    fixed = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    found["plain LogisticRegression(C=1)"] = (fixed, False)
    supervised = FixMatchClassifier(unlabeled_weight=0, random_state=seed)
    found["supervised net, FixMatchClassifier(unlabeled_weight=0)"] = (supervised, True)
    for cls in OURS:
        found[cls.__name__] = (cls(random_state=seed), True)
    return found


def draw(X, y, seed, missing, only):
    """One line a model: name, seed, AUC, seconds."""
    X = X.mask(np.random.default_rng(seed).random(X.shape) < missing)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=seed)
    few = hide_labels(y, 60, random_state=seed)
    labeled = few >= 0
    lines = []
    for name, (clf, all_rows) in models(few[labeled], seed).items():
        if only and name not in only:
            continue
        rows = np.full(len(few), True) if all_rows else labeled
        start = time.perf_counter()
        clf = (clf if all_rows else make_pipeline(encoder(), clf)).fit(X[rows], few[rows])
        seconds = time.perf_counter() - start
        area = roc_auc_score(y_test, clf.predict_proba(X_test)[:, 1])
        lines.append((name, seed, area, seconds))
        print(f"{name}, seed {seed}: {area:.3f}, {seconds:.1f} s", flush=True)
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data_dir")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--missing", type=float, default=0.0)
    parser.add_argument("--only", nargs="+", help="names of models, logistic regression too")
    args = parser.parse_args()
    torch.set_num_threads(1)
    table = pd.read_csv(Path(args.data_dir) / "german.csv.gz", header=None)
    X, y = table.iloc[:, :-1], table.iloc[:, -1].to_numpy() - 1
    runs = pd.DataFrame(
        [line for seed in range(args.seeds) for line in draw(X, y, seed, args.missing, args.only)],
        columns=["model", "seed", "area", "seconds"],
    )
    areas = runs.pivot(index="seed", columns="model", values="area")
    print("\n| | ROC AUC | to logistic regression | seconds a fit |\n| --- | --- | --- | --- |")
    for name in areas.mean().sort_values(ascending=False).index:
        gain = areas[name] - areas[REFERENCE]
        error = gain.std() / np.sqrt(len(gain))
        versus = "" if name == REFERENCE else f"{gain.mean():+.3f} +- {error:.3f}"
        seconds = runs[runs.model == name].seconds.median()
        mean, spread = areas[name].mean(), areas[name].std()
        print(f"| {name} | {mean:.3f} +- {spread:.3f} | {versus} | {seconds:.1f} |")


if __name__ == "__main__":
    main()
