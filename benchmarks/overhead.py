"""Time a step of FixMatchClassifier against a hand-written torch loop that does the same work.

    python benchmarks/overhead.py [--steps 500] [--pairs 7]

The two run in turn, pair by pair, on the digits; the ratio of each pair is printed, and the median.
"""

import argparse
import copy
import math
import time

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch.nn.functional import cross_entropy

from sklearn_ssl import FixMatchClassifier, hide_labels
from sklearn_ssl.augment import default_views
from sklearn_ssl.networks import MLP


def by_hand(X, y, steps):
    """FixMatch as one would write it in a script; returns seconds of the loop."""
    torch.manual_seed(0)
    g = torch.Generator().manual_seed(0)
    X = X.astype(np.float32)
    weak, strong = default_views(X)
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    labeled = (y >= 0).nonzero()[:, 0]
    model = MLP((64,), 10, X.mean(0), X.std(0, correction=0))
    average = copy.deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), 0.03, 0.9, nesterov=True, fused=True)
    states = average.state_dict().values(), model.state_dict().values()
    pairs = list(zip(*states, strict=True))
    floats = [(a, b) for a, b in pairs if a.is_floating_point()]
    averages, sources = [a for a, _ in floats], [b for _, b in floats]
    counters = [(a, b) for a, b in pairs if not a.is_floating_point()]
    start = time.perf_counter()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 0.03 * math.cos(7 * math.pi * step / steps / 16)
        i = labeled[torch.randint(len(labeled), (64,), generator=g)]
        x_l, x_u = X[i], X[torch.randint(len(X), (448,), generator=g)]
        logits = model(torch.cat([weak(torch.cat([x_l, x_u]), g), strong(x_u, g)]))
        l, w, s = logits.split([64, 448, 448])  # noqa: E741
        with torch.no_grad():
            confidence, target = torch.softmax(w, -1).max(-1)
            mask = (confidence >= 0.95).float()
        loss = cross_entropy(l, y[i])
        loss = loss + (cross_entropy(s, target, reduction="none") * mask).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        decay = min(0.999, (1 + step) / (10 + step))
        with torch.no_grad():
            torch._foreach_lerp_(averages, sources, 1 - decay)
            for a, b in counters:
                a.copy_(b)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--pairs", type=int, default=7)
    args = parser.parse_args()
    X, y = load_digits(return_X_y=True)
    y = hide_labels(y, 100, random_state=0)
    ratios = []
    for pair in range(args.pairs + 1):
        clf = FixMatchClassifier(max_steps=args.steps, random_state=0).fit(X, y)
        ours = sum(record["seconds"] for record in clf.history_)
        hand = by_hand(X, y, args.steps)
        if pair:  # the first pair warms up
            ratios.append(ours / hand)
            print(
                f"estimator {1e3 * ours / args.steps:.2f} ms a step, by hand "
                f"{1e3 * hand / args.steps:.2f}, ratio {ratios[-1]:.2f}"
            )
    print(f"median ratio {np.median(ratios):.2f} (at most 1.25 is the aim)")


if __name__ == "__main__":
    main()
