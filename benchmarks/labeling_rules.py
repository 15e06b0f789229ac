"""Which rule chooses rows worth labeling: limits of clusters, powers of uncertainty.

    python benchmarks/labeling_rules.py DATA_DIR [--seeds 100 101 ...]

DATA_DIR and the training halves as in ``tabular.py``, with seeds that no table of results uses.
Scored on the rows of the half that have no label, never on a test half, with a forest and label
propagation. ``typical``: 20 and 50 labels, with 1, 5, 10 or 20 rows a cluster at least on average.
``uncertain``: 30 labels after 20 typical ones, with powers of the uncertainty. ``surest last``: the
30 rows of the smallest margin. Prints the mean accuracy, and the paired difference to rows drawn at
random with its standard error.
"""

import argparse
import warnings

import numpy as np
import pandas as pd
import torch
from labeling import DATA
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from tabular import NAMES, load

from sklearn_ssl import LabelPropagationClassifier
from sklearn_ssl.model_selection import labeling

MODELS = {
    "forest": lambda seed: RandomForestClassifier(60, random_state=seed),
    "graph": lambda seed: LabelPropagationClassifier(),
}


def score(model, X, y, rows, seed):
    few = np.full(len(y), -1)
    few[rows] = y[rows]
    part = rows if model == "forest" else slice(None)
    clf, hidden = MODELS[model](seed).fit(X[part], few[part]), few < 0
    return clf, float(np.mean(clf.predict(X[hidden]) == y[hidden]))


def typical(points, labeled, n, seed, size=10):
    labeling.CLUSTER_SIZE = size
    return labeling.typical(points, labeled, n, np.random.RandomState(seed))


def ways(X, y, seed):
    """Yield the task, the rule, the model and the accuracy of each trial of a draw."""
    points, none = labeling.points_of(X), np.zeros(len(y), bool)
    order = np.random.RandomState(seed).permutation(len(y))
    for n in (20, 50):
        rules = {f"{size} rows a cluster": typical(points, none, n, seed, size)
                 for size in (1, 5, 10, 20)}  # fmt: skip
        for rule, rows in {"random": order[:n], **rules}.items():
            for model in MODELS:
                yield f"{n} labels", rule, model, score(model, X, y, rows, seed)[1]
    first = typical(points, none, 20, seed)
    labeled = np.isin(np.arange(len(y)), first)
    others = order[~labeled[order]]
    for model in MODELS:
        p = score(model, X, y, first, seed)[0].predict_proba(X)
        top = np.sort(p, axis=1)
        margin = top[:, -1] - top[:, -2]
        rules = {"random": others[:30], "surest last": others[np.argsort(margin[others])][:30]}
        rules["typical"] = typical(points, labeled, 30, seed)
        for power in (1, 2, 4):
            labeling.POWER, rng = power, np.random.RandomState(seed)
            rules[f"power {power}"] = labeling.uncertain(points, labeled, 30, rng, p)
        for rule, rows in rules.items():
            yield "20 and 30", rule, model, score(model, X, y, np.append(first, rows), seed)[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data_dir")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(100, 105)))
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    found = []
    for seed in args.seeds:
        for data in DATA:
            X, y = load(NAMES[data], args.data_dir)
            X, _, y, _ = train_test_split(X, y, test_size=0.5, stratify=y, random_state=seed)
            found += [(seed, data, *trial) for trial in ways(X, y, seed)]
    runs = pd.DataFrame(found, columns=["seed", "data", "task", "rule", "model", "accuracy"])
    for task, here in runs.groupby("task"):
        scores = here.pivot(index=["seed", "data", "model"], columns="rule", values="accuracy")
        gain = scores.sub(scores["random"], axis=0)
        error = gain.std() / np.sqrt(len(gain))
        print(f"\n{task}")
        print(pd.DataFrame({"accuracy": scores.mean(), "gain": gain.mean(), "error": error}))


if __name__ == "__main__":
    main()
