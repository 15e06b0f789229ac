"""Time a step of FixMatchClassifier against a hand-written torch loop that does the same work.

    python benchmarks/overhead.py [--steps 500] [--pairs 7]
    python benchmarks/overhead.py --network wrn [--steps 2] [--pairs 3] [--batch-size 16]

The two run in turn, pair by pair; the ratio of each pair is printed, and the median. Beside it the
ratio to the floor: forward and backward of the same network on as many rows, and nothing else; on
CIFAR-sized noise also the ratio of a plain loop's step (NCHW weights) to ours.
"""

import argparse
import copy
import math
import time

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch.nn.functional import cross_entropy
from torch.optim.swa_utils import get_ema_multi_avg_fn

from sklearn_ssl import FixMatchClassifier, hide_labels
from sklearn_ssl.augment import default_views
from sklearn_ssl.networks import MLP, WideResNet


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
        weak_l, weak_u = weak(torch.cat([x_l, x_u]), g).split([64, 448])
        with torch.no_grad():
            confidence, target = torch.softmax(model(weak_u), -1).max(-1)
            mask = (confidence >= 0.95).float()
        l, s = model(torch.cat([weak_l, strong(x_u, g)])).split([64, 448])  # noqa: E741
        loss = cross_entropy(l, y[i])
        loss = loss + (cross_entropy(s, target, reduction="none") * mask).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        decay = min(0.999, (1 + step) / (10 + step))
        with torch.no_grad():
            get_ema_multi_avg_fn(decay)(averages, sources, None)
            for a, b in counters:
                a.copy_(b)
    return time.perf_counter() - start


def floor(model, x, y, steps, without_gradient=0):
    """Seconds of forward and backward alone, the last rows without a gradient."""
    n = len(x) - without_gradient
    start = time.perf_counter()
    for _ in range(steps):
        model.zero_grad(set_to_none=True)
        cross_entropy(model(x[:n]), y[:n]).backward()
        if without_gradient:
            with torch.no_grad():
                model(x[n:])
    if x.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start


def ratios_on_digits(args):
    X, y = load_digits(return_X_y=True)
    y = hide_labels(y, 100, random_state=0)
    ratios, floors = [], []
    for pair in range(args.pairs + 1):
        clf = FixMatchClassifier(max_steps=args.steps, random_state=0).fit(X, y)
        ours = sum(record["seconds"] for record in clf.history_)
        hand = by_hand(X, y, args.steps)
        rows = torch.from_numpy(np.tile(X.astype(np.float32), (2, 1))[: 64 + 2 * 448])
        model, target = clf.net_.module_.train(), torch.arange(len(rows)) % 10
        whole = floor(model, rows, target, args.steps)
        least = floor(model, rows, target, args.steps, without_gradient=448)
        if pair:  # the first pair warms up
            ratios.append(ours / hand)
            floors.append((ours / least, ours / whole))
            print(
                f"estimator {1e3 * ours / args.steps:.2f} ms a step, by hand "
                f"{1e3 * hand / args.steps:.2f}, floor {1e3 * least / args.steps:.2f}, ratios "
                f"{ratios[-1]:.2f} and {floors[-1][0]:.2f}"
            )
    least, whole = np.median(floors, 0)
    print(
        f"median ratio {np.median(ratios):.2f} to by hand, {least:.2f} to the floor, {whole:.2f} "
        "to forward and backward of all rows"
    )


def ratios_on_images(args):
    device = "cuda" if torch.cuda.is_available() else "cpu"
    B = args.batch_size
    X = np.random.default_rng(0).integers(0, 256, (20 * B, 3, 32, 32), dtype=np.uint8)
    y = np.where(np.arange(len(X)) < B, np.arange(len(X)) % 10, -1)
    rows = torch.rand(15 * B, 3, 32, 32, device=device)
    target = torch.arange(len(rows), device=device) % 10
    plain = WideResNet((3, 32, 32), 10).to(device).train()
    ratios, layouts = [], []
    for pair in range(args.pairs + 1):
        clf = FixMatchClassifier(
            module=WideResNet, max_steps=args.steps, batch_size=B, random_state=0
        ).fit(X, y)
        ours = sum(record["seconds"] for record in clf.history_)
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            model = clf.net_.module_.train()
            least = floor(model, rows, target, args.steps, without_gradient=7 * B)
            whole = floor(model, rows, target, args.steps)
            nchw = floor(plain, rows, target, args.steps)
        if pair:
            ratios.append((ours / least, ours / whole))
            layouts.append(nchw / whole)
            print(
                f"estimator {1e3 * ours / args.steps:.1f} ms a step, floor "
                f"{1e3 * least / args.steps:.1f} (whole batch with a gradient "
                f"{1e3 * whole / args.steps:.1f}, in NCHW {1e3 * nchw / args.steps:.1f}), ratio "
                f"{ratios[-1][0]:.2f}"
            )
    least, whole = np.median(ratios, 0)
    print(
        f"median ratio {least:.2f} to the floor, {whole:.2f} to forward and backward of all rows; "
        f"NCHW weights cost {np.median(layouts):.2f} times channels_last"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", choices=["digits", "wrn"], default="digits")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--pairs", type=int)
    parser.add_argument("--batch-size", type=int, default=16)
    args = parser.parse_args()
    digits = args.network == "digits"
    args.steps, args.pairs = (
        args.steps or (500 if digits else 2),
        args.pairs or (7 if digits else 3),
    )
    (ratios_on_digits if digits else ratios_on_images)(args)


if __name__ == "__main__":
    main()
