"""Each method's characteristic step, against numbers worked out apart from it."""

import copy

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from scipy.special import log_softmax, logsumexp, softmax
from sklearn.datasets import make_moons
from sklearn_ssl.co_training import CoTrainingLoss, TwoViews
from sklearn_ssl.data import Batch
from sklearn_ssl.flexmatch import FlexMatchLoss
from sklearn_ssl.freematch import FreeMatchLoss
from sklearn_ssl.mean_teacher import MeanTeacherLoss
from sklearn_ssl.mixmatch import MixMatchLoss
from sklearn_ssl.networks.gan import GAN
from sklearn_ssl.pi_model import PiModelLoss
from sklearn_ssl.pseudo_label import PseudoLabelLoss
from sklearn_ssl.remixmatch import ReMixMatchLoss
from sklearn_ssl.sgan import SGANLoss
from sklearn_ssl.softmatch import SoftMatchLoss
from sklearn_ssl.temporal_ensembling import TemporalEnsemblingLoss
from sklearn_ssl.uda import UDALoss
from sklearn_ssl.vat import VATLoss
from torch import nn

from sklearn_ssl import (
    CoTrainingNet,
    LazyRows,
    NoisyStudentClassifier,
    PseudoLabelClassifier,
    ReMixMatchClassifier,
    SGANClassifier,
    TemporalEnsemblingClassifier,
    VATClassifier,
    hide_labels,
)
from sklearn_ssl.losses import mixup, sharpen

from .conftest import quick

B, N, K = 3, 5, 4


def same(x, generator):
    return x


def other(x, generator):
    return 0.5 * x.flip(1)


@pytest.fixture
def batch():
    """Rows that are logits themselves, so that the identity is the network."""
    g = torch.Generator().manual_seed(0)
    x_l, x_u = torch.randn(B, K, generator=g), 2 * torch.randn(N, K, generator=g)
    return Batch(x_l, torch.tensor([0, 2, 3]), x_u, torch.arange(N) + 2, 0.5, g)


def cross_entropy(logits, y):
    return -log_softmax(np.asarray(logits, np.float64), axis=1)[np.arange(len(y)), np.asarray(y)]


def linear(seed=0):
    torch.manual_seed(seed)
    return nn.Linear(K, K)


@pytest.fixture(autouse=True)
def generator_kept():
    state = torch.get_rng_state()
    yield
    torch.set_rng_state(state)


def gradient(loss, batch, model):
    model.zero_grad()
    loss(model, batch)[0].backward()
    return torch.cat([p.grad.flatten().clone() for p in model.parameters()])


# -------------------------------------------------------------- pseudo-label


def test_pseudo_label_ramp_and_value(batch):
    loss = PseudoLabelLoss(same, 3.0, (0.1, 0.6), None)
    assert [loss.alpha(t) for t in (0.0, 0.1, 0.35, 0.6, 1.0)] == pytest.approx([0, 0, 1.5, 3, 3])
    value, _ = loss(nn.Identity(), batch)
    supervised = cross_entropy(batch.x_l, batch.y_l).mean()
    unlabeled = cross_entropy(batch.x_u, batch.x_u.argmax(1)).mean()
    assert value.item() == pytest.approx(supervised + 2.4 * unlabeled, rel=1e-5)
    assert loss(nn.Identity(), batch._replace(t=0.05))[0].item() == pytest.approx(supervised)
    confident = softmax(batch.x_u.double().numpy(), axis=1).max(1) >= 0.7
    masked = PseudoLabelLoss(same, 3.0, (0.1, 0.6), 0.7)(nn.Identity(), batch)[0]
    unlabeled = (cross_entropy(batch.x_u, batch.x_u.argmax(1)) * confident).mean()
    assert masked.item() == pytest.approx(supervised + 2.4 * unlabeled, rel=1e-5)


# ---------------------------------------------------- Pi-model and its kin


def test_pi_model_pulls_both_passes(batch):
    """With two views a and b the gradient is that of (p(a) - p(b))^2 in both places."""
    views = iter([same, other])
    loss = PiModelLoss(lambda x, g: next(views)(x, g), 30.0, 0.0)
    model = linear()
    with_both = gradient(loss, batch, model)
    x = torch.cat([batch.x_l, batch.x_u])
    model.zero_grad()
    p, q = torch.softmax(model(x), 1), torch.softmax(model(other(x, None)), 1)
    supervised = nn.functional.cross_entropy(model(batch.x_l), batch.y_l)
    (supervised + 30 * (p - q).square().mean()).backward()
    expected = torch.cat([p.grad.flatten() for p in model.parameters()])
    torch.testing.assert_close(with_both, expected)


def test_temporal_ensemble_is_corrected_and_goes_by_row(batch):
    loss = TemporalEnsemblingLoss(same, 10, K, 30.0, 0.0, 0.6)
    p1 = softmax(batch.x_u.double().numpy(), axis=1)
    first, parts = loss(nn.Identity(), batch)
    assert parts["unlabeled_loss"] == 0  # no row was seen before
    target, seen = loss.target(batch.i_u)
    np.testing.assert_allclose(target, p1, atol=1e-6)  # corrected by 1 - alpha
    assert seen.all()
    assert not loss.target(torch.tensor([0, 1, 9]))[1].any()
    other_rows = batch._replace(x_u=-batch.x_u)
    _, parts = loss(nn.Identity(), other_rows)
    p2 = softmax(-batch.x_u.double().numpy(), axis=1)
    assert parts["unlabeled_loss"].item() == pytest.approx(((p2 - p1) ** 2).mean(), rel=1e-4)
    expected = (0.6 * 0.4 * p1 + 0.4 * p2) / (1 - 0.6**2)
    np.testing.assert_allclose(loss.target(batch.i_u)[0], expected, atol=1e-6)
    assert first.item() == pytest.approx(cross_entropy(batch.x_l, batch.y_l).mean(), rel=1e-5)


@pytest.mark.parametrize("consistency", ["mse", "kl"])
def test_mean_teacher_moves_the_student_towards_the_average(batch, consistency):
    loss = MeanTeacherLoss(same, 30.0, 0.0, consistency)
    student, teacher = linear(0), linear(1)
    batch = batch._replace(average=teacher)
    _, parts = loss(student, batch)
    x = torch.cat([batch.x_l, batch.x_u])
    p, q = (softmax(m(x).detach().double().numpy(), axis=1) for m in (student, teacher))
    distance = ((p - q) ** 2).mean() if consistency == "mse" else (q * np.log(q / p)).sum(1).mean()
    assert parts["unlabeled_loss"].item() == pytest.approx(distance, rel=1e-4)
    with_teacher = gradient(loss, batch, student)
    loss.lambda_u = 0.0
    assert (with_teacher - gradient(loss, batch, student)).norm() > 0.1
    assert all(p.grad is None for p in teacher.parameters())


def test_mean_teacher_student_and_teacher_have_a_noise_each(batch):
    seen = []

    def noise(x, generator):
        seen.append(torch.randn(x.shape, generator=generator))
        return x + seen[-1]

    MeanTeacherLoss(noise, 1.0, 0.0, "mse")(linear(), batch._replace(average=linear(1)))
    assert len(seen) == 2
    assert not torch.equal(*seen)


# ------------------------------------------------------------------------ VAT


def vat(**params):
    args = dict(epsilon=0.5, xi=0.01, n_power=1, entropy_weight=0.0, separate=False) | params
    scale = torch.tensor([1.0, 2.0, 0.5, 0.0])
    return VATLoss(same, scale, 1.0, *args.values())


def test_vat_finds_the_direction_that_hurts(batch):
    model, loss, g = linear(), vat(n_power=3), batch.generator
    x = batch.x_u
    logits = model(x).detach()
    r = loss.adversarial(model, x, logits, g)
    length = (r[:, :3] / loss.scale[:3]).norm(dim=1)
    torch.testing.assert_close(length, torch.full((N,), 0.5), rtol=0.5, atol=0)
    assert (length <= 0.5 + 1e-6).all()
    assert (r[:, 3] == 0).all()  # a constant feature stays

    def divergence(step):
        p, q = (softmax(z.double().numpy(), axis=1) for z in (logits, model(x + step).detach()))
        return (p * np.log(p / q)).sum(1)

    random = torch.randn(200, N, K, generator=g)
    random[..., 3] = 0
    random = 0.5 * random / random.norm(dim=-1, keepdim=True) * loss.scale
    average = np.mean([divergence(step) for step in random], axis=0)
    assert (divergence(r) > average).all()


@pytest.mark.parametrize("separate", [False, True])
def test_vat_loss_value_gradient_and_statistics(batch, separate):
    model, loss = nn.Sequential(nn.BatchNorm1d(K), linear()), vat(separate=separate)
    loss.view = other
    before = copy.deepcopy(model[0].state_dict())
    alone, expected = copy.deepcopy(model), copy.deepcopy(model)
    x_l, x_u = other(batch.x_l, None), other(batch.x_u, None)
    pooled = expected(torch.cat([x_l, x_u]))
    _, parts = loss(model, batch)
    assert parts["unlabeled_loss"] > 0
    for name, statistic in expected[0].state_dict().items():  # one update
        torch.testing.assert_close(model[0].state_dict()[name], statistic)
    assert not torch.equal(model[0].running_mean, before["running_mean"])
    assert model[0].momentum == 0.1
    with_vat = gradient(loss, batch, model)
    loss.lambda_u = 0.0
    without = gradient(loss, batch, model)
    assert (with_vat - without).norm() > 1e-3
    torch.nn.functional.cross_entropy(pooled[: len(x_l)], batch.y_l).backward()
    read = alone(x_l) if separate else alone(torch.cat([x_l, x_u]))[: len(x_l)]
    torch.nn.functional.cross_entropy(read, batch.y_l).backward()
    halves = [
        (p.grad + q.grad).flatten() / 2
        for p, q in zip(expected.parameters(), alone.parameters(), strict=True)
    ]
    torch.testing.assert_close(without, torch.cat(halves))
    step = torch.full((K,), 0.3)
    step[0] = -1.0
    loss = vat(separate=separate, entropy_weight=2.0)
    loss.view, loss.adversarial = other, lambda model, x, logits, g: step
    rows = x_u if separate else torch.cat([x_l, x_u])
    z, moved = (expected(rows + r).detach().double().numpy() for r in (torch.zeros(K), step))
    p, q = softmax(z, axis=1), softmax(moved, axis=1)
    unlabeled = (p * np.log(p / q)).sum(1).mean() - 2 * (p * np.log(p)).sum(1).mean()
    assert loss(model, batch)[1]["unlabeled_loss"].item() == pytest.approx(unlabeled, rel=1e-5)


def test_vat_reads_a_labeled_batch_as_it_reads_the_others():
    # with labeled rows in a batch of their own alone, both moons came out swapped
    X, y = make_moons(600, noise=0.1, random_state=2)
    few = hide_labels(y, 8, stratify="balanced", random_state=2)
    clf = VATClassifier(epsilon=0.4, separate_batches=True, max_steps=400, random_state=0)
    assert clf.fit(X, few).score(X[few == -1], y[few == -1]) > 0.9


def test_vat_finds_its_direction_in_full_precision(batch, monkeypatch):
    model, loss, seen = linear(), vat(), []
    adversarial = VATLoss.adversarial

    def spy(self, model, x, logits, g):
        seen.append((torch.is_autocast_enabled("cpu"), logits.dtype))
        r = adversarial(self, model, x, logits, g)
        seen.append(r)
        return r

    monkeypatch.setattr(VATLoss, "adversarial", spy)
    loss(model, batch._replace(generator=torch.Generator().manual_seed(0)))
    with torch.autocast("cpu", torch.bfloat16):
        loss(model, batch._replace(generator=torch.Generator().manual_seed(0)))
    assert seen[2] == (False, torch.float32)
    torch.testing.assert_close(seen[1], seen[3])


# ------------------------------------------------------------------------ UDA


def test_uda_masks_before_it_sharpens(batch):
    loss = UDALoss(same, other, 1.0, 0.4, 0.6, None)
    value, parts = loss(nn.Identity(), batch)
    p = softmax(batch.x_u.double().numpy(), axis=1)
    mask = p.max(1) > 0.6
    assert 0 < mask.mean() < 1
    target = p ** (1 / 0.4)
    target /= target.sum(1, keepdims=True)
    assert (target.max(1) > 0.6).sum() > mask.sum()  # the other order would let more rows pass
    strong = log_softmax(other(batch.x_u, None).double().numpy(), axis=1)
    unlabeled = (-(target * strong).sum(1) * mask).mean()
    assert parts["mask_rate"].item() == pytest.approx(mask.mean())
    expected = cross_entropy(batch.x_l, batch.y_l).mean() + unlabeled
    assert value.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("name", "share"), [("linear", 0.5), ("exp", np.exp(-2.5)),
                                             ("log", 1 - np.exp(-2.5))])  # fmt: skip
def test_uda_leaves_out_labels_that_are_learned(batch, name, share):
    eta = share * (1 - 1 / K) + 1 / K
    loss = UDALoss(same, other, 1.0, 0.4, 0.6, name)
    losses = cross_entropy(batch.x_l, batch.y_l)
    needed = np.exp(-losses) <= eta
    got = loss.labeled_loss(batch.x_l, batch.y_l, 0.5).item()
    assert got == pytest.approx((losses * needed).sum() / max(1, needed.sum()), rel=1e-5)


# ------------------------------------------------------- MixMatch, ReMixMatch


def test_mixup_keeps_every_row_closer_to_itself():
    g = torch.Generator().manual_seed(0)
    x, targets = torch.eye(200), torch.eye(200)
    mixed, soft = mixup(x, targets, 0.75, g)
    own = mixed.diagonal()
    assert (own >= 0.5).all()
    assert 0.6 < own.mean() < 0.9
    torch.testing.assert_close(mixed, soft)
    torch.testing.assert_close(mixed.sum(1), torch.ones(200))


def test_mixmatch_guess_and_losses(batch, monkeypatch):
    """Without mixing, L_U is the squared error of probabilities to the sharpened mean of views."""
    monkeypatch.setattr("sklearn_ssl.mixmatch.mixup", lambda x, t, alpha, g: (x, t))
    views = iter([same, same, other])
    loss = MixMatchLoss(lambda x, g: next(views)(x, g), 75.0, 0.4, 0.5, 2, 0.75)
    value, parts = loss(nn.Identity(), batch)
    a = softmax(batch.x_u.double().numpy(), axis=1)
    b = softmax(other(batch.x_u, None).double().numpy(), axis=1)
    q = ((a + b) / 2) ** 2
    q /= q.sum(1, keepdims=True)
    L_U = np.mean(np.stack([(a - q) ** 2, (b - q) ** 2]))
    assert parts["unlabeled_loss"].item() == pytest.approx(L_U, rel=1e-4)
    L_X = cross_entropy(batch.x_l, batch.y_l).mean()
    assert value.item() == pytest.approx(L_X + 75 * L_U, rel=1e-4)  # t = .5, the ramp is over
    views = iter([same, same, other])
    early = loss(nn.Identity(), batch._replace(t=0.1))[0]
    assert early.item() == pytest.approx(L_X + 75 * 0.25 * L_U, rel=1e-4)


def test_sharpening_by_hand():
    p = torch.tensor([[0.6, 0.3, 0.1]])
    torch.testing.assert_close(sharpen(p, 0.5), torch.tensor([[0.36, 0.09, 0.01]]) / 0.46)


def test_remixmatch_aligns_anchors_and_adds_up(batch, monkeypatch):
    monkeypatch.setattr("sklearn_ssl.remixmatch.mixup", lambda x, t, alpha, g: (x, t))
    target = torch.tensor([0.4, 0.2, 0.2, 0.2])
    loss = ReMixMatchLoss(same, other, target, 1.5, 0.5, 1, 0.75, 0.5, 0.0, K)
    start = torch.tensor([0.3, 0.3, 0.25, 0.15])
    loss.mean_q = start
    value, _ = loss(nn.Identity(), batch)
    p = softmax(batch.x_u.double().numpy(), axis=1)
    running = start.double().numpy() + (p.mean(0) - start.double().numpy()) / 128
    q = p * (target.double().numpy() / running)
    q = (q / q.sum(1, keepdims=True)) ** 2
    q /= q.sum(1, keepdims=True)

    def soft(logits):
        return -(q * log_softmax(logits.double().numpy(), axis=1)).sum(1)

    strong = soft(other(batch.x_u, None))
    L_X = cross_entropy(other(batch.x_l, None), batch.y_l).mean()
    L_U = np.concatenate([strong, soft(batch.x_u)]).mean()
    assert value.item() == pytest.approx(L_X + 1.5 * L_U + 0.5 * strong.mean(), rel=1e-4)


def test_remixmatch_turns_images_by_quarters():
    loss = ReMixMatchLoss(same, same, None, 1.5, 0.5, 1, 0.75, 0.5, 0.5, 2)
    x = torch.arange(9.0).reshape(1, 1, 3, 3).repeat(64, 1, 1, 1)
    turned = []

    def model(x):
        turned.append(x)
        return x.flatten(1)[:, :2]

    loss.rotation_loss(model, x, torch.Generator().manual_seed(0))
    corners = {tuple(t.flatten()[[0, 2]].tolist()) for t in turned[0]}
    assert corners == {(0, 2), (2, 8), (8, 6), (6, 0)}


# ------------------------------------------------- thresholds of the family


def test_flexmatch_thresholds_by_hand():
    """10 rows: 4 last confident of class 0, 1 of class 1, none of class 2, 5 never."""
    loss = FlexMatchLoss(same, same, 1.0, None, threshold=0.95, n_rows=10, n_classes=3)
    loss.latest[:4], loss.latest[4] = 0, 1
    beta = np.array([4, 1, 0]) / 5  # the 5 never confident ones are more than any class
    np.testing.assert_allclose(loss.thresholds(), 0.95 * beta / (2 - beta), atol=1e-6)
    loss.latest[5:9] = 0
    beta = np.array([8, 1, 0]) / 8
    np.testing.assert_allclose(loss.thresholds(), 0.95 * beta / (2 - beta), atol=1e-6)
    q = torch.tensor([[0.94, 0.05, 0.01], [0.3, 0.6, 0.1], [0.01, 0.98, 0.01]])
    weight = loss.row_weight(q, torch.tensor([0, 1, 9]))
    assert weight.tolist() == [0, 1, 1]  # .95 for class 0, .063 for class 1
    assert loss.latest.tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def test_freematch_thresholds_by_hand():
    loss = FreeMatchLoss(
        same, same, 1.0, None, n_classes=2, decay=0.9, fairness_weight=0.0
    )  # fmt: skip
    q = torch.tensor([[0.9, 0.1], [0.7, 0.3], [0.4, 0.6], [0.8, 0.2]])
    weight = loss.row_weight(q, torch.arange(4))
    tau = 0.9 * 0.5 + 0.1 * 0.75
    p = 0.9 * np.array([0.5, 0.5]) + 0.1 * np.array([0.7, 0.3])
    assert loss.tau_t.item() == pytest.approx(tau)
    np.testing.assert_allclose(loss.p_t, p, atol=1e-6)
    np.testing.assert_allclose(loss.h_t, 0.9 * 0.5 + 0.1 * np.array([0.75, 0.25]), atol=1e-6)
    assert weight.tolist() == [1, 1, 1, 1]
    now = FreeMatchLoss(same, same, 1.0, None, n_classes=2, decay=0.0, fairness_weight=0.0)
    # tau = .75; for class 1, a rarer one, .3 / .7 of it
    assert now.row_weight(q, torch.arange(4)).tolist() == [1, 0, 1, 1]


def test_freematch_fairness_by_hand():
    loss = FreeMatchLoss(same, same, 1.0, None, n_classes=2, decay=0.9, fairness_weight=0.05)
    loss.p_t, loss.h_t = torch.tensor([0.6, 0.4]), torch.tensor([0.7, 0.3])
    logits = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.5], [9.0, 0.0]])
    weight = torch.tensor([1.0, 1.0, 1.0, 0.0])
    p = softmax(logits.double().numpy(), axis=1)[:3]
    now = p.mean(0) / np.array([2 / 3, 1 / 3])
    running = np.array([0.6, 0.4]) / np.array([0.7, 0.3])
    now, running = now / now.sum(), running / running.sum()
    expected = 0.05 * (running * np.log(now)).sum()
    assert loss.regularizer(logits, p, weight).item() == pytest.approx(expected, rel=1e-4)


def test_softmatch_weights_by_hand():
    loss = SoftMatchLoss(same, same, 1.0, None, n_classes=2, decay=0.0, n_sigma=2)
    q = torch.tensor([[0.9, 0.1], [0.7, 0.3], [0.4, 0.6], [0.8, 0.2]])
    confidence = np.array([0.9, 0.7, 0.6, 0.8])
    mu, variance = confidence.mean(), confidence.var()
    below = np.minimum(confidence - mu, 0)
    expected = np.exp(-(below**2) / (2 * variance / 4))
    np.testing.assert_allclose(loss.row_weight(q, torch.arange(4)), expected, rtol=1e-4)
    fresh = SoftMatchLoss(same, same, 1.0, None, n_classes=2, decay=0.99, n_sigma=2)
    assert fresh.mu == 0.5
    assert fresh.variance == 1


# ----------------------------------------------------------------- the others


def test_noisy_student_learns_soft_labels_of_a_teacher_without_noise(digits):
    X, y, _, _ = digits
    calls = []

    def noise(x, generator):
        calls.append(len(x))
        return x + 100 * torch.randn(x.shape, generator=generator)

    clf = quick(NoisyStudentClassifier, max_iter=1, augment=noise, max_steps=60).fit(X, y)
    teacher = clf.net_.criterion_.teacher[torch.from_numpy(np.flatnonzero(y < 0))]
    assert len(calls) == 60  # the student's steps alone: not the teacher's, nor its labels
    torch.testing.assert_close(teacher.sum(1), torch.ones(len(teacher)))
    assert (teacher.amax(1) < 0.99).float().mean() > 0.05  # soft
    assert {r["round"] for r in clf.history_} == {0, 1}


def test_co_training_each_learns_from_the_other(batch):
    model = TwoViews(linear(0), linear(1))
    loss = CoTrainingLoss(same, 1.0, 0.0)
    _, parts = loss(model, batch)
    a, b = (m(batch.x_u).detach().double().numpy() for m in (model.first, model.second))
    assert (a.argmax(1) != b.argmax(1)).any()
    expected = (cross_entropy(a, b.argmax(1)).mean() + cross_entropy(b, a.argmax(1)).mean()) / 2
    assert parts["unlabeled_loss"].item() == pytest.approx(expected, rel=1e-4)


def test_co_training_networks_see_their_own_columns(digits):
    X, y, X_test, y_test = digits
    left, right = list(range(0, 64, 2)), list(range(1, 64, 2))
    clf = quick(CoTrainingNet, views=(left, right), max_steps=300).fit(X, y)
    assert clf.score(X_test, y_test) > 0.8
    module = clf.net_.predicting_module_
    x = torch.from_numpy(X_test[:5]).clone()
    first, second = module.both(x, x)
    x[:, right] = 0
    changed_first, changed_second = module.both(x, x)
    assert torch.equal(first, changed_first)
    assert not torch.equal(second, changed_second)
    for bad in ((left,), (left, [64]), (left, [0.5])):
        with pytest.raises(ValueError, match="views must"):
            quick(CoTrainingNet, views=bad).fit(X, y)


def test_sgan_is_the_classifier_with_one_class_more(batch):
    """K logits with the logit of "generated" fixed at 0 give the K + 1 softmax."""
    loss = SGANLoss(2, 1.0)
    fake = torch.randn(N, K, generator=batch.generator)
    got = loss.discriminate(batch.x_u, fake).item()
    real = np.column_stack([batch.x_u.double().numpy(), np.zeros(N)])
    made = np.column_stack([fake.double().numpy(), np.zeros(N)])
    p_real = 1 - np.exp(-logsumexp(real, axis=1))  # 1 - p(class K + 1)
    p_made = np.exp(-logsumexp(made, axis=1))
    expected = -(np.log(p_real).mean() + np.log(p_made).mean()) / 2
    assert got == pytest.approx(expected, rel=1e-5)


def test_sgan_players_do_not_move_each_other(batch):
    discriminator = nn.Sequential(nn.Linear(K, 6), nn.Tanh(), nn.Linear(6, K))
    model = GAN(discriminator, nn.Linear(2, K))
    loss = SGANLoss(2, 1.0)
    fake = model.generator(torch.randn(N, 2, generator=batch.generator))
    loss.match(model, batch.x_u, fake).backward()
    assert all(p.grad is None for p in model.discriminator.parameters())
    assert all(p.grad.norm() > 0 for p in model.generator.parameters())
    assert all(p.requires_grad for p in model.parameters())
    model.zero_grad(set_to_none=True)
    loss.discriminate(model(batch.x_u), model(fake.detach())).backward()
    assert all(p.grad is None for p in model.generator.parameters())
    assert all(p.grad.norm() > 0 for p in model.discriminator.parameters())
    model.zero_grad(set_to_none=True)
    loss(model, batch._replace(generator=torch.Generator().manual_seed(5)))[0].backward()
    whole = [p.grad.clone() for p in model.generator.parameters()]
    model.zero_grad(set_to_none=True)
    z = torch.randn(N, 2, generator=torch.Generator().manual_seed(5))
    loss.match(model, batch.x_u, model.generator(z)).backward()
    alone = [p.grad for p in model.generator.parameters()]
    for one, other_one in zip(whole, alone, strict=True):  # the other losses do not reach it
        torch.testing.assert_close(one, other_one)
    real, made = model(batch.x_u).detach().numpy(), model(fake).detach().numpy()
    expected = np.abs(real.mean(0) - made.mean(0)).mean()
    assert loss.match(model, batch.x_u, fake).item() == pytest.approx(expected, rel=1e-4)


def test_sgan_both_players_learn_and_samples_come_closer(digits):
    X, y, _, _ = digits
    short = SGANClassifier(max_steps=2, random_state=0).fit(X, y)
    long = SGANClassifier(max_steps=400, random_state=0).fit(X, y)
    assert {"labeled_loss", "unlabeled_loss", "generator_loss"} <= long.history_[-1].keys()

    def spread(clf):
        """Of generated rows, as a share of that of real ones."""
        return clf.sample(300, random_state=0).std(0).mean() / X.std(0).mean()

    assert spread(short) < 0.5
    assert 0.8 < spread(long) < 1.2
    groups = [group["base_lr"] for group in long.net_.optimizer_.param_groups]
    assert set(groups) == {1e-3}
    apart = SGANClassifier(max_steps=2, generator_lr=1e-5, random_state=0).fit(X, y)
    assert {g["base_lr"] for g in apart.net_.optimizer_.param_groups} == {1e-3, 1e-5}


def test_sgan_keeps_constant_columns(digits):
    X, y, _, _ = digits
    X = np.c_[X, np.full(len(X), 7.0)]
    made = quick(SGANClassifier, noise_dim=5).fit(X, y).sample(9, random_state=0)
    assert (made[:, -1] == 7).all()
    assert (made[:, 20] != made[0, 20]).any()


def test_labeled_rows_have_an_ensemble_too(digits):
    X, y, _, _ = digits
    visits = quick(TemporalEnsemblingClassifier).fit(X, y).net_.criterion_.visits.numpy()
    assert visits.min() >= 2  # 20 steps of 128 rows pass over all 898 nearly three times
    alone = quick(TemporalEnsemblingClassifier, unlabeled_weight=0).fit(X, y)
    assert alone.net_.criterion_.visits.sum() == 0


def test_vat_minimises_the_entropy_of_all_rows(batch):
    parts = [
        vat(entropy_weight=w)(linear(), batch._replace(generator=torch.Generator().manual_seed(1)))
        for w in (0.0, 2.0)
    ]
    logits = linear()(torch.cat([batch.x_l, batch.x_u])).detach().double().numpy()
    expected = -(softmax(logits, 1) * log_softmax(logits, 1)).sum(1).mean()
    difference = (parts[1][0] - parts[0][0]).item()
    assert difference == pytest.approx(2 * expected, rel=1e-4)


def test_flexmatch_does_not_wait_for_rows_that_are_held_out():
    loss = FlexMatchLoss(
        same, same, 1.0, None, threshold=0.95, n_rows=10, n_classes=2, n_held=6
    )  # fmt: skip
    loss.latest[:3], loss.latest[3] = 0, 1
    beta = np.array([3, 1]) / 3
    np.testing.assert_allclose(loss.thresholds(), 0.95 * beta / (2 - beta), atol=1e-6)


@pytest.mark.parametrize(
    ("cls", "params", "message"),
    [
        (PseudoLabelClassifier, {"ramp": (100, 600)}, "ramp must be"),
        (PseudoLabelClassifier, {"ramp": (0.6, 0.1)}, "ramp must be"),
        (ReMixMatchClassifier, {"rotation_weight": 0.5}, "turns square images"),
        (NoisyStudentClassifier, {"optimizer_params": {"param_groups": {"a": 1}}}, "list of pairs"),
        (
            NoisyStudentClassifier,
            {"optimizer_params": {"param_groups": [("*", {"learning_rate": 1})]}},
            "does not fit SGD",
        ),
    ],
)
def test_parameters_that_would_do_something_else_are_refused(cls, params, message, digits):
    X, y, _, _ = digits
    with pytest.raises(ValueError, match=message):
        quick(cls, **params).fit(X, y)


@pytest.mark.parametrize("cls", [VATClassifier, SGANClassifier])
def test_sparse_and_lazy_rows_are_as_dense_ones(cls, digits):
    X, y, X_test, _ = digits
    X = X.copy()
    X[0] = 0
    dense = quick(cls).fit(X, y)
    sparse = quick(cls).fit(sp.csr_array(X), y)
    np.testing.assert_allclose(sparse.predict_proba(X_test), dense.predict_proba(X_test), atol=1e-5)
    assert quick(cls, max_steps=200).fit(LazyRows(list(X)), y).score(X, y) > 0.5
