"""
A network of your own, with a pretrained part
=============================================

Any ``torch.nn.Module`` from rows to logits can be the network. Here its first layers have been
trained on other classes, and have a learning rate of their own.
"""

# %%
# The network
# -----------
# Two parts: ``backbone`` and ``head``.

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

from sklearn_ssl import FixMatchClassifier, hide_labels


class Net(nn.Module):
    """Images (n, 1, 8, 8) in [0, 1] -> logits (n, 5)."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten(),
        )  # fmt: skip
        self.head = nn.Linear(32 * 4 * 4, 5)

    def forward(self, x):
        return self.head(self.backbone(x))


# %%
# Pretraining
# -----------
# The digits 0 to 4, with all their labels, train a first network. Its backbone goes into a second
# one, for the digits 5 to 9.

X, y = load_digits(return_X_y=True)
X = (X / 16).reshape(-1, 1, 8, 8).astype(np.float32)
first = FixMatchClassifier(module=Net, max_steps=200, unlabeled_ratio=1, random_state=0)
first.fit(X[y < 5], y[y < 5])

torch.manual_seed(0)  # an instance comes with weights, also those of its head
pretrained = Net()
pretrained.backbone.load_state_dict(first.net_.predicting_module_.backbone.state_dict())
X_train, X_test, y_train, y_test = train_test_split(
    X[y >= 5], y[y >= 5], test_size=0.5, stratify=y[y >= 5], random_state=0
)

# %%
# A learning rate for each part
# -----------------------------
# ``param_groups`` gives the parameters whose names match a pattern settings of their own; all
# others have ``lr``, which is 0.03. An instance as ``module`` is copied, so that ``pretrained``
# stays as it is. Two labels a class, drawn three times, and the mean of three test accuracies.


def accuracy(module, backbone_lr):
    groups = {"param_groups": [("backbone.*", {"lr": backbone_lr})]}
    scores = []
    for seed in range(3):
        y_few = hide_labels(y_train, 10, stratify="balanced", random_state=seed)
        clf = FixMatchClassifier(
            module=module, optimizer_params=groups, max_steps=120, unlabeled_ratio=3, random_state=0
        )
        scores.append(clf.fit(X_train, y_few).score(X_test, y_test))
    before = pretrained.backbone[4].weight.detach()
    moved = float((clf.net_.module_.backbone[4].weight.detach() - before).norm() / before.norm())
    return np.mean(scores), moved


rates = [0.0, 0.01, 0.03]
scores, moves = zip(*[accuracy(pretrained, rate) for rate in rates], strict=True)
from_scratch, _ = accuracy(Net, 0.03)
for rate, score, moved in zip(rates, scores, moves, strict=True):
    print(f"backbone at {rate:5}  accuracy {score:.3f}  its second layer moved by {moved:.0%}")
print(f"not pretrained     accuracy {from_scratch:.3f}")

# %%
# What to choose
# --------------
# A backbone that may not move keeps features made for other digits, and here that costs most. The
# farther it may move the better, and at the full rate it is about as good as a network that starts
# from scratch: five digits have not taught it what the other five need. A backbone from a larger
# set of images may deserve a smaller rate. A grid over ``optimizer__param_groups`` can choose it.

figure, axis = plt.subplots(figsize=(5.5, 3.4), layout="constrained")
axis.plot(moves, scores, "o-", label="pretrained")
axis.axhline(from_scratch, linestyle="--", color="black", label="from scratch")
for rate, score, moved in zip(rates, scores, moves, strict=True):
    axis.annotate(f"lr {rate}", (moved, score), xytext=(8, 2), textcoords="offset points")
axis.set(xlabel="how far the second layer moved, relative to its norm", ylabel="test accuracy")
axis.margins(x=0.2, y=0.15)
axis.legend(loc="lower right")
plt.show()
