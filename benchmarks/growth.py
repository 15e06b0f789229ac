"""How seconds a step and memory grow with batch, image size and number of unlabeled rows.

    python benchmarks/growth.py [--steps 20]
    python benchmarks/growth.py --memmap [--steps 1000] [--rows 10000 100000 1000000 10000000]

Each case runs in a process of its own, which prints its peak memory; one thread on a CPU. The
supervised part, validation and prediction are left out of the seconds.

With --memmap rows are a memory map of float32 in a temporary folder, 20 columns, two classes, 200
labels. Printed are CPU seconds, which other programs on the machine change less than the clock: of
a step, of all that comes before the first one, and of the prediction of all rows at the end, for
``transduction_``. Memory is what is anonymous (Linux), without the pages of the file that the
kernel keeps, beyond what there was before the fit.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

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


def anonymous():
    """Memory of this process that is no page of a file, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def many(rows, steps, folder):
    """FixMatch on a memory map: phases of one fit, each with CPU seconds and highest memory."""
    import numpy as np
    import torch
    from skorch.callbacks import Callback

    from sklearn_ssl import FixMatchClassifier

    torch.set_num_threads(1)
    path, rng = Path(folder) / "X.npy", np.random.default_rng(0)
    X = np.lib.format.open_memmap(path, "w+", np.float32, (rows, 20))
    for start in range(0, rows, 100_000):
        part = X[start : start + 100_000]
        part[:] = rng.standard_normal(part.shape, np.float32)
    X.flush()
    X = np.load(path, mmap_mode="r")
    y = np.full(rows, -1)
    y[:200] = X[:200] @ rng.standard_normal(20) > 0
    FixMatchClassifier(max_steps=5, random_state=0).fit(X[:5000], y[:5000])  # which loads modules

    phases = [{"begin": time.process_time(), "MB": 0.0}]
    before, over = anonymous(), threading.Event()

    def watch():
        while not over.wait(0.05):
            phases[-1]["MB"] = max(phases[-1]["MB"], anonymous() - before)

    class Phase(Callback):
        def __init__(self, sink):
            self.sink = sink

        def on_train_begin(self, net, **kwargs):
            self.sink.append({"begin": time.process_time(), "MB": 0.0})

        on_train_end = on_train_begin

    watcher = threading.Thread(target=watch)
    watcher.start()
    clf = FixMatchClassifier(max_steps=steps, random_state=0, callbacks=[Phase(phases)])
    clf.fit(X, y)
    end = time.process_time()
    over.set()
    watcher.join()
    begin, train, predict = phases
    return {
        "before": train["begin"] - begin["begin"],
        "ms": 1e3 * (predict["begin"] - train["begin"]) / steps,
        "MB": [phase["MB"] for phase in phases],
        "predicted a second": rows / (end - predict["begin"]),
    }


def table_of_many(args):
    print(
        "| rows | ms a step | MB before the steps | MB in the steps | MB at the end | "
        "s before the steps | rows predicted a second |\n" + "| --- " * 7 + "|"
    )
    for rows in args.rows:
        with tempfile.TemporaryDirectory() as folder:
            case = json.dumps({"rows": rows, "folder": folder})
            command = [sys.executable, __file__, "--steps", str(args.steps), "--case", case]
            out = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        memory = " | ".join(f"{value:.0f}" for value in out["MB"])
        print(f"| {rows:,} | {out['ms']:.1f} | {memory} | {out['before']:.1f} | "
              f"{out['predicted a second']:,.0f} |", flush=True)  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int)
    parser.add_argument("--memmap", action="store_true")
    parser.add_argument("--rows", type=int, nargs="+", default=[10**4, 10**5, 10**6, 10**7])
    parser.add_argument("--case", help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.steps = args.steps or (1000 if args.memmap else 20)
    if args.case:
        case = json.loads(args.case)
        print(json.dumps((many if "folder" in case else one)(**case, steps=args.steps)))
        return
    if args.memmap:
        table_of_many(args)
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
