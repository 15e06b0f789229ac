"""
Clusters with names
===================

A clustering finds groups and has no names for them; a few labels have names and no groups. In the
latent space of ``VAEClassifier``, which the labels helped to shape, the two come together.
"""

# %%
# Fifty labels
# ------------
# Five a class, on all digits. Every row is to be put into a cluster.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_rand_score

from sklearn_ssl import VAEClassifier, hide_labels
from sklearn_ssl.plotting import LatentDisplay

X, y = load_digits(return_X_y=True)
y_few = hide_labels(y, 50, stratify="balanced", random_state=0)
hidden = y_few == -1
vae = VAEClassifier(latent_dim=10, max_steps=600, random_state=0).fit(X, y_few)
Z = vae.transform(X)

# %%
# The same k-means in both spaces
# -------------------------------
# The adjusted Rand index compares clusters with the true classes, whatever the clusters are called:
# 1 is perfect, 0 is chance. A cluster takes the name that most labels in it have.


def named(clusters):
    """The most frequent label of each row's cluster; -1 where a cluster has none."""
    names = np.full(len(y), -1)
    for cluster in np.unique(clusters):
        labels = y_few[(clusters == cluster) & ~hidden]
        if len(labels):
            names[clusters == cluster] = np.bincount(labels).argmax()
    return names


agreement, right = {}, {}
for space, rows in {"pixels": X, "latent space": Z}.items():
    kmeans = KMeans(10, n_init=5, random_state=0).fit(rows)
    agreement[space] = adjusted_rand_score(y, kmeans.labels_)
    right[space] = (named(kmeans.labels_) == y)[hidden].mean()
    print(f"{space:13s} adjusted Rand index {agreement[space]:.2f}, "
          f"unlabeled rows in a cluster of their name {right[space]:.3f}")  # fmt: skip
print(f"the classifier itself: {vae.score(X[hidden], y[hidden]):.3f}")

# %%
# What the clusters look like
# ---------------------------
# In the latent space the clusters agree with the classes far better than among the pixels, about as
# well as the classifier does. The decoder turns the middle of each cluster into an image. The title
# is its name, and its size.

names = named(kmeans.labels_)
order = np.argsort([names[kmeans.labels_ == cluster][0] for cluster in range(10)])
images = vae.inverse_transform(kmeans.cluster_centers_)
figure, axes = plt.subplots(1, 10, figsize=(9, 1.5), layout="constrained")
for axis, cluster in zip(axes, order, strict=True):
    members = kmeans.labels_ == cluster
    axis.imshow(images[cluster].reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
    axis.set(title=f'"{names[members][0]}"\n{members.sum()} rows', xticks=[], yticks=[])
plt.show()

# %%
# All rows by the name of their cluster, in the first two principal components.

LatentDisplay.from_predictions(Z, names)
plt.show()
