"""FixMatch: the loss in float64, its views, its alignment."""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax

from sklearn_ssl import FixMatchClassifier
from sklearn_ssl.engine.batches import Batch
from sklearn_ssl.engine.training import Training
from sklearn_ssl.methods.fixmatch import FixMatchLoss

from ..helpers import quick
from .by_hand import balanced_accuracies, same


def fixmatch_numpy(logits_l, y, logits_w, logits_s, tau, lam):
    """Equations 3 and 4 again, in float64, row by row."""
    supervised = -np.mean([log_softmax(row)[c] for row, c in zip(logits_l, y, strict=True)])
    unlabeled = 0.0
    for weak, strong in zip(logits_w, logits_s, strict=True):
        q = softmax(weak)
        if q.max() >= tau:
            unlabeled -= log_softmax(strong)[q.argmax()]
    return supervised + lam * unlabeled / len(logits_w)


@pytest.mark.parametrize("tau", [0.0, 0.5, 0.8, 0.999999])
def test_fixmatch_loss_against_numpy(tau):
    rng = np.random.default_rng(3)
    x_l, x_u = rng.normal(size=(4, 3)), rng.normal(size=(12, 3))
    y = rng.integers(3, size=4)
    loss = FixMatchLoss(
        weak=lambda x, g: 2 * x, strong=lambda x, g: x - 1, threshold=tau, unlabeled_weight=0.7
    )
    batch = Batch(
        torch.from_numpy(x_l),
        torch.from_numpy(y),
        torch.from_numpy(x_u),
        torch.arange(12),
        0.0,
        torch.Generator(),
    )
    value, parts = loss(torch.nn.Identity(), batch)
    expected = fixmatch_numpy(2 * x_l, y, 2 * x_u, x_u - 1, tau, 0.7)
    assert value.item() == pytest.approx(expected, rel=1e-6)
    passed = np.mean(softmax(2 * x_u, axis=1).max(1) >= tau)
    assert parts["mask_rate"].item() == pytest.approx(passed)


def test_fixmatch_threshold_is_inclusive_and_targets_carry_no_gradient():
    loss = FixMatchLoss(weak=same, strong=same, threshold=0.5)
    weak = torch.zeros(1, 2, requires_grad=True)  # confidence exactly .5
    batch = Batch(
        torch.zeros(1, 2), torch.tensor([0]), weak, torch.arange(1), 0.0, torch.Generator()
    )
    value, parts = loss(torch.nn.Identity(), batch)
    assert parts["mask_rate"] == 1
    value.backward()
    # only the strong view is differentiated: softmax - onehot
    torch.testing.assert_close(weak.grad, torch.tensor([[-0.5, 0.5]]))


def test_views_are_replaceable(digits):
    X, y, _, _ = digits
    seen = {"weak": 0, "strong": 0}

    def weak(x, g):
        seen["weak"] += 1
        assert isinstance(g, torch.Generator)
        return x

    def strong(x, g):
        seen["strong"] += 1
        assert x.shape == (128, 64)
        return x

    quick(FixMatchClassifier, weak_augment=weak, strong_augment=strong).fit(X, y)
    assert seen == {"weak": 20, "strong": 20}


def test_threshold_moves_the_mask_rate(digits):
    X, y, _, _ = digits
    rates = [
        quick(FixMatchClassifier, threshold=t).fit(X, y).history_[-1]["mask_rate"]
        for t in (0.0, 0.9, 1.0)
    ]
    assert rates[0] == 1
    assert rates[1] < 1
    assert rates[2] <= rates[1]


def test_distribution_alignment_changes_the_fit_and_is_automatic_above_two_classes(digits):
    X, y, X_test, _ = digits
    fits = {}
    for align in (True, False, "auto"):
        clf = quick(FixMatchClassifier, max_steps=60, threshold=0.5, distribution_alignment=align)
        fits[align] = clf.fit(X, y)
    proba = {align: clf.predict_proba(X_test) for align, clf in fits.items()}
    assert np.abs(proba[True] - proba[False]).max() > 1e-3
    np.testing.assert_array_equal(proba[True], proba["auto"])
    torch.testing.assert_close(fits[True].net_.criterion_.target, torch.full((10,), 0.1))
    two = quick(FixMatchClassifier).fit(X, np.minimum(y, 1))
    assert two.net_.criterion_.target is None


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_views_are_computed_in_full_precision(digits, precision):
    X, y, _, _ = digits
    seen = set()

    def view(x, generator):
        seen.add((torch.is_autocast_enabled("cpu"), x.dtype))
        return x

    views = {"weak_augment": view, "strong_augment": view}
    quick(FixMatchClassifier, max_steps=2, precision=precision, **views).fit(X, y)
    assert seen == {(False, torch.float32)}


def test_flipping_rows_of_a_table_is_refused(digits):
    X, y, _, _ = digits
    with pytest.raises(ValueError, match="mirrors images"):
        FixMatchClassifier(flip=True).fit(X, y)


class MovingView(torch.nn.Module):
    """A view with a state: each call moves rows a little farther."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x, generator):
        self.calls += 1
        return x + 1e-3 * self.calls


def test_the_state_of_a_view_belongs_to_the_method(digits):
    X, y, _, _ = digits
    clf = quick(FixMatchClassifier, max_steps=7, strong_augment=MovingView()).fit(X, y)
    calls = [v for k, v in clf.net_.criterion_.state_dict().items() if k.endswith("calls")]
    assert calls == [7]


def test_does_no_harm_to_a_minority():
    ours, supervised = balanced_accuracies(FixMatchClassifier)
    assert ours > supervised - 0.03


def test_pseudo_label_shares_add_up_to_the_mask_rate(digits):
    X, y, _, _ = digits
    last = FixMatchClassifier(max_steps=100, random_state=0).fit(X, y).history_[-1]
    assert len(last["pseudo_label_shares"]) == 10
    assert sum(last["pseudo_label_shares"]) == pytest.approx(last["mask_rate"], abs=1e-5)
    assert last["mask_rate"] > 0.05


def test_alignment_scales_guesses_by_two_at_most():
    target = torch.tensor([0.5, 0.5])
    loss = FixMatchLoss(weak=same, strong=same, threshold=0.0, target=target)
    loss.mean_q = torch.tensor([0.9, 0.1])
    p = torch.tensor([[0.85, 0.15], [0.7, 0.3]])
    batch = Batch(p[:1].log(), torch.tensor([0]), p.log(), torch.arange(2), 0.0, torch.Generator())
    _, parts = loss(torch.nn.Identity(), batch)
    # times .56 and 2, not 5: .47 against .30, and .39 against .60
    assert parts["pseudo_label_shares"].tolist() == [0.5, 0.5]
    assert loss.mean_q.tolist() == pytest.approx([0.89875, 0.10125])  # 1 % of the way to .775, .225


@pytest.mark.parametrize("held_out", [{}, {"validation_fraction": 0.3}])
def test_unlabeled_batches_are_of_all_rows_but_those_held_out(held_out, digits, monkeypatch):
    X, y, _, _ = digits
    run, pools = Training.run, []

    def spy(self):
        pools.append((self.batches.pool.tolist(), np.flatnonzero(~self.rows.held_out).tolist()))
        run(self)

    monkeypatch.setattr(Training, "run", spy)
    quick(FixMatchClassifier, max_steps=1, **held_out).fit(X, y)
    ((pool, kept),) = pools
    assert pool == kept
    assert len(pool) == len(y) - 30 * len(held_out)
