"""A killed fit goes on, bit for bit, or is refused in words."""

import io
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from sklearn_ssl import FixMatchClassifier, SelfTrainingNet
from sklearn_ssl.engine import checkpoint as checkpoint_module
from sklearn_ssl.engine.checkpoint import Checkpoint
from sklearn_ssl.engine.training import Training

from ..helpers import every_estimator, few_steps, quick, weights


class Killed(BaseException):
    pass


def assert_same_fit(a, b):
    for name, value in weights(a).items():
        assert torch.equal(value, weights(b)[name]), name
    np.testing.assert_array_equal(a.transduction_, b.transduction_)
    assert a.n_iter_ == b.n_iter_
    drop = {"seconds"}
    for one, other in zip(a.history_, b.history_, strict=True):
        assert {k: v for k, v in one.items() if k not in drop} == {
            k: v for k, v in other.items() if k not in drop
        }


def killed_after(monkeypatch, n_epochs):
    """Let the n-th write of a checkpoint succeed and end the process there, as far as we can."""
    save, count = Checkpoint.save, [0]

    def saving(self, state):
        save(self, state)
        count[0] += 1
        if count[0] == n_epochs:
            raise Killed

    monkeypatch.setattr(Checkpoint, "save", saving)


@pytest.mark.parametrize("params", [{}, {"validation_fraction": 0.3, "early_stopping": 2}])
@every_estimator
def test_a_killed_fit_ends_with_the_weights_of_an_uninterrupted_one(
    cls, params, digits, tmp_path, monkeypatch
):
    X, y, _, _ = digits
    rows = np.r_[np.flatnonzero(y >= 0), np.flatnonzero(y < 0)[:150]]
    X, y = X[rows], y[rows]
    net = {"hidden_layer_sizes": (32, 32), "dropout": 0.3}
    params = {"max_steps": 10, "module_params": net, "optimizer": "adam", **params}
    weight = np.linspace(1, 2, len(y))
    whole = quick(cls, **params).fit(X, y, sample_weight=weight)
    for n_epochs in (1, 3 if "early_stopping" in params else 4):
        folder = tmp_path / str(n_epochs)
        with monkeypatch.context() as patch:
            killed_after(patch, n_epochs)
            with pytest.raises(Killed):
                quick(cls, checkpoint_dir=folder, **params).fit(X, y, sample_weight=weight)
        resumed = quick(cls, checkpoint_dir=str(folder), **params).fit(X, y, sample_weight=weight)
        assert_same_fit(resumed, whole)


def test_kill_9_at_random_moments(tmp_path):
    script = """
import os, signal, sys, time
from pathlib import Path
import numpy as np, torch
from sklearn.datasets import load_digits
from sklearn_ssl import FixMatchClassifier, hide_labels
torch.set_num_threads(1)
X, y = (a[:600] for a in load_digits(return_X_y=True))
y = hide_labels(y, 100, random_state=0)
here = Path(sys.argv[1])
FixMatchClassifier(max_steps=1).fit(X, y)  # imports what every child would else

def run(name, moment=None):
    pid = os.fork()
    if not pid:
        net = FixMatchClassifier(max_steps=150, unlabeled_ratio=2, random_state=0,
            checkpoint_dir=here / name, module_params={"hidden_layer_sizes": (32,)}).fit(X, y)
        state = net.net_.predicting_module_.state_dict().values()
        np.savez(here / name, *[v.numpy() for v in state])
        os._exit(0)
    if moment is not None:
        while not list((here / name).glob("*.pt")) and os.waitpid(pid, os.WNOHANG) == (0, 0):
            time.sleep(0.001)
        time.sleep(moment)
        os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

assert run("whole") == 0
moments = np.random.default_rng(0).uniform(0, 0.3, size=3)
print(sum(run("killed", moment) == -signal.SIGKILL for moment in moments))
assert run("killed") == 0
"""
    shown = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], check=True, stdout=subprocess.PIPE
    ).stdout
    assert int(shown) > 0
    whole, killed = np.load(tmp_path / "whole.npz"), np.load(tmp_path / "killed.npz")
    for name in whole.files:
        np.testing.assert_array_equal(whole[name], killed[name])


def test_a_finished_fit_returns_at_once(digits, tmp_path, monkeypatch):
    X, y, _, _ = digits
    params = {"checkpoint_dir": tmp_path, "max_iter": 2}
    first = quick(SelfTrainingNet, **params).fit(X, y)

    def no_step(*_):
        raise AssertionError("trained again")

    monkeypatch.setattr(Training, "_step", no_step)
    assert_same_fit(quick(SelfTrainingNet, **params).fit(X, y), first)


@every_estimator
def test_checkpoints_of_other_data_or_parameters_are_refused(cls, digits, tmp_path):
    X, y, _, _ = digits
    small = {"checkpoint_dir": tmp_path, **few_steps(cls)}
    fitted = quick(cls, **small).fit(X, y)
    before = fitted.net_
    with pytest.raises(ValueError, match=r"other lr \(0.0"):
        fitted.set_params(lr=0.05).fit(X, y)
    assert fitted.net_ is before
    with pytest.raises(ValueError, match=r"other .*X"):
        quick(cls, **small).fit(X + 1, y)
    fewer = y.copy()
    fewer[np.flatnonzero(y >= 0)[0]] = -1
    with pytest.raises(ValueError, match="y or sample_weight"):
        quick(cls, **small).fit(X, fewer)
    with pytest.raises(ValueError, match="random_state"):
        quick(cls, random_state=None, **small).fit(X, y)


def test_damaged_and_foreign_files_are_refused_and_nothing_is_executed(digits, tmp_path):
    X, y, _, _ = digits
    clf = quick(FixMatchClassifier, checkpoint_dir=tmp_path)
    clf.fit(X, y)
    (file,) = tmp_path.iterdir()
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match="is damaged, or no checkpoint"):
        clf.fit(X, y)
    torch.save({"weights": [torch.zeros(3)]}, file)
    with pytest.raises(ValueError, match="or no checkpoint of this version"):
        clf.fit(X, y)

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "evil"),)

    torch.save({"fingerprint": Evil(), "state": {}}, file)
    with pytest.raises(ValueError, match="or no checkpoint of this version"):
        clf.fit(X, y)
    assert not (tmp_path / "evil").exists()


def test_a_full_disk_leaves_the_previous_checkpoint_whole(digits, tmp_path, monkeypatch):
    X, y, _, _ = digits
    params = {"max_steps": 60, "checkpoint_dir": tmp_path}
    whole = quick(FixMatchClassifier, max_steps=60).fit(X, y)
    written = [0]

    def full(handle):
        written[0] += 1
        if written[0] == 5:  # the first is that of a file that tries the folder
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint_module.os, "fsync", full)
        patch.setattr(checkpoint_module, "_sync_folder", lambda folder: None)
        with pytest.raises(OSError, match="Free space") as info:
            quick(FixMatchClassifier, **params).fit(X, y)
    assert info.value.errno == 28
    (left,) = tmp_path.iterdir()
    assert left.suffix == ".pt"
    payload = left.read_bytes()[len(checkpoint_module._MAGIC) + checkpoint_module._DIGEST :]
    assert torch.load(io.BytesIO(payload), weights_only=True)["state"]["step"] > 0
    assert_same_fit(quick(FixMatchClassifier, **params).fit(X, y), whole)
