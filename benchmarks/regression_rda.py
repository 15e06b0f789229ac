"""What chose ``rda="auto"`` of `RankUpRegressor`: its two parts alone and together, on tables.

    python benchmarks/regression_rda.py DATA_DIR [--seeds 100 101] [--labels 20 50]

Tasks of ``regression.py``, with seeds that no table of results uses. R2 of hidden rows less that of
the network on the labels alone.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from regression import TASKS, drawn, table

from sklearn_ssl import RankUpRegressor

PARTS = {
    "both": {"rda": True},
    "ranks": {"rda": False},
    "RDA": {"rda": True, "ranking_weight": 0},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", nargs=2, type=int, default=[100, 101], help="from, to")
    parser.add_argument("--labels", nargs="+", type=int, default=[20, 50])
    parser.add_argument("--max-steps", type=int, default=500)
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows = {task: [] for task in TASKS}
    for n in args.labels:
        for task, cells in rows.items():
            gains = []
            for seed in range(*args.seeds):
                X, truth = drawn(task, args.data, seed)
                y = np.where(np.arange(len(X)) < n, truth, np.nan)

                def r2(n=n, X=X, y=y, truth=truth, seed=seed, **part):
                    net = RankUpRegressor(max_steps=args.max_steps, random_state=seed, **part)
                    return net.fit(X, y).score(X[n:], truth[n:])

                alone = r2(unlabeled_weight=0)
                gains.append([r2(**part) - alone for part in PARTS.values()])
            cells += [f"{gain:+.3f}" for gain in np.mean(gains, axis=0)]
    table([f"{n} labels, {part}" for n in args.labels for part in PARTS], rows.items())


if __name__ == "__main__":
    main()
