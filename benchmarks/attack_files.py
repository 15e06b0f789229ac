"""Damaged files: the first part of `attack.py`, and what its parts share."""

import gzip
import hashlib
import multiprocessing
import os
import pickle
import struct
import tempfile
import warnings
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas  # noqa: F401  imported before processes fork, so that each need not
import polars  # noqa: F401
import safetensors.torch  # noqa: F401
from PIL import Image
from skorch.callbacks import Callback

import sklearn_ssl
from sklearn_ssl import (
    ImageFolder,
    MeanTeacherClassifier,
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
