"""Rows, networks and formulas for methods worked out by hand."""

import numpy as np
import torch
from scipy.special import log_softmax
from sklearn.datasets import load_digits, make_classification
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split
from torch import nn

from sklearn_ssl import hide_labels

B, N, K = 3, 5, 4


def same(x, generator):
    return x


def other(x, generator):
    return 0.5 * x.flip(1)


def cross_entropy(logits, y):
    return -log_softmax(np.asarray(logits, np.float64), axis=1)[np.arange(len(y)), np.asarray(y)]


def linear(seed=0):
    torch.manual_seed(seed)
    return nn.Linear(K, K)


def gradient(loss, batch, model):
    model.zero_grad()
    loss(model, batch)[0].backward()
    return torch.cat([p.grad.flatten().clone() for p in model.parameters()])


def balanced_accuracies(cls, **params):
    """With and without the unlabeled rows: 13 % minority, but 10 labels for either class."""
    pairs = []
    for seed in range(3):
        X, truth = make_classification(
            1000, 12, n_informative=5, weights=[0.87], class_sep=1.5, flip_y=0, random_state=seed
        )
        rng = np.random.default_rng(seed)
        y = np.full(1000, -1)
        for c in (0, 1):
            y[rng.choice(np.flatnonzero(truth == c), 10, replace=False)] = c
        net = {"module_params": {"hidden_layer_sizes": (32, 32)}, "unlabeled_ratio": 3}
        small = {"max_steps": 100, "batch_size": 32, "random_state": seed, **net, **params}
        fits = [cls(unlabeled_weight=w, **small).fit(X, y) for w in (1.0, 0.0)]
        pairs.append([balanced_accuracy_score(truth, clf.predict(X)) for clf in fits])
    return np.mean(pairs, axis=0)


def half(seed, labels_a_class):
    """A half of digits, its labels hidden but for some: the other half is for tests, not for us."""
    X, y = load_digits(return_X_y=True)
    X, _, y, _ = train_test_split(X, y, test_size=0.5, stratify=y, random_state=seed)
    return X, y, hide_labels(y, 10 * labels_a_class, "balanced", random_state=seed)


def sheets(n, d=16):
    """Four classes on curved sheets, far from the origin: rows (n, d), and the classes."""
    rng = np.random.default_rng(0)
    y = rng.integers(4, size=n)
    z = 2 * rng.normal(size=(4, 4))[y] + rng.normal(size=(n, 4))
    return np.tanh(z @ rng.normal(size=(4, d)) / 2).astype(np.float32) + 100, y
