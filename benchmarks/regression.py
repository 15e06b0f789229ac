"""`MeanTeacherRegressor` beside its supervised net: R2 on the rows whose target was hidden.

    python benchmarks/regression.py [--seeds 10]

Defaults, on four tasks with 30 or 40 labels: diabetes, and three that are generated and not
linear. The defaults were chosen with seeds 10-13 and 20-27; here seeds 0-9 are reported.
"""

import argparse

import numpy as np
import torch
from sklearn.datasets import load_diabetes, make_friedman1, make_swiss_roll

from sklearn_ssl import MeanTeacherRegressor


def tasks(seed):
    """Name, rows, targets, number of labels; the first rows are the labeled ones."""
    rng = np.random.default_rng(seed)
    X, y = load_diabetes(return_X_y=True)
    order = rng.permutation(len(X))
    yield "diabetes (442 x 10)", X[order], y[order], 30
    X, y = make_swiss_roll(800, noise=0.1, random_state=seed)
    yield "swiss roll, the way along it (800 x 3)", X, y, 40
    X = rng.uniform(-2, 2, (600, 2))
    yield "sin(2a) b (600 x 2)", X, np.sin(2 * X[:, 0]) * X[:, 1], 40
    X, y = make_friedman1(800, noise=0.5, random_state=seed)
    yield "Friedman 1 (800 x 10)", X, y, 40


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    args = parser.parse_args()
    torch.set_num_threads(1)
    scores = {}
    for seed in range(args.seeds):
        for name, X, truth, n_labeled in tasks(seed):
            y = np.where(np.arange(len(X)) < n_labeled, truth, np.nan)
            pair = [
                MeanTeacherRegressor(random_state=seed, **params)
                .fit(X, y)
                .score(X[n_labeled:], truth[n_labeled:])
                for params in ({}, {"unlabeled_weight": 0})
            ]
            scores.setdefault(name, []).append(pair)
    print("| | with unlabeled rows | without | gain +- standard error |\n| --- | --- | --- | --- |")
    for name, pairs in scores.items():
        ours, plain = np.transpose(pairs)
        gain = ours - plain
        error = gain.std(ddof=1) / len(gain) ** 0.5
        print(
            f"| {name} | {ours.mean():.3f} +- {ours.std(ddof=1):.3f} | {plain.mean():.3f} "
            f"+- {plain.std(ddof=1):.3f} | {gain.mean():+.3f} +- {error:.3f} |"
        )


if __name__ == "__main__":
    main()
