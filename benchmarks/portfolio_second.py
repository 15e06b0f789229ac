"""A second stage behind the mean of members, and weights from unlabeled rows: do they pay?

    python benchmarks/portfolio_second.py DATA_DIR --cache DIR

DIR is that of ``portfolio.py``, whose members, draws and hidden training labels these are. Tried:
a student (extra trees, or the supervised net) that learns the labels and those labels of the mean
that are surer than .8, alone and as half a member more (V-PET, arXiv 2503.09707, section 4); and
the posterior of a mixture over the members' decisions, fitted to labeled and unlabeled rows by EM
(Dawid and Skene 1979; SSME, arXiv 2501.11866, fits scores), alone and as the measure of each
member's quality. Prints Markdown for ``RESULTS_PORTFOLIO.md``.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import torch
from network import draw
from portfolio import CHEAP, PLAIN, cached
from sklearn.ensemble import ExtraTreesClassifier
from tabular import NAMES, load

from sklearn_ssl import SelfTrainingNet
from sklearn_ssl.methods.portfolio.weights import mean_of, tempered, weighed

MEMBERS = ["logistic", "forest", "extra trees", "graph", "LabelPropagationNet", "FixMatch"]
SURE = 0.8


def mixture(hidden, folds, labels):
    """Posterior (n, K) of classes, from decisions of members (M, n, K) and of those out of fold."""
    M, _, K = hidden.shape
    decided, q = hidden.argmax(2), hidden.mean(0)
    for _ in range(30):
        confusion = np.full((M, K, K), 0.5)
        for m in range(M):
            for k in range(K):
                confusion[m, :, k] += q[decided[m] == k].sum(0)
            if np.isfinite(folds[m]).all():
                np.add.at(confusion[m], (labels, folds[m].argmax(1)), 1)
        confusion /= confusion.sum(2, keepdims=True)
        logs = np.log(q.mean(0)) + sum(np.log(confusion[m][:, decided[m]]).T for m in range(M))
        q = np.exp(logs - logs.max(1, keepdims=True))
        q /= q.sum(1, keepdims=True)
    return q


def one(found, X, few, y):
    labels, truth = found[MEMBERS[0]]["labels"], found[MEMBERS[0]]["truth"]
    none = np.full((len(labels), found[MEMBERS[0]]["hidden"].shape[1]), np.nan)
    folds = [found[name]["folds"] if name in CHEAP else none for name in MEMBERS]
    plain = np.array([name in PLAIN for name in MEMBERS])
    temperatures, folds, _, weights = weighed(np.array(folds), labels, plain)
    hidden = [tempered(found[m]["hidden"], t) for m, t in zip(MEMBERS, temperatures, strict=True)]
    hidden = np.array(hidden)
    mean, q = mean_of(hidden, weights), mixture(hidden, folds, labels)
    loss = np.array([-(q * np.log(0.95 * p + 0.05 / q.shape[1])).sum(1).mean() for p in hidden])
    by_mixture = np.exp(-3 * (loss - loss.mean()))
    both = weights * by_mixture
    told = {
        "the mean": mean,
        "posterior of the mixture": q,
        "weights by the mixture": mean_of(hidden, by_mixture),
        "weights by both": mean_of(hidden, both),
    }
    sure, codes = mean.max(1) >= SURE, np.searchsorted(np.unique(y), few[few >= 0])
    rows = np.concatenate([X[few >= 0], X[few < 0][sure]])
    taught = np.concatenate([codes, mean.argmax(1)[sure]])
    students = {
        "extra trees": ExtraTreesClassifier(random_state=0),
        "supervised net": SelfTrainingNet(unlabeled_weight=0, random_state=0),
    }
    for name, student in students.items():
        p = student.fit(rows, taught).predict_proba(X[few < 0])
        told[f"{name} as student"] = p
        told[f"the mean and half of {name} as student"] = mean + p / 2
    return {name: np.mean(p.argmax(1) == truth) for name, p in told.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data_dir")
    parser.add_argument("--cache", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    scores = []
    for key, found in cached(args.cache).items():
        data, k, seed = key.rsplit(" ", 2)
        if set(MEMBERS) <= set(found):
            X, few, y = draw(*load(NAMES[data], args.data_dir), int(k), int(seed))
            scores.append(one(found, X, few, y))
    print("| | accuracy | to the mean | draws |\n| --- | --- | --- | --- |")
    for name in scores[0]:
        mine = np.array([s[name] for s in scores])
        gain = mine - [s["the mean"] for s in scores]
        error = gain.std(ddof=1) / np.sqrt(len(gain))
        print(f"| {name} | {mine.mean():.4f} | {gain.mean():+.4f} +- {error:.4f} | {len(mine)} |")


if __name__ == "__main__":
    main()
