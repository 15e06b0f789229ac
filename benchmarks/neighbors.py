"""Searches for 5 neighbours among many rows: lists, indexes of faiss, scikit-learn.

    pip install faiss-cpu
    python benchmarks/neighbors.py [--rows 100000] [--exact]

Rows of 64 columns: the curved sheets of ``graph.py``, and clusters with gaps between them. CPU
seconds, on one thread, to index the rows, to find the neighbours of all of them, and those of
20,000 new rows; ``found`` is the share of the true neighbours of 1,000 kept and 1,000 new rows. An
index of faiss is searched as widely as it takes to find .995 of those of kept rows, or with the
widest of its settings. ``--exact``: scikit-learn's search too.
"""

import argparse
import time

import faiss
import numpy as np
import torch
from graph import make_sheets, share_found
from sklearn.datasets import make_blobs
from sklearn.neighbors import NearestNeighbors

from sklearn_ssl.methods.label_propagation.lists import RowLists

K, N_NEW, GOAL, WIDTHS = 5, 20_000, 0.995, (4, 8, 16, 32, 64, 128)


def clusters(n):
    return make_blobs(n, n_features=64, centers=20, cluster_std=4, random_state=0)[0]


def of_kneighbors(search, X):
    search.fit(X)
    return lambda rows: search.kneighbors(rows, K + (rows is not None))[1]


def lists(X):
    return of_kneighbors(RowLists(K), X)


def scikit_learn(X):
    return of_kneighbors(NearestNeighbors(n_neighbors=K), X)


def inverted_file(X):
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(X.shape[1]), X.shape[1], len(X) // 200)
    index.cp.niter, index.cp.max_points_per_centroid = 10, 40
    index.train(X)
    return of_faiss(index, X, lambda width: setattr(index, "nprobe", width))


def small_world(X):
    index = faiss.IndexHNSWFlat(X.shape[1], 16)
    return of_faiss(index, X, lambda width: setattr(index.hnsw, "efSearch", max(width, K + 1)))


def of_faiss(index, X, widen):
    index.add(X)
    return lambda rows: without_itself(index.search(X, K + 1)[1]) if rows is None else (
        index.search(rows, K + 1)[1]), widen  # fmt: skip


def without_itself(near):
    """Neighbours (n, K + 1) -> (n, K), of which the row itself is none."""
    others = near != np.arange(len(near))[:, None]
    others[others.all(1), -1] = False
    return near[others].reshape(len(near), -1)


SEARCHES = {"lists": lists, "faiss IVF": inverted_file, "faiss HNSW": small_world,
            "scikit-learn": scikit_learn}  # fmt: skip


def timed(function, *args):
    start = time.process_time()
    return function(*args), time.process_time() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--exact", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    print("| rows | search | s to index | all rows | found | new rows | found |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, make in (("sheets", lambda n: make_sheets(n)[0]), ("clusters", clusters)):
        X = make(args.rows + N_NEW)
        X = np.ascontiguousarray(X / X.std(0), dtype=np.float32)
        X, X_new = X[:-N_NEW], X[-N_NEW:]
        some, exact = np.arange(0, args.rows, args.rows // 1000)[:1000], faiss.IndexFlatL2(64)
        exact.add(X)
        true = exact.search(X[some], K + 1)[1][:, 1:]
        true_new = exact.search(X_new[:1000], K)[1]
        for search, make_search in SEARCHES.items():
            if search == "scikit-learn" and not args.exact:
                continue
            find, index = timed(make_search, X)
            if isinstance(find, tuple):
                find, widen = find
                for width in WIDTHS:
                    widen(width)
                    if share_found(true, find(X[some])[:, 1:]) >= GOAL:
                        break
            near, kept = timed(find, None)
            near_new, new = timed(find, X_new)
            found = share_found(true, near[some]), share_found(true_new, near_new[:1000, :K])
            print(f"| {name} | {search} | {index:.1f} | {kept:.1f} | {found[0]:.3f} | {new:.1f} | "
                  f"{found[1]:.3f} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
