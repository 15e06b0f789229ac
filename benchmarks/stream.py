"""Whether a network that learns from blocks of a stream is as good as one that is fitted at once.

    python benchmarks/stream.py [--seeds 3] [--calls 10] [--steps 50]

The stream is that of ``examples/stream_blocks.py``, 60 labels in its first block. Compared are, for
two distances of its clusters: one fit on the first block with as many steps as all calls together
have, partial_fit over the blocks, and the supervised network. Accuracy is on 20,000 rows that come
after; mean and standard deviation over seeds of data and network.
"""

import argparse
import sys
from itertools import islice
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parent.parent / "examples"))
import stream_blocks

from sklearn_ssl import FixMatchClassifier


def one(seed, distance, args):
    def blocks(first, n):
        rows = (first + n) * args.block
        return islice(stream_blocks.simulated(rows, args.block, seed, distance), first, None)

    (block,) = blocks(0, 1)
    X, y = stream_blocks.features(block), stream_blocks.labels(block)
    later = list(blocks(args.calls, 2))
    X_test = np.concatenate([stream_blocks.features(b) for b in later])
    truth = np.concatenate([b.column("truth").to_numpy() for b in later])
    whole = {"max_steps": args.calls * args.steps, "random_state": seed}
    stream = FixMatchClassifier(max_steps=args.steps, random_state=seed)
    stream_blocks.learn(stream, blocks(0, args.calls), stream_blocks.CLASSES)
    models = {
        "supervised": FixMatchClassifier(unlabeled_weight=0, **whole).fit(X, y),
        "fit": FixMatchClassifier(**whole).fit(X, y),
        "stream": stream,
    }
    return [model.score(X_test, truth) for model in models.values()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--calls", type=int, default=10)
    parser.add_argument("--steps", type=int, default=50, help="of a call")
    parser.add_argument("--distances", type=float, nargs="+", default=[1.0, 0.7])
    parser.add_argument("--block", type=int, default=10_000)
    args = parser.parse_args()
    print("| distance | supervised | one fit | stream | stream - one fit |\n" + "| --- " * 5 + "|")
    for distance in args.distances:
        scores = np.array([one(seed, distance, args) for seed in range(args.seeds)])
        columns = [*scores.T, scores[:, 2] - scores[:, 1]]
        shown = [f"{c.mean():.3f} +- {c.std(ddof=1):.3f}" for c in columns]
        print(f"| {distance} | {' | '.join(shown)} |", flush=True)


if __name__ == "__main__":
    main()
