"""Readers of the standard MNIST and CIFAR-10 files, from a folder that the user names."""

import gzip
import math
import pickletools
import re
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

__all__ = ["load_cifar10", "load_mnist"]

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
        If a file is not what its name says (type, dimensions, 28 x 28 pixels, labels in 0..9), is
        damaged, or holds more or fewer bytes than its header promises; if there are not as many
        labels as images.

    Examples
    --------
    >>> from sklearn_ssl import load_mnist
    >>> X_train, y_train, X_test, y_test = load_mnist("mnist")  # doctest: +SKIP
    """
    parts = []
    for name in ("train", "t10k"):
        images, path = _read_idx(folder, f"{name}-images-idx3-ubyte", (28, 28))
        labels, of_labels = _read_idx(folder, f"{name}-labels-idx1-ubyte", ())
        if len(images) != len(labels):
            raise ValueError(f"{path} has {len(images)} images, {of_labels} {len(labels)} labels.")
        parts += [images[:, None], _check_labels(labels.tolist(), of_labels)]
    return tuple(parts)


def load_cifar10(folder):
    """Read CIFAR-10 from the folder ``cifar-10-batches-py``.

    The batches are pickles, of protocol 2 to 5. Their containers, strings, numbers and arrays of
    numbers are read, and nothing that a file names is called: a tampered file cannot run code.

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
        If a file is not such a batch, is damaged, or would do more than hold data.

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


def _plain_file(*paths, source):
    """The first path that exists; to open a pipe or a device could wait for ever."""
    for path in paths:
        if path.is_file():
            return path
        if path.exists():
            raise ValueError(f"{path} is no plain file.")
    raise FileNotFoundError(f"{' or '.join(map(str, paths))} is missing. Get it from {source}.")


def _read_idx(folder, name, row):
    """One IDX file: two zero bytes, type 8 (uint8), ndim, big-endian sizes, the data."""
    plain, ndim = Path(folder, name), 1 + len(row)
    path = _plain_file(plain, plain.with_name(name + ".gz"), source=_MNIST_URL)
    try:
        with (open if path == plain else gzip.open)(path, "rb") as file:
            magic, sizes = file.read(4), file.read(4 * ndim)
            if magic[:2] != bytes(2) or len(sizes) < 4 * ndim:
                raise ValueError(f"{path} is no IDX file, its header is {(magic + sizes).hex()!r}.")
            if magic[2:] != bytes([8, ndim]):
                raise ValueError(
                    f"{path} is an IDX file of type {magic[2]} and {magic[3]} dimensions, "
                    f"expected type 8 (uint8) and {ndim}."
                )
            shape = struct.unpack(f">{ndim}I", sizes)
            if shape[1:] != row:
                raise ValueError(f"{path} has rows of shape {shape[1:]}, expected {row}.")
            promised, data = math.prod(shape), bytearray()
            while len(data) <= promised and (part := file.read(2**20)):  # whatever is promised
                data += part
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path} cannot be read: {error}. Get it again.") from error
    if len(data) != promised:
        than = "more" if len(data) > promised else "fewer"
        raise ValueError(f"{path} has {than} bytes of data than its header promises, {promised}.")
    return np.frombuffer(data, dtype=np.uint8).reshape(shape), path


@dataclass
class _Call:
    """What a pickle would call, and the state it would set: kept, never done."""

    name: str
    args: tuple
    state: object = None


_NAMES = {
    "_codecs.encode",
    "numpy.core.multiarray._reconstruct",
    "numpy.core.numeric._frombuffer",
    "numpy.dtype",
    "numpy.ndarray",
}
_TAKES = {"APPEND": 1, "SETITEM": 2, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}  # others: to a mark


def _unpickled(raw):
    """What a pickle holds: bytes as text in latin1, a `_Call` in place of an array or dtype.

    `pickle.Unpickler` would call what the file names, with arguments of the file; it also takes
    any memory that a few bytes ask for.
    """
    stack, outer, memo = [], [], {}
    for op, arg, position in pickletools.genops(raw):
        match op.name:
            case "PROTO" | "FRAME":
                pass
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append({"NEWTRUE": True, "NEWFALSE": False}.get(op.name))
            case "EMPTY_DICT" | "EMPTY_LIST" | "EMPTY_TUPLE":
                stack.append({"EMPTY_DICT": dict, "EMPTY_LIST": list}.get(op.name, tuple)())
            case "BINPUT" | "LONG_BINPUT" | "MEMOIZE":
                memo[len(memo) if arg is None else arg] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[arg])
            case "MARK":
                outer.append(stack)
                stack = []
            case name if name.startswith(("APPEND", "SETITEM", "TUPLE")):
                if name in _TAKES:
                    items = [stack.pop() for _ in range(_TAKES[name])][::-1]
                else:
                    items, stack = stack, outer.pop()
                if name.startswith("TUPLE"):
                    stack.append(tuple(items))
                elif name.startswith("APPEND"):
                    stack[-1].extend(items)
                elif all(isinstance(key, str) for key in items[::2]):
                    stack[-1].update(zip(items[::2], items[1::2], strict=True))
                else:
                    raise ValueError("a key is no string")
            case "GLOBAL" | "STACK_GLOBAL":
                parts = [stack.pop(-2), stack.pop()] if arg is None else arg.split(" ")
                name = ".".join(parts).replace("numpy._core.", "numpy.core.")
                if name not in _NAMES:
                    raise ValueError(f"it asks for {name:.99}, which no data needs")
                stack.append(name)
            case "REDUCE":
                args, name = stack.pop(), stack.pop()
                text = name == "_codecs.encode" and args[1:] == ("latin1",)
                stack.append(args[0] if text else _Call(name, args))
            case "BUILD":
                state = stack.pop()
                stack[-1].state = state
            case "STOP":
                if outer or len(stack) != 1 or position + 1 != len(raw):
                    raise ValueError("something is left over at its end")
                return stack[0]
            case name if re.fullmatch(
                r"(SHORT_)?BIN(BYTES|FLOAT|INT|STRING|UNICODE)\d?|BYTEARRAY8|LONG\d", name
            ):
                stack.append(arg.decode("latin1") if isinstance(arg, bytes | bytearray) else arg)
            case name:
                raise ValueError(f"it asks for {name}, which no data needs")


def _array(value):
    """The array that a `_Call` describes; numpy is given no type or shape that was not checked."""
    match value:
        case _Call(
            "numpy.core.multiarray._reconstruct", _, (_, tuple(shape), kind, bool(order), str(raw))
        ):
            order = "CF"[order]
        case _Call(
            "numpy.core.numeric._frombuffer", (str(raw), kind, tuple(shape), "C" | "F" as order)
        ):
            pass
        case _:
            raise ValueError("its data or labels are no array")
    match kind:
        case _Call("numpy.dtype", (str(code), *_), (_, str(end), *_)) if re.fullmatch(
            "[<>|][biuf][1248]", end + code
        ):
            dtype = np.dtype(end + code)
        case _:
            raise ValueError("an array holds no numbers")
    bounded = 0 < len(shape) < 3 and all(type(n) is int and 0 <= n <= len(raw) for n in shape)
    if not bounded or math.prod(shape) * dtype.itemsize != len(raw):
        raise ValueError(f"an array has {len(raw)} bytes, which is not the size of its shape")
    return np.frombuffer(bytearray(raw, "latin1"), dtype).reshape(shape, order=order)


def _read_cifar_batch(path):
    path = _plain_file(path, source=_CIFAR_URL)
    if path.stat().st_size > 2**26:
        raise ValueError(f"{path} is no CIFAR-10 batch: those have 31 MB.")
    try:
        match _unpickled(path.read_bytes()):
            case {"data": data, "labels": labels}:
                data = _array(data)
                labels = labels if isinstance(labels, list | tuple) else _array(labels).tolist()
            case _:
                raise ValueError("it holds no data and labels")
    except Exception as error:  # what does not fit together fails in many ways
        raise ValueError(f"{path} is no CIFAR-10 batch: {error}.") from error
    if data.dtype != np.uint8 or data.shape != (len(labels), 3072):
        raise ValueError(
            f"{path} holds data of shape {data.shape} ({data.dtype}) and {len(labels)} labels; "
            "expected (n, 3072) of uint8 and n labels."
        )
    return data.reshape(-1, 3, 32, 32), _check_labels(labels, path)


def _check_labels(labels, path):
    if not all(type(label) is int and 0 <= label <= 9 for label in labels):
        raise ValueError(f"{path}: labels that are no ints in 0..9.")
    return np.array(labels, dtype=np.int64)
