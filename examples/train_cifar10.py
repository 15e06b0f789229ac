"""CIFAR-10 with few labels: FixMatch as in the paper, or a fast recipe for a CPU.

    python examples/train_cifar10.py --data-dir D --n-labeled 40|250|4000 [--preset paper|cpu]
        [--method fixmatch|mixmatch|remixmatch|...] [--max-steps N] [--out DIR] [--resume]
        [--first-steps N | --start-from FILE]

D holds the standard python files (cifar-10-batches-py). With ``--preset paper``: WideResNet-28-2,
SGD with Nesterov momentum, learning rate .03 * cos(7 pi t / 16), weight decay 5e-4 on weights,
averages with decay .999, 64 labeled and 448 unlabeled images a step. ``--preset cpu`` is for two
cores of a CPU: FreeMatch, whose thresholds start low, a small network that learns fast
(`networks.FastCNN`, the automatic one), and fewer images a step. ``--first-steps N`` begins with N
steps of S4L, which learn from unlabeled images more than from labels, and keeps the network in
first.pt of --out; ``--start-from`` takes that file in a run with more labels, instead of first
steps of its own (with one seed, 40 labels are among the 250, and these among the 4000). After every
epoch the test set is scored, *for reporting only*: nothing is chosen by it, and "best" is printed
beside "last" because papers do.

--out gets log.csv, curves.png, confusion.csv and the checkpoints from which --resume goes on.
The paper trains 2^20 steps; accuracies of its table 2: 86.19 +- 3.37 (40 labels), 94.93 +- .65
(250), 95.74 +- .05 (4000).
"""

import argparse
import csv
import shutil
import time
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    precision_recall_fscore_support,
    roc_auc_score,
)
from skorch.callbacks import Callback

from sklearn_ssl import (
    FixMatchClassifier,
    FlexMatchClassifier,
    FreeMatchClassifier,
    MeanTeacherClassifier,
    MixMatchClassifier,
    PseudoLabelClassifier,
    ReMixMatchClassifier,
    S4LClassifier,
    SelfTrainingNet,
    SoftMatchClassifier,
    UDAClassifier,
    hide_labels,
    load_cifar10,
)
from sklearn_ssl.networks import WideResNet

METHODS = {
    "fixmatch": (FixMatchClassifier, {"distribution_alignment": False}),  # as in the paper
    "flexmatch": (FlexMatchClassifier, {}),
    "freematch": (FreeMatchClassifier, {"threshold_decay": 0.999}),
    "softmatch": (SoftMatchClassifier, {"threshold_decay": 0.999}),
    "mixmatch": (MixMatchClassifier, {"unlabeled_weight": 75.0}),
    "remixmatch": (ReMixMatchClassifier, {}),
    "mean_teacher": (MeanTeacherClassifier, {"unlabeled_weight": 100.0, "ema_decay": 0.999}),
    "pseudo_label": (PseudoLabelClassifier, {}),
    "uda": (UDAClassifier, {}),
    "self_training": (SelfTrainingNet, {"max_iter": 5}),
    "supervised": (FixMatchClassifier, {"unlabeled_weight": 0}),
}
# FixMatch, accuracy in percent by number of labels: the paper (2^20 steps), and a homework report
# with code of its own (20 epochs of 1,024 steps: no cosine, no averages, colour jitter alone).
REPORTED = {40: ("86.19 +- 3.37", 20.9), 250: ("94.93 +- 0.65", 34.7),
            4000: ("95.74 +- 0.05", 47.0)}  # fmt: skip
PRESETS = {
    "paper": {
        "method": "fixmatch", "network": "wide", "max_steps": 20_000, "batch_size": 64, "lr": 0.03,
    },
    "cpu": {
        "method": "freematch", "network": "auto", "max_steps": 6_000, "batch_size": 32,
        "unlabeled_ratio": 4, "lr": 0.05,
    },
}  # fmt: skip
COLUMNS = ["step", "loss", "mask_rate", "lr", "accuracy", "precision", "recall", "f1", "auc"]


def measure(y, p):
    """Accuracy, and macro averages of precision, recall, F1 and one-against-rest AUC."""
    predicted = p.argmax(1)
    precision, recall, f1, _ = precision_recall_fscore_support(
        y, predicted, average="macro", zero_division=0
    )
    auc = roc_auc_score(y, p, multi_class="ovr")
    scores = [accuracy_score(y, predicted), precision, recall, f1, auc]
    return dict(zip(COLUMNS[4:], scores, strict=True))


class Report(Callback):
    """Score the test set after an epoch and add a line to the log, which outlives a crash."""

    def __init__(self, X, y, path, every):
        self.X, self.y, self.path, self.every = X, y, path, every

    def on_epoch_end(self, net, **kwargs):
        epoch = len(net.history)
        if epoch % self.every and net.step_ < net.max_steps:
            return
        record = net.history[-1]
        row = {name: record[name] for name in COLUMNS[:4] if name in record}
        row |= measure(self.y, net.predict_proba(self.X))
        new = not self.path.exists()
        with self.path.open("a", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            if new:
                writer.writeheader()
            writer.writerow(row)
        shown = "  ".join(f"{name} {row[name]:.4f}" for name in COLUMNS[1:] if name in row)
        print(f"step {row['step']}  {shown}", flush=True)


def draw(rows, path):
    """Loss, share of confident rows and test accuracy by step."""
    try:
        import matplotlib
    except ImportError:
        print('No curves.png without matplotlib: pip install "sklearn-ssl[plot]"')
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    for name, axis in (("loss", axes[0]), ("mask_rate", axes[1]), ("accuracy", axes[1])):
        points = [(int(r["step"]), float(r[name])) for r in rows if r[name]]
        if points:
            axis.plot(*zip(*points, strict=True), "-" if name != "mask_rate" else ":", label=name)
    axes[0].set(xlabel="optimizer step", ylabel="training loss in nats")
    axes[1].set(xlabel="optimizer step", ylabel="share", ylim=(0, 1))
    axes[1].legend()
    figure.savefig(path, dpi=120)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", required=True, help="folder with cifar-10-batches-py")
    parser.add_argument("--n-labeled", type=int, default=250, help="a multiple of 10")
    parser.add_argument("--preset", choices=PRESETS, default="paper", help="of what is not given")
    parser.add_argument("--method", choices=METHODS)
    parser.add_argument("--network", choices=("wide", "auto"))
    parser.add_argument("--max-steps", type=int)
    first = parser.add_mutually_exclusive_group()
    first.add_argument("--first-steps", type=int, default=0, help="steps of S4L before the method")
    first.add_argument("--start-from", type=Path, help="first.pt of a run with --first-steps")
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--unlabeled-ratio", type=int, help="default: the method's own")
    parser.add_argument("--lr", type=float)
    parser.add_argument("--depth", type=int, default=28, help="of the wide network")
    parser.add_argument("--width", type=int, default=2, help="of the wide network")
    parser.add_argument("--subset", type=int, help="so many training images only, for a trial")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--report-every", type=int, default=1, help="epochs between tests")
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        default="auto",
        help="bfloat16 is faster on a CPU that has it, and slower on others",
    )
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("cifar10_run"))
    parser.add_argument("--resume", action="store_true", help="go on from --out")
    args = parser.parse_args(arguments)
    for name, value in PRESETS[args.preset].items():
        if getattr(args, name) is None:
            setattr(args, name, value)

    X, y, X_test, y_test = load_cifar10(args.data_dir)
    if args.subset:
        X, y = X[: args.subset], y[: args.subset]
    few = hide_labels(y, args.n_labeled, "balanced", random_state=args.seed)
    log = args.out / "log.csv"
    if not args.resume:
        shutil.rmtree(args.out / "checkpoints", ignore_errors=True)
        log.unlink(missing_ok=True)
    args.out.mkdir(parents=True, exist_ok=True)

    cls, own = METHODS[args.method]
    if args.unlabeled_ratio is not None:
        own = {**own, "unlabeled_ratio": args.unlabeled_ratio}
    if args.network == "wide":
        own = {**own, "module": WideResNet}
        own["module_params"] = {"depth": args.depth, "width": args.width}
    start = time.perf_counter()
    if args.first_steps:
        first = S4LClassifier(
            max_steps=args.first_steps,
            lr=args.lr,
            module=own.pop("module", "auto"),
            module_params=own.pop("module_params", None),
            checkpoint_dir=args.out / "checkpoints",
            device=args.device,
            precision=args.precision,
            verbose=1,
            random_state=args.seed,
        ).fit(X, few)
        network = first.net_.copy_to_train().network
        torch.save(network, args.out / "first.pt")
        own["module"] = network
    elif args.start_from:
        own.pop("module_params", None)
        own["module"] = torch.load(args.start_from, map_location="cpu", weights_only=False)
    clf = cls(
        max_steps=args.max_steps,
        batch_size=args.batch_size,
        lr=args.lr,
        optimizer_params={"weight_decay": 5e-4},
        callbacks=[Report(X_test, y_test, log, args.report_every)],
        checkpoint_dir=args.out / "checkpoints",
        device=args.device,
        precision=args.precision,
        compile=args.compile,
        verbose=1,
        random_state=args.seed,
        **own,
    )
    clf.fit(X, few)
    seconds = time.perf_counter() - start

    p = clf.predict_proba(X_test)
    last = measure(y_test, p)
    with log.open() as file:
        rows = list({row["step"]: row for row in csv.DictReader(file)}.values())  # a killed epoch
    best = max(rows, key=lambda row: float(row["accuracy"]))
    table = confusion_matrix(y_test, p.argmax(1))
    np.savetxt(args.out / "confusion.csv", table, fmt="%d", delimiter=",")
    draw(rows, args.out / "curves.png")
    print(f"\n{args.method}, {args.n_labeled} labels, {args.max_steps} steps, {seconds:.0f} s")
    print("last  " + "  ".join(f"{name} {value:.4f}" for name, value in last.items()))
    print(f"best  accuracy {float(best['accuracy']):.4f} at step {best['step']} (by the test set)")
    if args.method == "fixmatch" and args.n_labeled in REPORTED:
        paper, homework = REPORTED[args.n_labeled]
        print(f"reported: {paper} % in the paper, 2^20 steps; {homework} % in a homework report")
    print(f"confusion matrix (rows: truth)\n{table}")
    return last


if __name__ == "__main__":
    main()
