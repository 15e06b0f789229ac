"""Displays draw the numbers they are given, and say what is missing."""

import sys

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn_ssl.comparison import LabelBudgetCurve
from skorch.callbacks import Callback

import sklearn_ssl
from sklearn_ssl import (
    FixMatchClassifier,
    LabeledSplit,
    LabelPropagationNet,
    MeanTeacherRegressor,
    SelfTrainingNet,
    SemiSupervisedGaussianMixture,
    VAEClassifier,
)
from sklearn_ssl.plotting import (
    ConfidenceDisplay,
    LabelBudgetDisplay,
    LatentDisplay,
    PseudoLabelDisplay,
    TrainingDisplay,
)

from .conftest import ESTIMATORS, quick

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

PROBA = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.55, 0.45]])


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def fixmatch():
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1], 30)
    X = rng.normal(size=(60, 4)) + 4 * truth[:, None]
    y = np.where(np.arange(60) % 10 < 3, truth, -1)
    clf = FixMatchClassifier(max_steps=10, unlabeled_ratio=2, random_state=0).fit(X, y)
    return clf, X, y, truth


# ---------------------------------------------------------------- training


def test_training_curves_are_the_history(fixmatch):
    clf, *_ = fixmatch
    display = TrainingDisplay.from_estimator(clf)
    assert list(display.panels) == ["loss", "mask rate", "learning rate"]
    loss, mask, lr = display.ax_
    drawn = {line.get_label(): line for line in loss.lines}
    assert set(drawn) == {"total", "labeled", "unlabeled"}
    steps = [record["step"] for record in clf.history_]
    for name, key in [("total", "loss"), ("labeled", "labeled_loss")]:
        assert drawn[name].get_xdata().tolist() == steps
        assert drawn[name].get_ydata().tolist() == [record[key] for record in clf.history_]
    assert mask.lines[0].get_ydata().tolist() == [r["mask_rate"] for r in clf.history_]
    assert lr.lines[0].get_ydata().tolist() == [r["lr"] for r in clf.history_]
    assert len({line.get_linestyle() for line in loss.lines}) == 3  # not told by colour alone


def test_rounds_follow_one_another():
    history = [
        {"round": r, "step": s, "loss": 1.0, "pseudo_label_shares": [0.1 * r, 0.2 * r]}
        for r, s in [(0, 4), (0, 8), (1, 9), (1, 12), (2, 12)]
    ]
    display = TrainingDisplay(history).plot()
    assert display.steps.tolist() == [4, 8, 17, 20, 32]
    np.testing.assert_allclose(display.panels["mask rate"][""], [0, 0, 0.3, 0.3, 0.6])
    assert [line.get_xdata()[0] for line in display.ax_[0].lines[1:]] == [8, 20]
    assert display.ax_[-1].get_xlabel() == "optimizer steps, 3 rounds"


def test_validation_and_gaps():
    history = [
        {"step": 1, "loss": 2.0, "labeled_loss": 2.0, "valid_loss": 1.5, "valid_acc": 0.5},
        {"step": 2, "loss": 1.0, "labeled_loss": 0.5, "unlabeled_loss": 0.5, "valid_acc": 0.75},
    ]
    panels = TrainingDisplay(history).panels
    np.testing.assert_array_equal(panels["loss"]["unlabeled"], [np.nan, 0.5])
    np.testing.assert_array_equal(panels["loss"]["valid"], [1.5, np.nan])
    np.testing.assert_array_equal(panels["valid. acc."][""], [0.5, 0.75])


@pytest.mark.parametrize("cls", ESTIMATORS, ids=lambda cls: cls.__name__)
def test_every_estimator_can_be_drawn(cls, blobs):
    X, y, _ = blobs
    clf = quick(cls, max_steps=4).fit(X, y)
    display = TrainingDisplay.from_estimator(clf)
    assert len(display.ax_) == len(display.panels) >= 2
    last = [r["step"] for r in clf.history_][-1]
    rounds = 1 + clf.history_[-1].get("round", 0)
    assert display.steps[-1] == rounds * last


def test_a_regressor_can_be_drawn(blobs):
    X, y, _ = blobs
    targets = np.where(y == -1, np.nan, X[:, 0])
    reg = MeanTeacherRegressor(max_steps=4, random_state=0).fit(X, targets)
    assert list(TrainingDisplay.from_estimator(reg).panels) == ["loss", "learning rate"]


@pytest.mark.parametrize("clf", [LabelPropagationNet(module=None), SemiSupervisedGaussianMixture()])
def test_training_without_a_network_is_refused(clf, blobs):
    X, y, _ = blobs
    with pytest.raises(ValueError, match=f"{type(clf).__name__} trained no network"):
        TrainingDisplay.from_estimator(clf.fit(X, y))


def test_training_of_nothing_is_refused():
    with pytest.raises(NotFittedError):
        TrainingDisplay.from_estimator(FixMatchClassifier())
    for history in ([], [{"iteration": 0, "lower_bound": 1.0}]):
        with pytest.raises(ValueError, match="no losses of optimizer steps"):
            TrainingDisplay(history)


# ----------------------------------------------------------- pseudo-labels


def test_bars_are_the_confidences_the_surest_first():
    display = PseudoLabelDisplay.from_predictions(
        np.zeros((4, 3)), PROBA, classes=["a", "b"], y_true=["a", "a", None, "a"]
    )
    assert [bar.get_width() for bar in display.ax_.patches] == [0.9, 0.8, 0.7, 0.55]
    labels = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert labels == ["row 0: a, right", "row 1: b, is a", "row 2: a", "row 3: a, right"]
    hatched = [bool(bar.get_hatch()) for bar in display.ax_.patches]
    assert hatched == [False, True, False, False]


def test_only_unlabeled_rows_are_drawn(fixmatch):
    clf, X, y, truth = fixmatch
    about = {"y": y, "y_true": truth, "n_rows": 5, "random_state": 0}
    display = PseudoLabelDisplay.from_estimator(clf, X, **about)
    assert len(display.rows) == 5
    assert (y[display.rows] == -1).all()
    np.testing.assert_allclose(display.confidence, clf.predict_proba(X[display.rows]).max(1))
    assert display.labels.tolist() == clf.predict(X[display.rows]).tolist()
    right = (display.labels == truth[display.rows]).tolist()
    assert [said == "right" for said in display.said] == right
    again = PseudoLabelDisplay.from_estimator(clf, X, **about)
    assert again.rows.tolist() == display.rows.tolist()


@pytest.mark.parametrize("shape", [(1, 2, 3), (2, 3), (3, 2, 3)])
def test_images_of_rows_have_their_pixels_and_titles(shape):
    X = np.arange(4 * np.prod(shape)).reshape(4, -1) / (4 * np.prod(shape))
    about = {"y_true": [0, 0, -1, 0], "random_state": 0}
    display = PseudoLabelDisplay.from_predictions(X, PROBA, image_shape=shape, **about)
    titles = [axes.get_title() for axes in display.ax_]
    assert titles == ["0\n0.90\nright", "1\n0.80\nis 0", "0\n0.70", "0\n0.55\nright"]
    pixels = np.moveaxis(X[1].reshape(-1, 2, 3), 0, -1).squeeze()
    np.testing.assert_array_equal(display.ax_[1].images[0].get_array(), pixels)
    whole = PseudoLabelDisplay.from_predictions(X.reshape(4, *shape), PROBA, random_state=0)
    np.testing.assert_array_equal(whole.ax_[1].images[0].get_array(), pixels)


def test_colours_beyond_the_unit_range_are_scaled():
    display = PseudoLabelDisplay(np.linspace(-3, 5, 12).reshape(1, 3, 2, 2), ["a"], [0.9]).plot()
    drawn = display.ax_[0].images[0].get_array()
    assert (drawn.min(), drawn.max()) == (0, 1)
    even = PseudoLabelDisplay(np.full((1, 3, 2, 2), 5.0), ["a"], [0.9]).plot()
    assert (even.ax_[0].images[0].get_array() == 0).all()


def test_input_shape_of_the_estimator_makes_images(digits):
    X, y, *_ = digits
    clf = FixMatchClassifier(max_steps=2, input_shape=(1, 8, 8), random_state=0).fit(X, y)
    display = PseudoLabelDisplay.from_estimator(clf, X, n_rows=3)
    assert len(display.ax_) == 3
    assert display.ax_[0].images[0].get_array().shape == (8, 8)


def test_float_truth_matches_int_classes_and_minus_one_may_be_a_class():
    display = PseudoLabelDisplay.from_predictions(
        np.zeros((4, 1)), PROBA, y_true=[0.0, 1, np.nan, 1]
    )
    assert display.said == ["right", "right", "", "is 1.0"]
    truth = [-1, -1, np.nan]
    plain = PseudoLabelDisplay(
        np.zeros((3, 1)), [-1, 1, 1], [0.9] * 3, truth=truth, unlabeled_label=None
    )
    assert [said.split(".")[0] for said in plain.said] == ["right", "is -1", ""]


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"n_rows": 0}, "n_rows must be at least 1"),
        ({"y": [0, 1, 0, 1]}, "marks no row as unlabeled"),
        ({"y_true": [0, 1]}, "y_true must hold one label a row"),
        ({"classes": ["a"]}, "2 columns for 1 classes"),
        ({"image_shape": (3, 3)}, "image_shape=.*fit 2-D rows"),
        ({"y_proba": PROBA + 1}, "must hold probabilities"),
        ({"X": np.zeros((4, 2, 5, 5))}, "Images must be"),
        ({"y_proba": PROBA[:2]}, "inconsistent numbers of samples"),
    ],
)
def test_what_cannot_be_drawn_is_refused(about, message):
    about = {"X": np.zeros((4, 3)), "y_proba": PROBA, **about}
    with pytest.raises(ValueError, match=message):
        PseudoLabelDisplay.from_predictions(**about)


def test_the_mark_is_the_estimators_own(blobs):
    X, y, truth = blobs
    signs, true = np.where(y == -1, np.nan, 2.0 * truth - 1), 2 * truth - 1
    clf = FixMatchClassifier(max_steps=20, unlabeled_label=None, random_state=0).fit(X, signs)
    right = (clf.predict(X) == true).astype(float)
    rows = PseudoLabelDisplay.from_estimator(clf, X, y=signs, y_true=true, n_rows=60)
    assert sorted(rows.rows) == np.flatnonzero(y == -1).tolist()
    assert [said == "right" for said in rows.said] == (right[rows.rows] == 1).tolist()
    assert "" not in rows.said
    np.testing.assert_array_equal(ConfidenceDisplay.from_estimator(clf, X, true).correct, right)


# -------------------------------------------------------------- confidence


def test_reliability_by_hand():
    confidence = [0.55, 0.62, 0.68, 0.95, 1.0, 0.99, 0.6]
    correct = [1, 0, 1, 1, 1, np.nan, np.nan]
    display = ConfidenceDisplay(confidence, correct, threshold=0.95, n_bins=5).plot()
    histogram, reliability = display.ax_
    assert [bar.get_height() for bar in histogram.patches] == [0, 0, 1, 3, 3]
    x, y = reliability.lines[0].get_data()
    np.testing.assert_allclose(x, [0.55, 0.65, 0.975])
    np.testing.assert_allclose(y, [1, 0.5, 1])
    expected = (0.45 + 2 * 0.15 + 2 * 0.025) / 5
    assert display.calibration_error == pytest.approx(expected)
    (text,) = reliability.get_legend().get_texts()
    assert text.get_text() == f"calibration error {expected:.3f}"
    (text,) = histogram.get_legend().get_texts()
    assert text.get_text() == "threshold 0.95: 43% of rows"
    assert histogram.lines[0].get_xdata() == [0.95, 0.95]


def test_the_threshold_is_the_estimators_own(fixmatch):
    clf, X, y, truth = fixmatch
    display = ConfidenceDisplay.from_estimator(clf, X, y)
    assert display.threshold == clf.threshold == 0.95
    assert display.counts.sum() == len(X)
    assert (~np.isnan(display.correct)).sum() == (y >= 0).sum()
    assert ConfidenceDisplay.from_estimator(clf, X, truth, threshold=0.5).threshold == 0.5
    right = clf.predict(X) == truth
    np.testing.assert_array_equal(ConfidenceDisplay.from_estimator(clf, X, truth).correct, right)


def test_a_threshold_that_is_not_used_is_not_drawn(blobs):
    X, y, truth = blobs
    clf = SelfTrainingNet(max_steps=2, max_iter=0, random_state=0).fit(X, y)
    assert ConfidenceDisplay.from_estimator(clf, X, truth).threshold is None
    clf.set_params(criterion="threshold")
    assert ConfidenceDisplay.from_estimator(clf, X, truth).threshold == 0.75


def test_confidences_without_a_true_class():
    display = ConfidenceDisplay.from_predictions([-1] * 4, PROBA)
    assert np.isnan(display.calibration_error)
    assert display.counts.sum() == 4
    assert len(display.ax_[1].lines[0].get_xdata()) == 0


def test_wrong_confidence_parameters_are_refused(blobs):
    with pytest.raises(ValueError, match=r"threshold must lie in \[0, 1\], got 95"):
        ConfidenceDisplay([0.5], [1], threshold=95)
    with pytest.raises(ValueError, match="n_bins must be an int of at least 1"):
        ConfidenceDisplay([0.5], [1], n_bins=0)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ConfidenceDisplay([0.5, 0.6], [1])
    X, y, _ = blobs
    reg = MeanTeacherRegressor(max_steps=2).fit(X, y.astype(float))
    with pytest.raises(ValueError, match="MeanTeacherRegressor has no predict_proba"):
        ConfidenceDisplay.from_estimator(reg, X, y)


# ------------------------------------------------------------ label budget


def curve(names=("A",), budgets=(10, 20), seed=0):
    scores = np.random.default_rng(seed).random((len(names), len(budgets), 3))
    return LabelBudgetCurve(list(names), np.array(budgets), scores)


def test_budget_points_and_error_bars():
    both = curve(["A", "B"], [40, 10])
    display = LabelBudgetDisplay.from_curves(both)
    for i, container in enumerate(display.ax_.containers):
        line, _, (bars,) = container
        assert line.get_xdata().tolist() == [10, 40]
        assert line.get_ydata().tolist() == both.mean[i, ::-1].tolist()
        lengths = [np.ptp(segment[:, 1]) / 2 for segment in bars.get_segments()]
        np.testing.assert_allclose(lengths, both.standard_error[i, ::-1])
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == ["A", "B"]
    assert [text.get_text() for text in display.ax_.get_xticklabels()] == ["10", "40"]
    assert len({c[0].get_linestyle() for c in display.ax_.containers}) == 2
    assert len({c[0].get_marker() for c in display.ax_.containers}) == 2


def test_names_of_several_curves():
    display = LabelBudgetDisplay({"x": curve(), "y": curve(["A", "B"], [10, 80])}).plot()
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == ["x", "y, A", "y, B"]
    assert display.ax_.get_xscale() == "log"


def test_budget_from_an_estimator(digits):
    X, _, _, _ = digits
    truth = np.arange(len(X)) % 2
    display = LabelBudgetDisplay.from_estimator(
        LogisticRegression(max_iter=5000), X[:60], truth[:60], [4, 8], n_repeats=2, random_state=0
    )
    assert display.curves[""].scores.shape == (1, 2, 2)
    assert display.curves[""].names == ["LogisticRegression"]


@pytest.mark.parametrize("curves", [{}, {"a": [1, 2]}])
def test_what_is_no_curve_is_refused(curves):
    with pytest.raises(ValueError, match="must hold LabelBudgetCurves"):
        LabelBudgetDisplay(curves)


# ------------------------------------------------------------ latent space


def test_two_dimensions_are_drawn_as_they_are():
    Z, y = np.arange(10.0).reshape(5, 2), [2, 10, -1, 2, -1]
    display = LatentDisplay.from_predictions(Z, y)
    grey, two, ten = display.ax_.collections
    assert [c.get_label() for c in (grey, two, ten)] == ["unlabeled", "2", "10"]
    for points, rows in [(grey, [2, 4]), (two, [0, 3]), (ten, [1])]:
        np.testing.assert_array_equal(points.get_offsets(), Z[rows])
    assert grey.get_sizes()[0] < two.get_sizes()[0]
    assert grey.get_zorder() <= two.get_zorder()
    shapes = [c.get_paths()[0].vertices.shape for c in (two, ten)]
    assert shapes[0] != shapes[1]  # not told by colour alone
    assert display.ax_.get_xlabel() == "latent variable 1"


def test_more_dimensions_become_principal_components():
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(50, 3)) * [1, 10, 0.1]
    display = LatentDisplay.from_predictions(Z)
    first = display.ax_.collections[0].get_offsets()[:, 0]
    assert abs(np.corrcoef(first, Z[:, 1])[0, 1]) > 0.999
    share = 100 * Z.var(0)[1] / Z.var(0).sum()
    assert display.ax_.get_xlabel() == f"PCA axis 1 of 3 ({share:.0f} %)"
    assert display.ax_.get_legend() is None


def test_latent_space_of_a_pipeline(blobs):
    X, y, _ = blobs
    pipe = make_pipeline(StandardScaler(), VAEClassifier(max_steps=2, latent_dim=2)).fit(X, y)
    display = LatentDisplay.from_estimator(pipe, X, y=y)
    np.testing.assert_array_equal(display.points, pipe.transform(X))
    assert len(display.ax_.collections[0].get_offsets()) == (y == -1).sum()


def test_what_has_no_latent_space_is_refused(fixmatch):
    clf, X, *_ = fixmatch
    with pytest.raises(ValueError, match="FixMatchClassifier has no transform"):
        LatentDisplay.from_estimator(clf, X)
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        LatentDisplay(np.zeros((3, 1)))
    with pytest.raises(ValueError, match="labels must hold one label a row"):
        LatentDisplay(np.zeros((3, 2)), [0, 1])


# -------------------------------------------------------------- what is common

DISPLAYS = [
    TrainingDisplay([{"step": 1, "loss": 1.0, "lr": 0.1}, {"step": 2, "loss": 1.0, "lr": 0.1}]),
    PseudoLabelDisplay(np.zeros((2, 3)), [0, 1], [0.9, 0.8]),
    PseudoLabelDisplay(np.zeros((2, 3, 3)), [0, 1], [0.9, 0.8]),
    ConfidenceDisplay([0.9], [1]),
    LabelBudgetDisplay(curve()),
    LatentDisplay(np.eye(3)[:, :2]),
]
every_display = pytest.mark.parametrize("display", DISPLAYS, ids=lambda d: type(d).__name__)


@every_display
def test_axes_that_are_given_are_used(display):
    n = 1 if display._n_axes is None else display._n_axes
    figure, axes = plt.subplots(1, n)
    assert display.plot(axes) is display
    assert display.figure_ is figure
    assert len(plt.get_fignums()) == 1
    assert np.ravel(display.ax_).tolist() == np.ravel(axes).tolist()
    assert isinstance(display.ax_, np.ndarray) == (display._n_axes is not None)
    _, more = plt.subplots(1, 4)
    with pytest.raises(ValueError, match=f"draws {n} axes, and ax holds 4"):
        display.plot(more)


@every_display
@pytest.mark.parametrize("style", ["default", "dark_background", "grayscale"])
def test_text_stays_in_a_narrow_figure(display, style):
    with plt.style.context([style, {"figure.figsize": (3.15, 2.4)}]):
        figure = display.plot().figure_
        figure.canvas.draw()
        for axes in figure.axes:
            box = axes.get_tightbbox()
            assert box.x0 >= -1
            assert box.x1 <= figure.bbox.x1 + 1
            assert box.y1 <= figure.bbox.y1 + 1


@every_display
def test_without_matplotlib_the_extra_is_named(display, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'pip install "sklearn-ssl\[plot\]"'):
        display.plot()


def test_the_package_does_not_import_matplotlib():
    import subprocess

    code = "import sys, sklearn_ssl.plotting; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert sklearn_ssl.plotting.__all__


def test_searches_and_pipelines_are_looked_into(blobs):
    X, y, truth = blobs
    pipe = make_pipeline(StandardScaler(), FixMatchClassifier(max_steps=4, random_state=0))
    grid = {"fixmatchclassifier__threshold": [0.6]}
    search = GridSearchCV(pipe, grid, cv=LabeledSplit(2)).fit(X, y)
    inner = search.best_estimator_[-1]
    training = TrainingDisplay.from_estimator(search)
    assert training.panels["loss"]["total"].tolist() == [r["loss"] for r in inner.history_]
    confidence = ConfidenceDisplay.from_estimator(search, X, truth)
    assert confidence.threshold == 0.6
    np.testing.assert_array_equal(confidence.confidence, search.predict_proba(X).max(1))
    rows = PseudoLabelDisplay.from_estimator(search, X, y=y, n_rows=2)
    np.testing.assert_allclose(rows.confidence, search.predict_proba(X[rows.rows]).max(1))


def test_confidences_that_are_none_are_refused():
    for confidence, correct, n_bins, message in [
        ([1.7], [1], 10, "confidence must lie"),
        ([np.nan], [1], 10, "confidence must lie"),
        ([0.7], [5], 10, "1, 0 or NaN"),
        ([0.7], [1], 2.5, "n_bins must be an int"),
    ]:
        with pytest.raises(ValueError, match=message):
            ConfidenceDisplay(confidence, correct, n_bins=n_bins)


def test_labels_of_another_kind_are_not_counted_as_wrong():
    proba = np.array([[0.9, 0.1], [0.2, 0.8]])
    with pytest.raises(ValueError, match="names of the columns as classes"):
        ConfidenceDisplay.from_predictions(["no", "yes"], proba)
    named = ConfidenceDisplay.from_predictions(["no", "yes"], proba, classes=["no", "yes"])
    assert named.correct.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("clf", "expected"),
    [
        (FixMatchClassifier(threshold=0.7, max_steps=2), 0.7),
        (FixMatchClassifier(unlabeled_weight=0, max_steps=2), None),
        (VAEClassifier(max_steps=2), 0.8),
        (VAEClassifier(objective="m2", max_steps=2), None),
        (FixedThresholdClassifier(LogisticRegression()), None),
    ],
)
def test_only_thresholds_in_use_are_drawn(clf, expected):
    X, y = make_blobs(40, centers=2, random_state=0)
    assert ConfidenceDisplay.from_estimator(clf.fit(X, y), X, y).threshold == expected


def test_a_fit_that_ended_between_epochs_is_drawn(digits):
    class Stop(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 3:
                raise RuntimeError("enough")

    X, y, _, _ = digits
    clf = FixMatchClassifier(max_steps=100, callbacks=[Stop()], random_state=0)
    with pytest.raises(RuntimeError, match="enough"):
        clf.fit(X, y)
    assert len(TrainingDisplay.from_estimator(clf).steps) == len(clf.history_) == 2
    assert f"{clf.history_[-1]['step']} of 100 steps" in clf._repr_html_()
