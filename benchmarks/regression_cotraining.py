"""Co-training of two regressors (COREG), which the package leaves out, beside plain models.

    python benchmarks/regression_cotraining.py DATA_DIR [--seeds 100 110] [--labels 20 50 100]

Zhou and Li 2005, "Semi-Supervised Regression with Co-Training", IJCAI: two regressors by three
nearest neighbours, with distances of order 2 and 5, teach each other. Of 100 unlabeled rows each
picks the one whose predicted number lowers its error on the labeled neighbours of that row most,
and gives it to the other; 100 rounds. Tasks are those of ``regression.py``.
"""

import argparse
from pathlib import Path

import numpy as np
from regression import PLAIN, TASKS, drawn, gain, table
from sklearn.metrics.pairwise import pairwise_distances
from sklearn.preprocessing import StandardScaler

K, ROUNDS, POOL = 3, 100, 100


def predict(D, known, y, rows):
    """Means of the K nearest known rows: distances (n, n), row numbers -> (m,)."""
    near = np.argsort(D[np.ix_(rows, known)], axis=1, kind="stable")[:, :K]
    return y[known][near].mean(1)


def best_of(D, known, y, pool):
    """The row of the pool that lowers the error of its labeled neighbours most, or None."""
    found, most = None, 0.0
    for u in pool:
        near = known[np.argsort(D[u, known], kind="stable")[:K]]
        said = predict(D, known, y, [u])[0]
        before = predict_others(D, known, y, near)
        y_more = y.copy()
        y_more[u] = said
        after = predict_others(D, np.append(known, u), y_more, near)
        gained = np.sum((y[near] - before) ** 2 - (y[near] - after) ** 2)
        if gained > most:
            found, most = (u, said), gained
    return found


def predict_others(D, known, y, rows):
    """As `predict`, but no row is its own neighbour."""
    apart = D[np.ix_(rows, known)].copy()
    apart[np.equal.outer(rows, known)] = np.inf
    return y[known][np.argsort(apart, axis=1, kind="stable")[:, :K]].mean(1)


def coreg(X, truth, n_labels, seed, rounds=ROUNDS):
    """Predictions of hidden rows: (n - n_labels,)."""
    rng = np.random.default_rng(seed)
    scaled = StandardScaler().fit_transform(X)
    D = [pairwise_distances(scaled, metric="minkowski", p=p) for p in (2, 5)]
    known = [np.arange(n_labels)] * 2
    y = [np.where(np.arange(len(X)) < n_labels, truth, 0.0) for _ in D]
    hidden = np.arange(n_labels, len(X))
    for _ in range(rounds):
        free = np.setdiff1d(hidden, np.concatenate(known))
        pool = rng.permutation(free)[:POOL]
        given = [best_of(D[j], known[j], y[j], pool) for j in (0, 1)]
        if given == [None, None]:
            break
        for j, pair in enumerate(given):
            if pair is not None:
                row, said = pair
                known[1 - j], y[1 - j][row] = np.append(known[1 - j], row), said
    return np.mean([predict(D[j], known[j], y[j], hidden) for j in (0, 1)], axis=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", nargs=2, type=int, default=[100, 110], help="from, to")
    parser.add_argument("--labels", nargs="+", type=int, default=[20, 50, 100])
    args = parser.parse_args()
    rivals = "extra trees", "Gaussian process"
    for n in args.labels:
        rows = []
        for task in TASKS:
            r2 = {name: {} for name in ("COREG", "its pair", *rivals)}
            for seed in range(*args.seeds):
                X, truth = drawn(task, args.data, seed)
                said = {"COREG": coreg(X, truth, n, seed), "its pair": coreg(X, truth, n, seed, 0)}
                for name in rivals:
                    said[name] = PLAIN[name](seed).fit(X[:n], truth[:n]).predict(X[n:])
                for name, predicted in said.items():
                    error = np.mean((predicted - truth[n:]) ** 2)
                    r2[name][seed] = 1 - error / truth[n:].var()
            mean = f"{np.mean(list(r2['COREG'].values())):.3f}"
            others = [gain(r2["COREG"], r2[name]) for name in ("its pair", *rivals)]
            rows.append((task, [mean, *others]))
            print(n, *rows[-1], flush=True)
        print(f"\n{n} labels")
        table(["COREG", "to its pair alone", *(f"to {name}" for name in rivals)], rows)


if __name__ == "__main__":
    main()
