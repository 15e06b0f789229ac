"""M1+M2 as its authors trained it, in plain loops: error by step on hidden training labels.

    python benchmarks/mnist_m1m2.py DATA_DIR --m1 FILE [--m1-steps 30000] [--alpha 0.1]
        [--steps 300000] [--batch 250] [--seed 10] [--bfloat16]

DATA_DIR holds the IDX files of MNIST. M1 (784-500-500-50, softplus, pixels binarised anew at each
draw) is trained once and saved as FILE; M2 is trained on its latent dimensions whose posterior
means have a standard deviation above .1, drawn anew from the posterior in each step. M2 is
p(z1|y,z2) with mean and variance, q(z2|z1,y) and q(y|z1), with one hidden layer of 300 each,
weights that start at .001; all 100 labels are in every step, next to 250 unlabeled rows. The loss
is that of equations 8 and 9 of Kingma et al. 2014.
"""

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, softplus

from sklearn_ssl import hide_labels, load_mnist
from sklearn_ssl.losses import entropy


def dense(*sizes):
    layers = []
    for n_in, n_out in pairwise(sizes[:-1]):
        layers += [nn.Linear(n_in, n_out), nn.Softplus()]
    return nn.Sequential(*layers, nn.Linear(*sizes[-2:]))


def kl(mean, log_var):
    """KL(N(mean, exp(log_var)) || N(0, I)) over the last axis."""
    return 0.5 * (mean.square() + log_var.exp() - 1 - log_var).sum(-1)


def log_density(x, mean, log_var):
    return -0.5 * (np.log(2 * np.pi) + log_var + (x - mean).square() / log_var.exp()).sum(-1)


def draw(mean, log_var):
    return mean + torch.randn_like(mean) * (0.5 * log_var).exp()


def train_m1(X, path, steps, bfloat16):
    """Encoder of M1, from the file if it is there."""
    encoder, decoder = dense(784, 500, 500, 100), dense(50, 500, 500, 784)
    if path.exists():
        encoder.load_state_dict(torch.load(path))
        return encoder
    params = [*encoder.parameters(), *decoder.parameters()]
    optimizer = torch.optim.Adam(params, lr=1e-3, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(1, steps + 1):
        x = torch.bernoulli(X[torch.randint(len(X), (250,))])
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            mean, log_var = encoder(x).float().chunk(2, 1)
            logits = decoder(draw(mean, log_var)).float()
        log_p = -binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)
        bound = (log_p - kl(mean, log_var)).mean()
        optimizer.zero_grad()
        (-bound).backward()
        optimizer.step()
        schedule.step()
        if step % 2000 == 0:
            print(f"M1, {step}: bound {bound.item():.1f}", flush=True)
    torch.save(encoder.state_dict(), path)
    return encoder


class M2(nn.Module):
    def __init__(self, n_in, size=300, n_z=50, n_classes=10, std=1e-3):
        super().__init__()
        self.classifier = dense(n_in, size, n_classes)
        self.q, self.q_y = nn.Linear(n_in, size), nn.Embedding(n_classes, size)
        self.q_out = nn.Linear(size, 2 * n_z)
        self.p, self.p_y = nn.Linear(n_z, size), nn.Embedding(n_classes, size)
        self.p_out = nn.Linear(size, 2 * n_in)
        for p in self.parameters():
            nn.init.normal_(p, std=std) if p.ndim > 1 else nn.init.zeros_(p)

    def bound(self, x, y):
        """log p(x, y), equation 6: x (n, d) and y (n, k) -> (n, k)."""
        h = softplus(self.q(x)[:, None] + self.q_y(y))
        mean, log_var = self.q_out(h).float().chunk(2, -1)
        h = softplus(self.p(draw(mean, log_var)) + self.p_y(y))
        log_p = log_density(x[:, None], *self.p_out(h).float().chunk(2, -1))
        return log_p - kl(mean, log_var) - np.log(10)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data_dir")
    parser.add_argument("--m1", type=Path, required=True)
    parser.add_argument("--m1-steps", type=int, default=30_000)
    parser.add_argument("--alpha", type=float, default=0.1)
    parser.add_argument("--steps", type=int, default=300_000)
    parser.add_argument("--batch", type=int, default=250)
    parser.add_argument("--every", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=10)
    parser.add_argument("--bfloat16", action="store_true")
    args = parser.parse_args()
    X, y, _, _ = load_mnist(args.data_dir)
    few = hide_labels(y, 100, "balanced", random_state=args.seed)
    X, y = torch.from_numpy(X.reshape(len(X), -1) / np.float32(255)), torch.from_numpy(y)
    labeled, hidden = (torch.from_numpy(np.flatnonzero(mask)) for mask in (few >= 0, few < 0))
    torch.manual_seed(args.seed)
    encoder = train_m1(X, args.m1, args.m1_steps, args.bfloat16)
    with torch.no_grad():
        means, log_vars = (
            torch.cat(part)
            for part in zip(*[encoder(x).chunk(2, 1) for x in X.split(5000)], strict=True)
        )
    alive = means.std(0) > 0.1
    means, log_vars = means[:, alive].contiguous(), log_vars[:, alive].contiguous()
    print(f"{int(alive.sum())} dimensions of z1", flush=True)
    net = M2(int(alive.sum()))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-4, fused=True)
    every = torch.arange(10)[None]
    share = len(labeled) / len(X)
    for step in range(1, args.steps + 1):
        rows = torch.randint(len(X), (args.batch,))
        z_l, z_u = draw(means[labeled], log_vars[labeled]), draw(means[rows], log_vars[rows])
        with torch.autocast("cpu", torch.bfloat16, enabled=args.bfloat16):
            logits_l, logits = net.classifier(torch.cat([z_l, z_u])).float().split([100, len(rows)])
            L_l = net.bound(z_l, y[labeled][:, None])
            L = net.bound(z_u, every)
        U = (torch.softmax(logits, 1) * L).sum(1) + entropy(logits)
        J = -(share * L_l.mean() + (1 - share) * U.mean())
        loss = J + args.alpha * cross_entropy(logits_l, y[labeled])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % args.every == 0:
            with torch.no_grad():
                error = (net.classifier(means[hidden]).argmax(1) != y[hidden]).float().mean()
            print(f"{step}: {100 * error:.2f} %, bound {-J.item():.2f}", flush=True)


if __name__ == "__main__":
    main()
