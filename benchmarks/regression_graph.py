"""Which numbers to spread over a graph, and how: what chose `LabelPropagationRegressor`.

    python benchmarks/regression_graph.py DATA_DIR [--seeds 100 110] [--labels 20 50 100]

The tasks and their data are those of ``benchmarks/regression.py``; R2 is that of the rows whose
target was hidden. Seeds from 100 on choose, those of that benchmark report. Candidates:

- a field of Zhu, Ghahramani and Lafferty (2003) with a fidelity term: min f'Lf + mu sum (f - y)^2;
- the kernel smoother of Zhou et al. (2004): (I - alpha S)^-1 y over (I - alpha S)^-1 1;
- kernels that fit the labels, the regressions of `manifold.bases` without the graph;
- the same, and their leave-one-out errors spread by Zhou's smoother;
- manifold regularisation (Belkin, Niyogi and Sindhwani 2006), its width, noise, gamma and power
  chosen by leave-one-out, by the evidence, or averaged by it with several priors.
"""

import argparse
from pathlib import Path

import numpy as np
from regression import TASKS, drawn
from scipy.sparse import diags_array, eye_array
from scipy.sparse.linalg import spsolve
from scipy.special import softmax
from sklearn.metrics.pairwise import euclidean_distances

from sklearn_ssl.methods.label_propagation import manifold

POWERS = np.array([0, *[1] * len(manifold.SMOOTHNESS), *[2] * len(manifold.SMOOTHNESS)])
N_LANDMARKS, K = 300, 10


def leave_one_out(A, z):
    """Errors of the best noise by leave-one-out (l,), and its coefficients (r,)."""
    best = np.inf, None, None
    for v in manifold.NOISES * np.square(A).sum() / len(z):
        inverse = np.linalg.inv(A @ A.T + v * np.eye(len(z)))
        errors = inverse @ z / np.diag(inverse)
        if errors @ errors < best[0]:
            best = errors @ errors, errors, A.T @ (inverse @ z)
    return best[1:]


def models(X, y, L):
    """Every length and penalty: prior of the length, evidence, predictions; the same by errors."""
    chosen = X[:N_LANDMARKS]
    squared = euclidean_distances(X, chosen, squared=True)
    median = np.sqrt(np.median(squared[:N_LANDMARKS][np.triu_indices(len(chosen), 1)]))
    center, n = y.mean(), len(y)
    found = {name: [] for name in ("prior", "power", "log", "f", "errors", "f_loo")}
    for length in manifold.LENGTHS:
        kernels = manifold.gaussian(squared, length * median)
        bases = manifold.bases(kernels, kernels[: len(chosen)], L)
        for power, basis in zip(POWERS, bases, strict=True):
            A = kernels[:n] @ basis
            log, a = manifold.evidence(A, y - center, 0.0, n)
            errors, b = leave_one_out(A, y - center)
            ours = -(np.log2(length) ** 2) / 2, power, log, None, errors, None
            for name, value in zip(found, ours, strict=True):
                found[name].append(value)
            found["f"][-1], found["f_loo"][-1] = (center + kernels @ (basis @ c) for c in (a, b))
    return {name: np.array(values) for name, values in found.items()}


def averaged(m, probability, powers=(1, 2), with_lengths=True):
    """Mean of the models by their posterior probabilities."""
    used = np.isin(m["power"], [0, *powers] if probability else [0])
    graph = m["power"][used] > 0
    share = np.where(graph, probability / max(1, graph.sum()), (1 - probability) / (~graph).sum())
    log = m["log"][used] + with_lengths * m["prior"][used]
    return softmax(log + np.log(share)) @ m["f"][used]


def smoothed(L, values, alpha=0.9):
    """Zhou's kernel smoother of values (l,) at the first rows: all rows (n,)."""
    degree, n, labeled = L.diagonal(), L.shape[0], len(values)
    root = diags_array(1 / np.sqrt(np.maximum(degree, 1e-12)))
    S = eye_array(n) - root @ L @ root
    Y = np.zeros((n, 2))
    Y[:labeled, 0], Y[:labeled, 1] = values, 1
    F = spsolve((eye_array(n) - alpha * S).tocsc(), Y)
    return F[:, 0] / np.maximum(F[:, 1], 1e-300)


def field(L, y, mu):
    n, fidelity = L.shape[0], np.zeros(L.shape[0])
    fidelity[: len(y)] = mu
    target = np.zeros(n)
    target[: len(y)] = mu * (y - y.mean())
    return y.mean() + spsolve((L + diags_array(fidelity + 1e-9)).tocsc(), target)


def candidates(X, y):
    """Name -> predictions of all rows."""
    L = manifold.laplacian(X, K)
    m = models(X, y, L)
    plain = m["power"] == 0
    loo = np.square(m["errors"]).sum(1)
    alone = np.flatnonzero(plain)[loo[plain].argmin()]
    yield "kernels", averaged(m, 0)
    yield "kernels, likeliest", m["f"][plain][m["log"][plain].argmax()]
    yield "kernels, leave-one-out", m["f_loo"][alone]
    yield "their errors spread", m["f_loo"][alone] + smoothed(L, m["errors"][alone])
    for mu in (0.01, 0.1, 1.0):
        yield f"field, mu={mu:g}", field(L, y, mu)
    for alpha in (0.9, 0.99):
        yield f"smoother, alpha={alpha:g}", smoothed(L, y, alpha)
    yield "manifold, likeliest", m["f"][m["log"].argmax()]
    yield "manifold, leave-one-out", m["f_loo"][loo.argmin()]
    for p in (0.25, 0.5, 10 / 11):
        yield f"manifold, mean, p={p:.2f}", averaged(m, p)
    yield "the same, p=0.25, L alone", averaged(m, 0.25, powers=(1,))
    yield "the same, p=0.25, L^2 alone", averaged(m, 0.25, powers=(2,))
    yield "the same, p=0.25, all lengths alike", averaged(m, 0.25, with_lengths=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--labels", nargs="+", type=int, default=[20, 50, 100])
    parser.add_argument("--seeds", nargs=2, type=int, default=[100, 110], help="from, to")
    parser.add_argument("--tasks", nargs="+", default=list(TASKS))
    args = parser.parse_args()
    for n_labels in args.labels:
        scores = {}
        for task in args.tasks:
            for seed in range(*args.seeds):
                X, truth = drawn(task, args.data, seed)
                X = (X - X.mean(0)) / X.std(0)
                hidden = truth[n_labels:]
                for name, f in candidates(X, truth[:n_labels]):
                    error = np.square(f[n_labels:] - hidden).mean() / hidden.var()
                    scores.setdefault(name, {}).setdefault(task, []).append(1 - error)
        print(f"\n{n_labels} labels: R2, and gain over kernels without a graph +- standard error\n")
        print(f"| | mean | {' | '.join(args.tasks)} |\n| --- |" + " --- |" * (1 + len(args.tasks)))
        for name, of_tasks in scores.items():
            gains = [np.subtract(of_tasks[t], scores["kernels"][t]) for t in args.tasks]
            cells = [
                f"{np.mean(r2):.3f} ({g.mean():+.3f} +- {g.std(ddof=1) / len(g) ** 0.5:.3f})"
                for r2, g in zip(of_tasks.values(), gains, strict=True)
            ]
            mean = np.mean(list(of_tasks.values()))
            print(f"| {name} | {mean:.4f} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
