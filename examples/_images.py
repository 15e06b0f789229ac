"""Images for the scripts here: MNIST from a folder, or scikit-learn's digits without one."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_ssl import load_mnist


def load(folder):
    """Return uint8 images (n, 1, H, W) and labels for training, then for the test."""
    if folder:
        return load_mnist(folder)
    X, y = load_digits(return_X_y=True)
    X = (X * 255 / 16).astype(np.uint8).reshape(-1, 1, 8, 8)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)
    return X, y, X_test, y_test


def say_gain(alone, both):
    """Print the mean gain from unlabeled rows over draws of labels, with its standard error."""
    gain = np.subtract(both, alone)
    spread = "(one draw)"
    if len(gain) > 1:
        error = np.std(gain, ddof=1) / len(gain) ** 0.5
        spread = f"+- {error:.4f} (standard error, {len(gain)} draws)"
    print(f"labels alone {np.mean(alone):.4f}, with unlabeled rows {np.mean(both):.4f}, ", end="")
    print(f"gain {gain.mean():+.4f}", spread)


def picture(images, titles, path, columns=10):
    """Save images with their titles; nothing without matplotlib."""
    try:
        import matplotlib
    except ImportError:
        print(f'No {path} without matplotlib: pip install "sklearn-ssl[plot]"')
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(columns, 1.2 * rows), squeeze=False, layout="constrained"
    )
    for axis in axes.flat:
        axis.axis("off")
    for axis, image, title in zip(axes.flat, images, titles, strict=False):
        axis.imshow(image.reshape(image.shape[-2:]), cmap="gray_r")
        axis.set_title(title, fontsize=8)
    figure.savefig(path, dpi=100)
    plt.close(figure)
    print(f"Wrote {path}")
