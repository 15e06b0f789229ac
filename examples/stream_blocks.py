"""Rows without end: learn from a stream block by block, then predict block by block.

    pip install ".[examples]"
    python examples/stream_blocks.py [--rows 400000] [--block 20000] [--steps 50] [--out FOLDER]
    python examples/stream_blocks.py --parquet FILE --classes 3

The stream is a parquet file that is read in record batches, or a simulated one whose blocks are
made when they are asked for: 20 columns, three classes of four clusters each. In both a column
``label`` holds a class 0, 1, ... in a few rows and null in all others.

Most blocks have no label at all, and a network cannot learn classes without labels. The labeled
rows are few, so they are kept, and come as X and y with each block; the block itself comes as
X_unlabeled. Each call of partial_fit takes --steps steps. It goes on from the weights of the call
before, and keeps no row of the block. Memory stays the same however many rows pass.
"""

import argparse
import time
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sklearn_ssl import FixMatchClassifier

COLUMNS, CLASSES, CLUSTERS = 20, 3, 12
NO_FEATURES = ("label", "truth")


def simulated(rows, block, seed=0, distance=1.0):
    """Yield record batches of a stream of which nothing is kept: the same ones at each call.

    Clusters are normal with variance 1 and come equally often, and ``distance`` is the standard
    deviation of their centres. The best rule is the class of the nearest centre. 60 rows of the
    first block have a label, and 6 of each tenth block.
    """
    centres = np.random.default_rng(seed).standard_normal((CLUSTERS, COLUMNS), np.float32)
    centres *= distance
    for number, start in enumerate(range(0, rows, block)):
        rng, n = np.random.default_rng([seed, number]), min(block, rows - start)
        cluster = rng.integers(CLUSTERS, size=n)
        X = rng.standard_normal((n, COLUMNS), np.float32)
        X += centres[cluster]
        truth = (cluster % CLASSES).astype(np.int8)
        n_labels = 60 if number == 0 else 6 if number % 10 == 0 else 0
        columns = {f"x{j}": X[:, j] for j in range(COLUMNS)}
        label = pa.array(truth, mask=np.arange(n) >= n_labels)
        yield pa.record_batch({**columns, "label": label, "truth": truth})


def from_parquet(path, block):
    """Yield the record batches of a parquet file, at most ``block`` rows at a time."""
    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(batch_size=block)


def features(batch):
    """The columns of numbers: float32 ndarray (n, d)."""
    names = [name for name in batch.schema.names if name not in NO_FEATURES]
    out = np.empty((batch.num_rows, len(names)), np.float32)
    for j, name in enumerate(names):
        out[:, j] = batch.column(name)
    return out


def labels(batch):
    """Classes (n,), and -1 where there is none."""
    return batch.column("label").fill_null(-1).to_numpy()


def resident():
    """Memory of this process in MB: anonymous, so that pages of files do not count (Linux)."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return float("nan")
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def told(batches, what, every):
    """Pass record batches on; print rows so far, seconds and memory each ``every`` rows."""
    start, rows, printed = time.perf_counter(), 0, 0
    for batch in batches:
        yield batch
        rows += batch.num_rows
        if rows // every > printed:
            printed = rows // every
            seconds = time.perf_counter() - start
            print(f"{what} {rows:13,} rows {seconds:8.1f} s {resident():6.0f} MB", flush=True)


def learn(clf, batches, n_classes):
    """Train on one block after the other; return the labeled rows that came."""
    known_X, known_y = [], []
    # more rows than the steps draw would only be predicted, for transduction_unlabeled_
    n_drawn = clf.max_steps * clf.batch_size * clf.unlabeled_ratio
    for batch in batches:
        X, y = features(batch), labels(batch)
        labeled = y >= 0
        if labeled.any():
            known_X.append(X[labeled])
            known_y.append(y[labeled])
        if not known_y:  # before the first label there is nothing to learn
            continue
        pool = X[~labeled]
        clf.partial_fit(
            np.concatenate(known_X),
            np.concatenate(known_y),
            classes=np.arange(n_classes),
            X_unlabeled=pool[:: max(1, len(pool) // n_drawn)] if len(pool) else None,
        )
    if not known_y:
        raise SystemExit("No block had a label: there is nothing to learn from.")
    return np.concatenate(known_X), np.concatenate(known_y)


def predict(clf, batches, path):
    """Write class and probability of all rows; return the accuracy where the truth is known."""
    right = rows = 0
    schema = pa.schema({"class": pa.int64(), "probability": pa.float32()})
    with pq.ParquetWriter(path, schema) as writer:
        for batch in batches:
            p = clf.predict_proba(features(batch))
            decided = clf.classes_[p.argmax(1)].astype(np.int64)
            table = {"class": decided, "probability": p.max(1).astype(np.float32)}
            writer.write_batch(pa.record_batch(table, schema=schema))
            rows += len(p)
            if "truth" in batch.schema.names:
                right += int((decided == batch.column("truth").to_numpy()).sum())
    return right / rows


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=400_000, help="of the simulated stream")
    parser.add_argument("--block", type=int, default=20_000, help="rows of a block")
    parser.add_argument("--steps", type=int, default=50, help="training steps for each block")
    parser.add_argument("--parquet", type=Path, help="file to read; default: a simulated stream")
    parser.add_argument("--classes", type=int, default=CLASSES)
    parser.add_argument("--out", type=Path, default=Path(), help="folder of predictions.parquet")
    parser.add_argument("--predict", type=int, help="rows to predict; default: all")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(arguments)

    rows = pq.read_metadata(args.parquet).num_rows if args.parquet else args.rows

    def stream(what, rows):
        if args.parquet:
            batches = from_parquet(args.parquet, args.block)
        else:
            batches = simulated(rows, args.block, args.seed)
        return told(islice(batches, -(-rows // args.block)), what, max(args.block, rows // 10))

    clf = FixMatchClassifier(max_steps=args.steps, random_state=args.seed)
    print(f"      {0:19,} rows {0:8.1f} s {resident():6.0f} MB")
    _, y = learn(clf, stream("learned  ", rows), args.classes)
    print(f"{len(y)} rows had a label")
    path = args.out / "predictions.parquet"
    accuracy = predict(clf, stream("predicted", args.predict or rows), path)
    print(f"wrote {path}" + ("" if args.parquet else f", accuracy {accuracy:.4f}"))
    return accuracy


if __name__ == "__main__":
    main()
