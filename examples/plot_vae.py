"""
A variational autoencoder that classifies
=========================================

``VAEClassifier`` learns to classify from the labels and to encode and decode from all rows. The
same fitted estimator predicts, maps rows to a latent space and back, and draws new rows of a class.
"""

# %%
# One fit
# -------
# Half of the digits train the network, 10 labels a class. The other half is the test set.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_ssl import VAEClassifier, hide_labels
from sklearn_ssl.plotting import LatentDisplay

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)
y_few = hide_labels(y_train, 100, stratify="balanced", random_state=0)
vae = VAEClassifier(max_steps=1000, random_state=0).fit(X_train, y_few)
accuracy = vae.score(X_test, y_test)
print(f"test accuracy {accuracy:.3f}")

# %%
# The latent space
# ----------------
# ``transform`` gives the mean of the 32 latent variables of each row. Their first two principal
# components are drawn, for test rows the fit has not seen. They hold a third of the variance,
# and yet half of the classes lie apart.

LatentDisplay.from_estimator(vae, X_test, y=y_test)
plt.show()

# %%
# Reconstructions
# ---------------
# ``inverse_transform`` decodes latent variables. Above are test images, below what is left of them
# after a way through the latent space. The print is the share of the pixels' variance that comes
# back.

rows = [np.flatnonzero(y_test == label)[0] for label in range(10)]
decoded = vae.inverse_transform(vae.transform(X_test))
explained = 1 - ((X_test - decoded) ** 2).sum() / ((X_test - X_test.mean(0)) ** 2).sum()
print(f"share of the variance that is reconstructed {explained:.2f}")

figure, axes = plt.subplots(2, 10, figsize=(9, 2.1), layout="constrained")
for column, row in enumerate(rows):
    for axis, image in zip(axes[:, column], (X_test[row], decoded[row]), strict=True):
        axis.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
        axis.set(xticks=[], yticks=[])
for axis, name in zip(axes[:, 0], ("test image", "decoded"), strict=True):
    axis.set_ylabel(name)
plt.show()

# %%
# New rows of a class
# -------------------
# ``sample`` draws latent variables from the Gaussian that the rows of a class form, and decodes
# them. The classifier knows nearly all of 1,000 such rows for the class that they were drawn for.
# They are tidier than real digits, and vary less.

images, labels = vae.sample(80, y=np.repeat(range(10), 8), random_state=0)
many, wanted = vae.sample(1000, random_state=0)
recognised = (vae.predict(many) == wanted).mean()
print(f"samples that are recognised as their class {recognised:.2f}")

figure, axes = plt.subplots(8, 10, figsize=(6, 5), layout="constrained")
for axis, image in zip(axes.T.flat, images, strict=True):
    axis.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
    axis.set(xticks=[], yticks=[])
for label, axis in enumerate(axes[0]):
    axis.set_title(label)
plt.show()
