"""RankUp by hand: pairs, ties, the table of raw predictions and what it becomes."""

import numpy as np
import pytest
import torch
from scipy.special import expit, log_expit
from scipy.stats import rankdata
from sklearn.datasets import load_diabetes
from torch import nn

from sklearn_ssl import RankUpRegressor
from sklearn_ssl.engine.batches import Batch
from sklearn_ssl.methods.rankup import Ranked, RankUpLoss, aligned, pair_logits, pair_targets

from .by_hand import other, same


def test_pairs_by_hand():
    scores = torch.tensor([[[2.0, 0.0]], [[1.0, 2.0]], [[0.0, 0.0]]])
    probability = torch.sigmoid(pair_logits(scores))[..., 0].double().numpy()
    a = scores[:, 0].double().numpy()
    for i in range(3):
        for j in range(3):
            e = np.exp(a[i] - a[j])
            assert probability[i, j] == pytest.approx(e[0] / e.sum(), rel=1e-6)
    target = pair_targets(torch.tensor([[3.0], [1.0], [3.0], [torch.nan]]))[..., 0].numpy()
    nan = np.nan
    np.testing.assert_array_equal(
        target, [[0.5, 1, 0.5, nan], [0, 0.5, 0, nan], [0.5, 1, 0.5, nan], [nan] * 4]
    )


def test_the_value_of_rank_r_becomes_the_r_quantile_of_the_labels():
    raw = torch.tensor([3.0, -1.0, 99.0, 0.5, 8.0, 2.0])
    seen = torch.tensor([True, True, False, True, True, True])
    labels = torch.tensor([-2.0, 0.0, 1.0, 10.0])
    kept = seen.numpy()
    quantiles = (rankdata(raw.numpy()[kept]) - 1) / (kept.sum() - 1)
    expected = np.quantile(labels.numpy(), quantiles)
    np.testing.assert_allclose(aligned(raw, seen, labels)[seen], expected, rtol=1e-6)
    assert aligned(raw, seen, labels[:1])[seen].tolist() == [-2.0] * 5
    one = torch.tensor([False, True, False, False, False, False])
    assert aligned(raw, one, labels).isfinite().all()


def loss_of(labels, n_rows=5, **settings):
    defaults = {"max_steps": 4, "steps_per_pass": 2, "unlabeled_weight": 0.5}
    labels = [torch.as_tensor(column) for column in labels]
    return RankUpLoss(
        weak=same, strong=other, labels=labels, n_rows=n_rows, **{**defaults, **settings}
    )


def batch_of(x_l, y_l, x_u, i_u, t):
    g = torch.Generator().manual_seed(0)
    return Batch(x_l, y_l, x_u, torch.as_tensor(i_u), t, g, None)


def linear(n_outputs=1, seed=0):
    torch.manual_seed(seed)
    return Ranked(nn.Linear(4, 3 * n_outputs), n_outputs)


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_loss_by_hand(n_outputs):
    g = torch.Generator().manual_seed(1)
    x_l, x_u = torch.randn(4, 4, generator=g), 3 * torch.randn(5, 4, generator=g)
    y_l = torch.randn(4, n_outputs, generator=g)
    y_l[1, 0] = y_l[0, 0]  # a tie
    y_l[2, -1] = torch.nan
    model = linear(n_outputs)
    labels = [np.array([-1.0, 0.0, 2.0], dtype=np.float32)] * n_outputs
    loss = loss_of(labels, threshold=0.8, ranking_weight=0.3)
    loss.targets[:] = torch.linspace(-1, 1, 5)[:, None]
    loss.has_target[:3] = True
    order = [4, 0, 2, 1, 3]
    total, parts = loss(model, batch_of(x_l, y_l, x_u, order, 0.1))

    def outputs(x):
        out = model.body(x).detach().double().numpy()
        scores = out[:, n_outputs:].reshape(len(x), n_outputs, 2)
        return out[:, :n_outputs], scores[..., 0] - scores[..., 1]

    (f_l, a_l), (f_u, a_w), (_, a_s) = outputs(x_l), outputs(x_u), outputs(other(x_u, None))
    y = y_l.double().numpy()
    known = np.isfinite(y)
    regression = np.mean((f_l - y)[known] ** 2)
    entropies, unlabeled, sure = [], [], []
    for k in range(n_outputs):
        for i in range(4):
            for j in range(4):
                if known[i, k] and known[j, k]:
                    q = 0.5 * (1 + np.sign(y[i, k] - y[j, k]))
                    z = a_l[i, k] - a_l[j, k]
                    entropies.append(-q * log_expit(z) - (1 - q) * log_expit(-z))
        for i in range(5):
            for j in range(5):
                q, z = expit(a_w[i, k] - a_w[j, k]), a_s[i, k] - a_s[j, k]
                sure.append(max(q, 1 - q) >= 0.8)
                unlabeled.append(-log_expit(z if q > 0.5 else -z) * sure[-1])
    assert 0 < np.mean(sure) < 1
    seen = [i for i, row in enumerate(order) if row < 3]
    pseudo = np.linspace(-1, 1, 5)[np.array(order)][seen, None]
    alignment = np.mean((f_u[seen] - pseudo) ** 2)
    expected = regression + 0.3 * (np.mean(entropies) + 0.5 * np.mean(unlabeled))
    expected += 0.5 * (0.1 / 0.4) * alignment
    assert parts["labeled_loss"].item() == pytest.approx(regression, rel=1e-5)
    assert parts["ranking_loss"].item() == pytest.approx(np.mean(entropies), rel=1e-5)
    assert parts["unlabeled_loss"].item() == pytest.approx(np.mean(unlabeled), rel=1e-5)
    assert parts["mask_rate"].item() == pytest.approx(np.mean(sure))
    assert parts["alignment_loss"].item() == pytest.approx(alignment, rel=1e-5)
    assert total.item() == pytest.approx(expected, rel=1e-5)


def test_decisions_of_weak_views_get_no_gradient():
    x_u = 3 * torch.randn(5, 4, generator=torch.Generator().manual_seed(1))
    model, loss = linear(), loss_of([[0.0, 1.0]], rda=False, ranking_weight=1.0)
    loss.strong = lambda x, g: torch.zeros_like(x)  # no margin between strong views, no gradient
    nothing = batch_of(x_u[:1], torch.full((1, 1), torch.nan), x_u, range(5), 0.5)
    total, parts = loss(model, nothing)
    total.backward()
    assert parts["unlabeled_loss"] > 0
    assert not model.body.weight.grad.any()


def test_the_table_is_aligned_after_each_pass_and_not_before():
    labels = np.array([0.0, 1.0, 5.0], dtype=np.float32)
    loss, model = loss_of([labels]), linear()
    x = torch.randn(5, 4, generator=torch.Generator().manual_seed(2))
    y_l = torch.zeros(1, 1)
    losses = []
    for step, rows in enumerate([[0, 1, 2], [3, 4, 0], [1, 2, 3]]):
        batch = batch_of(x[:1], y_l, x[rows], rows, step / 4)
        losses.append(loss(model, batch)[1]["alignment_loss"].item())
        if step < 2:
            assert not loss.has_target.any()
    with torch.no_grad():
        raw = model(x)[:, 0]
    assert losses[:2] == [0, 0]
    assert losses[2] > 0
    np.testing.assert_allclose(loss.raw[:, 0], raw, rtol=1e-6)
    assert loss.has_target.all()
    expected = np.quantile(labels, (rankdata(raw.numpy()) - 1) / 4)
    np.testing.assert_allclose(loss.targets[:, 0], expected, rtol=1e-6)


def test_without_rda_there_is_no_table():
    assert (
        "alignment_loss"
        not in RankUpRegressor(rda=False, max_steps=3, random_state=0)
        .fit(*two_columns())
        .history_[-1]
    )


def two_columns():
    X, truth = load_diabetes(return_X_y=True)
    y = np.column_stack([truth, -truth])
    y[100:] = np.nan
    y[:30, 1] = np.nan
    return X, y


def test_several_outputs_of_which_some_are_unknown():
    X, y = two_columns()
    reg = RankUpRegressor(max_steps=200, rda=True, random_state=0).fit(X, y)
    predicted = reg.predict(X)
    assert predicted.shape == y.shape
    assert np.corrcoef(predicted[:, 0], predicted[:, 1])[0, 1] < -0.7
    assert np.isfinite(reg.transduction_).all()
    assert reg.history_[-1]["alignment_loss"] > 0


def test_a_network_of_too_few_outputs_is_refused():
    X, y = two_columns()
    with pytest.raises(ValueError, match="RankUp needs 6, three for each column of y"):
        RankUpRegressor(module=nn.Linear(10, 2), max_steps=1).fit(X, y)


def test_ranks_of_unlabeled_rows_help_where_targets_are_noisy():
    X, truth = load_diabetes(return_X_y=True)
    gains = []
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(X))
        y = np.where(np.arange(len(X)) < 30, truth[order], np.nan)
        ours, alone = (
            RankUpRegressor(max_steps=300, unlabeled_weight=w, random_state=0)
            .fit(X[order], y)
            .score(X[order][30:], truth[order][30:])
            for w in (1.0, 0.0)
        )
        gains.append(ours - alone)
    assert np.mean(gains) > 0.03
