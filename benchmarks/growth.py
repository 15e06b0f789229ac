"""How seconds a step and memory grow with batch, image size and number of unlabeled rows.

    python benchmarks/growth.py [--steps 20]

Each case runs in a process of its own, which prints its peak memory; one thread on a CPU. The
supervised part, validation and prediction are left out of the seconds.
"""

import argparse
import json
import resource
import subprocess
import sys

CASES = [
    {"rows": 2_000, "batch": 16, "side": 32},
    {"rows": 20_000, "batch": 16, "side": 32},
    {"rows": 100_000, "batch": 16, "side": 32},
    {"rows": 2_000, "batch": 32, "side": 32},
    {"rows": 2_000, "batch": 64, "side": 32},
    {"rows": 2_000, "batch": 16, "side": 64},
]


def one(rows, batch, side, steps):
    import numpy as np
    import torch
    from skorch.callbacks import Callback

    from sklearn_ssl import FixMatchClassifier

    torch.set_num_threads(1)
    X = np.random.default_rng(0).integers(0, 256, (rows, 3, side, side), dtype=np.uint8)
    y = np.where(np.arange(rows) < 40, np.arange(rows) % 10, -1)
    before, peaks = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, []

    class Peak(Callback):
        """Memory when training ends: prediction of all rows is no part of a step."""

        def __init__(self, sink):
            self.sink = sink

        def on_train_end(self, net, **kwargs):
            peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

    def weak(x, generator):
        return x

    clf = FixMatchClassifier(
        module_params={"width": 4}, max_steps=steps, batch_size=batch, weak_augment=weak,
        random_state=0, callbacks=[Peak(peaks)],
    )  # fmt: skip
    clf.fit(X, y)
    seconds = sum(record["seconds"] for record in clf.history_) / steps
    return {"ms": 1e3 * seconds, "megabytes": (peaks[0] - before) / 1024}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.case:
        print(json.dumps(one(**json.loads(args.case), steps=args.steps)))
        return
    print(
        "| unlabeled rows | B | side | ms a step | MB beyond the data |\n"
        "| --- | --- | --- | --- | --- |"
    )
    for case in CASES:
        command = [sys.executable, __file__, "--steps", str(args.steps), "--case", json.dumps(case)]
        out = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        print(f"| {case['rows']:,} | {case['batch']} | {case['side']} | {out['ms']:.0f} | "
              f"{out['megabytes']:.0f} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
