"""The loop of methods that train several times."""

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch import nn

from sklearn_ssl import LabelPropagationNet, NoisyStudentClassifier, SelfTrainingNet
from sklearn_ssl.base import SSLEstimator
from sklearn_ssl.engine.supervised import SupervisedLoss
from sklearn_ssl.engine.training import Training
from sklearn_ssl.methods.rounds import Round, RoundsClassifier

from ..helpers import EVERYTHING, assert_same_weights, quick, weights

METHODS = [cls for cls in EVERYTHING if issubclass(cls, RoundsClassifier)]
every_method = pytest.mark.parametrize("cls", METHODS, ids=lambda cls: cls.__name__)


class InterruptAt(Callback):
    """Ctrl-C at a step of a round, counted over the trainings of one fit."""

    begun = 0

    def __init__(self, number, step):
        self.number, self.step = number, step

    def on_train_begin(self, net, **kwargs):
        self.number_ = InterruptAt.begun
        InterruptAt.begun += 1

    def on_batch_end(self, net, **kwargs):
        if (self.number_, net.step_) == (self.number, self.step):
            raise KeyboardInterrupt


def test_methods_are_discovered():
    assert {LabelPropagationNet, NoisyStudentClassifier, SelfTrainingNet} <= set(METHODS)


@every_method
def test_history_has_every_round_in_order(cls, digits):
    X, y, _, _ = digits
    clf = quick(cls, max_iter=2, max_steps=10).fit(X, y)
    rounds = [record["round"] for record in clf.history_]
    assert rounds == sorted(rounds)
    assert sorted(set(rounds)) == [0, 1, 2]
    for number in (0, 1, 2):
        assert [r["step"] for r in clf.history_ if r["round"] == number][-1] == 10
    assert "unlabeled_loss" not in clf.history_[0]
    assert "unlabeled_loss" in clf.history_[-1]
    assert clf.n_iter_ == 2
    first = quick(cls, max_iter=0, max_steps=10).fit(X, y)
    assert {record["round"] for record in first.history_} == {0}
    assert first.n_iter_ == 1
    told = [{k: v for k, v in r.items() if k != "seconds"} for r in first.history_]
    assert told == [
        {k: v for k, v in r.items() if k != "seconds"} for r in clf.history_ if r["round"] == 0
    ]


@every_method
@pytest.mark.parametrize("number", [0, 1])
def test_an_interrupted_round_is_the_last(cls, number, digits, monkeypatch):
    X, y, X_test, _ = digits
    monkeypatch.setattr(InterruptAt, "begun", 0)
    clf = quick(cls, max_iter=3, max_steps=10, callbacks=[InterruptAt(number, 4)])
    with pytest.warns(UserWarning, match="interrupted after step 4 of 10") as told:
        clf.fit(X, y)
    assert len(told) == 1
    assert InterruptAt.begun == number + 1
    assert [r["round"] for r in clf.history_][-1] == number
    assert clf.history_[-1]["step"] == 4
    assert clf.net_.stop_reason_ == "interrupted"
    assert clf.n_iter_ == 1
    assert getattr(clf, "termination_condition_", "interrupted") == "interrupted"
    assert clf.predict(X_test).shape == (len(X_test),)
    assert (clf.transduction_[y >= 0] == y[y >= 0]).all()


@every_method
def test_without_unlabeled_rows_there_is_one_round(cls, blobs):
    X, y, truth = blobs
    for params, rows, labels in [
        ({"unlabeled_weight": 0}, X, y),
        ({}, X[y >= 0], y[y >= 0]),
        ({}, X, truth),
    ]:
        clf = quick(cls, max_steps=3, **params).fit(rows, labels)
        assert {record["round"] for record in clf.history_} == {0}
        assert isinstance(clf.net_.criterion_, SupervisedLoss)
        assert clf.n_iter_ == 1


class Nothing(nn.Module):
    """The labels alone, but told of unlabeled rows."""

    def forward(self, model, batch):
        loss = nn.functional.cross_entropy(model(batch.x_l), batch.y_l)
        return loss, {"labeled_loss": loss, "n": torch.tensor(len(batch.x_u))}


class Three(RoundsClassifier):
    """Three rounds; each says what the generator saw of the one before."""

    warm: bool = False
    _parameter_constraints = {"warm": ["boolean"]}

    def _rounds(self, rows, seed):
        self.seen_, self.closed_ = [], False
        try:
            for number in range(3):
                pool = rows.unlabeled if number else None
                yield Round(pool, lambda rows: Nothing(), warm=self.warm, about={"n_th": number})
                self.seen_.append({k: v.clone() for k, v in weights(self).items()})
        finally:
            self.closed_ = True


def test_each_round_trains_before_the_generator_goes_on(blobs, monkeypatch):
    X, y, _ = blobs
    made, run = [], Training.run

    def spy(self):
        made.append({k: v.clone() for k, v in self.net.module_.state_dict().items()})
        run(self)

    monkeypatch.setattr(Training, "run", spy)
    for warm in (False, True):
        made.clear()
        clf = quick(Three, max_steps=4, ema_decay=None, warm=warm).fit(X, y)
        assert len(clf.seen_) == len(made) == 3
        assert clf.closed_
        assert_same_weights(clf.seen_[-1], weights(clf))
        assert [r["n_th"] for r in clf.history_] == [r["round"] for r in clf.history_]
        assert [r.get("n") for r in clf.history_ if r["round"]] == [128] * 8
        same = [
            all(torch.equal(a[k], b[k]) for k in a)
            for a, b in zip(clf.seen_, made[1:], strict=False)
        ]
        assert same == [warm, warm]  # else a round begins with weights of its own
        apart = [
            any(not torch.equal(made[i][k], made[j][k]) for k in made[0])
            for i, j in [(0, 1), (0, 2), (1, 2)]
        ]
        assert all(apart)
        assert clf.net_.earlier_steps_ == (8 if warm else 0)


def test_an_interrupt_closes_the_generator_and_a_failure_leaves_the_last_net(blobs, monkeypatch):
    X, y, _ = blobs
    monkeypatch.setattr(InterruptAt, "begun", 0)
    clf = quick(Three, max_steps=4, callbacks=[InterruptAt(1, 2)])
    with pytest.warns(UserWarning, match="interrupted after step 2"):
        clf.fit(X, y)
    assert clf.closed_
    assert len(clf.seen_) == 1
    train = SSLEstimator._train

    def failing(self, *args, number=0, **kwargs):
        if number == 2:
            raise MemoryError
        return train(self, *args, number=number, **kwargs)

    monkeypatch.setattr(SSLEstimator, "_train", failing)
    clf = quick(Three, max_steps=4)
    with pytest.raises(MemoryError):
        clf.fit(X, y)
    assert len(clf.seen_) == 2
    assert not hasattr(clf, "transduction_")
    np.testing.assert_array_equal(clf.predict(X), clf.classes_[clf.predict_proba(X).argmax(1)])


def test_continuing_goes_on_in_every_round(blobs):
    X, y, _ = blobs
    clf = quick(Three, max_steps=4, ema_decay=None).fit(X, y)
    clf.partial_fit(X, y)
    assert clf.net_.earlier_steps_ == 4 + 2 * 4  # rounds of the first call began anew
