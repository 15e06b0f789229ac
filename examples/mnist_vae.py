"""One autoencoder, four uses: classes, anomalies, clusters and new images.

    python examples/mnist_vae.py [--data-dir MNIST_FOLDER] [--max-steps 3000] [--seeds 1]
        [--out DIR]

MNIST with 1,000 labels, or scikit-learn's digits with 100 without a folder. Anomalies are images
turned upside down and noise; clusters are found by k-means among latent means and named by the
labels that fall into them.
"""

import argparse
from pathlib import Path

import numpy as np
from _images import load, picture, say_gain
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, roc_auc_score

from sklearn_ssl import VAEClassifier, hide_labels


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir")
    parser.add_argument("--max-steps", type=int)
    parser.add_argument("--seeds", type=int, default=1, help="draws of labels")
    parser.add_argument("--out", type=Path, default=Path("."))
    args = parser.parse_args(arguments)
    X, y, X_test, y_test = load(args.data_dir)
    rows = X.reshape(len(X), -1) / 255
    rows_test = X_test.reshape(len(X_test), -1) / 255
    n_labeled, steps = (1000, 3000) if args.data_dir else (100, 1000)
    steps = args.max_steps or steps
    results = {"labels alone": [], "with unlabeled rows": []}
    for seed in range(args.seeds):
        few = hide_labels(y, n_labeled, "balanced", random_state=seed)
        for name, weight in (("labels alone", 0.0), ("with unlabeled rows", 1.0)):
            vae = VAEClassifier(unlabeled_weight=weight, max_steps=steps, random_state=seed)
            results[name].append(vae.fit(rows, few).score(rows_test, y_test))
            print(f"classes: {name:20s} accuracy {results[name][-1]:.4f}")
    say_gain(*results.values())

    rng = np.random.default_rng(0)
    side = X.shape[-1]
    odd = np.concatenate([
        rows_test[:200].reshape(-1, side, side)[:, ::-1].reshape(200, -1),
        rng.permuted(rows_test[:200], axis=1),
    ])  # fmt: skip
    score = np.concatenate([vae.score_samples(rows_test[200:600]), vae.score_samples(odd)])
    results["anomalies"] = roc_auc_score(np.arange(len(score)) < 400, score)
    print(f"anomalies: AUC of score_samples {results['anomalies']:.4f}")

    latent = vae.transform(rows)
    clusters = KMeans(20, n_init=3, random_state=0).fit_predict(latent)
    named = np.zeros(20, dtype=int)
    for c in range(20):
        labels = few[(clusters == c) & (few >= 0)]
        named[c] = np.bincount(labels, minlength=10).argmax() if len(labels) else 0
    results["clusters"] = np.mean(named[clusters] == y)
    rand = adjusted_rand_score(y, clusters)
    print(f"clusters: accuracy {results['clusters']:.4f}, adjusted Rand index {rand:.4f}")

    images, labels = vae.sample(30, y=np.repeat(np.arange(10), 3), random_state=0)
    order = np.argsort(np.tile(np.arange(3), 10), kind="stable")
    picture(images.reshape(30, side, side)[order], labels[order], args.out / "vae_samples.png")
    return results


if __name__ == "__main__":
    main()
