"""Checkpoints and model files: whole or refused, of this fit or refused."""

import functools
import json
import os
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris
from torch import nn

import sklearn_ssl
from sklearn_ssl import PseudoLabelClassifier, VAEClassifier, hide_labels
from sklearn_ssl.engine.checkpoint import check_folder, write_whole
from sklearn_ssl.engine.fingerprint import digest
from sklearn_ssl.networks import WideResNet
from sklearn_ssl.persistence.files import _NO_CHECKSUM, _checksum, _field


@pytest.fixture(scope="module")
def iris():
    X, truth = load_iris(return_X_y=True)
    return X, hide_labels(truth, 30, random_state=0)


def make(**params):
    small = {"max_steps": 4, "batch_size": 8, "module_params": {"hidden_layer_sizes": (8,)}}
    return PseudoLabelClassifier(random_state=0, **{**small, **params})


def flipped(data, position, bit):
    damaged = bytearray(data)
    damaged[position % len(data)] ^= 1 << bit
    return bytes(damaged)


def places(data, n=60):
    """Positions at the ends, and drawn ones between."""
    drawn = np.random.default_rng(1).integers(len(data), size=n - 10)
    return [0, 1, 7, 8, 9, *drawn.tolist(), -1, -2, -33, -64, -65]


def test_a_checkpoint_with_one_bit_changed_is_refused(iris, tmp_path):
    X, few = iris
    make(checkpoint_dir=tmp_path).fit(X, few)
    (file,) = tmp_path.glob("*.pt")
    whole = file.read_bytes()
    for i, position in enumerate(places(whole)):
        file.write_bytes(flipped(whole, position, i % 8))
        with pytest.raises(ValueError, match="is damaged"):
            make(checkpoint_dir=tmp_path).fit(X, few)
    for length in (0, 10, 60, len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="is damaged"):
            make(checkpoint_dir=tmp_path).fit(X, few)


def test_a_model_file_with_one_bit_changed_is_refused(iris, tmp_path):
    X, few = iris
    file = tmp_path / "model"
    make().fit(X, few).save(file)
    whole = file.read_bytes()
    for i, position in enumerate(places(whole)):
        file.write_bytes(flipped(whole, position, i % 8))
        with pytest.raises(ValueError, match="damaged"):
            sklearn_ssl.load(file)
    file.write_bytes(whole)
    assert sklearn_ssl.load(file).n_iter_ == 4


def forge(whole, change):
    """A file with another header and a checksum that is right."""
    size = int.from_bytes(whole[:8], "little")
    top = json.loads(whole[8 : 8 + size])
    head = json.loads(top["__metadata__"]["sklearn_ssl"])
    change(head)
    top["__metadata__"] = {"sklearn_ssl": json.dumps(head), "checksum": _NO_CHECKSUM}
    header = json.dumps(top, separators=(",", ":")).encode()
    data = struct.pack("<Q", len(header)) + header + whole[8 + size :]
    return data.replace(_field(_NO_CHECKSUM), _field(_checksum(data)), 1)


def targets(head):
    return head["attributes"]["_targets"]["fields"]


def summary(head):
    return head["attributes"]["_summary"]["fields"]


FORGED = {
    "a function": lambda h: h.update({"class": "load_cifar10", "params": {"folder": "/etc"}}),
    "a base": lambda h: h.update({"class": "SSLClassifier"}),
    "a class that cannot save": lambda h: h.update({"class": "LabelPropagationClassifier"}),
    "no text": lambda h: h.update({"class": ["PseudoLabelClassifier"]}),
    "no attributes": lambda h: h.pop("attributes"),
    "parameters": lambda h: h.update({"params": [1, 2]}),
    "an unknown parameter": lambda h: h["params"].update({"tau": 1}),
    "a parameter out of range": lambda h: h["params"].update({"max_steps": -1}),
    "a method": lambda h: h["attributes"].update({"predict": {"json": 1}}),
    "a property": lambda h: h["attributes"].update({"classes_": {"json": 1}}),
    "dunder": lambda h: h["attributes"].update({"__class__": {"json": 1}}),
    "temperature": lambda h: targets(h).update({"_targets/temperature": {"json": float("nan")}}),
    "too many classes": lambda h: summary(h).update({"_summary/n_classes": {"json": 7}}),
    "a width": lambda h: summary(h).update({"_summary/input_shape": {"json": {"tuple": [2**40]}}}),
    "hidden sizes": lambda h: h["params"].update(
        {"module_params": {"hidden_layer_sizes": [2**31, 2**31]}}
    ),
    "a dtype": lambda h: targets(h).update({"_targets/classes": {"array": "O"}}),
    "a state": lambda h: h["attributes"]["_targets"].update({"state": "Popen"}),
    "steps": lambda h: h.update({"steps": "many"}),
    "format": lambda h: h.update({"format": 99}),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_file_is_refused_in_words(iris, tmp_path, name):
    X, few = iris
    file = tmp_path / "model"
    make(module_params=None).fit(X, few).save(file)
    file.write_bytes(forge(file.read_bytes(), FORGED[name]))
    with pytest.raises(ValueError, match=str(file)):
        sklearn_ssl.load(file)


def test_a_forged_checksum_alone_is_no_damage(iris, tmp_path):
    """The control: what the forger leaves alone is read."""
    X, few = iris
    clf = VAEClassifier(max_steps=3, random_state=0).fit(X, few)
    clf.save(tmp_path / "model")
    (tmp_path / "model").write_bytes(forge((tmp_path / "model").read_bytes(), lambda h: None))
    loaded = sklearn_ssl.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    assert loaded.sample(3, random_state=0)[0].shape == (3, 4)


# ------------------------------------------------------------------ fingerprints


def times(factor):
    def view(x, generator):
        return x * factor

    return view


class Scale:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, x, generator):
        return x * self.factor


def test_digests_tell_code_and_values_apart_and_nothing_else():
    assert digest(times(2.0)) == digest(times(2.0))
    assert digest(times(2.0)) != digest(times(3.0))
    assert digest(Scale(2.0)) == digest(Scale(2.0))
    assert digest(Scale(2.0)) != digest(Scale(3.0))
    assert digest(functools.partial(times, 1)) != digest(functools.partial(times, 2))
    assert digest(lambda x, g: x + 1) != digest(lambda x, g: x + 2)
    assert digest({"a": [1, 2]}) != digest({"a": [1, 3]})
    torch.manual_seed(0)
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    assert digest(first) != digest(second)

    def changed(body):
        space = {"nn": nn, "__name__": "own"}
        exec(f"class Net(nn.Linear):\n def forward(self, x):\n  return {body}", space)
        return space["Net"]

    assert digest(changed("x")) == digest(changed("x"))
    assert digest(changed("x")) != digest(changed("x + 1"))


def test_digests_of_classes_do_not_depend_on_where_objects_lie():
    seen = set()
    for i in range(20):
        junk = [object() for _ in range(i * 37)]
        seen.add(digest(WideResNet, {"depth": 10}, functools.partial(WideResNet, depth=i // 20)))
        del junk
    assert len(seen) == 1


def test_a_view_whose_code_changed_is_another_fit(iris, tmp_path):
    X, few = iris
    make(checkpoint_dir=tmp_path, augment=times(1.0)).fit(X, few)
    make(checkpoint_dir=tmp_path, augment=times(1.0)).fit(X, few)  # another object, the same code
    with pytest.raises(ValueError, match=r"belongs to another fit.*augment"):
        make(checkpoint_dir=tmp_path, augment=times(1.5)).fit(X, few)


def test_another_number_of_threads_is_another_fit(iris, tmp_path):
    X, few = iris
    threads = torch.get_num_threads()
    make(checkpoint_dir=tmp_path).fit(X, few)
    try:
        torch.set_num_threads(threads + 1)
        with pytest.raises(ValueError, match="threads of torch"):
            make(checkpoint_dir=tmp_path).fit(X, few)
    finally:
        torch.set_num_threads(threads)


# ------------------------------------------------------------------ folders


def test_writers_of_one_file_do_not_disturb_each_other(tmp_path):
    file, pages = tmp_path / "file", [bytes([i]) * 200_000 for i in range(4)]

    def write(page):
        for _ in range(25):
            write_whole(file, page)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, pages))
    assert file.read_bytes() in pages
    assert os.listdir(tmp_path) == ["file"]


def test_folders_that_cannot_be_written_are_noticed_before_training(iris, tmp_path, monkeypatch):
    X, few = iris
    (tmp_path / "taken").write_text("a file")
    for folder, error in [("", ValueError), (tmp_path / "taken", OSError)]:
        clf = make(checkpoint_dir=folder)
        with pytest.raises(error):
            clf.fit(X, few)
        assert not hasattr(clf, "net_")
    monkeypatch.setenv("HOME", str(tmp_path))
    make(checkpoint_dir="~/mine").fit(X, few)
    assert list((tmp_path / "mine").glob("*.pt"))


def test_what_killed_writers_left_is_removed_after_a_day(tmp_path):
    old, new = tmp_path / "a.pt.1-2.tmp", tmp_path / "a.pt.3-4.tmp"
    old.write_text("")
    new.write_text("")
    os.utime(old, (0, 0))
    check_folder(tmp_path)
    assert os.listdir(tmp_path) == [new.name]


def test_a_fit_killed_in_one_process_goes_on_in_another(iris, tmp_path):
    """With a view of the user's own, whose address differs."""
    code = (
        "import os\n"
        "from skorch.callbacks import Callback\n"
        "from sklearn.datasets import load_iris\n"
        "from sklearn_ssl import PseudoLabelClassifier, hide_labels\n"
        "class Kill(Callback):\n"
        "    def on_batch_begin(self, net, **kwargs):\n"
        "        if net.step_ == 9: os._exit(9)\n"
        "def view(x, generator): return x * 1.5\n"
        "X, y = load_iris(return_X_y=True)\n"
        "clf = PseudoLabelClassifier(max_steps=16, augment=view, random_state=0,\n"
        "    checkpoint_dir=folder, callbacks=[Kill()] if killed else None)\n"
        "clf.fit(X, hide_labels(y, 30, random_state=0))\n"
    )
    first = f"folder, killed = {str(tmp_path)!r}, True\n{code}"
    assert subprocess.run([sys.executable, "-c", first]).returncode == 9
    resumed = {"__name__": "__main__", "folder": tmp_path, "killed": False}
    exec(compile(code, "<string>", "exec"), resumed)
    assert resumed["clf"].n_iter_ == 16


@pytest.mark.parametrize("name", ["load_cifar10", "LabelPropagationClassifier"])
def test_nothing_is_called_that_a_forged_file_names(iris, tmp_path, monkeypatch, name):
    X, few = iris
    make().fit(X, few).save(tmp_path / "model")
    head = {"class": name, "params": {}}
    data = forge((tmp_path / "model").read_bytes(), lambda header: header.update(head))
    (tmp_path / "model").write_bytes(data)
    called = []
    if name == "load_cifar10":
        monkeypatch.setattr(sklearn_ssl, name, lambda **params: called.append(params))
    with pytest.raises(ValueError, match=f"{name}.* no estimator that save"):
        sklearn_ssl.load(tmp_path / "model")
    assert not called
