"""The contract that every public estimator keeps, discovered and never listed by hand."""

import copy
import pickle
import random

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone, is_regressor
from sklearn.datasets import load_digits, make_blobs
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import (
    GridSearchCV,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_classifiers_classes, parametrize_with_checks
from skorch.callbacks import Callback

from sklearn_ssl import (
    AutoSSLClassifier,
    AutoSSLRegressor,
    FixMatchClassifier,
    LabeledSplit,
    LabelPropagationClassifier,
    SSLClassifier,
    SSLRegressor,
    VAEClassifier,
    hide_labels,
)
from sklearn_ssl.engine.batches import PairedBatches
from sklearn_ssl.engine.training import Training
from sklearn_ssl.networks import MLP

from .helpers import (
    ESTIMATORS,
    EVERYTHING,
    FROM_PAGES,
    REGRESSORS,
    WITHOUT_NETWORK,
    assert_same_weights,
    few_steps,
    one_round,
    quick,
    weights,
)

CLASSIFIERS = [*ESTIMATORS, *FROM_PAGES]
every_estimator = pytest.mark.parametrize("cls", CLASSIFIERS, ids=lambda cls: cls.__name__)
MINUS_ONE = (
    "it uses -1 as a class, and -1 means unlabeled here; scikit-learn waives it by name for its "
    "own semi-supervised classifiers"
)
REPEATED = {
    SSLClassifier: "batches are drawn at random, so that weight 2 and a row given twice agree on "
    "average only",
    LabelPropagationClassifier: "a row given twice is a node of two rows",
    AutoSSLClassifier: "its folds are drawn of the rows, and its members are such",
    AutoSSLRegressor: "its folds are drawn of the rows",
}
REPEATED[SSLRegressor] = REPEATED[SSLClassifier]
# What asserts that something was learned; all else is about input, output and attributes.
LEARNING = {
    "check_class_weight_classifiers": 30,
    "check_classifiers_train": 30,
    "check_regressors_train": 300,
}


def expected_failures(estimator):
    """Checks that cannot hold, each with the reason why."""
    failures = {} if is_regressor(estimator) else {"check_classifiers_classes": MINUS_ONE}
    for cls, reason in REPEATED.items():
        if isinstance(estimator, cls):
            for kind in ("dense", "sparse"):
                failures[f"check_sample_weight_equivalence_on_{kind}_data"] = reason
    return failures


def test_estimators_are_discovered():
    names = {cls.__name__ for cls in ESTIMATORS}
    assert {"SelfTrainingNet", "FixMatchClassifier", "VAEClassifier"} <= names
    assert {cls.__name__ for cls in REGRESSORS} >= {
        "AutoSSLRegressor",
        "RankUpRegressor",
        "LabelPropagationRegressor",
        "MeanTeacherRegressor",
    }
    assert {"LabelPropagationClassifier", "SemiSupervisedGaussianMixture"} <= {
        cls.__name__ for cls in WITHOUT_NETWORK
    }
    assert not {SSLClassifier, SSLRegressor} & set(EVERYTHING)
    assert len(EVERYTHING) == len(set(EVERYTHING))


# scikit-learn's own checks warn on purpose: one labeled class, column vectors as y.
@pytest.mark.filterwarnings("ignore:Only one class:UserWarning")
@pytest.mark.filterwarnings("ignore:A column-vector y")
@pytest.mark.filterwarnings("ignore:EM did not converge")
@parametrize_with_checks(
    [quick(cls, **few_steps(cls)) for cls in EVERYTHING],
    expected_failed_checks=expected_failures,
)
def test_scikit_learn_checks(estimator, check):
    steps = LEARNING.get(check.func.__name__)
    if steps and hasattr(estimator, "max_steps"):
        estimator.set_params(max_steps=steps)
    check(estimator)


OTHER_MARKS = [*((cls, None) for cls in CLASSIFIERS)]
OTHER_MARKS += [(FixMatchClassifier, np.nan), (FixMatchClassifier, "?")]


@pytest.mark.parametrize(("cls", "unlabeled_label"), OTHER_MARKS)
def test_minus_one_is_a_class_where_something_else_marks_unlabeled_rows(cls, unlabeled_label):
    clf = quick(cls, max_steps=30, batch_size=16, unlabeled_label=unlabeled_label, **one_round(cls))
    check_classifiers_classes(cls.__name__, clf)


@every_estimator
def test_parameters_have_the_same_order_everywhere(cls):
    common = list(SSLClassifier.__dataclass_fields__)
    assert list(cls.__dataclass_fields__)[: len(common)] == common


@every_estimator
def test_unlabeled_term_has_a_gradient(cls, digits):
    X, y, _, _ = digits
    made = []

    class Users(MLP):
        """The user's network, which must feel the unlabeled rows, not only a decoder of ours."""

        def __init__(self, input_shape, n_classes, mean, scale, hidden_layer_sizes):
            super().__init__(input_shape, n_classes, mean, scale, hidden_layer_sizes)
            made.append(self)

    own = {} if cls is VAEClassifier else {"module": Users}
    net = quick(cls, max_steps=60, **own).fit(X, y).net_
    kept = list(map(id, net.module_.modules()))
    parts = [part for part in made if id(part) in kept] or [net.module_.classifier]
    assert hasattr(net.criterion_, "lambda_u"), "a loss keeps its weight as lambda_u"
    codes = y.astype(np.int64)
    args = {"batch_size": 64, "unlabeled_ratio": 2, "max_steps": 1, "device": "cpu", "seed": 0}

    def gradient(weight):
        net.criterion_.lambda_u = weight
        batch = PairedBatches(X, codes, codes >= 0, np.arange(len(X)), **args).draw(0.5)
        net.module_.zero_grad()
        net.module_.train()
        if hasattr(net.criterion_, "pseudo_labels"):
            net.criterion_.pseudo_labels.clamp_(min=0)
        net.criterion_(net.module_, batch)[0].backward()
        return torch.cat([p.grad.flatten() for part in parts for p in part.parameters()])

    with_rows, without = gradient(1.0), gradient(1e-9)
    assert (with_rows - without).norm() > 1e-3 * without.norm()


@every_estimator
def test_weight_zero_is_the_supervised_net_bit_for_bit(cls, digits):
    X, y, _, _ = digits
    labeled = y >= 0
    whole = quick(cls, max_steps=8, unlabeled_weight=0).fit(X, y)
    alone = quick(cls, max_steps=8, unlabeled_weight=0).fit(X[labeled], y[labeled])
    assert_same_weights(weights(whole), weights(alone))


@every_estimator
def test_unlabeled_rows_change_the_fit(cls, digits):
    X, y, X_test, _ = digits
    with_rows = quick(cls).fit(X, y).predict_proba(X_test)
    without = quick(cls, unlabeled_weight=0).fit(X, y).predict_proba(X_test)
    assert np.abs(with_rows - without).max() > 1e-3


@every_estimator
def test_all_rows_labeled_trains_supervised(cls, blobs):
    X, _, truth = blobs
    clf = quick(cls, max_steps=30).fit(X, truth)
    assert clf.score(X, truth) > 0.9
    if cls is not VAEClassifier:  # whose labeled rows train the autoencoder too
        alone = quick(cls, max_steps=30, unlabeled_weight=0).fit(X, truth)
        np.testing.assert_array_equal(clf.predict_proba(X), alone.predict_proba(X))


@every_estimator
def test_same_seed_same_weights_and_global_generators_untouched(cls, digits):
    X, y, _, _ = digits
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    before = np.random.get_state(), torch.get_rng_state(), random.getstate()  # noqa: NPY002
    first = quick(cls, max_steps=8).fit(X, y)
    unseeded = quick(cls, max_steps=8, random_state=None).fit(X, y)
    after = np.random.get_state(), torch.get_rng_state(), random.getstate()  # noqa: NPY002
    assert (before[0][1] == after[0][1]).all()
    assert before[0][2] == after[0][2]
    assert torch.equal(before[1], after[1])
    assert before[2] == after[2]
    torch.rand(7)  # another global state must change nothing
    second = quick(cls, max_steps=8).fit(X, y)
    assert_same_weights(weights(first), weights(second))
    assert (first.transduction_ == second.transduction_).all()
    differs = [
        not torch.equal(a, b)
        for a, b in zip(weights(first).values(), weights(unseeded).values(), strict=True)
    ]
    assert any(differs)


@every_estimator
def test_predict_is_deterministic_and_leaves_no_trace(cls, digits, fitted):
    X_test, clf = digits[2], fitted(cls)
    before = pickle.dumps(clf)
    generator = torch.get_rng_state()
    first = clf.predict_proba(X_test)
    assert (first == clf.predict_proba(X_test)).all()
    assert pickle.dumps(clf) == before
    assert torch.equal(generator, torch.get_rng_state())


@every_estimator
def test_probabilities(cls, digits, fitted):
    X_test, clf = digits[2], fitted(cls)
    p = clf.predict_proba(X_test)
    assert p.shape == (len(X_test), 10)
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(np.exp(clf.predict_log_proba(X_test)), p)
    np.testing.assert_array_equal(clf.predict(X_test), clf.classes_[p.argmax(1)])


@every_estimator
def test_clone_pickle_deepcopy_keep_parameters_and_predictions(cls, digits, fitted):
    X_test, clf = digits[2], fitted(cls)
    expected = clf.predict_proba(X_test)
    assert repr(clone(clf).get_params()) == repr(clf.get_params())
    for twin in (pickle.loads(pickle.dumps(clf)), copy.deepcopy(clf)):
        assert repr(twin.get_params()) == repr(clf.get_params())
        assert (twin.predict_proba(X_test) == expected).all()


@every_estimator
def test_fit_does_not_change_its_input_or_parameters(cls, digits):
    X, y, _, _ = digits
    X, y = X.copy(), y.copy()
    clf = quick(cls, max_steps=8)
    parameters, kept = repr(clf.get_params()), (X.copy(), y.copy())
    clf.fit(X, y)
    assert (kept[0] == X).all()
    assert (y == kept[1]).all()
    assert repr(clf.get_params()) == parameters


@every_estimator
def test_nested_parameters_in_a_grid_inside_a_pipeline(cls, digits):
    X, y, _, _ = digits
    pipe = make_pipeline(StandardScaler(), quick(cls, **few_steps(cls)))
    name = pipe.steps[-1][0]
    n_jobs = 2 if cls is FixMatchClassifier else 1  # processes take seconds to start
    grid = {
        f"{name}__module__dropout": [0.0, 0.2],
        f"{name}__optimizer__weight_decay": [0.0, 0.01],
    }
    search = GridSearchCV(pipe, grid, cv=LabeledSplit(2), n_jobs=n_jobs).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    best = search.best_estimator_[-1].get_params()
    assert best["module__dropout"] == best["module_params"]["dropout"]
    assert best["module_params"]["hidden_layer_sizes"] == (32, 32)


@every_estimator
def test_scores_ignore_unlabeled_rows(cls):
    X, truth = make_blobs(400, centers=4, n_features=6, cluster_std=3.0, random_state=0)
    X_test, y_test, X = X[200:], truth[200:], X[:200]
    y = hide_labels(truth[:200], 24, stratify="balanced", random_state=0)
    params = {"max_steps": 40, "batch_size": 16}
    clf = quick(cls, **params).fit(X, y)
    labeled = y >= 0
    assert clf.score(X, y) == clf.score(X[labeled], y[labeled])
    true = clf.score(X_test, y_test)
    # scikit-learn's folds, 88 % of whose rows are -1
    plain = cross_val_score(quick(cls, **params), X, y, cv=3).mean()
    assert abs(plain - true) < 0.1
    f1 = cross_val_score(quick(cls, **params), X, y, cv=LabeledSplit(3), scoring="f1_macro").mean()
    assert abs(f1 - true) < 0.12
    with pytest.raises(ValueError, match="score needs labeled rows"):
        clf.score(X, np.full(len(X), -1))


@every_estimator
def test_transduction_keeps_given_labels(cls, digits, fitted):
    X, y, _, _ = digits
    clf = fitted(cls)
    labeled = y >= 0
    assert (clf.transduction_[labeled] == y[labeled]).all()
    assert (clf.label_distributions_[labeled].argmax(1) == y[labeled]).all()
    assert clf.label_distributions_.shape == (len(X), 10)
    assert set(clf.classes_) == set(range(10))


@every_estimator
@pytest.mark.parametrize("marker", [-1, None, np.nan])
def test_string_labels_and_pandas(cls, blobs, marker):
    X, y, truth = blobs
    frame = pd.DataFrame(X, columns=list("abcd"), index=np.arange(60) + 7)
    names = pd.Series(np.array(["cat", "dog"])[truth], index=frame.index, dtype=object)
    names[y < 0] = marker
    clf = quick(cls, max_steps=10).fit(frame, names)
    assert list(clf.classes_) == ["cat", "dog"]
    assert list(clf.feature_names_in_) == list("abcd")
    assert set(clf.predict(frame)) <= {"cat", "dog"}
    assert clf.score(frame, names) > 0.5
    assert set(clf.transduction_) - {-1} <= {"cat", "dog"}
    with pytest.raises(ValueError, match="feature names"):
        clf.predict(frame[list("dcba")])


@every_estimator
def test_images(cls):
    rng = np.random.default_rng(0)
    truth = np.arange(40) % 2
    X = rng.integers(0, 60, size=(40, 1, 8, 8)).astype(np.uint8)
    X[truth == 1, :, :4] += 180
    y = np.where(np.arange(40) < 10, truth, -1)
    clf = quick(cls, max_steps=30, batch_size=16, module_params={"width": 4}).fit(X, y)
    assert any(isinstance(m, torch.nn.Conv2d) for m in clf.net_.module_.modules())
    assert clf.predict_proba(X).shape == (40, 2)
    assert clf.score(X, truth) > 0.8
    for other in (X / 255, X.astype(int)):  # read in another unit
        with pytest.raises(ValueError, match="uint8 is read as"):
            clf.predict(other)
        with pytest.raises(ValueError, match="uint8 is read as"):
            clf.partial_fit(other, y)
    with pytest.raises(ValueError, match="rows of shape"):
        clf.predict(X[:, :, :7])


@every_estimator
def test_history_counts_steps(cls, fitted):
    clf = fitted(cls)
    assert clf.history_[-1]["step"] == clf.max_steps == 20
    assert {"loss", "labeled_loss", "lr", "seconds"} <= clf.history_[-1].keys()
    assert all(np.isfinite(record["loss"]) for record in clf.history_)


@every_estimator
def test_validation_and_early_stopping(cls, digits):
    X, y, _, _ = digits
    rows = np.r_[np.flatnonzero(y >= 0), np.flatnonzero(y < 0)[:200]]
    X, y = X[rows], y[rows]
    params = {"max_steps": 150, "batch_size": 32}
    clf = quick(cls, early_stopping=3, ema_decay=None, lr=0.05, **params, **one_round(cls))
    clf.fit(X, y)
    losses = [r["valid_loss"] for r in clf.history_ if r.get("round", 0) == 0]
    stopped = len(losses) - 1 - int(np.argmin(losses))
    assert stopped <= 3
    assert len(losses) < 30  # there would be 30 or more
    held = quick(cls, validation_fraction=0.3, **params, **one_round(cls)).fit(X, y)
    correct = held.history_[-1]["valid_acc"] * 30  # of 30 held-out rows
    assert correct == pytest.approx(round(correct), abs=1e-4)
    assert correct > 15
    with pytest.raises(ValueError, match="too few"):
        quick(cls, validation_fraction=0.01).fit(X, y)


@every_estimator
def test_held_out_labels_reach_the_method_in_no_way(cls, digits, monkeypatch):
    """Not as batches, not as class shares: the loss is made without them too."""
    X, y, _, _ = digits
    seen, run = [], Training.run

    class Spied(cls):
        def _make_loss(self, rows, *args, **kwargs):
            seen.append(rows.labeled.sum())
            assert (rows.y[rows.held_out] == -1).all()
            assert not (rows.held_out & (rows.labeled | rows.unlabeled)).any()
            torch.testing.assert_close(rows.class_shares, torch.full((10,), 0.1))
            return super()._make_loss(rows, *args, **kwargs)

    def spied_run(self):
        held = np.flatnonzero(self.rows.held_out)
        assert len(held) == 30
        assert not np.isin(held, self.batches.labeled.numpy()).any()
        assert not np.isin(held, self.batches.pool.numpy()).any()
        run(self)

    monkeypatch.setattr(Training, "run", spied_run)
    clf = Spied(**quick(cls, max_steps=8, validation_fraction=0.3).get_params(deep=False)).fit(X, y)
    assert set(seen) == {70}
    if hasattr(clf.net_.criterion_, "pseudo_labels"):
        held = (y >= 0) & (clf.net_.criterion_.pseudo_labels.numpy() < 0)
        assert held.sum() == 30


@every_estimator
def test_continuing_goes_on_with_the_average(cls, digits):
    """Its warm-up is over: a second call must not forget what the first averaged."""
    X, y, _, _ = digits
    clf = quick(cls, ema_decay=0.999, **one_round(cls)).fit(X, y)
    before = copy.deepcopy(weights(clf))
    clf.set_params(max_steps=1).partial_fit(X, y)
    trained = clf.net_.module_.state_dict()
    for name, value in weights(clf).items():
        if value.is_floating_point():
            expected = before[name].lerp(trained[name], 1 - 21 / 30)
            torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-5)


@every_estimator
def test_warm_start_continues(cls, digits):
    X, y, _, _ = digits
    clf = quick(
        cls, max_steps=8, warm_start=True, optimizer="sgd", ema_decay=None, **one_round(cls)
    ).fit(X, y)
    clf.set_params(lr=0.05).fit(X, y)
    trained = copy.deepcopy(weights(clf))
    clf.set_params(lr=1e-12).fit(X, y)
    parameters = dict(clf.net_.module_.named_parameters())
    for name in parameters:
        torch.testing.assert_close(parameters[name], trained[name], rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match="warm_start"):
        clf.fit(X[:, :20], y)


@every_estimator
def test_callbacks_are_copied_and_called(cls, digits):
    calls = []

    class Watch(Callback):
        def __init__(self, sink=None):
            self.sink = sink

        def on_epoch_end(self, net, **kwargs):
            calls.append(net.history[-1, "loss"])
            self.touched_ = True

    X, y, _, _ = digits
    watch = Watch()
    clf = quick(cls, callbacks=[watch]).fit(X, y)
    assert calls == [record["loss"] for record in clf.history_]
    assert not hasattr(watch, "touched_")


@every_estimator
def test_interrupt_leaves_a_usable_estimator(cls, digits):
    class Interrupt(Callback):
        def on_batch_end(self, net, **kwargs):
            if net.step_ == 5:
                raise KeyboardInterrupt

    X, y, X_test, _ = digits
    clf = quick(cls, callbacks=[Interrupt()])
    with pytest.warns(UserWarning, match="interrupted after step 5"):
        clf.fit(X, y)
    assert clf.predict(X_test).shape == (len(X_test),)
    assert len(clf.transduction_) == len(X)


@every_estimator
def test_non_finite_loss_stops_and_keeps_good_weights(cls, digits):
    X, y, X_test, _ = digits
    clf = quick(cls, max_steps=500, lr=1e30, optimizer="sgd", optimizer_params={"momentum": 0.9})
    clf.set_params(optimizer_params={"nesterov": True, "momentum": 0.9})
    with pytest.raises(FloatingPointError, match=r"step \d+ of 500 .*learning rate"):
        clf.fit(X, y)
    assert all(v.isfinite().all() for v in weights(clf).values())
    assert np.isfinite(clf.predict_proba(X_test)).all()


@every_estimator
def test_verbose_shows_progress(cls, digits, capfd):
    X, y, _, _ = digits
    quick(cls, verbose=1).fit(X, y)
    shown = capfd.readouterr()
    assert "20/20" in shown.err + shown.out
    assert "loss" in shown.err + shown.out


@every_estimator
def test_bad_input_fails_before_training(cls, blobs, monkeypatch):
    X, y, _ = blobs

    def no_training(self):
        raise AssertionError("training began")

    monkeypatch.setattr(Training, "run", no_training)
    nan, inf = X.copy(), X.copy()
    nan[3, 1], inf[5, 2] = np.nan, np.inf
    for bad_X, bad_y, message in [
        (X, np.full(60, -1), "No row is labeled"),
        *[(nan, y, "NaN")] * (not get_tags(cls()).input_tags.allow_nan),
        (inf, y, "infinity"),
        (X.astype(float) * 1e300, y, "infinity|too large"),
        (X[:, 0], y, "1D array|Expected 2D"),
        (X + 1j, y, "Complex"),
        (X, y[:-1], "inconsistent"),
        (X, np.where(y >= 0, y + 0.5 * (np.arange(60) % 3), -1), "Unknown label type|continuous"),
        (X, None, "requires y to be passed"),
        (X, np.array(["a", "nan"] * 30), "fixed-width strings"),
    ]:
        with pytest.raises(ValueError, match=message):
            quick(cls).fit(bad_X, bad_y)
    for params, message in [
        ({"max_steps": 0}, "max_steps"),
        ({"lr": -1.0}, "lr"),
        ({"optimizer": "adamm"}, "optimizer"),
        ({"unlabeled_weight": -0.1}, "unlabeled_weight"),
        ({"ema_decay": 1.0}, "ema_decay"),
        ({"module_params": {"depth": 3}}, "depth"),
        ({"device": "gpu7"}, "not a torch device"),
        ({"callbacks": [3]}, "skorch.callbacks.Callback"),
        ({"optimizer_params": {"momentumm": 1}}, "optimizer_params do not fit"),
    ]:
        with pytest.raises(ValueError, match=message):
            quick(cls, **params).fit(X, y)
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="no CUDA device"):
            quick(cls, device="cuda").fit(X, y)
    with pytest.raises(TypeError, match="treshold"):
        cls(treshold=0.9)
    with pytest.raises(ValueError, match="Invalid parameter"):
        cls().set_params(treshold=0.9)
    with pytest.raises(NotFittedError):
        quick(cls).predict(X)


@every_estimator
def test_bad_shapes_at_predict(cls, digits, fitted):
    with pytest.raises(ValueError, match="features"):
        fitted(cls).predict(digits[2][:, :3])


class WrongWidth(torch.nn.Linear):
    def __init__(self):
        super().__init__(4, 5)


@every_estimator
def test_a_batch_size_beyond_the_data_is_cut(cls, blobs):
    X, y, truth = blobs
    assert quick(cls, batch_size=10**9, max_steps=10).fit(X, y).score(X, truth) > 0.9


class WithBatchNorm(torch.nn.Sequential):
    def __init__(self):
        super().__init__(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))


@every_estimator
def test_batches_of_one_row_are_refused_where_batchnorm_needs_two(cls, blobs):
    X, y, _ = blobs
    clf = quick(cls, batch_size=1, module=WithBatchNorm, module_params=None)
    with pytest.raises(ValueError, match="batch_size=2 or more"):
        clf.fit(X, y)
    assert not hasattr(clf, "net_")


@every_estimator
def test_module_of_wrong_width_is_refused(cls, blobs):
    X, y, _ = blobs
    with pytest.raises(ValueError, match=r"one logit a class|fails on rows of shape"):
        quick(cls, module=WrongWidth, module_params=None).fit(X, y)


@pytest.mark.filterwarnings("ignore:No label reaches")
@every_estimator
def test_one_labeled_class_is_predicted_with_a_warning(cls, blobs):
    X, y, _ = blobs
    with pytest.warns(UserWarning, match="Only one class"):
        clf = quick(cls, max_steps=8).fit(X, np.where(y == 1, 1, -1))
    assert (clf.predict(X) == 1).all()


@every_estimator
def test_beats_the_supervised_net_where_classes_are_clusters(cls):
    X, truth = load_digits(return_X_y=True)
    small = {
        "max_steps": 300,
        "random_state": 0,
        "batch_size": 32,
        "unlabeled_ratio": min(3, cls.unlabeled_ratio),
        "module_params": {"hidden_layer_sizes": (64, 64)},
    }
    if one_round(cls):
        small |= {"max_iter": 3, "max_steps": 150}
    y = hide_labels(truth, 50, stratify="balanced", random_state=0)
    scores = [
        cls(unlabeled_weight=w, **small).fit(X, y).score(X, truth)
        for w in (0, cls.unlabeled_weight)
    ]
    assert scores[1] > scores[0] + 0.01, scores
