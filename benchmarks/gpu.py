"""Milliseconds of a training step on a GPU, and images a second of its views.

    python benchmarks/gpu.py [--steps 60]

FixMatch with defaults on digits; WideResNet-28-2 at the paper's batch (64 labeled and 448 unlabeled
images, each of these in two views) in bfloat16, in float32 and through ``torch.compile``, beside
forward and backward of the same network alone. The first tenth of the steps warms up. Prints
Markdown for ``RESULTS.md``.
"""

import argparse
import time

import numpy as np
import torch
from sklearn.datasets import load_digits
from skorch.callbacks import Callback
from torch.nn.functional import cross_entropy

from sklearn_ssl import FixMatchClassifier, hide_labels
from sklearn_ssl.augment import AffineColorCutout, RandAugment
from sklearn_ssl.networks import WideResNet


class Clock(Callback):
    """Seconds of the steps after the first tenth, the device's work included."""

    def on_batch_begin(self, net, **kwargs):
        if net.step_ == net.max_steps // 10:
            torch.cuda.synchronize()
            self.start, self.first = time.perf_counter(), net.step_

    def on_batch_end(self, net, **kwargs):
        if net.step_ == net.max_steps:
            torch.cuda.synchronize()
            net.milliseconds = 1e3 * (time.perf_counter() - self.start) / (net.step_ - self.first)


def step(X, y, steps, **params):
    clf = FixMatchClassifier(max_steps=steps, random_state=0, callbacks=[Clock()], **params)
    clf.fit(X, y)
    return clf.net_.milliseconds


def floor(steps, precision):
    """Forward and backward of 64 + 448 images, forward of 448, and nothing else."""
    model = WideResNet((3, 32, 32), 10).cuda().to(memory_format=torch.channels_last).train()
    x, y = torch.rand(960, 3, 32, 32, device="cuda"), torch.arange(512, device="cuda") % 10
    for i in range(steps + steps // 10):
        if i == steps // 10:
            torch.cuda.synchronize()
            start = time.perf_counter()
        model.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16, enabled=precision == "bfloat16"):
            with torch.no_grad():
                model(x[512:])
            loss = cross_entropy(model(x[:512]).float(), y)
        loss.backward()
    torch.cuda.synchronize()
    return 1e3 * (time.perf_counter() - start) / steps


def views(view, steps):
    """Images a second, 448 at a time."""
    x, generator = torch.rand(448, 3, 32, 32, device="cuda"), torch.Generator("cuda")
    for i in range(steps + 5):
        if i == 5:
            torch.cuda.synchronize()
            start = time.perf_counter()
        view(x, generator)
    torch.cuda.synchronize()
    return 448 * steps / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=60)
    steps = parser.parse_args().steps
    device = torch.cuda.get_device_name()
    print(f"{device}, torch {torch.__version__}\n\n| | ms a step |\n| --- | --- |")
    X, y = load_digits(return_X_y=True)
    few = hide_labels(y, 100, random_state=0)
    for precision in ("bfloat16", "float32"):
        print(f"| digits, {precision} | {step(X, few, 10 * steps, precision=precision):.2f} |")
    images = np.random.default_rng(0).integers(0, 256, (5000, 3, 32, 32), dtype=np.uint8)
    y = np.where(np.arange(5000) < 250, np.arange(5000) % 10, -1)
    wrn = {"module": WideResNet, "batch_size": 64}
    for precision in ("bfloat16", "float32"):
        least = floor(steps, precision)
        ours = step(images, y, steps, precision=precision, **wrn)
        print(
            f"| WideResNet-28-2, {precision} | {ours:.1f} (network alone {least:.1f}) |", flush=True
        )
    for view in (AffineColorCutout(), RandAugment()):
        print(f"\n{type(view).__name__}: {views(view, steps):,.0f} images a second", flush=True)
    ours = step(images, y, 5 * steps, compile=True, **wrn)
    print(f"\ncompiled WideResNet-28-2, bfloat16: {ours:.1f} ms a step")


if __name__ == "__main__":
    main()
