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
import gzip
import hashlib
import multiprocessing
import os
import pickle
import platform
import struct
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas  # noqa: F401  imported before processes fork, so that each need not
import polars  # noqa: F401
import safetensors.torch  # noqa: F401
import sklearn
import skorch
import torch
from attack_inputs import attack_input, describe
from PIL import Image
from skorch.callbacks import Callback

import sklearn_ssl
from sklearn_ssl import (
    CoTrainingNet,
    FixMatchClassifier,
    ImageFolder,
    MeanTeacherClassifier,
    NoisyStudentClassifier,
    SelfTrainingNet,
    SGANClassifier,
    TemporalEnsemblingClassifier,
    VAEClassifier,
    load_cifar10,
    load_mnist,
)

# ------------------------------------------------------------------ processes


def in_children(function, items, limit=60):
    """Yield what a function returns for each item, in a forked process.

    "crashes" or "hangs" where the process dies or needs more seconds than the limit; the next item
    then gets a new process.
    """
    context, items = multiprocessing.get_context("fork"), list(items)
    while items:
        ours, theirs = context.Pipe(duplex=False)

        def work(items=tuple(items), theirs=theirs):
            warnings.simplefilter("ignore")
            for item in items:
                theirs.send(function(item))
            theirs.close()
            os._exit(0)

        process = context.Process(target=work)
        process.start()
        theirs.close()
        stopped = False
        while items and not stopped:
            try:
                seen = ours.recv() if ours.poll(limit) else "hangs"
            except EOFError:
                seen = "crashes"
            stopped = seen in ("hangs", "crashes")
            items.pop(0)
            yield seen
        process.kill()
        process.join()


def digest(*arrays):
    h = hashlib.blake2b(digest_size=16)
    for array in map(np.asarray, arrays):
        h.update(f"{array.dtype}{array.shape}".encode())
        h.update(np.ascontiguousarray(array).tobytes())
    return h.hexdigest()


def rows():
    """Three Gaussian classes: 90 rows of 4 columns, 15 labels."""
    rng = np.random.default_rng(0)
    truth = np.arange(90) % 3
    return rng.normal(size=(90, 4)) + 2 * truth[:, None], np.where(np.arange(90) < 15, truth, -1)


# ------------------------------------------------------------------ damaged files


class Stop(Callback):
    """A fit that ends in the middle."""

    def on_epoch_begin(self, net, **kwargs):
        if net.step_ >= 6:
            raise KeyboardInterrupt


def checkpointed(folder, **params):
    net = {"module_params": {"hidden_layer_sizes": (16,)}, "max_steps": 12, "batch_size": 8}
    return MeanTeacherClassifier(random_state=0, checkpoint_dir=folder, **net, **params)


def write_checkpoint(folder):
    with suppress(KeyboardInterrupt):
        checkpointed(folder, callbacks=[Stop()]).fit(*rows())


def resume(folder):
    return digest(checkpointed(folder).fit(*rows()).predict_proba(rows()[0]))


def write_model(folder):
    clf = checkpointed(None).fit(*rows())
    clf.save(folder / "model")


def read_model(folder):
    clf = sklearn_ssl.load(folder / "model")
    return digest(clf.predict_proba(rows()[0]), repr(clf.get_params()), clf.classes_)


def write_idx(folder, opened=open, end=""):
    rng = np.random.default_rng(0)
    for name in ("train", "t10k"):
        images = struct.pack(">I3I", 0x803, 6, 28, 28) + rng.bytes(6 * 784)
        labels = struct.pack(">II", 0x801, 6) + bytes(range(6))
        for kind, data in (("images-idx3", images), ("labels-idx1", labels)):
            with opened(folder / f"{name}-{kind}-ubyte{end}", "wb") as file:
                file.write(data)


def write_cifar(folder, protocol):
    rng = np.random.default_rng(0)
    for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
        data = np.frombuffer(rng.bytes(2 * 3072), np.uint8).reshape(2, 3072)
        batch = {b"batch_label": name.encode(), b"labels": [3, 9], b"data": data}
        (folder / name).write_bytes(pickle.dumps(batch, protocol))


def write_images(folder, end, **options):
    rng = np.random.default_rng(0)
    for name in ("cat", "dog", "unlabeled"):
        (folder / name).mkdir()
        pixels = np.frombuffer(rng.bytes(16 * 16 * 3), np.uint8).reshape(16, 16, 3)
        Image.fromarray(pixels).save(folder / name / f"1.{end}", **options)


def read_images(folder):
    images = ImageFolder(folder, size=16)
    return digest(images, repr(images.y.tolist()))


# name: (write into a folder, read it, whether the format has a checksum over what it holds)
FILES = {
    "checkpoint": (write_checkpoint, resume, True),
    "model file": (write_model, read_model, True),
    "IDX": (write_idx, lambda f: digest(*load_mnist(f)), False),
    "IDX, gzipped": (
        lambda f: write_idx(f, gzip.open, ".gz"),
        lambda f: digest(*load_mnist(f)),
        True,
    ),
    "CIFAR, pickle 2": (lambda f: write_cifar(f, 2), lambda f: digest(*load_cifar10(f)), False),
    "CIFAR, pickle 5": (lambda f: write_cifar(f, 5), lambda f: digest(*load_cifar10(f)), False),
    "PNG": (lambda f: write_images(f, "png"), read_images, True),
    "JPEG": (lambda f: write_images(f, "jpg"), read_images, False),
    "TIFF": (lambda f: write_images(f, "tiff"), read_images, False),
    "WebP": (lambda f: write_images(f, "webp", lossless=True), read_images, False),
    "BMP": (lambda f: write_images(f, "bmp"), read_images, False),
}


def damaged(data, kind, rng):
    """Data that were cut, or in which a bit or a byte is another; half of these at the ends."""
    if kind == "cut":
        return data[: rng.integers(len(data))]
    near = min(len(data), 200)
    place = rng.integers(len(data)) if rng.random() < 0.5 else rng.integers(2 * near) - near
    changed = bytearray(data)
    changed[place] ^= 1 << rng.integers(8) if rng.random() < 0.5 else rng.integers(1, 256)
    return bytes(changed)


def attack_file(name, n, failures):
    """One kind of file; yields a line of the table for each kind of damage."""
    write, read, checksum = FILES[name]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        list(in_children(write, [folder]))
        files = {p: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}

        def attempt(item):
            kind, seed = item
            for path, data in files.items():
                path.write_bytes(data)
            if kind is not None:
                rng = np.random.default_rng([seed, kind == "cut"])
                path = list(files)[rng.integers(len(files))]
                path.write_bytes(damaged(files[path], kind, rng))
            try:
                return "read", read(folder)
            except ValueError:
                return "refused"
            except BaseException as error:
                return f"{type(error).__name__}: {error}"

        (expected,) = in_children(attempt, [(None, 0)])
        for kind in ("flip", "cut"):
            counts = Counter()
            for seed, seen in enumerate(in_children(attempt, [(kind, seed) for seed in range(n)])):
                if seen == expected:
                    outcome = "same"
                elif seen[0] == "read":
                    outcome = "wrong" if checksum else "other"
                else:
                    outcome = seen if seen in ("refused", "hangs", "crashes") else "error"
                counts[outcome] += 1
                if outcome not in ("same", "refused", "other"):
                    failures.append(f"{name}, {kind} {seed}: {seen}")
            stopped = counts["crashes"] + counts["hangs"]
            yield [name, kind, *map(counts.get, OUTCOMES, [0] * len(OUTCOMES)), stopped]


OUTCOMES = ["refused", "same", "wrong", "other", "error"]


def attack_files(n, kinds):
    print(
        "\n| file | damage | refused | as undamaged | silently wrong | other values, no checksum | "
        "other errors | crashes, hangs |\n" + "| --- " * 8 + "|"
    )
    failures = []
    for name in kinds or FILES:
        for line in attack_file(name, n, failures):
            print("|", " | ".join(map(str, line)), "|", flush=True)
    return failures


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
