"""How the members of `AutoSSLRegressor` are weighed: what chose the pull to equal weights.

    python benchmarks/regression_weights.py DATA_DIR --cache DIR [--seeds 100 104] [--labels 20 50]
    python benchmarks/regression_weights.py DATA_DIR --cache DIR --report

Tasks of ``regression.py``, with seeds that no table of results uses. DIR gets a file a member:
predictions of all rows, and of the labeled ones out of fold. ``--report`` prints the mean R2 of the
hidden rows for each rule, less that of the member that is best there.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from regression import OURS, PLAIN, TASKS, drawn
from sklearn.model_selection import KFold

from sklearn_ssl.methods.portfolio.stacking import stacked_weights
from sklearn_ssl.methods.portfolio.weights import member_weights

MEMBERS = ["LabelPropagationRegressor", "ridge", "forest", "extra trees", "Gaussian process"]


def said(model, X, truth, labeled, seed):
    """Predictions for all rows of a member that learns from some labels."""
    if model in PLAIN:
        return PLAIN[model](seed).fit(X[labeled], truth[labeled]).predict(X)
    y = np.full(len(X), np.nan)
    y[labeled] = truth[labeled]
    return OURS[model](seed).fit(X, y).predict(X)


def by_inverse_error(told, y, power):
    error = np.square(told - y).mean((1, 2))
    return error**-power / (error**-power).sum()


def as_classifiers_are(told, y):
    losses = np.square(told - y).mean(2)
    return member_weights(losses, np.array([name in PLAIN for name in MEMBERS]))


RULES = {
    "equal": lambda told, y: np.full(len(told), 1 / len(told)),
    "the best out of fold": lambda told, y: np.eye(len(told))[
        np.square(told - y).mean((1, 2)).argmin()
    ],
    "1 / error^2": lambda told, y: by_inverse_error(told, y, 2),
    "1 / error^3": lambda told, y: by_inverse_error(told, y, 3),
    "as members of classifiers": as_classifiers_are,
    **{
        f"stacked, pull {pull}": lambda told, y, pull=pull: stacked_weights(told, y, pull)
        for pull in (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
    },
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--seeds", nargs=2, type=int, default=[100, 104], help="from, to")
    parser.add_argument("--labels", nargs="+", type=int, default=[20, 50])
    parser.add_argument("--report", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.cache.mkdir(exist_ok=True)
    behind = {n: {rule: [] for rule in RULES} for n in args.labels}
    for seed in range(*args.seeds):
        for n in args.labels:
            for task in TASKS:
                X, truth = drawn(task, args.data, seed)
                files = [
                    args.cache / f"{task}-{n}-{seed}-{m}.npz".replace(" ", "_") for m in MEMBERS
                ]
                if not args.report:
                    for model, file in zip(MEMBERS, files, strict=True):
                        if not file.exists():
                            fit(model, file, X, truth, n, seed)
                elif all(file.exists() for file in files):
                    for rule, r2 in scores(files, truth, n).items():
                        behind[n][rule].append(r2)
    if args.report:
        print(f"| | {' | '.join(f'{n} labels' for n in args.labels)} |")
        print("| --- |" + " --- |" * len(args.labels))
        for rule in RULES:
            cells = [f"{np.mean(behind[n][rule]):+.4f}" for n in args.labels]
            print(f"| {rule} | {' | '.join(cells)} |")
        print("\nDraws:", {n: len(behind[n]["equal"]) for n in args.labels})


def fit(model, file, X, truth, n, seed):
    whole, oof = said(model, X, truth, np.arange(n), seed), np.empty(n)
    for train, test in KFold(3, shuffle=True, random_state=seed).split(np.arange(n)):
        oof[test] = said(model, X, truth, train, seed)[test]
    np.savez(file, whole=whole, oof=oof)


def scores(files, truth, n):
    """R2 of each rule on hidden rows, less that of the best member there."""
    mean, scale = truth[:n].mean(), truth[:n].std()
    found = [np.load(file) for file in files]
    told, whole = (np.array([f[name] for f in found]) for name in ("oof", "whole"))
    told, y = (told[..., None] - mean) / scale, (truth[:n, None] - mean) / scale
    hidden = truth[n:]

    def r2(predicted):
        return 1 - np.mean((predicted - hidden) ** 2) / hidden.var()

    best = max(r2(p[n:]) for p in whole)
    return {rule: r2(weigh(told, y) @ whole[:, n:]) - best for rule, weigh in RULES.items()}


if __name__ == "__main__":
    main()
