"""Regressors beside plain ones, and beside their own networks without unlabeled rows.

    python benchmarks/regression.py DATA_DIR [--models ...] [--labels 20 50 100] [--seeds 0 10]
    python benchmarks/regression.py --report

Eight tables, four of them generated. Labeled rows are drawn at random; R2 is that of the rows
whose target was hidden, which the fit has seen. Defaults are fitted; they were chosen with seeds
from 100 on, and seeds 0-9 are reported. Each fit is a line of ``regression.csv``; what is there is
not fitted again. DATA_DIR has ``tabular/pendigits.csv.gz`` and
``tabular/banknote_authentication.csv.gz``.
"""

import argparse
import csv
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_wine,
    make_friedman1,
    make_swiss_roll,
)
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.linear_model import RidgeCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ssl import (
    AutoSSLRegressor,
    LabelPropagationRegressor,
    MeanTeacherRegressor,
    RankUpRegressor,
)

FILE = Path(__file__).with_suffix(".csv")
COLUMNS = ["task", "labels", "seed", "model", "r2", "mae", "seconds"]
ROWS = 1500  # of larger tables so many are drawn


def swiss_roll(data, seed):
    return make_swiss_roll(800, noise=0.1, random_state=seed)


def product(data, seed):
    X = np.random.default_rng(seed).uniform(-2, 2, (600, 2))
    return X, np.sin(2 * X[:, 0]) * X[:, 1]


def friedman(data, seed):
    return make_friedman1(800, noise=0.5, random_state=seed)


def radius(data, seed):
    """The mean radius of nuclei, without what measures size in another way."""
    cancer = load_breast_cancer()
    size = ("radius", "perimeter", "area")
    kept = [not any(word in name for word in size) for name in cancer.feature_names]
    return cancer.data[:, kept], cancer.data[:, 0]


def proline(data, seed):
    wine = load_wine()
    proline = list(wine.feature_names).index("proline")
    return np.delete(wine.data, proline, axis=1), wine.data[:, proline]


def coordinate(data, seed):
    """Height at which a pen ends, of the seven points before."""
    rows = np.loadtxt(data / "tabular/pendigits.csv.gz", delimiter=",", skiprows=1, quotechar='"')
    rows = rows[:, 1:-1]  # without the number of the row, and the digit
    return rows[:, :14], rows[:, 15]


def entropy(data, seed):
    """Entropy of the picture of a banknote, of three moments of its wavelets."""
    rows = np.loadtxt(data / "tabular/banknote_authentication.csv.gz", delimiter=",")
    return rows[:, :3], rows[:, 3]


TASKS = {
    "diabetes": lambda data, seed: load_diabetes(return_X_y=True),
    "swiss roll": swiss_roll,
    "sin(2a) b": product,
    "Friedman 1": friedman,
    "breast cancer, radius": radius,
    "wine, proline": proline,
    "pendigits, last height": coordinate,
    "banknote, entropy": entropy,
}


def drawn(task, data, seed):
    """Rows and targets in random order: the first ones are labeled."""
    X, y = TASKS[task](data, seed)
    order = np.random.default_rng(seed).permutation(len(y))[:ROWS]
    return X[order], y[order]


def scaled(model):
    return make_pipeline(StandardScaler(), model)


def gaussian_process():
    kernel = ConstantKernel() * RBF(3.0, (0.1, 1e3)) + WhiteKernel(0.1, (1e-6, 10))
    return GaussianProcessRegressor(
        kernel, normalize_y=True, n_restarts_optimizer=2, random_state=0
    )


PLAIN = {
    "ridge": lambda seed: scaled(RidgeCV(np.logspace(-3, 3, 13))),
    "forest": lambda seed: RandomForestRegressor(random_state=seed),
    "extra trees": lambda seed: ExtraTreesRegressor(random_state=seed),
    "boosting": lambda seed: GradientBoostingRegressor(random_state=seed),
    "Gaussian process": lambda seed: scaled(gaussian_process()),
    "neighbours": lambda seed: scaled(KNeighborsRegressor()),
}
METHODS = [
    AutoSSLRegressor,
    LabelPropagationRegressor,
    RankUpRegressor,
    MeanTeacherRegressor,
]
ALONE = ", labels alone"
OURS = {cls.__name__: lambda seed, cls=cls: cls(random_state=seed) for cls in METHODS}
for cls in METHODS[1:]:
    OURS[cls.__name__ + ALONE] = lambda seed, cls=cls: cls(random_state=seed, unlabeled_weight=0)


def fit(task, data, n_labels, seed, model):
    """One line of the file."""
    X, truth = drawn(task, data, seed)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # kernels at the bounds of their search
        if model in PLAIN:
            fitted = PLAIN[model](seed).fit(X[:n_labels], truth[:n_labels])
        else:
            y = np.where(np.arange(len(X)) < n_labels, truth, np.nan)
            fitted = OURS[model](seed).fit(X, y)
    seconds = time.perf_counter() - start
    error = fitted.predict(X[n_labels:]) - truth[n_labels:]
    r2 = 1 - np.mean(error**2) / truth[n_labels:].var()
    return [
        task,
        n_labels,
        seed,
        model,
        f"{r2:.5f}",
        f"{np.abs(error).mean():.5g}",
        f"{seconds:.2f}",
    ]


def read():
    """R2 by task, labels, model, and by seed."""
    scores = {}
    for line in csv.DictReader(FILE.open()):
        key = line["task"], int(line["labels"]), line["model"]
        scores.setdefault(key, {})[int(line["seed"])] = float(line["r2"])
    return scores


def paired(ours, theirs):
    """Mean difference over the seeds of both, and its standard error."""
    gain = np.array([ours[seed] - theirs[seed] for seed in sorted(ours.keys() & theirs.keys())])
    return gain.mean(), gain.std(ddof=1) / len(gain) ** 0.5


def gain(ours, theirs):
    """Mean difference +- standard error, or nothing."""
    return "{:+.3f} +- {:.3f}".format(*paired(ours, theirs)) if ours and theirs else ""


def mean(scores):
    return f"{np.mean(list(scores.values())):.3f}" if scores else ""


def table(heads, rows):
    print(f"\n| {' | '.join(['', *heads])} |\n| --- |" + " --- |" * len(heads))
    for head, cells in rows:
        print(f"| {' | '.join([head, *cells])} |")


def report():
    scores = read()
    for n in sorted({n for _, n, _ in scores}):
        of = {
            task: {m: s for (t, k, m), s in scores.items() if (t, k) == (task, n)} for task in TASKS
        }
        models = [m for m in (*PLAIN, *OURS) if any(m in found for found in of.values())]
        shown = [m for m in models if not m.endswith(ALONE)]
        print(f"\n### {n} labels\n\nMean R2:")
        table(shown, ((t, [mean(of[t].get(m)) for m in shown]) for t in TASKS))
        ours = [m for m in shown if m in OURS]
        print("\nGain over the same on the labels alone:")
        pairs = [m for m in ours if m + ALONE in models]
        table(
            pairs, ((t, [gain(of[t].get(m), of[t].get(m + ALONE)) for m in pairs]) for t in TASKS)
        )
        print("\nGain over the plain model with the best mean:")
        rows = []
        for task in TASKS:
            best = max((m for m in PLAIN if m in of[task]), key=lambda m: float(mean(of[task][m])))
            rows.append((f"{task} ({best})", [gain(of[task].get(m), of[task][best]) for m in ours]))
        table(ours, rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--models", nargs="+", default=[*PLAIN, *OURS])
    parser.add_argument("--tasks", nargs="+", default=list(TASKS))
    parser.add_argument("--labels", nargs="+", type=int, default=[20, 50, 100])
    parser.add_argument("--seeds", nargs=2, type=int, default=[0, 10], help="from, to")
    parser.add_argument("--file", type=Path, default=FILE)
    parser.add_argument("--report", action="store_true")
    args = parser.parse_args()
    globals().update(FILE=args.file)
    if args.report:
        return report()
    torch.set_num_threads(1)
    args.file.exists() or args.file.write_text(",".join(COLUMNS) + "\n")
    done = {(t, n, s, m) for (t, n, m), seeds in read().items() for s in seeds}
    for seed in range(*args.seeds):
        for n_labels in args.labels:
            for task in args.tasks:
                for model in args.models:
                    if (task, n_labels, seed, model) in done:
                        continue
                    line = fit(task, args.data, n_labels, seed, model)
                    with args.file.open("a", newline="") as file:
                        csv.writer(file, lineterminator="\n").writerow(line)
                    print(*line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
