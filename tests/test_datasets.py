"""Readers of files: what is valid is read, all else is refused in words that name the file."""

import ast
import gzip
import io
import os
import pickle
import re
import shutil
import struct
import subprocess
import sys
import tracemalloc
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sklearn_ssl import FixMatchClassifier, ImageFiles, ImageFolder, load_cifar10, load_mnist

needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")


def damaged(raw, rng):
    """Bytes with one changed, every other time near an end, or cut off."""
    at = int(rng.integers(len(raw)))
    if rng.random() < 0.5:
        at = at % 200 if rng.random() < 0.7 else len(raw) - 1 - at % min(200, len(raw))
    if rng.random() < 0.2:
        return raw[:at]
    return raw[:at] + bytes([raw[at] ^ int(rng.integers(1, 256))]) + raw[at + 1 :]


def outcome(read, *args):
    """What a reader gives, or the words in which it refuses."""
    try:
        return read(*args)
    except ValueError as error:
        return str(error)


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


def with_header(*shape):
    return lambda raw: struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + raw[16:]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda raw: b"\x00\x00\x08\x01" + raw[4:], "type 8 and 1 dimensions, expected .* 3"),
        (lambda raw: b"\x00\x00\x0d\x03" + raw[4:], "type 13 and 3 dimensions, expected type 8"),
        (lambda raw: b"\x89PNG" + raw[4:], "no IDX file, its header is '89504e47"),
        (lambda raw: raw[:10], "no IDX file"),
        (lambda raw: b"", "no IDX file"),
        (lambda raw: raw[:-1], "fewer bytes .* promises, 4704"),
        (lambda raw: raw + b"x", "more bytes .* promises, 4704"),
        (with_header(5, 28, 28), "more bytes"),
        (with_header(2**32 - 1, 28, 28), "fewer bytes"),
        (with_header(6, 28, 27), r"rows of shape \(28, 27\), expected \(28, 28\)"),
        (with_header(6, 2**32 - 1, 2**32 - 1), "rows of shape"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_mnist_damaged(mnist, pack, damage, message):
    path = mnist / "train-images-idx3-ubyte"
    raw = damage(path.read_bytes())
    path.unlink()
    path = path if pack is bytes else path.with_name(path.name + ".gz")
    path.write_bytes(pack(raw))
    with pytest.raises(ValueError, match=rf"{path.name} .*{message}"):
        load_mnist(mnist)


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[:-8] + bytes([raw[-8] ^ 1]) + raw[-7:],  # check sum
        lambda raw: raw[:-4] + bytes([raw[-4] ^ 1]) + raw[-3:],  # length
        lambda raw: raw[:10] + b"\xff" + raw[11:],  # the kind of the first block
        lambda raw: raw[:-1],
        lambda raw: raw + b"trailing",
        lambda raw: b"no gzip",
    ],
)
def test_mnist_with_a_damaged_gzip_stream(mnist, damage):
    path = mnist / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=rf"{path.name} cannot be read: .*Get it again"):
        load_mnist(mnist)


@pytest.mark.parametrize("n", [3, 2**32 - 1])
def test_mnist_takes_no_memory_that_a_header_or_a_stream_asks_for(mnist, n):
    bomb = struct.pack(">HBBI", 0, 8, 1, n) + bytes(2**25 if n == 3 else 3)
    (mnist / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(bomb))
    del bomb
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"t10k-labels.* has (more|fewer) bytes"):
        load_mnist(mnist)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**23


def test_mnist_whose_labels_do_not_fit(mnist):
    path = mnist / "train-labels-idx1-ubyte.gz"
    path.write_bytes(gzip.compress(idx(np.array([0, 1, 2, 3, 4, 10], np.uint8))))
    with pytest.raises(ValueError, match=r"train-labels.*: labels that are no ints in 0\.\.9"):
        load_mnist(mnist)
    path.write_bytes(gzip.compress(idx(np.zeros(5, np.uint8))))
    with pytest.raises(ValueError, match=r"train-images.* has 6 images, .*train-labels.* 5 labels"):
        load_mnist(mnist)


@needs_pipes
def test_what_is_no_plain_file_is_not_opened(mnist, cifar):
    (mnist / "train-images-idx3-ubyte").unlink()
    os.mkfifo(mnist / "train-images-idx3-ubyte.gz")
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte\.gz is no plain file"):
        load_mnist(mnist)
    (cifar / "data_batch_2").unlink()
    (cifar / "data_batch_2").mkdir()
    with pytest.raises(ValueError, match="data_batch_2 is no plain file"):
        load_cifar10(cifar)


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz"])
def test_mnist_with_any_byte_changed(mnist, name):
    rng, before, raw = np.random.default_rng(0), load_mnist(mnist), (mnist / name).read_bytes()
    refused = 0
    for _ in range(200):
        (mnist / name).write_bytes(damaged(raw, rng))
        after = outcome(load_mnist, mnist)
        if isinstance(after, str):
            assert name in after
            refused += 1
        else:
            assert [a.shape for a in after] == [b.shape for b in before]
            if name.endswith(".gz"):  # it has a check sum
                np.testing.assert_array_equal(after[1], before[1])
    assert 20 < refused < 200


BATCHES = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]


@pytest.fixture
def cifar(tmp_path):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in BATCHES:
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


def python2(data, labels):
    """The bytes that cPickle wrote under Python 2, as in the files of CIFAR-10's page."""
    numbers = b"".join(b"K" + bytes([n]) for n in labels)
    shape = struct.pack("<cHcH", b"M", data.shape[0], b"M", data.shape[1])
    return (
        b"\x80\x02}q\x01(U\x0bbatch_labelq\x02U\x15training batch 1 of 5q\x03"
        b"U\x06labelsq\x04]q\x05("
        + numbers
        + b"eU\x04dataq\x06cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00"
        b"\x85U\x01b\x87Rq\t(K\x01" + shape + b"\x86cnumpy\ndtype\nq\nU\x02u1K\x00K\x01\x87Rq\x0b"
        b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T"
        + struct.pack("<I", data.size)
        + data.tobytes()
        + b"tbU\tfilenamesq\x0c]q\r(U\x05a.pngU\x05b.pngeu."
    )


def numpy1(raw):
    """The bytes with the names that numpy 1 gave, or 2 where this is run under 1."""
    for old, new in ((b"numpy._core.", b"numpy.core."), (b"numpy.core.", b"numpy._core.")):
        if old in raw:  # a length is before them from protocol 4 on
            for name in (b"multiarray", b"numeric"):
                lengths = bytes([len(old + name)]), bytes([len(new + name)])
                raw = raw.replace(lengths[0] + old + name, lengths[1] + new + name)
            return raw.replace(old, new)


@pytest.fixture(scope="module")
def written():
    """A batch of two images, and its bytes in every form that a file may have."""
    rng = np.random.default_rng(1)
    data, labels = rng.integers(0, 256, (2, 3072)).astype(np.uint8), [3, 9]
    both = {b"data": data, b"labels": labels}
    forms = {f"protocol {p}": pickle.dumps(both, protocol=p) for p in (2, 3, 4, 5)}
    forms |= {f"{name}, numpy 1": numpy1(raw) for name, raw in forms.items()}
    forms["python 2"] = python2(data, labels)
    forms["text keys"] = pickle.dumps({"data": data, "labels": labels, "more": {"a": [1]}})
    forms["columns first"] = pickle.dumps({"data": np.asfortranarray(data), "labels": labels}, 2)
    forms["columns first, protocol 5"] = pickle.dumps(
        {"data": np.asfortranarray(data), "labels": labels}, protocol=5
    )
    for kind in ("<i8", ">i2", "u1"):
        labels_too = {"data": data, "labels": np.array(labels, kind)}
        forms[f"labels {kind}"] = pickle.dumps(labels_too, protocol=2)
    return data, labels, forms


def test_cifar_in_every_form(cifar, written):
    data, labels, forms = written
    by_pickle = pickle.loads(forms["python 2"], encoding="bytes")
    np.testing.assert_array_equal(by_pickle[b"data"], data)
    for form, raw in forms.items():
        (cifar / "test_batch").write_bytes(raw)
        _, _, X, y = load_cifar10(cifar)
        np.testing.assert_array_equal(X.reshape(2, 3072), data, err_msg=form)
        assert y.tolist() == labels
        assert X.flags.writeable


class Evil:
    def __reduce__(self):
        return os.mkdir, ("pwned",)


class Call:
    """Pickled as a call with these arguments, and a state to set."""

    def __init__(self, *args):
        self.args = args

    def __reduce__(self):
        return self.args


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


def array(shape, dtype, raw, order=False):
    """An ndarray of such a state, whatever it says."""
    rebuild = np.zeros(0).__reduce__()[0]
    return Call(rebuild, (np.ndarray, (0,), b"b"), (1, shape, dtype, order, raw))


def dtype(code, *state):
    return Call(np.dtype, (code, False, True), (3, *state))


U1 = dtype("u1", "|", None, None, None, -1, -1, 0)
POINTERS = dtype("V8", "|", None, ("a",), {"a": (np.dtype("O"), 0)}, 8, 1, 0)
FINE = np.zeros((2, 3072), np.uint8)
MALFORMED = {  # of data and labels, the words they are refused in
    "pointers": ((FINE, array((2,), POINTERS, b"\1" * 16)), "no numbers"),
    "objects": ((FINE, np.array([1, "a"], dtype=object)), "no array"),
    "text": ((FINE, np.array(["1", "2"])), "no numbers"),
    "unknown code": ((array((2, 3072), dtype("f1", "|"), bytes(6144)), [1, 2]), "f1"),
    "parsed code": ((array((2, 3072), dtype("u1,u1", "|"), bytes(6144)), [1, 2]), "no numbers"),
    "no dtype": ((array((2, 3072), "u1", bytes(6144)), [1, 2]), "no numbers"),
    "too few bytes": ((array((2, 3072), U1, bytes(6143)), [1, 2]), "not the size of its shape"),
    "vast": ((array((2**62, 2**62), U1, bytes(6144)), [1, 2]), "not the size of its shape"),
    "vast and empty": ((array((0, 2**80), U1, b""), []), "not the size of its shape"),
    "negative": ((array((-2, -3072), U1, bytes(6144)), [1, 2]), "not the size of its shape"),
    "one that is no int": ((array((2.0, 3072), U1, bytes(6144)), [1, 2]), "not the size"),
    "many dimensions": ((array((1,) * 99, U1, b"x"), [1, 2]), "not the size of its shape"),
    "scalar": ((FINE, array((), U1, b"x")), "not the size of its shape"),
    "no shape": ((array(None, U1, bytes(6144)), [1, 2]), "no array"),
    "wide text": ((array((2, 3072), U1, "\u1234" * 6144), [1, 2]), "latin-1"),
    "constructor": ((Call(np.ndarray, ((2, 3072), "O")), [1, 2]), "no array"),
    "subclass": ((np.ma.masked_array(FINE), [1, 2]), "asks for numpy.ma"),
    "list": ((FINE.tolist(), [1, 2]), "no array"),
    "float32": ((FINE.astype(np.float32), [1, 2]), r"\(2, 3072\) \(float32\).* expected"),
    "3071": ((FINE[:, :3071].copy(), [1, 2]), r"\(2, 3071\).* expected \(n, 3072\)"),
    "1-D": ((FINE[0].copy(), [1]), r"\(3072,\)"),
    "fewer labels": ((FINE, [1]), "and 1 labels"),
    "10": ((FINE, [1, 10]), "no ints in 0..9"),
    "-1": ((FINE, [-1, 1]), "no ints in 0..9"),
    "half": ((FINE, [0.5, 1]), "no ints in 0..9"),
    "halves": ((FINE, np.array([0.5, 1])), "no ints in 0..9"),
    "bools": ((FINE, [True, False]), "no ints in 0..9"),
    "strings": ((FINE, ["1", "2"]), "no ints in 0..9"),
    "nested": ((FINE, [[1], [2]]), "no ints in 0..9"),
    "number": ((FINE, 3), "no array"),
}
RAW = {  # the bytes of a file
    "empty": (b"", "exhausted"),
    "no pickle": (b"no pickle", "unknown|asks for"),
    "number": (b"\x80\x02K\x01.", "no data and labels"),
    "left over": (b"\x80\x02K\x01K\x02.", "left over"),
    "trailing": (b"\x80\x02K\x01.x", "left over"),
    "open mark": (b"\x80\x02(K\x01.", "left over"),
    "nothing to take": (b"\x80\x02\x86.", "empty list"),
    "no such memory": (b"\x80\x02h\x01.", "1"),
    "vast memory": (b"\x80\x02}r\xff\xff\xff\xff.", "no data and labels"),  # 64 GB in pickle
    "vast string": (b"\x80\x02T\xff\xff\xff\x7f.", "remain"),
    "vast bytes": (b"\x80\x05\x96" + b"\xff" * 7 + b"\x7f.", "remain"),
    "deep key": (
        b"\x80\x02})" + b"\x85" * (2 * 10**5) + b"Ns.",
        "a key is no string",
    ),  # C's stack ends
    "deep name": (b"\x80\x04)" + b"\x85" * (2 * 10**5) + b"\x8c\x01a\x93.", "expected str"),
    "call of a number": (b"\x80\x02K\x01)R.", "no data and labels"),
    "escape": (b"\x80\x02cos\nmk\\sdir\n.", "escape sequence"),  # a warning, here an error
    "codec": (b"\x80\x02c_codecs\nencode\nX\1\0\0\0aX\6\0\0\0idna\0\0\x86R.", "no data"),
    "state of a dict": (b"\x80\x02}}b.", "attribute"),
    "extension": (b"\x80\x02\x82\x01.", "asks for EXT1"),
    "persistent": (b"\x80\x02K\x01Q.", "asks for BINPERSID"),
    "instance": (b"\x80\x02(ios\nmkdir\n.", "asks for INST"),
    "object": (b"\x80\x02cos\nmkdir\n)\x81.", "asks for os.mkdir"),
}


@pytest.fixture(scope="module")
def outcomes(written, tmp_path_factory):
    """What a process of its own, which may crash, says of files by name: words, or None."""
    folder = tmp_path_factory.mktemp("damaged")
    files = {
        f"malformed {name}": pickle.dumps({"data": data, "labels": labels}, protocol=4)
        for name, ((data, labels), _) in MALFORMED.items()
    }
    files |= {f"raw {name}": raw for name, (raw, _) in RAW.items()}
    rng, forms = np.random.default_rng(0), list(written[2].values())
    files |= {f"damaged {i}": damaged(forms[i % len(forms)], rng) for i in range(200)}
    for i, raw in enumerate(files.values()):
        (folder / f"{i}").write_bytes(raw)
    for name in BATCHES:
        (folder / name).write_bytes(written[2]["python 2"])
    child = """
import sys, types
from pathlib import Path
package = types.ModuleType("sklearn_ssl")  # the whole, with torch, takes seconds to import
package.__path__ = [sys.argv[1]]
sys.modules["sklearn_ssl"] = package
from sklearn_ssl.datasets import load_cifar10
folder = Path(sys.argv[2])
for i in range(int(sys.argv[3])):
    (folder / "test_batch").write_bytes((folder / str(i)).read_bytes())
    try:
        X, y = load_cifar10(folder)[2:]
        assert X.dtype == "uint8" and X.shape == (len(y), 3, 32, 32) and set(y) <= set(range(10))
        print("None")
    except ValueError as error:
        print(repr(str(error).replace(str(folder), "")))
"""
    package = Path(sys.modules["sklearn_ssl"].__file__).parent
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", child, package, folder, str(len(files))],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(zip(files, map(ast.literal_eval, done.stdout.splitlines()), strict=True))


@pytest.mark.parametrize(
    ("name", "message"),
    [(f"malformed {name}", words) for name, (_, words) in MALFORMED.items()]
    + [(f"raw {name}", words) for name, (_, words) in RAW.items()],
)
def test_cifar_malformed(outcomes, name, message):
    assert re.match(f".*test_batch.*({message})", outcomes[name] or "nothing was said")


def test_cifar_with_any_byte_changed(outcomes):
    said = [words for name, words in outcomes.items() if name.startswith("damaged")]
    assert len(said) == 200
    assert all("test_batch" in words for words in said if words)
    assert 20 < sum(words is not None for words in said) < 200


def test_cifar_batch_of_impossible_size(cifar):
    with (cifar / "data_batch_4").open("ab") as file:
        file.truncate(2**40)  # no byte of it is on the disk
    with pytest.raises(ValueError, match=r"data_batch_4 is no CIFAR-10 batch: those have 31 MB"):
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


@pytest.fixture
def photos(tmp_path):
    """Two classes with an image each."""
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        save(tmp_path / name / "1.png")
    return tmp_path


def save(path, mode="RGB", size=(12, 8)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.effect_noise(size, 90).convert(mode).save(path)


def found(folder):
    images = ImageFolder(folder, size=8)
    return [path.relative_to(folder).as_posix() for path in images.paths]


def test_images_that_are_hidden_are_passed_over(photos):
    for name in (
        ".git/1.png", "cat/.ipynb_checkpoints/1.png", "cat/._1.png", "__MACOSX/cat/1.png",
        "dog/__MACOSX/1.png", ".1.png", "top.png",
    ):  # fmt: skip
        save(photos / name)
    (photos / "cat" / "Thumbs.db").write_bytes(b"x")
    (photos / ".DS_Store").write_bytes(b"x")
    assert found(photos) == ["cat/1.png", "dog/1.png"]
    hidden = photos / ".cache" / "photos"  # where the folder itself lies does not matter
    save(hidden / "cat" / "1.png")
    assert found(hidden) == ["cat/1.png"]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(depth, color, channels):
    rows = (b"\0" + bytes(2 * channels * depth // 8)) * 2
    head = struct.pack(">2I5B", 2, 2, depth, color, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def tiff(depth):
    tags = [(256, 2), (257, 2), (258, 134), (259, 1), (262, 2), (273, 140), (277, 3), (278, 2)]
    tags = [struct.pack("<HHII", tag, 3, 1 + 2 * (tag == 258), n) for tag, n in tags]
    head = b"II*\0" + struct.pack("<IH", 8, 10) + b"".join(tags)
    head += struct.pack("<HHII", 279, 4, 1, 12 * depth // 8)
    head += struct.pack("<HHII", 284, 3, 1, 1) + bytes(4)
    return head + struct.pack("<3H", *[depth] * 3) + bytes(12 * depth // 8)


@pytest.mark.parametrize(
    ("name", "color", "channels"),
    [("2.png", 0, 1), ("2.png", 4, 2), ("2.png", 2, 3), ("2.png", 6, 4), ("2.tif", None, 3)],
)
def test_images_of_16_bits_are_not_cut_to_8(photos, name, color, channels):
    def raw(depth):
        return tiff(depth) if color is None else png(depth, color, channels)

    (photos / "cat" / name).write_bytes(raw(8))
    assert np.asarray(ImageFolder(photos, size=8)).shape == (3, 3, 8, 8)
    (photos / "cat" / name).write_bytes(raw(16))
    with pytest.raises(ValueError, match=rf"{name} .* more than 8 bits a channel, convert it"):
        np.asarray(ImageFolder(photos, size=8))


@pytest.mark.parametrize("name", ["I;16 2.png", "I;16 2.tif", "I 2.tiff", "F 2.tiff"])
def test_images_of_large_numbers_are_refused(photos, name):
    mode, name = name.split(" ")
    save(photos / "cat" / name, mode)
    with pytest.raises(ValueError, match=rf"{name} .* more than 8 bits a channel"):
        np.asarray(ImageFolder(photos, size=8))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr"])
def test_images_of_8_bits_are_read(photos, mode):
    save(photos / "cat" / ("2.png" if mode in ("1", "L", "LA", "P", "RGBA") else "2.jpg"), mode)
    assert ImageFolder(photos, size=8)[1].shape == (3, 8, 8)


@needs_pipes
def test_images_that_are_pipes_or_folders(photos):
    os.mkfifo(photos / "cat" / "2.png")
    os.mkfifo(photos / "pipe.png")
    save(photos / "cat" / "folder.png" / "3.png")
    assert found(photos) == ["cat/1.png", "cat/folder.png/3.png", "dog/1.png"]


def test_images_with_more_pixels_than_pillow_allows(photos, monkeypatch):
    save(photos / "cat" / "2.png", size=(30, 20))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 400)
    images = ImageFolder(photos, size=8)
    for action in ("error", "ignore"):
        with warnings.catch_warnings():
            warnings.simplefilter(action)
            with pytest.raises(ValueError, match=r"2\.png .* pixels"):
                images[1]
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 200)
    with pytest.raises(ValueError, match=r"2\.png .*bomb"):
        images[1]
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert images[1].shape == (3, 8, 8)


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[: len(raw) // 2],
        lambda raw: b"",
        lambda raw: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",  # Ghostscript's
        lambda raw: raw[:16] + b"\0\0\0\0" + raw[20:],
        lambda raw: raw[:60] + b"\xff" * 40 + raw[100:],
    ],
)
def test_images_that_are_damaged(photos, damage):
    path = photos / "dog" / "1.png"
    path.write_bytes(damage(path.read_bytes()))
    images = ImageFolder(photos, size=8)
    with pytest.raises(ValueError, match=r"dog.1\.png is no image that can be read"):
        np.asarray(images)


def test_images_with_any_byte_changed(photos):
    rng, files = np.random.default_rng(0), []
    for kind in ("bmp", "gif", "jpeg", "png", "tiff", "webp"):
        file = io.BytesIO()
        Image.effect_noise((12, 8), 90).convert("RGB").save(file, kind)
        files.append(file.getvalue())
    images, path, refused = ImageFolder(photos, size=8), photos / "dog" / "1.png", 0
    for i in range(200):
        path.write_bytes(damaged(files[i % len(files)], rng))
        image = outcome(images.__getitem__, 1)
        if isinstance(image, str):
            assert "1.png is no image" in image
            refused += 1
        else:
            assert (image.shape, image.dtype) == ((3, 8, 8), np.uint8)
    assert 20 < refused < 200


def test_images_behind_links(photos, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    save(elsewhere / "2.png")
    save(photos / "more" / "deep" / "3.png")
    try:
        (photos / "cat" / "2.png").symlink_to(photos / "dog" / "1.png")
    except OSError:
        pytest.skip("this system makes no links")
    (photos / "kitten").symlink_to("cat", target_is_directory=True)
    (photos / "cat" / "more").symlink_to("../more", target_is_directory=True)
    (photos / "more" / "deep" / "back").symlink_to("../../cat", target_is_directory=True)
    (photos / "cat" / "self").symlink_to(".", target_is_directory=True)
    (photos / "more" / "deep" / "up").symlink_to("..", target_is_directory=True)
    (photos / "dog" / "all").symlink_to("..", target_is_directory=True)
    own = ["1.png", "2.png"]
    assert found(photos) == [
        *(f"cat/{name}" for name in [*own, "more/deep/3.png"]),
        "dog/1.png",
        *(f"kitten/{name}" for name in [*own, "more/deep/3.png"]),
        "more/deep/3.png",
        *(f"more/deep/back/{name}" for name in own),
    ]
    for link, target in (
        ("cat/9.png", elsewhere / "2.png"),
        ("cat/folder", elsewhere),
        ("bird", elsewhere),
        ("dog/gone.png", "nowhere.png"),
        ("dog/loop.png", "loop.png"),
    ):
        (photos / link).symlink_to(target)
        with pytest.raises(ValueError, match=rf"{Path(link).name} is a link that is broken"):
            ImageFolder(photos, size=8)
        (photos / link).unlink()
    (elsewhere / "photos").symlink_to(photos, target_is_directory=True)
    assert found(elsewhere / "photos") == found(photos)  # the folder itself may be a link


@pytest.mark.parametrize("size", [0, -1, (8, 0), (8,), (8, 8, 8), 8.0, (8, 8.0), None, "88", ()])
def test_images_need_a_size(size):
    with pytest.raises(ValueError, match=r"size must be an int >= 1, or two of them, got"):
        ImageFolder("nowhere", size=size)


def test_images_of_a_size(photos):
    for size in (np.int64(4), (4, 6), [4, 6], np.array([4, 6])):
        assert ImageFolder(photos, size=size).shape == (2, 3, 4, 6 if np.ndim(size) else 4)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        ImageFolder(photos / "nowhere", size=8)
    shutil.rmtree(photos / "cat")
    (photos / "dog" / "1.png").unlink()
    with pytest.raises(ValueError, match="no folders that hold images"):
        ImageFolder(photos, size=8)


def test_files_of_a_list_are_predicted_as_in_their_folder(photos):
    save(photos / "unlabeled" / "2.png", size=(20, 30))
    images = ImageFolder(photos, size=8)
    clf = FixMatchClassifier(max_steps=1, module_params={"width": 4}, random_state=0)
    clf.fit(images, images.y)
    paths = [photos / "unlabeled" / "2.png", str(photos / "cat" / "1.png")]
    new = ImageFiles(paths, size=8)
    assert [str(path) for path in new.paths] == [str(path) for path in paths]
    assert new[1:].paths == [photos / "cat" / "1.png"]
    rows = [images.paths.index(Path(path)) for path in paths]
    np.testing.assert_array_equal(np.asarray(new), np.asarray(images[rows]))
    np.testing.assert_allclose(
        clf.predict_proba(new), clf.predict_proba(images)[rows], rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize(
    ("paths", "error", "message"),
    [
        ([], ValueError, "paths is empty"),
        ("cat/1.png", ValueError, r"must be a list, got 'cat/1.png': \['cat/1.png'\]"),
        (Path("1.png"), ValueError, "must be a list"),
        (["no.png"], FileNotFoundError, "no.png is no file"),
        (["."], FileNotFoundError, "is no file"),
    ],
)
def test_files_that_are_none(paths, error, message):
    with pytest.raises(error, match=message):
        ImageFiles(paths, size=8)
