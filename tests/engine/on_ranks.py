"""What `test_ranks.py` runs on several processes: each writes what it saw into a file.

``torchrun on_ranks.py PART FOLDER`` calls the function of that name, and keeps what it returns;
with PART,PART those one after the other, as processes take seconds to start.
"""

import os
import signal
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import csr_matrix
from sklearn.datasets import load_digits
from skorch.callbacks import Callback
from torch import distributed, nn
from torch.nn.functional import cross_entropy

from sklearn_ssl import (
    FixMatchClassifier,
    FlexMatchClassifier,
    FreeMatchClassifier,
    LazyRows,
    MeanTeacherRegressor,
    PiModelClassifier,
    RankUpRegressor,
    SelfTrainingNet,
    SGANClassifier,
    SSLClassifier,
    TemporalEnsemblingClassifier,
    VAEClassifier,
    VATClassifier,
    hide_labels,
)
from sklearn_ssl.engine.batches import PairedBatches
from sklearn_ssl.engine.checkpoint import Checkpoint

NET = {"hidden_layer_sizes": (16,), "dropout": 0.3}
X, TRUTH = (a[:240] for a in load_digits(return_X_y=True))
X = X.astype(np.float32)
Y = hide_labels(TRUTH, 60, stratify="balanced", random_state=0)
NUMBERS = np.where(Y < 0, np.nan, Y)
SMALL = {"max_steps": 6, "batch_size": 8, "unlabeled_ratio": 2, "random_state": 0}
RANK = int(os.environ.get("RANK", 0))


class Plain(nn.Sequential):
    """Without BatchNorm and dropout: a step by hand is easy."""

    def __init__(self):
        super().__init__(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 10))


class Parted(nn.Module):
    """One layer for the first process alone, and one that is never used."""

    def __init__(self):
        super().__init__()
        self.all, self.first, self.none = nn.Linear(64, 10), nn.Linear(64, 10), nn.Linear(64, 10)

    def forward(self, x):
        out = self.all(x)
        return out + self.first(x) if RANK == 0 else out


class Counts(nn.Module):
    """A loss whose buffers are of every kind."""

    of_first, per_row = ("queue",), ("table",)

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("queue", torch.zeros(()))
        self.register_buffer("table", torch.zeros(len(X), 2))
        self.register_buffer("flag", torch.tensor(False))
        self.register_buffer("still", torch.tensor(0.1))

    def forward(self, model, batch):
        self.mean = torch.tensor(float(RANK))
        self.queue.fill_(RANK + 1.0)
        self.table[batch.i_u] = torch.tensor([RANK + 1.0, batch.t])
        self.flag = torch.tensor(RANK == 0)
        loss = cross_entropy(model(batch.x_l), batch.y_l)
        return loss, {"labeled_loss": loss, "rank": self.mean}


class CountingClassifier(SSLClassifier):
    """Fits `Counts`."""

    def _make_loss(self, rows):
        return Counts()


def seen(clf):
    """Everything that must be the same on all processes."""
    net = clf.net_
    state = {f"trained {k}": v for k, v in net.module_.state_dict().items()}
    state |= {f"predicts {k}": v for k, v in net.predicting_module_.state_dict().items()}
    state |= {f"loss {k}": v for k, v in net.criterion_.state_dict().items()}
    outputs = clf.predict_proba(X) if hasattr(clf, "predict_proba") else clf.predict(X)
    told = {"steps": clf.n_iter_, "reason": net.stop_reason_, "history": clf.history_}
    return {**told, "outputs": torch.from_numpy(outputs), **state}


def noted_rows():
    """Have the row numbers of every batch put into the list that is returned."""
    choose, noted = PairedBatches._choose, []

    def noting(self):
        chosen = choose(self)
        noted.append([part.clone() for part in chosen])
        return chosen

    PairedBatches._choose = noting
    return noted


def raised(fit):
    """What a fit raises, as text."""
    try:
        fit()
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return None


def methods(folder):
    """Fits of many kinds."""
    out, small, net = {}, SMALL, {**SMALL, "module_params": NET}
    out["fixmatch"] = seen(
        FixMatchClassifier(**net, distribution_alignment=True, validation_fraction=0.2).fit(X, Y)
    )
    out["freematch"] = seen(FreeMatchClassifier(**net).fit(X, Y))
    out["flexmatch"] = seen(FlexMatchClassifier(**net, threshold=0.05).fit(X, Y))
    out["ensembles"] = seen(TemporalEnsemblingClassifier(**net).fit(X, Y))
    out["gan"] = seen(SGANClassifier(**small).fit(X, Y))
    out["m2"] = seen(VAEClassifier(**small, objective="m2").fit(X, Y))
    out["m1+m2"] = seen(VAEClassifier(**small, objective="m1+m2").fit(X, Y))
    out["vat"] = seen(VATClassifier(**net).fit(X, Y))
    out["rankup"] = seen(RankUpRegressor(**net, rda=True).fit(X, NUMBERS))
    out["teacher"] = seen(MeanTeacherRegressor(**net).fit(X, NUMBERS))
    out["rounds"] = seen(SelfTrainingNet(**net, max_iter=1).fit(X, Y))
    more = FixMatchClassifier(**net, warm_start=True).fit(X, Y)
    out["warm"] = seen(more.fit(X, Y))
    out["partial"] = seen(more.partial_fit(X, Y))
    stop = {"validation_fraction": 0.3, "early_stopping": 1, "max_steps": 60, "lr": 0.5}
    out["stopped"] = seen(PiModelClassifier(**{**net, **stop}).fit(X, Y))
    out["no seed"] = seen(
        FixMatchClassifier(**{**net, "random_state": None, "class_prior": "estimate"}).fit(X, Y)
    )
    torch.manual_seed(RANK)  # a module of the user, which begins otherwise on each process
    out["module"] = seen(PiModelClassifier(**small, module=Plain()).fit(X, Y))
    out["lazy"] = seen(PiModelClassifier(**net).fit(LazyRows(list(X)), Y))
    out["sparse"] = seen(PiModelClassifier(**net).fit(csr_matrix(X), Y))
    gaps = np.where(np.arange(len(X))[:, None] % 7 == np.arange(64) % 7, np.nan, X)
    out["gaps"] = seen(PiModelClassifier(**net).fit(gaps, Y))
    return out


def pieces(folder):
    """What a step does, looked at closely."""
    out, net = {}, {**SMALL, "module_params": NET}
    torch.manual_seed(0)
    clf = PiModelClassifier(**{**SMALL, "max_steps": 1}, module=Parted(), ema_decay=None,
                            optimizer_params={"weight_decay": 0.5})  # fmt: skip
    out["parted"] = seen(clf.fit(X, Y))
    del out["parted"]["outputs"]  # which its processes cannot have in common
    out["parted"]["began"] = clf.module.state_dict()
    out["counts"] = seen(CountingClassifier(**{**net, "max_steps": 2}).fit(X, Y))
    out["by hand"] = one_step()
    return out


def one_step():
    """One step of a network without randomness, and what all batches held."""
    noted = noted_rows()
    torch.manual_seed(0)
    module = Plain()
    params = {**SMALL, "max_steps": 1, "unlabeled_weight": 0, "ema_decay": None, "lr": 0.5}
    labels_only = PiModelClassifier(
        **params, module=module, augment=lambda x, g: x, lr_schedule="constant",
        optimizer=torch.optim.SGD,
    )  # fmt: skip
    labels_only.fit(X, Y)
    picked = np.flatnonzero(Y >= 0)[noted[0][0].numpy()]
    after = {k: v.clone() for k, v in labels_only.net_.module_.state_dict().items()}
    loss = labels_only.history_[0]["loss"]
    return {"began": module.state_dict(), "after": after, "rows": picked, "loss": loss}


def errors(folder):
    """What each process raises where the last one alone is wrong, and that a fit works then."""
    last, out = distributed.get_world_size() - 1 == RANK, {}

    def failing(step, action, **changed):
        """An estimator that does something in a step, on the last process."""
        steps = [0]

        def view(x, generator):
            steps[0] += 1
            return action(x) if last and steps[0] == step else x

        return PiModelClassifier(**{**SMALL, "module_params": NET, "augment": view, **changed})

    def interrupted(x):
        signal.raise_signal(signal.SIGINT)
        return x

    out["in a step"] = raised(lambda: failing(4, lambda x: x[:0] + x / 0 @ x).fit(X, Y))
    out["nan"] = raised(lambda: failing(4, lambda x: x * torch.nan).fit(X, Y))
    clf = failing(4, interrupted, max_steps=20)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        clf.fit(X, Y)
    out["interrupted"], out["told"] = seen(clf), [str(w.message) for w in told]

    def fit(X=X, Y=Y, **changed):
        params = {**SMALL, "module_params": NET, **changed}
        return raised(lambda: PiModelClassifier(**params).fit(X, Y))

    fewer, infinity = Y.copy(), X.copy()
    fewer[np.flatnonzero(Y >= 0)[:3]] = -1
    infinity[7] = np.inf
    out["labels"] = fit(Y=fewer if last else Y)
    out["rows"] = fit(X=X + 1 if last else X)
    out["shape"] = fit(X=X[:, :60] if last else X)
    out["infinity"] = fit(X=infinity if last else X)
    out["lr"] = fit(lr=-1.0 if last else 0.1)
    out["seed"] = fit(random_state=RANK)
    out["folder"] = fit(checkpoint_dir=folder / "errors" if last else None)
    out["at the end"] = fit(callbacks=[AtTheEnd()] if last else None)
    out["works again"] = seen(failing(99, None).fit(X, Y))
    return out


class AtTheEnd(Callback):
    """Fails where training is over."""

    def on_train_end(self, net, **_):
        raise MemoryError("at the end")


LONG = {**SMALL, "max_steps": 40, "module_params": NET, "optimizer": "adam"}


def killed(folder):
    """Training whose first process is killed with its third checkpoint."""
    save, count = Checkpoint.save, [0]

    def saving(self, state):
        save(self, state)
        count[0] += 1
        if count[0] == 3:
            os.kill(os.getpid(), signal.SIGKILL)

    Checkpoint.save = saving
    FixMatchClassifier(**LONG, checkpoint_dir=folder / "kept").fit(X, Y)


def resumed(folder):
    """Training that goes on from there, and one that never stopped; what is drawn, and written."""
    out = {}
    out["whole"] = seen(FixMatchClassifier(**LONG).fit(X, Y))
    noted = noted_rows()
    kept = FixMatchClassifier(**LONG, checkpoint_dir=folder / ("nowhere" if RANK else "kept"),
                              verbose=1)  # fmt: skip
    out["resumed"] = seen(kept.fit(X, Y))
    out["drawn"] = noted
    out["again"] = seen(kept.fit(X, Y))
    out["epochs"] = [record["step"] for record in kept.history_]
    out["folder"] = (folder / "nowhere").exists()
    return out


def main():
    """Run parts, and keep what they return."""
    parts, folder = sys.argv[1].split(","), Path(sys.argv[2])
    torch.set_num_threads(1)
    distributed.init_process_group("gloo")
    for part in parts:
        torch.save(globals()[part](folder), folder / f"{part}-{RANK}.pt")
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
