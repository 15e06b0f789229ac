import gzip
import os
import pickle
import struct

import numpy as np
import pytest

from sklearn_ssl import load_cifar10, load_mnist


def idx(array):
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def mnist(tmp_path):
    rng = np.random.default_rng(0)
    for name, n in (("train", 6), ("t10k", 3)):
        images = rng.integers(0, 256, (n, 28, 28)).astype(np.uint8)
        labels = rng.integers(0, 10, n).astype(np.uint8)
        (tmp_path / f"{name}-images-idx3-ubyte").write_bytes(idx(images))
        packed = gzip.compress(idx(labels))
        (tmp_path / f"{name}-labels-idx1-ubyte.gz").write_bytes(packed)
    return tmp_path


def test_mnist_plain_and_gzipped(mnist):
    X, y, X_test, y_test = load_mnist(mnist)
    assert X.shape == (6, 1, 28, 28)
    assert X.dtype == np.uint8
    assert X_test.shape == (3, 1, 28, 28)
    assert len(y) == 6
    assert len(y_test) == 3
    raw = (mnist / "train-images-idx3-ubyte").read_bytes()
    assert X.tobytes() == raw[16:]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda raw: b"\x00\x00\x08\x01" + raw[4:], "no IDX file of 3-D"),
        (lambda raw: raw[:-1], "promises"),
        (lambda raw: raw + b"x", "promises"),
        (lambda raw: raw[:10], "no IDX file|promises"),
    ],
)
def test_mnist_damaged(mnist, damage, message):
    path = mnist / "train-images-idx3-ubyte"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=message):
        load_mnist(mnist)


def test_mnist_missing_or_truncated(mnist):
    path = mnist / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(ValueError, match="cannot be read"):
        load_mnist(mnist)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"t10k-labels-idx1-ubyte.*Get it from"):
        load_mnist(mnist)


@pytest.fixture
def cifar(tmp_path):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
        batch = {
            b"data": rng.integers(0, 256, (4, 3072)).astype(np.uint8),
            b"labels": rng.integers(0, 10, 4).tolist(),
            b"batch_label": b"x",
        }
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    return folder


def test_cifar(cifar):
    for folder in (cifar, cifar.parent):
        X, y, X_test, y_test = load_cifar10(folder)
        assert X.shape == (20, 3, 32, 32)
        assert X.dtype == np.uint8
        assert len(y) == 20
        assert X_test.shape == (4, 3, 32, 32)
        assert len(y_test) == 4
    batch = pickle.loads((cifar / "data_batch_1").read_bytes())
    assert (X[0, 1].ravel() == batch[b"data"][0, 1024:2048]).all()


class Evil:
    def __reduce__(self):
        return os.mkdir, ("pwned",)


def test_cifar_pickle_cannot_run_code(cifar, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (cifar / "data_batch_3").write_bytes(pickle.dumps({b"data": Evil()}))
    with pytest.raises(ValueError, match=r"data_batch_3.*mkdir"):
        load_cifar10(cifar)
    assert not (tmp_path / "pwned").exists()


def test_cifar_missing_or_of_wrong_shape(cifar):
    bad = {b"data": np.zeros((4, 3071), np.uint8), b"labels": [0] * 4}
    (cifar / "test_batch").write_bytes(pickle.dumps(bad))
    with pytest.raises(ValueError, match="3072"):
        load_cifar10(cifar)
    (cifar / "test_batch").unlink()
    with pytest.raises(FileNotFoundError, match="test_batch is missing"):
        load_cifar10(cifar)


def test_real_mnist():
    folder = os.environ.get("SKLEARN_SSL_DATA")
    if not folder:
        pytest.skip("set SKLEARN_SSL_DATA to a folder with mnist/*.gz to run this")
    X, y, X_test, y_test = load_mnist(os.path.join(folder, "mnist"))
    assert (len(X), len(X_test)) == (60000, 10000)
    assert np.bincount(y).min() > 5000
    assert X.max() == 255
    assert len(y_test) == 10000
