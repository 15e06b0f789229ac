"""What a mean of members reaches: which members earn their place, and with which weights.

    python benchmarks/portfolio.py DATA_DIR --cache DIR [--members NAME ...] [--seeds 100 101 ...]
                                   [--labels 10 5 2] [--columns N] [--folds]
    python benchmarks/portfolio.py DATA_DIR --cache DIR --report

DATA_DIR as in ``tabular.py``. A fit sees k labels a class of a training half and is scored on the
hidden labels of that half, never on a test half, with seeds that no table of results uses. DIR gets
a file a fit: probabilities of the hidden rows and, for plain members and with ``--folds`` for all,
of the labeled rows out of fold. ``--columns`` keeps N columns alone, drawn by the seed, so that
classes overlap; give it a DIR of its own. ``--report`` prints Markdown for
``RESULTS_PORTFOLIO.md``.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from network import DATA, draw
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from tabular import NAMES, load, logistic

from sklearn_ssl import (
    FixMatchClassifier,
    LabelPropagationClassifier,
    LabelPropagationNet,
    SelfTrainingNet,
    SGANClassifier,
    VAEClassifier,
    VATClassifier,
    out_of_fold,
)
from sklearn_ssl.methods.portfolio.weights import (
    log_losses,
    member_weights,
    temperature,
    tempered,
)

PLAIN = {  # of the labeled rows alone
    "logistic": lambda y, seed: logistic(y),
    "forest": lambda y, seed: RandomForestClassifier(random_state=seed),
    "extra trees": lambda y, seed: ExtraTreesClassifier(random_state=seed),
    "boosting": lambda y, seed: HistGradientBoostingClassifier(random_state=seed),
    "supervised net": lambda y, seed: SelfTrainingNet(unlabeled_weight=0, random_state=seed),
}
OURS = {
    "graph": lambda y, seed: LabelPropagationClassifier(),
    "LabelPropagationNet": lambda y, seed: LabelPropagationNet(random_state=seed),
    "FixMatch": lambda y, seed: FixMatchClassifier(random_state=seed),
    "SelfTrainingNet": lambda y, seed: SelfTrainingNet(random_state=seed),
    "VAT": lambda y, seed: VATClassifier(random_state=seed),
    "VAE": lambda y, seed: VAEClassifier(random_state=seed),
    "SGAN": lambda y, seed: SGANClassifier(random_state=seed),
}
CHEAP = ("logistic", "forest", "extra trees", "boosting", "graph")


def one(X, few, name, k, seed, folds):
    labeled = few >= 0
    make = {**PLAIN, **OURS}[name]
    rows = labeled if name in PLAIN else np.full(len(few), True)
    start = time.perf_counter()
    clf = make(few[labeled], seed).fit(X[rows], few[rows])
    found = {"hidden": clf.predict_proba(X[~labeled]), "seconds": time.perf_counter() - start}
    if folds:
        left = k - -(-k // min(k, 3))  # labels a class in a training part
        clf = make(np.repeat(np.unique(few[labeled]), left), seed)
        found["folds"] = out_of_fold(clf, X[rows], few[rows], cv=min(k, 3))[1]
    return found


def _score(found, members, *, weigh=True, networks=False, geometric=False):
    """Accuracy of the mean on the hidden rows of a draw, from what is in the cache."""
    labels, truth = found[members[0]]["labels"], found[members[0]]["truth"]
    told, losses = [], []
    for name in members:
        measured = weigh and (networks or name in CHEAP)
        folds = found[name]["folds"] if measured else None
        t = temperature(folds, labels) if measured else 1.0
        told.append(tempered(found[name]["hidden"], t))
        none = np.full(len(labels), np.nan)
        losses.append(log_losses(tempered(folds, t), labels) if measured else none)
    weights = member_weights(np.array(losses), np.array([name in PLAIN for name in members]))
    told = np.log(told) if geometric else np.array(told)
    return np.mean(np.tensordot(weights, told, 1).argmax(1) == truth)


def cached(cache):
    """Of each draw, by "data k seed", the arrays of each fit, by name."""
    draws = {}
    for path in sorted(cache.glob("*.npz")):
        name = next(name for name in [*PLAIN, *OURS] if path.stem.endswith(" " + name))
        draws.setdefault(path.stem[: -len(name) - 1], {})[name] = dict(np.load(path))
    return draws


def report(cache):
    """Print the tables of ``RESULTS_PORTFOLIO.md``."""
    draws = cached(cache)
    small = ["logistic", "forest", "extra trees"]
    base = [*small, "graph", "LabelPropagationNet", "FixMatch"]

    def line(title, members, reference=base, only=lambda draw: True, **options):
        needed = {*members, *reference}
        chosen = [d for d in draws.values() if needed <= set(d) and only(d)]
        if not chosen:
            return
        scores = np.array([_score(d, members, **options) for d in chosen])
        gain = scores - [_score(d, list(reference)) for d in chosen]
        error = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else np.nan
        versus = f"{gain.mean():+.4f} +- {error:.4f}" if members != base or options else ""
        print(f"| {title} | {scores.mean():.4f} | {versus} | {len(scores)} |")

    print("| | accuracy | to good | draws |\n| --- | --- | --- | --- |")
    for name in [*PLAIN, *OURS]:
        line(f"{name} alone", [name], weigh=False)
    line("good", base)
    line("good, without networks", base[:-2])
    for name in base:
        line(f"good without {name}", [m for m in base if m != name])
    for name in ("boosting", "supervised net", "SelfTrainingNet", "SGAN", "VAE", "VAT"):
        line(f"good and {name}", [*base, name])
    line("good, equal weights, no temperatures", base, weigh=False)
    line("good, geometric mean", base, geometric=True)

    def has_folds(draw):
        return all("folds" in draw[name] for name in base)

    line("good where networks are measured too", base, only=has_folds, networks=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data_dir")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--members", nargs="+", default=[*PLAIN, *OURS])
    parser.add_argument("--seeds", type=int, nargs="+", default=[100, 101, 102])
    parser.add_argument("--labels", type=int, nargs="+", default=[10, 5, 2])
    parser.add_argument("--columns", type=int)
    parser.add_argument("--folds", action="store_true")
    parser.add_argument("--report", action="store_true")
    args = parser.parse_args()
    if args.report:
        return report(args.cache)
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    args.cache.mkdir(exist_ok=True)
    tables = {data: load(NAMES[data], args.data_dir) for data in DATA}
    for seed in args.seeds:
        for name in args.members:
            for data in DATA:
                for k in args.labels:
                    path = args.cache / f"{data} {k} {seed} {name}.npz"
                    folds = args.folds or name in CHEAP
                    if path.exists() and (not folds or "folds" in np.load(path)):
                        continue
                    X, y = tables[data]
                    if args.columns is not None:
                        rng = np.random.default_rng(seed)
                        X = X[:, rng.choice(X.shape[1], args.columns, replace=False)]
                    X, few, y = draw(X, y, k, seed)
                    found = one(X, few, name, k, seed, folds)
                    np.savez(path, **found, truth=y[few < 0], labels=few[few >= 0])


if __name__ == "__main__":
    main()
