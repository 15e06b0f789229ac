"""A training step on torch's "meta" device, which stands for an accelerator where there is none.

Its tensors have a shape and a type, and no numbers. What makes the host wait for a device raises
there (`.item()`, a tensor as a condition, boolean indexing, a copy to the host), and so do most
operations with a tensor that was left on the CPU. `Watched` and `NoNumbers` refuse the rest:
products and indexing with such tensors, and copies to the device that the host waits for.

The device has neither generators nor autocast: the fixture `meta` lends generators of the CPU, and
bfloat16 is tried on the CPU itself.
"""

import contextlib

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from sklearn.base import is_regressor
from torch import nn
from torch.nn.functional import cross_entropy
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sklearn_ssl import (
    CoTrainingNet,
    FixMatchClassifier,
    LazyRows,
    MeanTeacherClassifier,
    PseudoLabelClassifier,
    RankUpRegressor,
    ReMixMatchClassifier,
    SelfTrainingNet,
    SGANClassifier,
    SSLClassifier,
    UDAClassifier,
    VAEClassifier,
    VATClassifier,
)
from sklearn_ssl.augment import (
    AffineColorCutout,
    CropColor,
    DropWords,
    GaussianNoise,
    RandAugment,
    ShiftFlip,
    SwapFeatures,
)
from sklearn_ssl.engine.net import SSLNet
from sklearn_ssl.engine.training import Training
from sklearn_ssl.methods.rounds import RoundsClassifier

from .helpers import ESTIMATORS, FROM_PAGES, REGRESSION_NETS, quick, weights
from .inputs.test_documents import corpus, few
from .inputs.test_mixed import frame

META, CPU = torch.device("meta"), torch.device("cpu")
WITH_NETWORK = [*ESTIMATORS, *FROM_PAGES, *REGRESSION_NETS]
every = pytest.mark.parametrize("cls", WITH_NETWORK, ids=lambda cls: cls.__name__)
aten = torch.ops.aten


class WaitsError(RuntimeError):
    """The host would wait for the device, or an operation is given tensors of two places."""


class Watched(TorchDispatchMode):
    """Refuse operations on tensors of two places, save copies to the device without waiting."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
        places = {x.device for x in tensors}
        if function is aten._to_copy.default:
            places.add(kwargs.get("device", tensors[0].device))
        copies = function in (aten._to_copy.default, aten.copy_.default)
        goes_on = copies and (kwargs.get("non_blocking") or args[2:] == (True,))
        if len(places) > 1 and not goes_on:
            raise WaitsError(f"{function} of tensors on {sorted(map(str, places))}")
        if function is aten.index_put_.default and args[2].numel() != 1 and _masks(args[1]):
            raise WaitsError("a mask chooses the rows that are set")
        return function(*args, **kwargs)


def _masks(indices):
    return any(index is not None and index.dtype == torch.bool for index in indices)


class NoNumbers(TorchFunctionMode):
    """Refuse what takes numbers of Python to the device."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        if function in (torch.tensor, torch.as_tensor, torch.Tensor.new_tensor):
            makes = out.device == META and not isinstance(args[-1], torch.Tensor)
        else:
            indexes = function in (torch.Tensor.__getitem__, torch.Tensor.__setitem__)
            makes = indexes and args[0].device == META and _of_numbers(args[1])
        if makes:
            raise WaitsError(f"{function.__name__} of numbers")
        return out


def _of_numbers(index):
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(part, list | np.ndarray) for part in parts)


class LentGenerator(torch.Generator):
    """A generator of the CPU, which can draw on the meta device, and says that it is of that."""

    def __new__(cls, device="cpu"):
        made = super().__new__(cls, CPU if torch.device(device) == META else device)
        made.place = torch.device(device)
        return made

    device = property(lambda self: self.place)


class DoneError(Exception):
    """The steps on the meta device were taken."""


@pytest.fixture
def meta(monkeypatch):
    """Let trainings take a step or two there, and predict: `DoneError` is raised at their end.

    The first of several rounds, on labels alone, is made on the CPU: between rounds predictions
    are needed.
    """

    def start(self, estimator, rows, pool, *args, original=Training.__init__):
        original(self, estimator, rows, pool, *args)
        if len(pool) or not isinstance(estimator, RoundsClassifier):
            self.device = META

    def run(self, original=Training.run):
        net, records = self.net, []
        if self.device == CPU:
            return original(self)
        net._set_training(True)
        of_images = self.rows.X.ndim == 4  # whose views take long there
        with NoNumbers(), Watched():
            for _ in range(1 if of_images else 1 + getattr(net.criterion_, "every", 1)):
                self._step(records)
        assert {v.device for part in self._state.weights() for v in part.values()} == {META}
        assert {value.device for value in records[-1].values()} == {META}
        part = self.rows.X[:7]
        outputs = torch.cat(list(net.forward_iter(part, device=META, call=watched(net))))
        assert outputs.shape == (7, self.targets.n_outputs)
        raise DoneError

    def watched(net):
        def call(x):
            with NoNumbers(), Watched():
                return net.predicting_module_(x)

        return call

    def autocast(device, *args, original=torch.autocast, **kwargs):
        return contextlib.nullcontext() if device == "meta" else original(device, *args, **kwargs)

    def is_autocast(device=None, original=torch.is_autocast_enabled):
        return False if device == "meta" else original(device)

    monkeypatch.setattr(Training, "__init__", start)
    monkeypatch.setattr(Training, "run", run)
    monkeypatch.setattr(torch, "Generator", LentGenerator)
    monkeypatch.setattr(torch, "autocast", autocast)
    monkeypatch.setattr(torch, "is_autocast_enabled", is_autocast)


# ------------------------------------------------------------------------------- the rows


def hidden(cls, truth, n_labeled):
    unlabeled = np.arange(len(truth)) >= n_labeled
    return np.where(unlabeled, np.nan if is_regressor(cls()) else -1, truth)


def table(cls):
    truth = np.arange(60) % 3
    X = np.random.default_rng(0).normal(size=(60, 5)) + 3 * truth[:, None]
    return X.astype(np.float32), hidden(cls, truth, 30)


def images(cls):
    truth = np.arange(60) % 2
    X = np.random.default_rng(0).integers(0, 60, (60, 3, 8, 8)).astype(np.uint8)
    X[truth == 1, :, :4] += 180
    return X, hidden(cls, truth, 20)


def lazy(cls):
    X, y = table(cls)
    return LazyRows(list(X)), y


def mixed(cls):
    X, _, truth = frame(60)
    return X, hidden(cls, truth, 30)


def documents(cls):
    X, truth = corpus()
    y = few(truth)
    return csr_array(X), np.where(y < 0, np.nan, y) if is_regressor(cls()) else y


ROWS = {f.__name__: f for f in (table, images, lazy, mixed, documents)}


def small(cls, rows="table", **params):
    net = {"width": 2} if rows == "images" else {"hidden_layer_sizes": (8,)}
    return quick(cls, **{"batch_size": 10, "module_params": net, "max_steps": 9, **params})


def steps_on_meta(cls, rows="table", sample_weight=None, **params):
    clf = small(cls, rows, **params)
    with pytest.raises(DoneError):
        clf.fit(*ROWS[rows](cls), sample_weight=sample_weight)
    return clf


# ------------------------------------------------------------------------------ the steps


@pytest.mark.parametrize("rows", ROWS)
@every
def test_a_step(cls, rows, meta):
    if rows == "mixed" and not cls().__sklearn_tags__().input_tags.categorical:
        pytest.skip("it refuses categories")
    steps_on_meta(cls, rows)


@pytest.mark.parametrize(
    "waits",
    [
        lambda training, records: training._record(records),
        lambda training, records: training._check_finite(None),
        lambda training, records: training._validate(),
        lambda training, records: training.net.predict(training.rows.X),
    ],
    ids=["losses", "finite", "validation", "prediction"],
)
def test_what_docs_gpu_names_waits(waits, monkeypatch, meta):
    def step(self, records, original=Training._step):
        original(self, records)
        self._first_bad_step, self._first_step, self._start = None, 0, 0.0
        waits(self, records)

    monkeypatch.setattr(Training, "_step", step)
    with pytest.raises((RuntimeError, NotImplementedError), match=r"meta tensor|_to_copy"):
        small(FixMatchClassifier, early_stopping=True).fit(*table(FixMatchClassifier))


@pytest.mark.parametrize(
    ("cls", "params"),
    [
        (FixMatchClassifier, {"unlabeled_weight": 0}),
        (FixMatchClassifier, {"ema_decay": None, "optimizer": "adamw"}),
        (FixMatchClassifier, {"sample_weight": np.arange(60) + 1.0}),
        (FixMatchClassifier, {"class_prior": "uniform"}),
        (PseudoLabelClassifier, {"threshold": 0.8}),
        (MeanTeacherClassifier, {"consistency": "kl"}),
        (UDAClassifier, {"annealing": "linear"}),
        (VATClassifier, {"entropy_weight": 1.0, "n_power": 2}),
        (ReMixMatchClassifier, {"rows": "images", "rotation_weight": 0.5}),
        (CoTrainingNet, {"views": [[0, 1], [2, 3, 4]]}),
        (RankUpRegressor, {"rda": True}),
        *[(VAEClassifier, {"objective": which}) for which in ("m1", "m2", "m1+m2")],
        (VAEClassifier, {"objective": "m2", "rows": "images"}),
        (SelfTrainingNet, {"criterion": "threshold", "threshold": 0.0}),
    ],
    ids=str,
)
def test_a_step_with_other_parameters(cls, params, meta):
    steps_on_meta(cls, **params)


VIEWS = {
    "images": [
        ShiftFlip(),
        AffineColorCutout(),
        CropColor(),
        RandAugment(),
        RandAugment(style="torchssl"),
    ],
    "table": [GaussianNoise(), SwapFeatures()],
    "documents": [DropWords()],
}


@pytest.mark.parametrize(("rows", "view"), [(r, v) for r, views in VIEWS.items() for v in views])
def test_a_view(rows, view):
    x = torch.empty({"images": (4, 3, 8, 8)}.get(rows, (4, 6)), device=META)
    with NoNumbers(), Watched():
        seen = view(x, LentGenerator(META))
    assert (seen.shape, seen.device) == (x.shape, META)


@pytest.mark.parametrize("objective", ["joint", "m2", "m1+m2"])
def test_what_an_autoencoder_predicts(objective, meta, monkeypatch):
    """All of it: the only copy to the host is that of `collect`."""

    def collect(self, X, call=None):
        with NoNumbers():
            parts = list(self.forward_iter(X, device=META, call=call))
        return np.zeros((X.shape[0], *parts[0].shape[1:]))

    vae = steps_on_meta(VAEClassifier, objective=objective)
    X, _ = table(VAEClassifier)
    monkeypatch.setattr(SSLNet, "collect", collect)
    monkeypatch.setattr("sklearn_ssl.methods.vae.estimator.check_device", lambda device: META)
    vae._class_shares = np.full(3, 1 / 3)
    vae._z_means, vae._z_factors = np.zeros((3, 32)), np.zeros((3, 32, 32))
    Z = vae.transform(X)
    assert vae.inverse_transform(Z).shape == X.shape
    assert vae.sample(4)[0].shape == (4, 5)
    assert vae.score_samples(X).shape == (60,)


def test_what_a_gan_generates(meta, monkeypatch):
    monkeypatch.setattr(
        SSLNet, "collect", lambda self, X, call: next(self.forward_iter(X, device=META, call=call))
    )
    assert steps_on_meta(SGANClassifier).sample(4).shape == (4, 5)


@pytest.mark.parametrize("rows", ["table", "images"])
@every
def test_bfloat16(cls, rows):
    clf = small(cls, rows, precision="bfloat16", max_steps=2, device="cpu").fit(*ROWS[rows](cls))
    assert {value.dtype for value in weights(clf).values() if value.is_floating_point()} == {
        torch.float32
    }
    assert all(np.isfinite(record["loss"]) for record in clf.history_)


# -------------------------------------------------------------------- the test is no blank


class Wrong(nn.Module):
    """Cross-entropy with one line that belongs in no loss."""

    def __init__(self, line):
        super().__init__()
        self.line, self.lambda_u, self.left = line, 1.0, torch.ones(3)
        self.register_buffer("kept", torch.ones(60))

    def forward(self, model, batch):
        logits = model(batch.x_l)
        loss = cross_entropy(logits, batch.y_l) + self.line(self, logits, batch)
        return loss, {"labeled_loss": loss}


def masked_rows(loss, logits, batch):
    loss.kept[loss.kept > 0] = loss.kept + 1
    return 0.0


WRONG = {
    "item": lambda loss, logits, batch: logits.sum().item(),
    "condition": lambda loss, logits, batch: 1.0 if logits.sum() > 0 else 0.0,
    "copy": lambda loss, logits, batch: logits.detach().cpu().sum(),
    "numpy": lambda loss, logits, batch: float(logits.detach().numpy().sum()),
    "list": lambda loss, logits, batch: sum(logits[0].tolist()),
    "boolean index": lambda loss, logits, batch: logits[logits > 0].sum(),
    "mask of rows that are set": masked_rows,
    "no buffer": lambda loss, logits, batch: (logits * loss.left).sum(),
    "no buffer, in a product": lambda loss, logits, batch: (logits @ loss.left).sum(),
    "no buffer, indexed": lambda loss, logits, batch: loss.left[batch.y_l].sum().to(META),
    "no buffer, written": lambda loss, logits, batch: loss.left.index_put_(
        (batch.y_l,), logits[:, 0].detach()
    ).sum(),
    "an index on the host": lambda loss, logits, batch: logits[torch.arange(2)].sum(),
    "a number on the host": lambda loss, logits, batch: logits.sum() * torch.tensor(0.5),
    "a new tensor of numbers": lambda loss, logits, batch: logits.new_tensor([0.5]).sum(),
    "an index of numbers": lambda loss, logits, batch: logits[[0, 1]].sum(),
    "a copy that waits": lambda loss, logits, batch: loss.left.to(logits.device).sum(),
}


@pytest.mark.parametrize("line", WRONG)
def test_a_loss_that_waits_or_leaves_something_on_the_host_is_caught(line, meta):
    class WrongClassifier(SSLClassifier):
        def _make_loss(self, rows):
            return Wrong(WRONG[line])

    X, y = table(WrongClassifier)
    with pytest.raises((WaitsError, RuntimeError, NotImplementedError, TypeError)):
        small(WrongClassifier).fit(X, y)


def test_a_loss_that_does_neither_is_not(meta):
    class RightClassifier(SSLClassifier):
        def _make_loss(self, rows):
            return Wrong(lambda loss, logits, batch: loss.kept[batch.i_u].sum())

    with pytest.raises(DoneError):
        small(RightClassifier).fit(*table(RightClassifier))
