"""MNIST with 100 labels: the papers' networks beside their figures, and all our defaults.

    python benchmarks/mnist.py DATA_DIR [--seeds 0 1] [--only NAME ...] [--checkpoints FOLDER]

DATA_DIR holds the four IDX files. 10 labels a class are drawn from the 60,000 training images, all
others are unlabeled; the error on the 10,000 test images is that of the last step's averaged
weights: no test label chooses anything. Each run is a line of ``benchmarks/mnist.csv``; those that
are there are not repeated, and a killed one goes on from its checkpoint. Then
``benchmarks/RESULTS_MNIST.md`` is written from all of them.
"""

import argparse
import csv
import inspect
import time
from pathlib import Path

import numpy as np

import sklearn_ssl
from sklearn_ssl import (
    FlexMatchClassifier,
    PseudoLabelClassifier,
    SelfTrainingNet,
    SGANClassifier,
    SSLClassifier,
    VAEClassifier,
    VATClassifier,
    hide_labels,
    load_mnist,
)
from sklearn_ssl.networks import FastCNN

VAE = {
    "likelihood": "bernoulli",
    "latent_dim": 50,
    "max_steps": 20_000,
    "unlabeled_ratio": 1,
    "module_params": {"hidden_layer_sizes": (500, 500)},
}
# as the authors have it; benchmarks/mnist_choices.py compares forms on hidden training labels
SGAN = {
    "lr": 0.003,
    "lr_schedule": "constant",
    "ema_decay": 0.9999,
    "batch_size": 100,
    "unlabeled_ratio": 2,
    "optimizer_params": {"eps": 1e-4},
    "module_params": {
        "hidden_layer_sizes": (1000, 500, 250, 250, 250),
        "noise": 0.5,
        "mean": 0.0,  # pixels in [0, 1] as they are
        "scale": 1.0,
    },
}
# not permutation-invariant: a convolutional network, and views that shift, turn and hide parts
IMAGES = {
    "batch_size": 32,
    "unlabeled_ratio": 4,
    "lr": 0.05,
    "input_shape": (1, 28, 28),
    "module": FastCNN,
    "optimizer_params": {"weight_decay": 5e-4},
}
VAT = {
    "batch_size": 50,
    "unlabeled_ratio": 5,
    "epsilon": 12,
    "optimizer": "adam",
    "lr": 0.002,
    "lr_schedule": "linear",
    "ema_decay": None,
    "module_params": {
        "hidden_layer_sizes": (1200, 600, 300, 150),
        "noise": 0.5,
        "normalize_logits": True,
    },
}
# our name: class, parameters, published error in percent
RUNS = {
    "supervised net": (SelfTrainingNet, {"unlabeled_weight": 0, "max_steps": 1000}, ""),
    "SelfTrainingNet": (SelfTrainingNet, {"max_steps": 1000}, "Pseudo-Label 16.15"),
    "PseudoLabelClassifier": (
        PseudoLabelClassifier, {"max_steps": 10_000}, "Pseudo-Label 16.15",
    ),
    "VAEClassifier m2": (VAEClassifier, {"objective": "m2", **VAE}, "M2 11.97 +- 1.71"),
    "VAEClassifier m1+m2": (
        VAEClassifier,
        {**VAE, "objective": "m1+m2", "alpha": 0.1, "warm_up": 0.0, "max_steps": 40_000},
        "M1+M2 3.33 +- 0.14 (300,000 steps)",
    ),
    "VATClassifier, entropy": (
        VATClassifier, {"max_steps": 6_000, "entropy_weight": 1.0, **VAT}, "VAT 1.36",
    ),
    "FlexMatchClassifier, rows as images": (
        FlexMatchClassifier, {"max_steps": 2_000, **IMAGES}, "",
    ),
    "SGANClassifier": (
        SGANClassifier, {"max_steps": 20_000, **SGAN}, "Improved GAN 0.93 +- 0.07 (180,000 steps)",
    ),
}  # fmt: skip
# every classifier with a network as it comes
RUNS |= {
    f"{name}, defaults": (cls, {"max_steps": cls().max_steps}, "")
    for name, cls in vars(sklearn_ssl).items()
    if inspect.isclass(cls) and issubclass(cls, SSLClassifier)
}
HERE = Path(__file__).parent
RAW = HERE / "mnist.csv"
COLUMNS = ("method", "steps", "seed", "error_percent", "seconds")


def runs_so_far():
    with RAW.open(newline="") as file:
        return list(csv.DictReader(file))


def report():
    lines = [
        "# MNIST, 100 labels, permutation-invariant but for the rows as images",
        "",
        "`python benchmarks/mnist.py DATA_DIR`: test error in percent, mean +- standard deviation"
        " over the seeds; every run is in [mnist.csv](mnist.csv), with seconds on a machine"
        " that had other work too. Published figures: other splits, mostly longer training.",
        "",
        "| method | error | seeds | steps (of a round) | published |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, (_, params, published) in RUNS.items():
        steps = str(params["max_steps"])
        mine = [r for r in runs_so_far() if (r["method"], r["steps"]) == (name, steps)]
        if mine:
            errors = [float(run["error_percent"]) for run in mine]
            spread = f" +- {np.std(errors, ddof=1):.2f}" if len(errors) > 1 else ""
            lines.append(
                f"| {name} | {np.mean(errors):.2f}{spread} | {len(mine)} | {int(steps):,} "
                f"| {published} |"
            )
    lines += [
        "",
        "The default autoencoder had 21.76 % with seed 0, and 22.58 +- 2.91 % with seeds 0-4, while"
        " labeled rows counted by their share of the batch, a third; all else was the same.",
        "",
        "m1+m2 trains m1 first, then m2. Both at once, as in commit 2819a0b, had 10.19 % with seed"
        " 0 in 20,000 steps, each of which took 1.6 times as long. The order was chosen on hidden"
        " training labels (4,000 steps, seeds 10 and 11: accuracy .567 and .762, at once .523 and"
        " .633), and is the paper's. Published re-implementations have 9.0 to 9.3 %. While"
        " labeled rows counted by their share of the batch, half of it, and not by"
        " that of the data, .17 %, it had 11.52 %, and 10.84 % in 60,000 steps. All of these are"
        " from before dimensions of z1 that carry nothing were left out, and p(z1|y,z2) had a"
        " variance; that form had 10.36 % with seed 0 in 20,000 steps, and 9.63 % with its warm-up"
        " and alpha 1 since. The paper's alpha, .1, needs many steps: 20.5 % of hidden training"
        " labels in 8,000, where 1 has 14.1 % (seed 10). The"
        " authors' form, `benchmarks/mnist_m1m2.py DATA_DIR --m1 FILE --bfloat16`, had 18.2, 11.9,"
        " 9.7, 8.2, 7.4, 6.8 and 6.2 % of the same hidden labels after 4,000, 10,000, 20,000,"
        " 30,000, 40,000, 50,000 and 60,000 steps of m2, after 30,000 of m1, and was"
        " stopped there.",
        "",
        "VAT in common batches had failed on this test set with seed 0 (25.27 % with plain SGD,"
        " 10,000 steps). Batches of their own for labeled rows, half and half with common ones, had"
        " 5.51 % in 10,000 steps. Noise on hidden layers, normalised logits and the entropy term"
        " do without them: 5.63 % on hidden training labels after 750 steps (seed 10,"
        " [mnist_choices.csv](mnist_choices.csv)). The authors' form has no entropy term, a batch"
        " of its own for the 100 labels and 50,000 steps. `benchmarks/mnist_vat.py DATA_DIR"
        " --bfloat16 --xi .5` had 10.7, 7.6, 5.9, 5.4, 4.8 and 4.5 % of the same hidden labels"
        " after 1,000, 2,000, 4,000, 7,000, 10,000 and 14,000 of these steps; it had 4.8 % after"
        " 18,000, where the rate is a fortieth of the first, and was stopped. With the entropy"
        " term, `--entropy 1 --steps 5000`, it is faster and stays higher: 7.8, 7.0, 6.6 and"
        " 6.6 % after 500, 1,000, 2,500 and 3,000. The form of their first code, `--hidden 1200"
        " 1200 --epsilon .3 --noise 0 --xi .001`, had 18.0, 20.3 and 19.0 % after 500, 1,000 and"
        " 3,000 of 50,000.",
        "",
        "SGAN had 1.72 % in 15,000 steps, 1.53 % in 40,000 and 1.69 % in 120,000, seed 0, before"
        " the lengths of its weights started from the data; that of its defaults is from then too."
        " The form in this file follows the authors' code. After 1,500 steps it has half the error"
        " of the earlier one on hidden labels (seed 10). It had 2.46 % in 6,000 steps; its weights"
        " are averaged over up to 10,000.",
    ]
    (HERE / "RESULTS_MNIST.md").write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data_dir")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--only", choices=RUNS, nargs="+", default=list(RUNS))
    parser.add_argument("--checkpoints", type=Path)
    args = parser.parse_args()
    X, y, X_test, y_test = load_mnist(args.data_dir)
    X, X_test = (images.reshape(len(images), -1) / np.float32(255) for images in (X, X_test))
    if not RAW.exists():
        RAW.write_text(",".join(COLUMNS) + "\n")
    for seed in args.seeds:
        for name in args.only:
            cls, params, _ = RUNS[name]
            key = (name, str(params["max_steps"]), str(seed))
            if key in [(r["method"], r["steps"], r["seed"]) for r in runs_so_far()]:
                continue
            few = hide_labels(y, 100, "balanced", random_state=seed)
            folder = args.checkpoints and args.checkpoints / f"{name} {seed}"
            start = time.perf_counter()
            clf = cls(random_state=seed, checkpoint_dir=folder, **params).fit(X, few)
            seconds = time.perf_counter() - start
            error = 100 * (1 - clf.score(X_test, y_test))
            row = (name, params["max_steps"], seed, round(error, 2), round(seconds))
            with RAW.open("a", newline="") as file:
                csv.writer(file).writerow(row)
            print(*row, flush=True)
            report()
    report()
    print(f"sklearn_ssl {sklearn_ssl.__version__}: wrote {HERE / 'RESULTS_MNIST.md'}")


if __name__ == "__main__":
    main()
