"""Attack the package with damaged files, killed fits and random inputs.

    python benchmarks/attack.py                              everything, half an hour on two cores
    python benchmarks/attack.py files [--n 200] [--kinds NAME ...]
    python benchmarks/attack.py kills [--n 20]
    python benchmarks/attack.py inputs [--n 1000] [--seed 0]
    python benchmarks/attack.py inputs --n 1 --seed 17 --here    one input, with its traceback

Each try runs in a process of its own, so that a crash or a fit without end is counted and not
suffered. Prints tables, and what failed with its seed; the exit status is 1 if anything is silently
wrong, fails in other words than a ValueError's or a TypeError's, crashes or hangs. Needs fork
(Linux, macOS), Pillow, pandas, polars and safetensors.
"""

import argparse
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pandas  # noqa: F401  imported before processes fork, so that each need not
import polars  # noqa: F401
import safetensors.torch  # noqa: F401
import sklearn
import skorch
import torch
from attack_files import FILES, attack_files, digest, in_children, rows
from attack_inputs import attack_input, describe

import sklearn_ssl
from sklearn_ssl import (
    CoTrainingNet,
    FixMatchClassifier,
    MeanTeacherClassifier,
    NoisyStudentClassifier,
    SelfTrainingNet,
    SGANClassifier,
    TemporalEnsemblingClassifier,
    VAEClassifier,
)

# ------------------------------------------------------------------ killed fits


def shaken(x, generator):
    """A view of the user's own, which differs in every process by its address."""
    return x + 0.1 * torch.randn(x.shape, generator=generator)


FITS = {
    "FixMatch": lambda: FixMatchClassifier(max_steps=400, weak_augment=shaken),
    "MeanTeacher": lambda: MeanTeacherClassifier(max_steps=600),
    "NoisyStudent": lambda: NoisyStudentClassifier(max_steps=150, max_iter=2),
    "SelfTraining": lambda: SelfTrainingNet(max_steps=150, max_iter=3),
    "CoTraining": lambda: CoTrainingNet(max_steps=150),
    "SGAN": lambda: SGANClassifier(max_steps=300),
    "TemporalEnsembling": lambda: TemporalEnsemblingClassifier(max_steps=600),
    "VAE": lambda: VAEClassifier(max_steps=300),
}


def fit(name, folder):
    """What ``--fit`` does in a process of its own."""
    torch.set_num_threads(1)
    X, y = rows()
    small = {"batch_size": 8, "random_state": 0, "checkpoint_dir": folder}
    clf = FITS[name]().set_params(**small)
    print("begins", flush=True)
    clf.fit(X, y)
    weights = [v.numpy() for v in clf.net_.predicting_module_.state_dict().values()]
    print(digest(clf.predict_proba(X), clf.transduction_, *weights), flush=True)


def start(name, folder):
    command = [sys.executable, __file__, "--fit", name, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end(process, limit=300):
    """The digest that a fit ends with, or its last words."""
    try:
        out, err = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        process.kill()
        return "hangs"
    return (out if process.returncode == 0 else err or "crashes").strip().splitlines()[-1]


def kill(name, folder, after):
    """Kill a fit so long after it began; whether it was still running."""
    process = start(name, folder)
    process.stdout.readline()
    time.sleep(after)
    running = process.poll() is None
    process.kill()
    process.communicate()
    return running


def attack_kills(n):
    expected, seconds, failures, hit, begun = {}, {}, [], 0, 0
    for i in range(n):
        name, rng = list(FITS)[i % len(FITS)], np.random.default_rng(i)
        if name not in expected:
            with tempfile.TemporaryDirectory() as folder:
                process = start(name, folder)
                process.stdout.readline()
                began = time.perf_counter()
                expected[name] = end(process)
                seconds[name] = time.perf_counter() - began
        with tempfile.TemporaryDirectory() as folder:
            hit += kill(name, folder, rng.uniform(0.05, 0.9) * seconds[name])
            begun += any(Path(folder).glob("*.pt"))
            seen = end(start(name, folder))
        if seen != expected[name]:
            failures.append(f"kill {i}, {name}: {seen}")
        print(f"kill {i}, {name}: {'as one' if seen == expected[name] else seen}", flush=True)
    print(f"\n{n} fits killed, {hit} while they ran, {begun} with a checkpoint: ", end="")
    print(f"{n - len(failures)} resumed bit for bit")
    equal = 0
    for name in expected:
        with tempfile.TemporaryDirectory() as folder:
            both = [end(process) for process in [start(name, folder), start(name, folder)]]
        equal += both == [expected[name]] * 2
        if both != [expected[name]] * 2:
            failures.append(f"two fits in one folder, {name}: {both}")
    print(f"{len(expected)} pairs of fits in one folder at once: {equal} end as one alone")
    return failures


# ------------------------------------------------------------------ random inputs


def attack_inputs(n, first):
    failures, counts, refusals = [], Counter(), Counter()
    for seed, seen in enumerate(in_children(attack_input, range(first, first + n)), first):
        kind, _, words = seen.partition(": ")
        counts[kind] += 1
        if kind == "refused":
            refusals[words[:60]] += 1
        elif kind != "fitted":
            failures.append(f"seed {seed}: {seen} ({describe(seed)})")
            print(failures[-1], flush=True)
    print(f"\n{n} random inputs from seed {first}:", dict(counts))
    print(f"{len(refusals)} kinds of refusal, the most frequent:")
    for words, count in refusals.most_common(12):
        print(f"{count:5} {words}")
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="?", choices=["files", "kills", "inputs"])
    parser.add_argument("--n", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", choices=FILES)
    parser.add_argument("--here", action="store_true")
    parser.add_argument("--fit", nargs=2, metavar=("NAME", "FOLDER"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.fit:
        return fit(*args.fit)
    if args.here:
        for seed in range(args.seed, args.seed + (args.n or 1)):
            print(seed, describe(seed), "->", attack_input(seed, loud=True), sep="\n")
        return 0
    torch.set_num_threads(1)
    print(
        f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}, "
        f"scikit-learn {sklearn.__version__}, skorch {skorch.__version__}, "
        f"sklearn_ssl {sklearn_ssl.__version__}"
    )
    began, failures = time.perf_counter(), []
    for part, attack in {
        "files": lambda: attack_files(args.n or 200, args.kinds),
        "kills": lambda: attack_kills(args.n or 20),
        "inputs": lambda: attack_inputs(args.n or 1000, args.seed),
    }.items():
        if args.part in (None, part):
            failures += attack()
    print(f"\n{time.perf_counter() - began:.0f} s, {len(failures)} failures", *failures, sep="\n")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
