"""Time and memory of `LabelPropagationClassifier` against the number of rows.

    python benchmarks/graph.py [--sizes 10000 100000 1000000] [--new 20000]

Rows of 64 columns on curved sheets of 8 dimensions, one a class, with noise; 10 labels for each of
10 classes. Each size runs in a process of its own, on one thread; memory is the peak beyond the
rows themselves. Seconds are those of the processor; those of the clock are in brackets, and depend
on what else runs. Up to 50,000 rows the search for neighbours is exact; ``found`` is the share of
the 5 nearest kept rows that it finds, for 500 kept rows and for 500 new ones.
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


class Clock:
    """Seconds of the processor, and of the clock, since the last look."""

    def __init__(self):
        self.look()

    def look(self):
        before = getattr(self, "now", (0, 0))
        self.now = time.process_time(), time.perf_counter()
        return [now - then for now, then in zip(self.now, before, strict=True)]


def share_found(true, rows):
    import numpy as np

    return float(np.mean([np.isin(a, b).mean() for a, b in zip(true, rows, strict=True)]))


def one(n, n_new):
    import numpy as np
    import torch
    from sklearn.neighbors import NearestNeighbors

    from sklearn_ssl import LabelPropagationClassifier, hide_labels

    torch.set_num_threads(1)
    X, truth = make_sheets(n + n_new)
    X, X_new, truth, truth_new = X[:n], X[n:], truth[:n], truth[n:]
    y = hide_labels(truth, 100, "balanced", random_state=SEED)
    LabelPropagationClassifier().fit(X[:1000], truth[:1000])  # imports
    before, clock = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, Clock()
    clf = LabelPropagationClassifier(random_state=SEED).fit(X, y)
    fit = clock.look()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    right = (clf.predict(X_new) == truth_new).mean()
    predict = clock.look()
    rows, graph = np.arange(0, n, n // 500)[:500], clf.graph_
    kept, new = graph._scaled(X), graph._scaled(X_new[:500])
    exact = NearestNeighbors(n_neighbors=6).fit(kept)
    true = exact.kneighbors(kept[rows])[1][:, 1:]
    of_kept = share_found(true, graph.neighbors.kneighbors(kept[rows], 6)[1])
    of_new = share_found(exact.kneighbors(new, 5)[1], graph.neighbors.kneighbors(new)[1])
    return {
        "fit": fit,
        "predict": predict,
        "megabytes": (peak - before) / 1024,
        "unlabeled": float((clf.transduction_ == truth)[y < 0].mean()),
        "new": float(right),
        "found": [of_kept, of_new],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--new", type=int, default=20_000)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(one(args.one, args.new)))
        return
    print(
        "| rows | s to fit | MB beyond the rows | new rows a second | found, kept | found, new | "
        "accuracy, unlabeled | new |\n| --- | --- | --- | --- | --- | --- | --- | --- |"
    )
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    for n in args.sizes:
        command = [sys.executable, __file__, "--one", str(n), "--new", str(args.new)]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, check=True, env={**os.environ, **threads}
        )
        out = json.loads(done.stdout)
        (fit, fit_clock), (predict, predict_clock) = out["fit"], out["predict"]
        print(
            f"| {n:,} | {fit:.1f} ({fit_clock:.0f}) | {out['megabytes']:.0f} | "
            f"{args.new / predict:,.0f} ({args.new / predict_clock:,.0f}) | "
            f"{out['found'][0]:.3f} | {out['found'][1]:.3f} | {out['unlabeled']:.3f} | "
            f"{out['new']:.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
