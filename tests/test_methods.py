"""What each method promises beyond the common contract."""

import numpy as np
import pytest
import torch
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn_ssl.data import Batch
from sklearn_ssl.labels import select_confident

from sklearn_ssl import (
    FixMatchClassifier,
    MeanTeacherClassifier,
    SelfTrainingNet,
    VAEClassifier,
)
from sklearn_ssl.augment import (
    AffineColorCutout,
    GaussianNoise,
    ShiftFlip,
    SwapFeatures,
    default_views,
    relative_spacing,
)
from sklearn_ssl.networks import WideResNet

from .conftest import quick


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


# ------------------------------------------------------------------ views


def test_noise_has_the_stated_size():
    x = torch.randn(4000, 3, generator=generator()) * torch.tensor([1.0, 10.0, 0.0])
    change = GaussianNoise(0.1)(x, generator(1)) - x
    torch.testing.assert_close(change.std(0), torch.tensor([0.1, 1.0, 0.0]), rtol=0.05, atol=1e-6)


def test_swap_takes_the_stated_share_from_the_same_column():
    x = torch.arange(2000.0)[:, None] + torch.tensor([0.0, 10_000.0])
    view = SwapFeatures(p=0.3, noise=0.0)(x, generator())
    assert ((view >= 10_000) == torch.tensor([False, True])).all()
    assert (view != x).float().mean() == pytest.approx(0.3, abs=0.02)


def test_relative_spacing_is_the_neighbour_distance():
    grid = np.stack(np.meshgrid(np.arange(10.0), np.arange(10.0)), -1).reshape(-1, 2)
    spread = grid[:, 0].std()
    assert relative_spacing(grid) == pytest.approx(1 / spread / np.sqrt(2), rel=1e-5)
    padded = np.c_[1e3 * grid, np.full(100, 7.0)]  # units and constant columns do not count
    assert relative_spacing(padded) == pytest.approx(relative_spacing(grid), rel=1e-4)
    assert relative_spacing(np.zeros((5, 2))) == 0


def test_shift_is_a_reflected_shift_and_flip_mirrors():
    x = torch.arange(64.0).reshape(1, 1, 8, 8).repeat(200, 1, 1, 1)
    view = ShiftFlip(shift=0.25, flip=False)(x, generator())
    padded = torch.nn.functional.pad(x[:1], (2, 2, 2, 2), mode="reflect")[0, 0]
    allowed = [padded[i : i + 8, j : j + 8] for i in range(5) for j in range(5)]
    seen = {next(k for k, a in enumerate(allowed) if torch.equal(a, v[0])) for v in view}
    assert len(seen) == 25
    flipped = ShiftFlip(shift=0.0)(x, generator())
    mirrored = torch.tensor([torch.equal(v, x[0].flip(-1)) for v in flipped])
    kept = torch.tensor([torch.equal(v, x[0]) for v in flipped])
    assert (mirrored ^ kept).all()
    assert 0.3 < mirrored.float().mean() < 0.7


def test_strong_image_view_without_strength_is_the_identity():
    x = torch.rand(5, 3, 9, 7, generator=generator())
    still = AffineColorCutout(degrees=0, scale=0, shift=0, color=0, cutout=0, flip=False)
    torch.testing.assert_close(still(x, generator()), x, rtol=0, atol=1e-5)
    view = AffineColorCutout()(x, generator())
    assert (view - x).flatten(1).norm(dim=1).min() > 0.1
    assert len({v.sum().item() for v in view}) == 5


def test_automatic_flip_spares_grey_images():
    grey, color = np.zeros((2, 1, 8, 8)), np.zeros((2, 3, 8, 8))
    assert [v.flip for v in default_views(grey)] == [False, False]
    assert [v.flip for v in default_views(color)] == [True, True]
    assert [v.flip for v in default_views(color, flip=False)] == [False, False]


# --------------------------------------------------------------- FixMatch


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


def balanced_accuracies(cls):
    """With and without the unlabeled rows: 13 % minority, but 10 labels for either class."""
    pairs = []
    for seed in range(3):
        X, truth = make_classification(
            1000, 12, n_informative=5, weights=[0.87], class_sep=1.5, flip_y=0, random_state=seed
        )
        rng = np.random.default_rng(seed)
        y = np.full(1000, -1)
        for c in (0, 1):
            y[rng.choice(np.flatnonzero(truth == c), 10, replace=False)] = c
        small = {"max_steps": 200, "random_state": seed}
        fits = [cls(unlabeled_weight=w, **small).fit(X, y) for w in (1.0, 0.0)]
        pairs.append([balanced_accuracy_score(truth, clf.predict(X)) for clf in fits])
    return np.mean(pairs, axis=0)


@pytest.mark.parametrize("cls", [FixMatchClassifier, VAEClassifier])
def test_does_no_harm_to_a_minority(cls):
    ours, supervised = balanced_accuracies(cls)
    assert ours > supervised - 0.03


def test_self_training_does_not_collapse_on_a_minority():
    """It costs some points there, as its docstring says, but no class disappears."""
    ours, supervised = balanced_accuracies(SelfTrainingNet)
    assert ours > supervised - 0.1
    assert ours > 0.65


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


# ---------------------------------------------------------- self-training


def test_selection_is_balanced():
    rng = np.random.default_rng(0)
    p = rng.dirichlet([3, 1, 1], size=300)
    predicted = np.bincount(p.argmax(1), minlength=3)
    counts = np.bincount(p[select_confident(p, k_best=30)].argmax(1), minlength=3)
    roots = np.sqrt(predicted)
    assert counts.sum() == 30
    assert np.abs(counts - 30 * roots / roots.sum()).max() < 3
    assert counts[1:].min() > 30 * predicted[1:].min() / 300
    unbalanced = select_confident(p, k_best=30, balanced=False)
    assert sorted(p[unbalanced].max(1)) == sorted(np.sort(p.max(1))[-30:])
    above = select_confident(p, threshold=0.9, balanced=False)
    assert (above == np.flatnonzero(p.max(1) > 0.9)).all()
    assert len(select_confident(p, threshold=0.999999)) == 0


def test_rounds_are_recorded_as_in_scikit_learn(digits):
    X, y, _, _ = digits
    clf = quick(SelfTrainingNet, k_best=50, max_iter=3).fit(X, y)
    assert clf.n_iter_ == 3
    assert clf.termination_condition_ == "max_iter"
    assert (clf.labeled_iter_[y >= 0] == 0).all()
    counts = [int((clf.labeled_iter_ == r).sum()) for r in (-1, 1, 2, 3)]
    assert counts[0] == int((clf.transduction_ == -1).sum()) > 0
    assert all(0 < c <= 50 for c in counts[1:])
    assert {record["round"] for record in clf.history_} == {0, 1, 2, 3}
    everything = quick(SelfTrainingNet, criterion="threshold", threshold=0.0, balanced=False)
    everything.fit(X, y)
    assert everything.termination_condition_ == "all_labeled"
    assert (everything.transduction_ >= 0).all()
    nothing = quick(SelfTrainingNet, criterion="threshold", threshold=0.9999999).fit(X, y)
    assert nothing.termination_condition_ == "no_change"
    assert ((nothing.transduction_ == -1) == (y == -1)).all()


def test_warm_rounds_differ_from_restarts(digits):
    X, y, _, _ = digits
    cold = quick(SelfTrainingNet).fit(X, y)
    warm = quick(SelfTrainingNet, warm_start_rounds=True).fit(X, y)
    first = [next(r for r in c.history_ if r["round"] == 1)["labeled_loss"] for c in (cold, warm)]
    assert first[1] < first[0]


def test_balanced_rounds_do_not_collapse_with_two_labels_a_class():
    from sklearn.datasets import load_digits

    from sklearn_ssl import hide_labels

    X, truth = load_digits(return_X_y=True)
    y = hide_labels(truth, 20, stratify="balanced", random_state=0)
    assert SelfTrainingNet(max_steps=100, random_state=0).fit(X, y).score(X, truth) > 0.6


# -------------------------------------------------------------------- VAE


@pytest.fixture(scope="module", params=["joint", "m1", "m2", "m1+m2"])
def vae(request, digits):
    X, y, _, _ = digits
    return VAEClassifier(
        objective=request.param, max_steps=400, latent_dim=16, lr=3e-3, random_state=0
    ).fit(X, y)


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


def test_self_training_holds_the_same_validation_rows_out_in_every_round(digits, monkeypatch):
    X, y, _, _ = digits
    held = []
    hold_out = SelfTrainingNet._hold_out

    def spy(self, X, codes, pool, seed):
        valid, kept, pool = hold_out(self, X, codes, pool, seed)
        held.append(np.flatnonzero(kept != codes).tolist())
        return valid, kept, pool

    monkeypatch.setattr(SelfTrainingNet, "_hold_out", spy)
    for state in (0, None, np.random.RandomState(0)):
        held.clear()
        quick(SelfTrainingNet, validation_fraction=0.3, max_iter=2, random_state=state).fit(X, y)
        assert len(held) == 3
        assert held[0] == held[1] == held[2] != []


@pytest.mark.parametrize("n", [0, -1, 2.5])
def test_sample_names_a_wrong_number_of_samples(digits, n):
    X, y, _, _ = digits
    vae = quick(VAEClassifier).fit(X, y)
    with pytest.raises((ValueError, TypeError), match="n_samples"):
        vae.sample(n)


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


def test_pseudo_label_shares_add_up_to_the_mask_rate(digits):
    X, y, _, _ = digits
    for clf in (FixMatchClassifier(max_steps=100), VAEClassifier(max_steps=100)):
        last = clf.set_params(random_state=0).fit(X, y).history_[-1]
        assert len(last["pseudo_label_shares"]) == 10
        assert sum(last["pseudo_label_shares"]) == pytest.approx(last["mask_rate"], abs=1e-5)
        assert last["mask_rate"] > 0.05
    assert "pseudo_label_shares" in clf.history_frame().columns
    clf = quick(SelfTrainingNet, max_iter=2).fit(X, y)
    rounds = {r["round"]: r for r in clf.history_}
    for r in (1, 2):
        given = clf.labeled_iter_[(clf.labeled_iter_ > 0) & (clf.labeled_iter_ <= r)]
        assert sum(rounds[r]["pseudo_label_shares"]) == pytest.approx(len(given) / (y < 0).sum())
        assert 0 < rounds[r]["threshold"] <= 1


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


def test_held_out_rows_do_not_count_in_the_bound(digits):
    X, y, _, _ = digits
    clf = VAEClassifier(objective="m2", max_steps=2, validation_fraction=0.3, random_state=0)
    clf.fit(X[y >= 0], y[y >= 0])
    assert clf.net_.criterion_.share_l == 1
    clf.fit(X, y)
    assert clf.net_.criterion_.share_l == pytest.approx(70 / (len(y) - 30))


def test_a_fit_that_failed_says_so_where_rows_matter(digits):
    X, y, _, _ = digits
    clf = VAEClassifier(max_steps=20, random_state=0).fit(X, y)
    clf.set_params(lr=1e30, optimizer="sgd")
    with pytest.raises(FloatingPointError):
        clf.fit(X, y)
    assert not hasattr(clf, "transduction_")
    with pytest.raises(NotFittedError):
        clf.sample(3)


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


def test_m1_m2_bound_holds_on_a_line():
    """score_samples of m1+m2 bounds log p(x), so that exp of it integrates to at most 1."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 1)).astype(np.float32)
    y = np.where(np.arange(300) < 40, (X[:, 0] > 0).astype(int), -1)
    clf = VAEClassifier(objective="m1+m2", latent_dim=1, max_steps=300, random_state=0).fit(X, y)
    line = np.linspace(-8, 8, 801, dtype=np.float32)[:, None]
    mass = np.exp(clf.score_samples(line, n_draws=64)).sum() * 0.02
    assert 0.3 < mass < 1.1


def test_slow_batchnorm_predicts_well_after_few_steps(digits):
    """WideResNet's statistics have momentum .001: unless warmed up they stay near their start."""
    X, y, X_test, y_test = digits
    images, tests = (x.reshape(-1, 1, 8, 8) / 16 for x in (X, X_test))
    params = {
        "module": WideResNet, "module_params": {"depth": 10, "width": 1}, "max_steps": 200,
        "batch_size": 32, "unlabeled_ratio": 2, "random_state": 0,
    }  # fmt: skip
    for cls in (MeanTeacherClassifier, SelfTrainingNet):
        extra = {"max_iter": 0} if cls is SelfTrainingNet else {}
        clf = cls(**params, **extra).fit(images, y)
        assert clf.score(tests, y_test) > 0.8
        momenta = {m.momentum for m in clf.net_.module_.modules() if hasattr(m, "momentum")}
        assert momenta == {0.001}
