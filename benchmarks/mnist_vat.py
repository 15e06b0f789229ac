"""VAT as its authors trained it, in a plain loop: error by step on hidden training labels of MNIST.

    python benchmarks/mnist_vat.py DATA_DIR [--epsilon 5] [--noise 0.5] [--hidden 1200 600 300 150]
        [--steps 50000] [--seed 10] [--bfloat16] [--xi 0.01] [--entropy 0]

DATA_DIR holds the IDX files. BatchNorm on logits too, a forward pass of its own for all 100 labels,
250 unlabeled images on whose batches the running statistics do not learn, pixels in [0, 1], no
entropy term but by ``--entropy``; Adam, .002 times .9 a hundred times over the steps. BatchNorm's
statistics are estimated anew before each line. ``--bfloat16`` runs the network in it; then xi must
be large.
"""

import argparse

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from sklearn_ssl import hide_labels, load_mnist
from sklearn_ssl.losses import entropy, kl_divergence
from sklearn_ssl.networks import still_statistics
from sklearn_ssl.networks.mlp import InputNoise


def make_network(hidden, noise):
    layers, n_in = [], 784
    for n_out in hidden:
        layers += [nn.Linear(n_in, n_out, bias=False), nn.BatchNorm1d(n_out, eps=1e-6)]
        layers += [nn.ReLU(), InputNoise(noise)]
        n_in = n_out
    layers += [nn.Linear(n_in, 10, bias=False), nn.BatchNorm1d(10, eps=1e-6)]
    for layer in layers[::4] + layers[-2:-1]:
        nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
    return nn.Sequential(*layers)


def unit(d):
    return d / d.norm(dim=1, keepdim=True).clamp_min(1e-12)


@torch.no_grad()
def predicted(net, classify, X):
    """Classes (n,) with statistics of 10,000 rows; the running ones stay as they were."""
    norms = [m for m in net if isinstance(m, nn.BatchNorm1d)]
    before = [(m.running_mean.clone(), m.running_var.clone()) for m in norms]
    for m in norms:
        m.reset_running_stats()
        m.momentum = None  # the mean over all batches
    for x in X[torch.randperm(len(X))[:10_000]].split(500):
        classify(x)
    net.eval()
    classes = torch.cat([classify(x).argmax(1) for x in X.split(5000)])
    net.train()
    for m, (mean, var) in zip(norms, before, strict=True):
        m.momentum = 0.1
        m.running_mean.copy_(mean)
        m.running_var.copy_(var)
    return classes


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data_dir")
    parser.add_argument("--epsilon", type=float, default=5.0)
    parser.add_argument("--xi", type=float, default=0.01)
    parser.add_argument("--entropy", type=float, default=0.0, help="weight of equation 18")
    parser.add_argument("--noise", type=float, default=0.5)
    parser.add_argument("--hidden", type=int, nargs="+", default=[1200, 600, 300, 150])
    parser.add_argument("--steps", type=int, default=50_000)
    parser.add_argument("--every", type=int, default=500)
    parser.add_argument("--seed", type=int, default=10)
    parser.add_argument("--bfloat16", action="store_true")
    args = parser.parse_args()
    X, y, _, _ = load_mnist(args.data_dir)
    few = hide_labels(y, 100, "balanced", random_state=args.seed)
    X, y = torch.from_numpy(X.reshape(len(X), -1) / np.float32(255)), torch.from_numpy(y)
    labeled, hidden = (torch.from_numpy(np.flatnonzero(mask)) for mask in (few >= 0, few < 0))
    torch.manual_seed(args.seed)
    net = make_network(args.hidden, args.noise)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.002, fused=True)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9 ** (100 / args.steps))

    def classify(x):
        with torch.autocast("cpu", torch.bfloat16, enabled=args.bfloat16):
            return net(x).float()

    for step in range(1, args.steps + 1):
        loss = cross_entropy(classify(X[labeled]), y[labeled])
        x = X[torch.randint(len(X), (250,))]
        with still_statistics(net):
            logits = classify(x)
            target = logits.detach()
            d = unit(torch.randn_like(x)).requires_grad_()
            distance = kl_divergence(classify(x + args.xi * d), target).mean()
            r = args.epsilon * unit(torch.autograd.grad(distance, d)[0])
            divergence = kl_divergence(classify(x + r), target).mean()
        optimizer.zero_grad()
        (loss + divergence + args.entropy * entropy(logits).mean()).backward()
        optimizer.step()
        schedule.step()
        if step % args.every == 0:
            error = (predicted(net, classify, X)[hidden] != y[hidden]).float().mean()
            parts = f"{loss.item():.4f}, divergence {divergence.item():.4f}"
            print(f"{step}: {100 * error:.2f} %, cross-entropy {parts}", flush=True)


if __name__ == "__main__":
    main()
