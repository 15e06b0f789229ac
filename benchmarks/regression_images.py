"""The angle of a digit: RankUp with and without alignment, beside the network on the labels alone.

    python benchmarks/regression_images.py [--labels 50 250] [--seeds 0 3] [--file FILE]
    python benchmarks/regression_images.py --report [--file FILE]

scikit-learn's 1,797 digits, turned by an angle drawn from -60 to 60 degrees (10x10 pixels). The
network is the automatic one with half its width, 600 steps. The strong view shifts, stretches and
recolours, and cuts a square out; it does not turn, since that would change the angle. Mean absolute
error of the images whose angle was hidden. Each fit is a line of the file; what is there is not
fitted again.
"""

import argparse
import csv
import time
from pathlib import Path

import numpy as np
import torch
from regression import gain
from scipy.ndimage import rotate
from sklearn.datasets import load_digits

from sklearn_ssl import MeanTeacherRegressor, RankUpRegressor
from sklearn_ssl.augment import AffineColorCutout

FILE = Path(__file__).with_suffix(".csv")
SMALL = {"module_params": {"width": 16}, "max_steps": 600}
VIEW = AffineColorCutout(degrees=0, flip=False)
METHODS = {
    "labels alone": lambda: RankUpRegressor(unlabeled_weight=0, **SMALL),
    "RankUp and RDA": lambda: RankUpRegressor(strong_augment=VIEW, **SMALL),
    "RankUp": lambda: RankUpRegressor(strong_augment=VIEW, rda=False, **SMALL),
    "Mean Teacher": lambda: MeanTeacherRegressor(**SMALL),
}


def turned(seed):
    """Images (1797, 1, 10, 10) in random order, and their angles in degrees."""
    rng = np.random.default_rng(seed)
    images = load_digits().images / 16
    images = np.pad(images[rng.permutation(len(images))], [(0, 0), (1, 1), (1, 1)])
    angles = rng.uniform(-60, 60, len(images))
    pairs = zip(images, angles, strict=True)
    turned = [np.clip(rotate(image, a, reshape=False, order=1), 0, 1) for image, a in pairs]
    return np.array(turned, dtype=np.float32)[:, None], angles


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--labels", nargs="+", type=int, default=[50, 250])
    parser.add_argument("--seeds", nargs=2, type=int, default=[0, 3], help="from, to")
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--file", type=Path, default=FILE)
    parser.add_argument("--report", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if not args.file.exists():
        args.file.write_text("labels,seed,method,mae,seconds\n")
    errors = {}
    for line in csv.DictReader(args.file.open()):
        key = int(line["labels"]), line["method"]
        errors.setdefault(key, {})[int(line["seed"])] = float(line["mae"])
    if args.report:
        print("| labels | | mean absolute error, degrees | to the labels alone |")
        print("| --- | --- | --- | --- |")
        for (n, method), of_seeds in sorted(errors.items()):
            values = list(of_seeds.values())
            less = gain(of_seeds, errors[n, "labels alone"])
            print(f"| {n} | {method} | {np.mean(values):.2f} +- {np.std(values):.2f} | {less} |")
        return
    for seed in range(*args.seeds):
        X, angles = turned(seed)
        for n in args.labels:
            y = np.where(np.arange(len(angles)) < n, angles, np.nan)
            for method in args.methods:
                if seed in errors.get((n, method), {}):
                    continue
                start = time.perf_counter()
                net = METHODS[method]().set_params(random_state=seed).fit(X, y)
                mae = np.abs(net.predict(X[n:]) - angles[n:]).mean()
                line = [n, seed, method, f"{mae:.3f}", f"{time.perf_counter() - start:.0f}"]
                with args.file.open("a", newline="") as file:
                    csv.writer(file, lineterminator="\n").writerow(line)


if __name__ == "__main__":
    main()
