"""The one skorch subclass: what is trained, what predicts, and what callbacks and users see."""

from __future__ import annotations

import copy
import copyreg

import numpy as np
import torch
from skorch import NeuralNetClassifier

from ..inputs.tensors import rows_to_tensor, to_float
from .generators import single_precision
from .network import check_learns
from .optimizer import OPTIMIZERS, make_optimizer

__all__ = ["SSLNet", "make_net"]


class SSLNet(NeuralNetClassifier):
    """A skorch net whose criterion is a method: ``loss, parts = criterion(module, batch)``.

    `Training` trains it. It adds averaged weights, which predict, and predictions that need no
    more memory than their result.

    Parameters beyond skorch's
    --------------------------
    module : nn.Module
        It is trained itself.
    targets : ClassTargets or NumberTargets
        What outputs become for users.
    max_steps : int
    ema_decay : float or None
        With a number there is ``ema_module_``, the averaged network.
    precision : torch.dtype
        ``torch.float32``, or ``torch.bfloat16`` for autocast.
    patience : int or None
        Epochs without a better ``valid_loss`` after which training stops; the best weights
        are restored.

    Attributes
    ----------
    step_ : int
        Steps taken.
    stop_reason_ : {"max_steps", "early_stopping", "callback", "interrupted"}
    earlier_steps_ : int
        Steps of the fits before this one: the average goes on where it was.
    """

    def __init__(
        self, module, criterion, *, targets, max_steps, ema_decay, precision, patience, **kwargs
    ):
        self.targets = targets
        self.max_steps = max_steps
        self.ema_decay = ema_decay
        self.precision = precision
        self.patience = patience
        super().__init__(module, criterion=criterion, **kwargs)

    @property
    def _default_callbacks(self):
        return []

    # ---------------------------------------------------------------- set-up

    def initialize_module(self):
        self.step_, self.earlier_steps_, self.stop_reason_ = 0, 0, "interrupted"
        self.module_ = self.module
        self.module_.to(memory_format=torch.channels_last)  # of 4-D weights: faster convolutions
        if self.ema_decay is not None:
            self.ema_module_ = copy.deepcopy(self.module_).requires_grad_(False)
        return self

    def torch_compile(self, module, name):
        """Compile the trained network alone, and in place, so that its weights keep their names."""
        if self.compile and name == "module":
            module.compile()
        return module

    def initialize_criterion(self):
        self.criterion_ = copy.deepcopy(self.criterion)  # views may be modules of the user
        return self

    def take_running(self, previous):
        """Go on with what the loss of an earlier net had measured: the buffers in ``running``."""
        loss, earlier = self.criterion_, vars(previous).get("criterion_")  # a loaded net has none
        for name in getattr(loss, "running", ()):
            own, measured = getattr(loss, name), getattr(earlier, name, None)
            if own is not None and measured is not None:
                own.copy_(measured)

    def get_all_learnable_params(self):
        for owner in (self.module_, self.criterion_):
            yield from ((n, p) for n, p in owner.named_parameters() if p.requires_grad)

    def initialize_optimizer(self, *_):
        parameters, settings = (
            list(self.get_all_learnable_params()),
            self.get_params_for("optimizer"),
        )
        check_learns(self.module_, bool(parameters))
        device = torch.device(self.device)
        self.optimizer_ = make_optimizer(self.optimizer, parameters, self.lr, settings, device)
        return self

    # -------------------------------------------------------------- training

    def notify_batch(self, name, **kwargs):
        """`notify` for callbacks alone: skorch would also keep a record of every batch."""
        for _, callback in self.callbacks_:
            getattr(callback, name)(self, **kwargs)

    def autocast(self):
        """Context of the forward passes."""
        device = torch.device(self.device).type
        return torch.autocast(device, self.precision, enabled=self.precision != torch.float32)

    def _set_training(self, training=True):
        super()._set_training(training)
        if self.ema_decay is not None:
            self.ema_module_.eval()

    # ------------------------------------------------------------ prediction

    @property
    def predicting_module_(self):
        """The averaged module where there is one, else the trained one."""
        return self.module_ if self.ema_decay is None else self.ema_module_

    def copy_to_train(self):
        """Copy the predicting module, so that another estimator can go on from it as ``module``.

        The averages themselves have no gradients.

        Returns
        -------
        nn.Module
            A copy, in which those parameters learn that learned here.
        """
        copied = copy.deepcopy(self.predicting_module_)
        for own, trained in zip(copied.parameters(), self.module_.parameters(), strict=True):
            own.requires_grad_(trained.requires_grad)
        return copied

    @property
    def reads_sparse(self):
        """Whether the network takes sparse rows as they are: it says so, and is not compiled."""
        return getattr(self.module_, "reads_sparse", False) and not self.compile

    def forward_iter(self, X, training=False, device="cpu", call=None):
        """Yield outputs of ``call`` (default: the predicting module) for slices of X."""
        X = getattr(X, "X", X)  # a skorch Dataset holds its rows as X
        call = self.predicting_module_ if call is None else call
        if self.predicting_module_.training:
            self._set_training(False)
        size = max(self.batch_size, 1024 if X.ndim == 2 else 256)
        for start in range(0, X.shape[0], size):
            x = rows_to_tensor(X[start : start + size], self.reads_sparse)
            x = x.to(self.device, copy=True)
            x = to_float(x)  # of a copy: a module that works in place leaves the user's rows alone
            with torch.no_grad(), single_precision(), self.autocast():
                out = call(x)
                yield (out if out.dtype == torch.float64 else out.float()).to(device)

    def collect(self, X, call=None, then=None):
        """Outputs of `forward_iter`, or what ``then`` makes of them: float64 ndarray (n, ...).

        It is allocated once: with a list of small outputs between large temporaries, the memory
        of a prediction grew with the size of X.
        """
        outputs, start = None, 0
        for part in self.forward_iter(X, call=call):
            part = part if then is None else then(part)
            if outputs is None:
                outputs = np.empty((X.shape[0], *part.shape[1:]))
            outputs[start : start + len(part)] = part.numpy()
            start += len(part)
        return outputs

    def predict_proba(self, X):
        """Rows (n, ...) -> class probabilities (n, K), or outputs of a regressor, float64."""
        call = self._in_float64() if self.targets.needs_float64 else None
        return self.collect(X, call, self.targets.decode)

    def _in_float64(self):
        """The predicting module in float64, or as it is where it or its rows know no other number.

        In float32 the last digits of a row depend on how many rows are predicted with it.
        """
        module = self.predicting_module_
        if torch.device(self.device).type != "cpu" or self.reads_sparse:
            return module
        precise = copy.deepcopy(module).double()

        def call(x):
            try:
                return precise(x.double())
            except RuntimeError:  # it names float32 inside
                return module(x)

        return call

    def predict(self, X):
        """Rows (n, ...) -> codes of classes (n,), or outputs of a regressor: as targets are."""
        return self.targets.decide(self.predict_proba(X))

    # ---------------------------------------------------------------- copies

    def __reduce__(self):
        """All of it, for pickle, joblib and copies."""
        return copyreg.__newobj__, (type(self),), super().__getstate__()

    def __getstate__(self):
        """What predicts and goes on, as plain arrays: for skops, which knows no tensors.

        The estimator makes a net of it again, without optimizer, criterion and callbacks.
        """
        kept = {name: vars(self)[name] for name in ("step_", "earlier_steps_", "stop_reason_")}
        for name, module in (("trained", self.module_), ("predicting", self.predicting_module_)):
            kept[name] = {k: v.numpy(force=True) for k, v in module.state_dict().items()}
        return {"stored": kept}

    def __setstate__(self, state):
        if "stored" in state:
            vars(self).update(state)
        else:
            super().__setstate__(state)


def make_net(params, module, loss, targets, device, optimizer_settings=(), callbacks=()):
    """Make the net of an estimator with these parameters, not yet initialized."""
    precision = params.precision
    if precision == "auto":
        precision = "bfloat16" if device.type == "cuda" else "float32"
    return SSLNet(
        module,
        loss,
        targets=targets,
        max_steps=params.max_steps,
        ema_decay=params.ema_decay,
        precision=getattr(torch, precision),
        patience=10 if params.early_stopping is True else params.early_stopping or None,
        optimizer=OPTIMIZERS.get(params.optimizer, params.optimizer),
        lr=params.lr,
        batch_size=params.batch_size,
        train_split=None,
        callbacks=list(callbacks),
        use_caching=False,  # of batch predictions, for scoring callbacks: there are none
        classes=np.arange(targets.n_outputs),
        device=str(device),
        compile=params.compile,
        verbose=0,
        **{f"optimizer__{name}": value for name, value in dict(optimizer_settings).items()},
    )
