"""What notebooks show of an estimator, and what ``verbose=1`` writes."""

import io
import pickle
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr

from sklearn_ssl import (
    FixMatchClassifier,
    MeanTeacherRegressor,
    SelfTrainingNet,
    load,
)
from sklearn_ssl.engine.progress import Progress, caption
from sklearn_ssl.engine.training import Training

from ..helpers import every_estimator, quick

EXPECTED = "6 labeled and 54 unlabeled rows; 2 classes (0, 1); 4 of 4 steps; on cpu"


@pytest.fixture
def fitted(blobs):
    X, y, _ = blobs
    return quick(FixMatchClassifier, max_steps=4, device="cpu").fit(X, y)


def test_the_diagram_says_what_the_fit_saw(fitted):
    assert caption(fitted) == EXPECTED
    assert f'<div class="caption">{EXPECTED}</div>' in fitted._repr_html_()


def test_so_does_the_diagram_of_a_pipeline(blobs):
    X, y, _ = blobs
    pipe = make_pipeline(StandardScaler(), quick(FixMatchClassifier, max_steps=4, device="cpu"))
    assert "unlabeled rows" not in estimator_html_repr(pipe)
    assert EXPECTED in estimator_html_repr(pipe.fit(X, y))


def test_an_unfitted_estimator_has_the_plain_diagram(fitted):
    for clf in (FixMatchClassifier(), clone(fitted)):
        assert caption(clf) is None
        html = estimator_html_repr(clf)
        assert "FixMatchClassifier" in html
        assert 'class="caption"' not in html


@every_estimator
def test_every_estimator_has_a_summary(cls, blobs):
    X, y, _ = blobs
    clf = quick(cls, max_steps=4).fit(X, y)
    assert caption(clf).startswith("6 labeled and 54 unlabeled rows; 2 classes (0, 1); ")
    assert "4 of 4 steps; on " in caption(clf)
    assert caption(clf) in clf._repr_html_()


def test_names_of_classes_are_escaped_and_short(blobs):
    X, y, _ = blobs
    names = np.array(["<script>alert(1)</script>", "b", None], dtype=object)[y]
    html = quick(FixMatchClassifier, max_steps=2).fit(X, names)._repr_html_()
    assert "2 classes (&lt;script&gt;alert(1)&lt;/sc, b)" in html
    assert "<script>alert" not in html


def test_rounds_best_epoch_and_left_out_rows(digits):
    X, y, *_ = digits
    clf = quick(SelfTrainingNet, max_steps=30, max_iter=2, early_stopping=True).fit(X, y)
    last = [r for r in clf.history_ if r["round"] == 2]
    best = 1 + int(np.argmin([r["valid_loss"] for r in last]))
    assert (
        f"; 10 classes (0, 1, 2, ...); 3 rounds, in the last {last[-1]['step']} of 30 steps; "
        in (caption(clf))
    )
    assert f"; lowest validation loss in epoch {best} of {len(last)}, kept; " in caption(clf)
    watched = quick(FixMatchClassifier, validation_fraction=0.2).fit(X, y)
    assert f" of {len(watched.history_)}; on " in caption(watched)
    assert caption(watched).startswith("100 labeled (20 of them held out) and 798 unlabeled rows")
    supervised = quick(FixMatchClassifier, unlabeled_weight=0.0).fit(X, y)
    assert caption(supervised).startswith("100 labeled and 0 unlabeled rows; ")


def test_rows_of_weight_zero_were_not_seen(blobs):
    X, y, _ = blobs
    weight = np.ones(60)
    weight[[0, 10, 11]] = 0
    clf = quick(FixMatchClassifier, max_steps=2).fit(X, y, sample_weight=weight)
    assert caption(clf).startswith("5 labeled and 52 unlabeled rows; ")


def test_without_classes(blobs):
    X, y, _ = blobs
    targets = np.where(y == -1, np.nan, X[:, 0])
    reg = MeanTeacherRegressor(max_steps=4, device="cpu", random_state=0).fit(X, targets)
    assert caption(reg) == "6 labeled and 54 unlabeled rows; 4 of 4 steps; on cpu"


def test_later_parameters_do_not_change_what_was_fitted(fitted, tmp_path):
    fitted.set_params(max_steps=7, unlabeled_weight=0.0)
    assert caption(fitted) == EXPECTED
    assert caption(pickle.loads(pickle.dumps(fitted))) == EXPECTED
    fitted.set_params(max_steps=4)
    fitted.save(tmp_path / "net")
    assert caption(load(tmp_path / "net", device="cpu")) == EXPECTED


def test_a_refused_fit_changes_nothing(fitted):
    with pytest.raises(ValueError, match="labeled"):
        fitted.fit(np.zeros((5, 4)), np.full(5, -1))
    assert caption(fitted) == EXPECTED


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_logs_get_lines(digits, capsys):
    X, y, *_ = digits
    quick(FixMatchClassifier, max_steps=60, verbose=1).fit(X, y)
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert shown.err == ""
    assert "\r" not in shown.out
    assert 1 <= len(lines) <= 10
    assert all(line.startswith("step ") and " loss " in line for line in lines)
    assert lines[-1].startswith("step 60/60 ")
    assert lines[-1].endswith(" 0 s left")


def test_terminals_get_a_bar(digits, monkeypatch, capsys):
    pytest.importorskip("tqdm")
    X, y, *_ = digits
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    quick(FixMatchClassifier, verbose=1).fit(X, y)
    assert "20/20" in terminal.getvalue()
    assert "mask_rate=" in terminal.getvalue()
    assert capsys.readouterr().out == ""


def test_logs_say_why_training_ended_early(digits, capsys):
    X, y, *_ = digits
    clf = quick(FixMatchClassifier, max_steps=2000, early_stopping=1, lr=1.0, verbose=1).fit(X, y)
    assert clf.n_iter_ < 2000
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"ended after step {clf.n_iter_}: early_stopping"


def test_a_resumed_fit_counts_on(digits, tmp_path, capsys, monkeypatch):
    X, y, *_ = digits
    clf = quick(FixMatchClassifier, max_steps=40, verbose=1, checkpoint_dir=tmp_path)
    step = Training._step

    def killed(self, records):
        if self.net.step_ == 30:
            raise MemoryError
        return step(self, records)

    with monkeypatch.context() as patch:
        patch.setattr(Training, "_step", killed)
        with pytest.raises(MemoryError):
            clf.fit(X, y)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    clf.fit(X, y)
    assert "40/40" in terminal.getvalue()


def test_a_failed_fit_with_a_bar_can_be_pickled(digits, monkeypatch):
    pytest.importorskip("tqdm")
    X, y, *_ = digits
    monkeypatch.setattr(sys, "stderr", Terminal())
    clf = quick(FixMatchClassifier, max_steps=100, lr=1e18, verbose=1)
    with pytest.raises(FloatingPointError):
        clf.fit(X, y)
    assert clf.net_.callbacks_[0][1].bar_ is not None
    pickle.loads(pickle.dumps(clf)).predict(X)


def test_a_log_gets_a_line_for_each_tenth_and_no_more(capsys):
    progress, net = Progress(200), SimpleNamespace(step_=0, history=[{"loss": 0.5}])
    progress.on_train_begin(net)
    for step in range(4, 204, 4):
        progress.on_batch_begin(net)
        net.step_ = step
        progress.on_batch_end(net)
        progress.on_epoch_end(net)
    progress.on_train_end(net)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == [f"step {n}/200" for n in range(20, 220, 20)]
