"""Time and memory of `LabelPropagationClassifier` against the number of rows.

    python benchmarks/graph.py [--sizes 10000 100000 1000000]

Rows of 64 columns on curved sheets of 8 dimensions, one a class, with noise; 10 labels for each of
10 classes. Each size runs in a process of its own, on one thread; memory is the peak beyond the
rows themselves. Up to 50,000 rows the search for neighbours is exact; ``found`` is the share of the
5 nearest rows that it finds, for 500 rows.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time

SEED = 0


def make_sheets(n, d=64, n_classes=10, inner=8):
    import numpy as np

    rng = np.random.default_rng(SEED)
    y = rng.integers(n_classes, size=n)
    centers, mix = rng.normal(size=(n_classes, inner)), rng.normal(size=(inner, d)) / 3
    X = np.empty((n, d), dtype=np.float32)
    for start in range(0, n, 10_000):
        rows = slice(start, start + 10_000)
        z = 2 * centers[y[rows]] + rng.normal(size=(len(y[rows]), inner))
        X[rows] = np.tanh(z @ mix) + 0.1 * rng.normal(size=(len(z), d))
    return X, y


def one(n):
    import numpy as np
    import torch
    from sklearn.neighbors import NearestNeighbors

    from sklearn_ssl import LabelPropagationClassifier, hide_labels
    from sklearn_ssl.methods.label_propagation.graph import nearest

    torch.set_num_threads(1)
    X, truth = make_sheets(n + 1000)
    X, X_new, truth, truth_new = X[:n], X[n:], truth[:n], truth[n:]
    y = hide_labels(truth, 100, "balanced", random_state=SEED)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    clf = LabelPropagationClassifier(random_state=SEED).fit(X, y)
    fitted = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    right = (clf.predict(X_new) == truth_new).mean()
    predicted = time.perf_counter()
    rows = np.arange(0, n, n // 500)[:500]
    start_search = time.perf_counter()
    found = nearest(X, 5)[1][rows]
    searched = time.perf_counter()
    true = NearestNeighbors(n_neighbors=6).fit(X).kneighbors(X[rows])[1][:, 1:]
    return {
        "fit": fitted - start,
        "search": searched - start_search,
        "predict": predicted - fitted,
        "megabytes": (peak - before) / 1024,
        "steps": clf.n_iter_,
        "unlabeled": float((clf.transduction_ == truth)[y < 0].mean()),
        "new": float(right),
        "found": float(np.mean([np.isin(a, b).mean() for a, b in zip(found, true, strict=True)])),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(one(args.one)))
        return
    print(
        "| rows | s to fit | of it search | MB beyond the rows | s for 1,000 new rows | found | "
        "accuracy, unlabeled | new |\n| --- | --- | --- | --- | --- | --- | --- | --- |"
    )
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    for n in args.sizes:
        command = [sys.executable, __file__, "--one", str(n)]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, check=True, env={**os.environ, **threads}
        )
        out = json.loads(done.stdout)
        print(
            f"| {n:,} | {out['fit']:.1f} | {out['search']:.1f} | {out['megabytes']:.0f} | "
            f"{out['predict']:.2f} | {out['found']:.3f} | {out['unlabeled']:.3f} | "
            f"{out['new']:.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
