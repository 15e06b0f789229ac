"""Readers of the standard MNIST and CIFAR-10 files, from a folder that the user names."""

import gzip
import pickle
from pathlib import Path

import numpy as np

from .inputs.lazy import LazyRows

__all__ = ["ImageFolder", "load_cifar10", "load_mnist"]

_MNIST_URL = "https://yann.lecun.com/exdb/mnist or https://github.com/cvdfoundation/mnist"
_CIFAR_URL = "https://www.cs.toronto.edu/~kriz/cifar.html (the python version)"


def load_mnist(folder):
    """Read MNIST, or any data set in its format, from IDX files, gzipped or not.

    Parameters
    ----------
    folder : str or path
        Holds ``train-images-idx3-ubyte[.gz]``, ``train-labels-idx1-ubyte[.gz]`` and the same two
        with ``t10k``.

    Returns
    -------
    X_train, y_train, X_test, y_test : ndarrays
        uint8 images (n, 1, 28, 28) in 0..255 and int64 labels (n,) in 0..9.

    Raises
    ------
    FileNotFoundError
        Naming the file and where to get it.
    ValueError
        If a file is not what its name says: magic number, length, label range.

    Examples
    --------
    >>> from sklearn_ssl import load_mnist
    >>> X_train, y_train, X_test, y_test = load_mnist("mnist")  # doctest: +SKIP
    """
    parts = []
    for name in ("train", "t10k"):
        images = _read_idx(folder, f"{name}-images-idx3-ubyte", 3)
        labels = _read_idx(folder, f"{name}-labels-idx1-ubyte", 1)
        if len(images) != len(labels):
            raise ValueError(f"{folder}: {len(images)} {name} images but {len(labels)} labels.")
        parts += [images[:, None], _check_labels(labels, folder)]
    return tuple(parts)


def load_cifar10(folder):
    """Read CIFAR-10 from the folder ``cifar-10-batches-py``.

    The batches are pickles; they are read by an unpickler that rebuilds arrays, strings and
    numbers and nothing else, so a tampered file cannot run code.

    Parameters
    ----------
    folder : str or path
        ``cifar-10-batches-py``, or the folder it lies in.

    Returns
    -------
    X_train, y_train, X_test, y_test : ndarrays
        uint8 images (50000, 3, 32, 32) and (10000, 3, 32, 32), RGB in 0..255; int64 labels in 0..9.

    Raises
    ------
    FileNotFoundError
        Naming the file and where to get it.
    ValueError
        If a file is not such a batch, or would do more than hold data.

    Examples
    --------
    >>> from sklearn_ssl import load_cifar10
    >>> X_train, y_train, X_test, y_test = load_cifar10("data")  # doctest: +SKIP
    """
    folder = Path(folder)
    if (folder / "cifar-10-batches-py").is_dir():
        folder = folder / "cifar-10-batches-py"
    train = [_read_cifar_batch(folder / f"data_batch_{i}") for i in range(1, 6)]
    X_test, y_test = _read_cifar_batch(folder / "test_batch")
    X_train, y_train = (np.concatenate(part) for part in zip(*train, strict=True))
    return X_train, y_train, X_test, y_test


def _read_idx(folder, name, ndim):
    """One IDX file: two zero bytes, type 8 (uint8), ndim, big-endian sizes, the data."""
    plain = Path(folder) / name
    zipped = plain.with_name(name + ".gz")
    if not plain.exists() and not zipped.exists():
        raise FileNotFoundError(f"{plain} (or {zipped.name}) is missing. Get it from {_MNIST_URL}.")
    path = plain if plain.exists() else zipped
    try:
        raw = path.read_bytes() if path is plain else gzip.decompress(path.read_bytes())
    except (OSError, EOFError) as error:
        raise ValueError(f"{path} cannot be read: {error}. Get it again.") from error
    magic, header = bytes([0, 0, 8, ndim]), 4 + 4 * ndim
    if raw[:4] != magic or len(raw) < header:
        raise ValueError(
            f"{path} is no IDX file of {ndim}-D bytes: it starts with {raw[:4].hex()}, "
            f"expected {magic.hex()}."
        )
    shape = tuple(int(n) for n in np.frombuffer(raw[4:header], dtype=">u4"))
    expected = header + int(np.prod(shape, dtype=np.int64))
    if len(raw) != expected:
        raise ValueError(f"{path} has {len(raw)} bytes where its header promises {expected}.")
    return np.frombuffer(raw, dtype=np.uint8, offset=header).reshape(shape).copy()


class _DataUnpickler(pickle.Unpickler):
    """Rebuilds numpy arrays of plain numbers; any other import is refused."""

    _allowed = {
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("_codecs", "encode"),
    }

    def find_class(self, module, name):
        if (module, name) not in self._allowed:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no data needs")
        if name == "_reconstruct":
            return np.zeros(0).__reduce__()[0]  # its home differs between numpy versions
        return super().find_class(module, name)


def _read_cifar_batch(path):
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing. Get CIFAR-10 from {_CIFAR_URL}.")
    try:
        with path.open("rb") as file:
            batch = _DataUnpickler(file, encoding="bytes").load()
        data, labels = np.asarray(batch[b"data"]), np.asarray(batch[b"labels"])
    except Exception as error:
        raise ValueError(f"{path} is no CIFAR-10 batch: {error}.") from error
    if data.dtype != np.uint8 or data.shape != (len(labels), 3072) or labels.ndim != 1:
        raise ValueError(
            f"{path} holds data of shape {data.shape} ({data.dtype}) and {len(labels)} labels; "
            "expected (n, 3072) of uint8 and n labels."
        )
    return data.reshape(-1, 3, 32, 32), _check_labels(labels, path)


def _check_labels(labels, path):
    labels = labels.astype(np.int64)
    if len(labels) and not (labels.min() >= 0 and labels.max() <= 9):
        raise ValueError(f"{path}: labels outside 0..9.")
    return labels


class ImageFolder(LazyRows):
    """Images in one folder a class, and unlabeled ones in a folder beside them.

    Files are decoded when a batch needs them, in threads, and brought to one size; needs Pillow.

    Parameters
    ----------
    folder : str or path
        Its folders name the classes; files in them, however deep, are their images.
    size : int or tuple (height, width)
        What images are resized to, by their shorter side and a crop of the middle.
    unlabeled : str, default="unlabeled"
        The folder whose images have no label.
    workers : int or None, default=None
        Threads that decode; None: as many as cores.

    Attributes
    ----------
    y : ndarray of shape (n,) of object
        Names of classes, None for unlabeled images.
    paths : list of Path

    Raises
    ------
    ValueError
        If there is no image in it.

    Examples
    --------
    >>> from sklearn_ssl import FixMatchClassifier, ImageFolder
    >>> images = ImageFolder("flowers", size=64)  # doctest: +SKIP
    >>> clf = FixMatchClassifier().fit(images, images.y)  # doctest: +SKIP
    """

    def __init__(self, folder, size, unlabeled="unlabeled", workers=None):
        size = (size, size) if isinstance(size, int) else tuple(size)
        known = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
        found = sorted(p for p in Path(folder).glob("*/**/*") if p.suffix.lower() in known)
        if not found:
            raise ValueError(f"{folder} has no folders that hold images.")
        names = [path.relative_to(folder).parts[0] for path in found]
        self._y = np.array([None if name == unlabeled else name for name in names], dtype=object)
        super().__init__(_Decoded(found, size), workers)

    @property
    def y(self):
        """Labels of these rows."""
        return self._y[self.index]

    @property
    def paths(self):
        """Files of these rows."""
        return [self.dataset.paths[i] for i in self.index]


class _Decoded:
    """Paths as a sequence of uint8 arrays (3, H, W)."""

    def __init__(self, paths, size):
        self.paths, self.size = paths, size

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        try:
            from PIL import Image, ImageOps
        except ImportError as error:
            raise ImportError("ImageFolder needs Pillow: pip install pillow") from error
        height, width = self.size
        try:
            with Image.open(self.paths[i]) as image:
                image.draft("RGB", (width, height))  # JPEG: decode no larger than needed
                image = ImageOps.fit(image.convert("RGB"), (width, height))
        except OSError as error:
            raise ValueError(f"{self.paths[i]} is no image that can be read: {error}") from error
        return np.asarray(image).transpose(2, 0, 1)
