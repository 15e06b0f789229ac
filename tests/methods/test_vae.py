"""Semi-supervised variational autoencoders."""

import math

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, logsumexp
from scipy.stats import norm
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline

from sklearn_ssl import VAEClassifier, hide_labels
from sklearn_ssl.engine.batches import Batch
from sklearn_ssl.methods.vae.losses import JointLoss, M1M2Loss, M2Loss
from sklearn_ssl.methods.vae.networks import M1M2VAE, JointVAE

from ..helpers import quick
from .by_hand import balanced_accuracies, cross_entropy, same


class ToyVAE(torch.nn.Module):
    """p(x|y,z) = N(a_y + b z, s^2) in one dimension: everything is known in closed form."""

    def __init__(self, exact):
        super().__init__()
        self.a, self.b, self.s = torch.tensor([-1.0, 2.0]), 0.8, 0.5
        self.log_pi = torch.log(torch.tensor([0.3, 0.7]))
        self.exact = exact

    def posterior(self, x, y):
        precision = 1 + self.b**2 / self.s**2
        mean = self.b * (x - self.a[y][..., None]) / self.s**2 / precision
        return mean, torch.full_like(mean, -math.log(precision))

    def encode(self, x, y):
        x = x[:, None] if y.ndim == 2 else x
        mean, log_var = self.posterior(x, y)
        return (mean, log_var) if self.exact else (mean + 0.3, log_var + 0.2)

    def decode(self, z, y):
        return self.a[y][..., None] + self.b * z

    def log_likelihood(self, x, decoded):
        return norm_logpdf(x, decoded, self.s).sum(-1)

    def log_joint(self, x):
        """log p(x, y) for both classes, z integrated out: (n, 2)."""
        return norm_logpdf(x, self.a, math.sqrt(self.b**2 + self.s**2)) + self.log_pi

    def forward(self, x):
        return self.log_joint(x) if self.exact else torch.zeros(len(x), 2)


def norm_logpdf(x, mean, s):
    return -0.5 * math.log(2 * math.pi) - math.log(s) - 0.5 * ((x - mean) / s) ** 2


@pytest.fixture
def m2():
    return M2Loss(prior=torch.tensor([0.3, 0.7]), alpha=0.5, unlabeled_weight=1.0)


def test_m2_bound_is_the_marginal_likelihood_when_posteriors_are_exact(m2):
    x = torch.linspace(-3, 4, 7)[:, None]
    model = ToyVAE(exact=True)
    generator = torch.Generator().manual_seed(0)
    draws = []
    for _ in range(4000):
        noise = torch.randn(7, 2, 1, generator=generator)
        draws.append(-m2.U(model, x, model(x), lambda like, n=noise: n))
    bound = torch.stack(draws).mean(0)
    exact = logsumexp(model.log_joint(x).numpy(), axis=1)
    np.testing.assert_allclose(bound, exact, atol=0.05)


def test_m2_bound_is_below_the_marginal_likelihood_otherwise(m2):
    x = torch.linspace(-3, 4, 7)[:, None]
    model = ToyVAE(exact=False)
    generator = torch.Generator().manual_seed(0)
    draws = [
        -m2.U(model, x, model(x), lambda like: torch.randn(like.shape, generator=generator))
        for _ in range(2000)
    ]
    exact = logsumexp(ToyVAE(exact=True).log_joint(x).numpy(), axis=1)
    assert (torch.stack(draws).mean(0).numpy() < exact - 0.05).all()


def test_m2_loss_weights_follow_equation_9(m2):
    model = ToyVAE(exact=True)
    x_l, y_l = torch.tensor([[0.0], [1.0], [2.0]]), torch.tensor([0, 1, 1])
    x_u = torch.tensor([[0.5], [-1.0], [3.0], [1.0]])
    g = torch.Generator().manual_seed(0)
    batch = Batch(x_l, y_l, x_u, torch.arange(4), 0.0, g, labeled_share=3 / 9)
    value, parts = m2(model, batch)
    g = torch.Generator().manual_seed(0)

    def noise(like):
        return torch.randn(like.shape, generator=g)

    labeled = m2.L(model, x_l, y_l, noise).double().numpy()
    unlabeled = m2.U(model, x_u, model(x_u), noise).double().numpy()
    cross_entropy = -np.mean(log_softmax(model(x_l).numpy(), axis=1)[np.arange(3), [0, 1, 1]])
    N, N_l, alpha = 9, 3, 0.5
    # sum over labels of (L + alpha N / N_l * CE) + sum over the unlabeled of U, over N, over alpha
    J = N_l * labeled.mean() + (N - N_l) * unlabeled.mean() + alpha * N * cross_entropy
    assert value.item() == pytest.approx(J / N / alpha, rel=1e-5)
    assert parts["labeled_loss"].item() == pytest.approx(cross_entropy, rel=1e-5)


class LinearVAE(torch.nn.Module):
    """One latent variable, two features of variance 1, two classes; all is linear."""

    A, b, C = [0.7, -0.2], 0.4, [[1.5, -0.5], [0.3, 0.8]]
    log_var = -0.6

    def encode(self, x, y=None):
        mean = x @ torch.tensor(self.A)[:, None]
        return mean, torch.full_like(mean, self.log_var)

    def decode(self, z, y=None):
        return z * self.b

    def log_likelihood(self, x, decoded):
        return norm_logpdf(x, decoded, 1.0).sum(-1)

    def classifier(self, z):
        return torch.cat([z, -2 * z], 1)

    def forward(self, x):
        return x @ torch.tensor(self.C)


def negative_elbo_by_hand(x, noise):
    mean, variance = x @ np.array(LinearVAE.A), np.exp(LinearVAE.log_var)
    z = mean + np.sqrt(variance) * noise
    kl = (mean**2 + variance - 1 - LinearVAE.log_var) / 2
    return kl + (np.log(2 * np.pi) + (x - LinearVAE.b * z[:, None]) ** 2).sum(1) / 2


@pytest.mark.parametrize("objective", ["joint", "m1", "m1 of m1+m2"])
def test_the_bound_is_a_mean_over_all_rows_and_not_over_the_batch(objective):
    """Half of the batch is labeled, and a fiftieth of the data."""
    x = torch.tensor([[9.0, -5.0], [7.0, 4.0], [0.5, 1.0], [-1.0, 0.3]])
    y_l = torch.tensor([1, 0])
    g = torch.Generator().manual_seed(0)
    batch = Batch(x[:2], y_l, x[2:], torch.arange(2), 0.2, g, labeled_share=0.02)
    model = LinearVAE()
    if objective == "m1 of m1+m2":
        both = torch.nn.Module()
        both.m1, both.m2, both.alive = model, model.classifier, torch.tensor([True])
        both.observe, model = (lambda means: None), both
        loss = M1M2Loss(prior=torch.ones(2) / 2, alpha=1.0, unlabeled_weight=3.0, m1_share=0.5)
        beta = 1.0
    else:
        beta = 0.4
        loss = JointLoss(view=same, beta=beta, unlabeled_weight=3.0, stacked=objective == "m1")
    value, parts = loss(model, batch)
    noise = torch.randn((4, 1), generator=torch.Generator().manual_seed(0)).double().numpy()[:, 0]
    rows = x.double().numpy()
    each = negative_elbo_by_hand(rows, noise)
    expected = beta * (0.02 * each[:2].mean() + 0.98 * each[2:].mean()) / 2
    assert parts["unlabeled_loss"].item() == pytest.approx(expected, rel=1e-5)
    z = rows[:2] @ np.array(LinearVAE.A)
    if objective == "m1 of m1+m2":
        z = z + np.exp(LinearVAE.log_var / 2) * noise[:2]
    logits = np.stack([z, -2 * z], 1) if "m1" in objective else rows[:2] @ np.array(LinearVAE.C)
    supervised = cross_entropy(logits, y_l).mean()
    assert parts["labeled_loss"].item() == pytest.approx(supervised, rel=1e-5)
    assert value.item() == pytest.approx(supervised + 3 * expected, rel=1e-5)


@pytest.mark.parametrize(("t", "moved"), [(0.49, False), (0.5, True)])
def test_m2_bound_moves_the_classifier_only_after_warm_up(m2, t, moved):
    m2.warm_up = 0.5
    logits = torch.zeros(4, 2, requires_grad=True)
    model = ToyVAE(exact=True)
    model.forward = lambda x: logits
    x = torch.tensor([[0.5], [-1.0], [3.0], [0.0]])
    batch = Batch(x[:1], torch.tensor([0]), x[1:], None, t, torch.Generator().manual_seed(0))
    m2(model, batch)[0].backward()
    assert logits.grad[0].abs().sum() > 0.1
    assert (logits.grad[1:].abs().sum() > 0.1) == moved


@pytest.fixture(scope="module", params=["joint", "m1", "m2", "m1+m2"])
def vae(request, digits):
    X, y, _, _ = digits
    params = {"max_steps": 400, "latent_dim": 16, "lr": 3e-3, "random_state": 0}
    if request.param != "joint":  # which needs more to tell anomalies
        params |= {"batch_size": 32, "module_params": {"hidden_layer_sizes": (128, 128)}}
    return VAEClassifier(objective=request.param, **params).fit(X, y)


def test_reconstruction_is_better_than_the_mean(vae, digits):
    X, _, X_test, _ = digits
    Z = vae.transform(X_test)
    assert Z.shape == (len(X_test), 26 if "m2" in vae.objective else 16)
    assert vae.get_feature_names_out().shape == (Z.shape[1],)
    error = np.mean((vae.inverse_transform(Z) - X_test) ** 2)
    assert error < 0.8 * np.mean((X.mean(0) - X_test) ** 2)


def test_samples_look_like_their_class(vae, digits):
    _X, _, X_test, y_test = digits
    wanted = np.repeat(np.arange(10), 20)
    rows, labels = vae.sample(200, y=wanted, random_state=0)
    assert rows.shape == (200, 64)
    assert (labels == wanted).all()
    judge = LogisticRegression(max_iter=2000).fit(X_test, y_test)
    assert (judge.predict(rows) == wanted).mean() > 0.5
    again, _ = vae.sample(200, y=wanted, random_state=0)
    assert (rows == again).all()
    drawn = vae.sample(50, random_state=0)[1]
    assert set(drawn) <= set(vae.classes_)
    with pytest.raises(ValueError, match="classes among"):
        vae.sample(2, y=[3, 11])


def test_score_samples_finds_anomalies(vae, digits):
    _, _, X_test, _ = digits
    rng = np.random.default_rng(0)
    odd = rng.permuted(X_test, axis=0)  # each pixel from another digit
    score = vae.score_samples(np.r_[X_test, odd])
    assert score.shape == (2 * len(X_test),)
    assert roc_auc_score(np.repeat([1, 0], len(X_test)), score) > 0.9


def test_as_many_rows_as_classes_are_no_special_case(vae, digits):
    _, _, X_test, _ = digits
    np.testing.assert_allclose(
        vae.score_samples(X_test[:10]), vae.score_samples(X_test)[:10], rtol=1e-4
    )
    np.testing.assert_allclose(vae.transform(X_test[:10]), vae.transform(X_test)[:10], atol=1e-4)
    Z = vae.transform(X_test)
    np.testing.assert_allclose(
        vae.inverse_transform(Z[:10]), vae.inverse_transform(Z)[:10], atol=1e-3
    )


def test_score_samples_is_a_density_in_the_units_of_x(digits):
    X, y, _, _ = digits
    X = X + np.random.default_rng(0).normal(scale=0.5, size=X.shape)  # no constant column
    params = {"max_steps": 60, "random_state": 0, "latent_dim": 4}
    one = VAEClassifier(**params).fit(X, y).score_samples(X).mean()
    ten = VAEClassifier(**params).fit(10 * X, y).score_samples(10 * X).mean()
    assert one - ten == pytest.approx(64 * np.log(10), rel=0.02)


def test_feature_step_in_a_pipeline(digits):
    X, y, X_test, y_test = digits
    pipe = make_pipeline(
        VAEClassifier(max_steps=300, random_state=0).set_output(transform="pandas"),
        LogisticRegression(max_iter=5000),
    )
    vae, logistic = pipe[0], pipe[1]
    Z = vae.fit(X, y).transform(X)
    assert list(Z.columns[:2]) == ["vaeclassifier0", "vaeclassifier1"]
    labeled = y >= 0
    logistic.fit(Z[labeled], y[labeled])
    assert pipe.score(X_test, y_test) > 0.7


def test_likelihoods():
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(40, 6)).astype(np.float32)
    y = np.where(np.arange(40) < 10, np.arange(40) % 2, -1)
    bernoulli = quick(VAEClassifier, likelihood="bernoulli").fit(X, y)
    assert (bernoulli.score_samples(X) <= 0).all()
    decoded = bernoulli.inverse_transform(bernoulli.transform(X))
    assert decoded.min() >= 0
    assert decoded.max() <= 1
    with pytest.raises(ValueError, match=r"needs X in \[0, 1\]"):
        quick(VAEClassifier, likelihood="bernoulli").fit(2 * X, y)
    images = (255 * rng.uniform(size=(40, 3, 10, 9))).astype(np.uint8)
    clf = quick(VAEClassifier, module_params={"width": 4}).fit(images, y)
    assert clf.net_.module_.likelihood == "bernoulli"
    assert clf.inverse_transform(clf.transform(images)).shape == images.shape
    assert clf.sample(3, random_state=0)[0].shape == (3, 3, 10, 9)
    for objective in ("m1", "m2", "m1+m2"):
        other = quick(VAEClassifier, objective=objective, module_params={"width": 4})
        other.fit(images, y)
        assert other.inverse_transform(other.transform(images)).shape == images.shape
        assert np.isfinite(other.score_samples(images)).all()


@pytest.mark.parametrize("input_shape", [(3, 25, 32), (1, 9, 8), (6,)])
def test_one_pass_of_the_encoder_serves_z_and_the_class(input_shape):
    torch.manual_seed(0)
    model = JointVAE(input_shape, n_classes=4, latent_dim=3, width=4).eval()
    x = torch.rand(5, *input_shape)
    logits, (mean, log_var) = model.classify_and_encode(x)
    torch.testing.assert_close(logits, model(x))
    torch.testing.assert_close((mean, log_var), model.encode(x))
    passes, layers = [], (torch.nn.Conv2d, torch.nn.Linear)
    first = next(m for m in model.trunk.modules() if isinstance(m, layers))
    first.register_forward_hook(lambda *_: passes.append(1))
    g = torch.Generator().manual_seed(0)
    batch = Batch(x[:2], torch.tensor([1, 3]), x[2:], torch.arange(3), 0.0, g)
    loss = JointLoss(view=same, beta=0.1, unlabeled_weight=1.0, threshold=0.8)
    loss(model, batch)[0].backward()
    assert len(passes) == 1
    parts = "trunk", "mix.linear", "to_z"
    encoder = [p.grad for name, p in model.named_parameters() if name.startswith(parts)]
    assert all(grad is not None for grad in encoder)


def test_a_joint_network_is_called_in_a_step_so_that_it_may_be_compiled():
    model, calls = JointVAE((6,), n_classes=3, latent_dim=2), []
    model.register_forward_hook(lambda *_: calls.append(1))
    g = torch.Generator().manual_seed(0)
    batch = Batch(torch.rand(2, 6), torch.tensor([1, 2]), torch.rand(3, 6), None, 0.0, g)
    JointLoss(view=same, beta=0.1, unlabeled_weight=1.0)(model, batch)
    assert len(calls) == 1


def test_long_images_have_no_more_places_than_others():
    model = JointVAE((1, 7, 90), n_classes=3, latent_dim=2, width=4)
    assert model.n_features == 16 * 7 * 8
    assert model.encode(torch.rand(2, 1, 7, 90))[0].shape == (2, 2)


@pytest.mark.parametrize("n", [0, -1, 2.5])
def test_sample_names_a_wrong_number_of_samples(digits, n):
    X, y, _, _ = digits
    vae = quick(VAEClassifier).fit(X, y)
    with pytest.raises((ValueError, TypeError), match="n_samples"):
        vae.sample(n)


def test_likelihood_is_decided_in_the_first_call(digits):
    X, y, _, _ = digits
    images = X.reshape(-1, 1, 8, 8) / 16
    small = {"max_steps": 5, "module_params": {"width": 4}, "random_state": 0}
    clf = VAEClassifier(**small).partial_fit(images, y)
    assert clf.net_.module_.likelihood == "bernoulli"
    clf.partial_fit(images[:50] / 2, y[:50], classes=range(10))
    assert clf.net_.module_.likelihood == "bernoulli"
    with pytest.raises(ValueError, match=r"needs X in \[0, 1\]"):
        clf.partial_fit(images * 2, y)
    clf.set_params(likelihood="gaussian").partial_fit(images * 2, y)
    assert clf.net_.module_.likelihood == "gaussian"
    clf = VAEClassifier(**small).partial_fit(images * 16, y).partial_fit(images, y)
    assert clf.net_.module_.likelihood == "gaussian"
    with pytest.raises(ValueError, match="warm_start"):
        clf.set_params(latent_dim=3).partial_fit(images, y)


@pytest.mark.parametrize("objective", ["joint", "m1", "m2", "m1+m2"])
def test_the_fit_says_how_many_of_its_rows_are_labeled(digits, monkeypatch, objective):
    X, y, _, _ = digits
    clf = VAEClassifier(objective=objective, max_steps=2, validation_fraction=0.3, random_state=0)
    seen, mean = [], Batch.mean_over_rows

    def spy(self, values):
        seen.append(self.labeled_share)
        return mean(self, values)

    monkeypatch.setattr(Batch, "mean_over_rows", spy)
    clf.fit(X[y >= 0], y[y >= 0])
    assert set(seen) == {1.0}
    seen.clear()
    clf.fit(X, y)  # 30 of 100 labeled rows are held out and no part of the mean
    assert set(seen) == {70 / (len(y) - 30)}


def test_a_fit_that_failed_says_so_where_rows_matter(digits):
    X, y, _, _ = digits
    clf = VAEClassifier(max_steps=20, random_state=0).fit(X, y)
    clf.set_params(lr=1e30, optimizer="sgd")
    with pytest.raises(FloatingPointError):
        clf.fit(X, y)
    assert not hasattr(clf, "transduction_")
    with pytest.raises(NotFittedError):
        clf.sample(3)


@pytest.mark.parametrize("objective", ["m1", "m1+m2"])
def test_nothing_moves_the_model_below(digits, objective):
    """Labels teach the classifier of m1 and the m2 of m1+m2, but not the first encoder."""
    X, y, _, _ = digits
    clf = VAEClassifier(objective=objective, max_steps=2, random_state=0).fit(X, y)
    net, first = clf.net_, clf.net_.module_.m1 if objective == "m1+m2" else clf.net_.module_
    encoder = [*first.trunk.parameters(), *first.mix.parameters(), *first.to_z.parameters()]

    def gradients(labels, t):
        x = torch.from_numpy(X[:20]).float()
        g = torch.Generator().manual_seed(0)
        batch = Batch(x[:10], labels, x[10:], torch.arange(10), t, g)
        net.module_.zero_grad()
        net.module_.eval()
        net.criterion_(net.module_, batch)[0].backward()
        return [p.grad.flatten().clone() for p in encoder if p.grad is not None]

    one, other = (torch.cat(gradients(y, 0.1)) for y in (torch.arange(10), torch.zeros(10).long()))
    assert one.norm() > 0
    torch.testing.assert_close(one, other)
    if objective == "m1+m2":  # m1 is complete by then
        assert not gradients(torch.arange(10), clf.m1_share)


def test_early_stopping_waits_for_m2(digits):
    """What m1 leaves for m2 is no result: neither a stop nor the best weights come from it."""
    X, y, _, _ = digits
    clf = VAEClassifier(
        objective="m1+m2", m1_share=0.7, max_steps=300, early_stopping=1, lr=0.01,
        validation_fraction=0.2, batch_size=64, unlabeled_ratio=1, random_state=0,
    ).fit(X, y)  # fmt: skip
    assert clf.history_[-1]["step"] > 210


def test_dimensions_of_z1_that_carry_nothing_are_left_out():
    torch.manual_seed(0)
    model = M1M2VAE((4,), n_classes=2, latent_dim=3, hidden_layer_sizes=(8, 8)).eval()
    means = torch.randn(500, 3) * torch.tensor([1.0, 0.2, 0.05])
    assert model.alive.all()
    for step in range(800):  # at first in full, later by a hundredth
        model.observe(means if step else means * torch.tensor([1.0, 0.01, 1.0]))
        assert step or model.alive.tolist() == [True, False, False]
    assert model.alive.tolist() == [True, True, False]
    torch.testing.assert_close(model.variance, means.var(0, correction=0), atol=1e-3, rtol=0.01)
    x, every = torch.randn(5, 4), torch.arange(2)[None]
    seen = [model(x), model.encode(x, every)[0]]

    def again(j):
        with torch.no_grad():
            model.m1.to_z.bias[j] += 1.0
            return [model(x), model.encode(x, every)[0]]

    for one, other in zip(seen, again(2), strict=True):
        torch.testing.assert_close(one, other)
    for one, other in zip(seen, again(1), strict=True):
        assert (one - other).abs().max() > 1e-3
    for _ in range(800):
        model.observe(0 * means)
    assert model.alive.all()  # of none that is alive, none is left out
    model.alive[2] = False
    z = torch.randn(5, 6)
    moved = torch.cat([x[:, :2], x[:, 2:3] + 3], 1)
    same = model.m2.log_likelihood(x[:, :3], z), model.m2.log_likelihood(moved, z)
    torch.testing.assert_close(*same)


def test_p_of_z1_has_mean_and_variance_of_its_own():
    torch.manual_seed(0)
    model = M1M2VAE((4,), n_classes=3, latent_dim=2, hidden_layer_sizes=(8, 8)).eval()
    z1, every = torch.randn(5, 1, 2), torch.arange(3)[None]
    decoded = model.m2.decode(torch.randn(5, 3, 2), every).detach()
    assert decoded.shape == (5, 3, 4)
    mean, log_var = decoded.double().numpy()[..., :2], decoded.double().numpy()[..., 2:]
    expected = norm.logpdf(z1.double().numpy(), mean, np.exp(log_var / 2)).sum(-1)
    got = model.m2.log_likelihood(z1, decoded)
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-5)
    assert np.ptp(log_var) > 0.05  # it depends on z2 and the class
    x = model.decode(torch.randn(5, 3, 2), every)
    assert x.shape == (5, 3, 4)


@pytest.mark.parametrize("latent_dim", [1, 3])  # the others of three carry nothing
def test_m1_m2_bound_holds_on_a_line(latent_dim):
    """score_samples of m1+m2 bounds log p(x), so that exp of it integrates to at most 1."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 1)).astype(np.float32)
    y = np.where(np.arange(300) < 40, (X[:, 0] > 0).astype(int), -1)
    clf = VAEClassifier(
        objective="m1+m2", latent_dim=latent_dim, max_steps=900, m1_share=0.7, lr=0.003,
        batch_size=32, unlabeled_ratio=2, random_state=0,
        module_params={"hidden_layer_sizes": (32, 32)},
    ).fit(X, y)  # fmt: skip
    assert clf.net_.predicting_module_.alive.sum() == 1
    line = np.linspace(-8, 8, 801, dtype=np.float32)[:, None]
    mass = np.exp(clf.score_samples(line, n_draws=64)).sum() * 0.02
    assert 0.3 < mass < 1.1


def test_samples_of_three_balanced_classes():
    X, y = load_digits(return_X_y=True)
    few = hide_labels(y[y < 3], 30, "balanced", random_state=0)
    assert quick(VAEClassifier).fit(X[y < 3], few).sample(5)[0].shape == (5, 64)


def test_does_no_harm_to_a_minority():
    ours, supervised = balanced_accuracies(VAEClassifier)
    assert ours > supervised - 0.03


def test_pseudo_label_shares_add_up_to_the_mask_rate(digits):
    X, y, _, _ = digits
    clf = VAEClassifier(max_steps=100, random_state=0).fit(X, y)
    last = clf.history_[-1]
    assert len(last["pseudo_label_shares"]) == 10
    assert sum(last["pseudo_label_shares"]) == pytest.approx(last["mask_rate"], abs=1e-5)
    assert last["mask_rate"] > 0.05
    assert "pseudo_label_shares" in clf.history_frame().columns


def test_samples_have_the_latent_mean_and_covariance_of_their_class(blobs, monkeypatch):
    X, y, _ = blobs
    clf = quick(VAEClassifier, latent_dim=2).fit(X, y)
    monkeypatch.setattr(VAEClassifier, "inverse_transform", lambda self, z: z)
    p, z = clf.predict_proba(X), clf.transform(X).astype(np.float64)
    p[y >= 0] = np.eye(2)[y[y >= 0]]
    for c in (0, 1):
        drawn, classes = clf.sample(20_000, y=c, random_state=0)
        assert (classes == c).all()
        mean = np.average(z, axis=0, weights=p[:, c])
        covariance = np.cov(z.T, aweights=p[:, c], ddof=0)
        size = np.sqrt(np.trace(covariance))
        np.testing.assert_allclose(drawn.mean(0), mean, atol=0.03 * size)
        np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.05 * size**2)
