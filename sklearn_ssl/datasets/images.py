"""Images that stay files until a batch needs them."""

import math
import os
from numbers import Integral
from pathlib import Path

import numpy as np

from ..inputs.lazy import LazyRows

__all__ = ["ImageFiles", "ImageFolder"]

_SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")  # Pillow has others that run programs


class ImageFiles(LazyRows):
    """Images from a list of files, such as new ones to predict.

    Files are decoded when a batch needs them, in threads, and brought to one size; needs Pillow.
    ``images[0]`` is an array, ``images[:10]`` still unread.

    Parameters
    ----------
    paths : list of str or path
        BMP, GIF, JPEG, PNG, TIFF and WebP of 8 bits a channel.
    size : int >= 1 or tuple (height, width) of them
        What images are resized to, by their shorter side and a crop of the middle. To predict, take
        that of ``fit``.
    workers : int or None, default=None
        Threads that decode; None: as many as cores.

    Attributes
    ----------
    paths : list of Path

    Raises
    ------
    FileNotFoundError
        If one of them is no file; the message names it.
    ValueError
        If ``paths`` is empty or a single path, or if ``size`` is none.
        When an image is read that is damaged, has more than 8 bits a channel, or more pixels than
        ``PIL.Image.MAX_IMAGE_PIXELS``; the message names the file.

    Examples
    --------
    >>> from sklearn_ssl import FixMatchClassifier, ImageFiles, ImageFolder
    >>> images = ImageFolder("flowers", size=64)  # doctest: +SKIP
    >>> clf = FixMatchClassifier().fit(images, images.y)  # doctest: +SKIP
    >>> clf.predict(ImageFiles(["new.jpg"], size=64))  # doctest: +SKIP
    """

    def __init__(self, paths, size, workers=None):
        size = _checked_size(size)
        if isinstance(paths, str | os.PathLike):
            raise ValueError(f"paths must be a list, got {str(paths)!r}: [{str(paths)!r}].")
        paths = [Path(path) for path in paths]
        if not paths:
            raise ValueError("paths is empty: an image is needed.")
        for path in paths:
            if not path.is_file():
                raise FileNotFoundError(f"{path} is no file.")
        super().__init__(_Decoded(paths, size), workers)

    @property
    def paths(self):
        """Files of these rows."""
        return [self.dataset.paths[i] for i in self.index]


def _checked_size(size):
    """Height and width."""
    size = tuple(size) if np.iterable(size) else (size, size)
    if len(size) != 2 or not all(isinstance(n, Integral) and n > 0 for n in size):
        raise ValueError(f"size must be an int >= 1, or two of them, got {size}.")
    return size


class ImageFolder(ImageFiles):
    """Images in one folder a class, and unlabeled ones in a folder beside them.

    Files are decoded when a batch needs them, in threads, and brought to one size; needs Pillow.
    ``images[0]`` is an array, ``images[:10]`` still unread.

    Parameters
    ----------
    folder : str or path
        Its folders name the classes; files in them, however deep, are their images: BMP, GIF,
        JPEG, PNG, TIFF and WebP of 8 bits a channel. What is hidden (``.git``, ``._1.png``,
        ``__MACOSX``) is passed over, and so is what is no file. Links may lead elsewhere in it.
    size : int >= 1 or tuple (height, width) of them
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
    FileNotFoundError
        If there is no such folder.
    ValueError
        If it holds no image, or a link that is broken or leads out of it, or if ``size`` is none.
        When an image is read that is damaged, has more than 8 bits a channel, or more pixels than
        ``PIL.Image.MAX_IMAGE_PIXELS``; the message names the file.

    Examples
    --------
    >>> from sklearn_ssl import FixMatchClassifier, ImageFolder
    >>> images = ImageFolder("flowers", size=64)  # doctest: +SKIP
    >>> clf = FixMatchClassifier().fit(images, images.y)  # doctest: +SKIP
    """

    def __init__(self, folder, size, unlabeled="unlabeled", workers=None):
        size, found = _checked_size(size), _image_files(Path(folder))
        if not found:
            raise ValueError(f"{folder} has no folders that hold images.")
        names = [path.relative_to(folder).parts[0] for path in found]
        self._y = np.array([None if name == unlabeled else name for name in names], dtype=object)
        super().__init__(found, size, workers)

    @property
    def y(self):
        """Labels of these rows."""
        return self._y[self.index]


def _image_files(folder):
    """Images in the folders of a folder; a class enters no folder twice, so loops of links end."""
    root = Path(os.path.realpath(folder))
    found, entered, waiting = [], set(), [(path, root) for path in folder.iterdir()]
    while waiting:
        path, home = waiting.pop()
        if path.name.startswith(".") or path.name == "__MACOSX":
            continue
        real = Path(os.path.realpath(path)) if path.is_symlink() else home / path.name
        if not (real.is_relative_to(root) and real.exists()):
            raise ValueError(f"{path} is a link that is broken or leads out of {folder}.")
        visit = (path.relative_to(folder).parts[0], real)
        if path.is_dir() and visit not in entered and not home.is_relative_to(real):
            entered.add(visit)
            waiting += [(inner, real) for inner in sorted(path.iterdir(), reverse=True)]
        elif path.is_file() and path.suffix.lower() in _SUFFIXES and path.parent != folder:
            found.append(path)
    return sorted(found)


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
            raise ImportError(
                'Reading images needs Pillow: pip install "sklearn-ssl[images]"'
            ) from error
        height, width = self.size
        try:
            with Image.open(self.paths[i], formats=_FORMATS) as image:
                if image.width * image.height > (Image.MAX_IMAGE_PIXELS or math.inf):
                    raise ValueError(f"it has {image.width} x {image.height} pixels")
                if _is_deep(image):
                    raise ValueError("it has more than 8 bits a channel, convert it first")
                image.draft("RGB", (width, height))  # JPEG: decode no larger than needed
                image = ImageOps.fit(image.convert("RGB"), (width, height))
        except Exception as error:  # Pillow lets many kinds out, its own warnings among them
            raise ValueError(f"{self.paths[i]} is no image that can be read: {error}") from error
        return np.asarray(image).transpose(2, 0, 1)


def _is_deep(image):
    """Whether RGB of 8 bits would lose some; Pillow opens 16-bit colors as 8-bit ones."""
    in_png = image.format == "PNG" and ";16" in str(image.tile)
    in_tiff = image.format == "TIFF" and max(image.tag_v2.get(258, (1,))) > 8  # BitsPerSample
    return in_png or in_tiff or image.mode[0] in "IF"
