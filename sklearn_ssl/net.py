"""The one skorch subclass: paired steps, averaged weights, a schedule counted in steps."""

from __future__ import annotations

import copy
import time
from contextlib import contextmanager
from fnmatch import fnmatch
from inspect import signature

import numpy as np
import torch
from skorch import NeuralNetClassifier
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import get_ema_multi_avg_fn

from .data import rows_to_tensor, to_float
from .schedules import warmed_ema_decay

OPTIMIZERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


@contextmanager
def still_statistics(model):
    """Leave BatchNorm's running statistics alone while rows pass that are not to count."""
    layers = [m for m in model.modules() if isinstance(m, _BatchNorm)]
    kept = [(m.running_mean, m.running_var, m.num_batches_tracked) for m in layers]
    for layer, (mean, var, count) in zip(layers, kept, strict=True):
        if mean is not None:
            layer.running_mean, layer.running_var = mean.clone(), var.clone()
            layer.num_batches_tracked = count.clone()
    try:
        yield
    finally:
        for layer, (mean, var, count) in zip(layers, kept, strict=True):
            layer.running_mean, layer.running_var = mean, var
            layer.num_batches_tracked = count


class _SSLNet(NeuralNetClassifier):
    """A skorch net whose criterion is the method: ``loss, parts = criterion(module, batch)``.

    It adds to skorch what semi-supervised training needs and nothing else. ``fit_loop`` takes
    a `PairedBatches` in place of X; losses are read from the device once an epoch.

    Parameters beyond skorch's
    --------------------------
    max_steps : int
    lr_schedule : callable t -> factor of ``lr``
    ema_decay : float or None
        With a number, ``ema_module_`` averages weights and floating buffers (BatchNorm's running
        statistics) alike, copies integer buffers, and is what predicts.
    precision : torch.dtype
        ``torch.float32``, or ``torch.bfloat16`` for autocast.
    valid : (X, y) or None
        Held-out labeled rows, scored with the predicting weights after every epoch.
    valid_scores : callable (outputs, targets) -> dict of float
        Those scores; ``valid_loss`` is one of them.
    patience : int or None
        Epochs without a better ``valid_loss`` after which training stops; the best weights
        are restored.
    checkpoint : Checkpoint or None
        Written after every epoch.

    Attributes
    ----------
    resumed_state : dict or None
        What a checkpoint held; training goes on from there.
    earlier_steps_ : int
        Steps of the fits before this one: the average goes on where it was.
    """

    def __init__(
        self,
        module,
        criterion,
        *,
        max_steps,
        lr_schedule,
        ema_decay=None,
        precision=torch.float32,
        valid=None,
        valid_scores=None,
        patience=None,
        checkpoint=None,
        **kwargs,
    ):
        self.max_steps = max_steps
        self.lr_schedule = lr_schedule
        self.ema_decay = ema_decay
        self.precision = precision
        self.valid = valid
        self.valid_scores = valid_scores
        self.patience = patience
        self.checkpoint = checkpoint
        super().__init__(module, criterion=criterion, **kwargs)

    @property
    def _default_callbacks(self):
        return []

    # ---------------------------------------------------------------- set-up

    def initialize_module(self):
        self.resumed_state, self.earlier_steps_ = None, 0
        if isinstance(self.module, nn.Module):
            self.module_ = copy.deepcopy(self.module)  # the user's own instance is never trained
        else:
            super().initialize_module()
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
        self.criterion_ = copy.deepcopy(self.criterion)
        return self

    def get_all_learnable_params(self):
        for owner in (self.module_, self.criterion_):
            yield from ((n, p) for n, p in owner.named_parameters() if p.requires_grad)

    def initialize_optimizer(self, *_):
        """Weight decay falls on weights alone: not on biases, not on BatchNorm."""
        kwargs = {"lr": self.lr, **self.get_params_for("optimizer")}
        own = kwargs.pop("param_groups", [])
        if not all(len(g) == 2 and isinstance(g[0], str) and isinstance(g[1], dict) for g in own):
            raise ValueError(
                f"param_groups must be a list of pairs (pattern, dict of settings), got {own!r}."
            )
        known = signature(self.optimizer).parameters
        for _, settings in own:
            if settings.get("lr", 0) < 0 or not settings.keys() <= known.keys():
                raise ValueError(
                    f"param_groups: {settings} does not fit {self.optimizer.__name__}, which takes "
                    f"{list(known)[1:]}, lr of at least 0."
                )
        patterns = [*own, ("*", {})]
        groups = [[{**own, "params": []}, {**own, "params": []}] for _, own in patterns]
        for name, parameter in self.get_all_learnable_params():
            first = next(i for i, (pattern, _) in enumerate(patterns) if fnmatch(name, pattern))
            groups[first][parameter.ndim <= 1]["params"].append(parameter)
        for (pattern, _), (decayed, plain) in zip(patterns[:-1], groups, strict=False):
            if not decayed["params"] + plain["params"]:
                names = sorted({n.split(".")[0] for n, _ in self.get_all_learnable_params()})
                raise ValueError(
                    f"param_groups: no parameter of the network matches {pattern!r}; their names "
                    f"begin with {names}."
                )
        for _, plain in groups:
            plain["weight_decay"] = 0.0
        groups = [group for pair in groups for group in pair]
        if self.optimizer in OPTIMIZERS.values():
            kwargs.setdefault("fused", torch.device(self.device).type in ("cpu", "cuda"))
        try:
            self.optimizer_ = self.optimizer([g for g in groups if g["params"]], **kwargs)
        except TypeError as error:
            name, known = self.optimizer.__name__, list(signature(self.optimizer).parameters)[1:]
            raise ValueError(
                f"optimizer_params do not fit {name}: {error}. It takes {known}."
            ) from error
        for group in self.optimizer_.param_groups:
            group["base_lr"] = group["lr"]
        return self

    # -------------------------------------------------------------- training

    def fit_loop(self, X, y=None, epochs=None, **_):
        self.step_, self.stop_reason_ = 0, "interrupted"  # until the loop ends by itself
        self._averaged = self._averaged_pairs()
        self._slow = self._slow_statistics()
        try:
            self._best, self._waited = None, 0
            self.stop_reason_ = self._resume(X) or self._run(X)
        finally:
            for layer, momentum in self._slow:
                layer.momentum = momentum
            del (
                self._averaged,
                self._slow,
                self._best,
                self._waited,
            )  # not to be pickled
        return self

    def _run(self, X):
        good = self._weights()
        reason = None
        while reason is None:
            self.notify("on_epoch_begin", dataset_train=None, dataset_valid=self._valid_set())
            self.run_single_epoch(X, training=True, prefix="train", step_fn=self.train_step)
            good = self._check_finite(good)
            self._validate()
            try:
                self.notify("on_epoch_end", dataset_train=None, dataset_valid=self._valid_set())
                asked = None
            except KeyboardInterrupt:  # how skorch's callbacks ask for a stop
                asked = "callback"
            reason = self._reason_to_stop(good) or asked
            if reason and self._best is not None:
                self._restore(self._best[1])
            if self.checkpoint is not None:
                self.checkpoint.save(self._state(X, reason))
        return reason

    def _reason_to_stop(self, weights):
        """Remember the best weights; say why training ends, if it does."""
        begin = getattr(self.criterion_, "counts_from", 0.0) * self.max_steps
        if self.patience is not None and self.step_ > begin:
            loss = self.history[-1, "valid_loss"]
            if self._best is None or loss < self._best[0]:
                self._best, self._waited = (loss, weights), 0
            else:
                self._waited += 1
            if self._waited >= self.patience:
                return "early_stopping"
        return "max_steps" if self.step_ >= self.max_steps else None

    def _state(self, batches, reason):
        """All that the rest of the training depends on, as tensors and plain values."""
        history = [
            {k: getattr(v, "item", lambda v=v: v)() for k, v in record.items() if k != "batches"}
            for record in self.history
        ]
        return {
            "step": self.step_,
            "reason": reason,
            "weights": self._weights(),
            "best": self._best,
            "waited": self._waited,
            "optimizer": self.optimizer_.state_dict(),
            "batches": batches.state_dict(),
            "history": history,
            "generator": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state(self.device) if self._on_cuda() else None,
        }

    def _resume(self, batches):
        """Take the state of a checkpoint, if any; return why its training ended, if it had."""
        state, self.resumed_state = self.resumed_state, None
        if state is None:
            return None
        self.step_, self._best, self._waited = state["step"], state["best"], state["waited"]
        self._restore(state["weights"])
        self.optimizer_.load_state_dict(state["optimizer"])
        batches.load_state_dict(state["batches"])
        for record in state["history"]:
            self.history.new_epoch()
            for name, value in record.items():
                self.history.record(name, value)
        torch.set_rng_state(state["generator"])
        if state["cuda"] is not None:
            torch.cuda.set_rng_state(state["cuda"], self.device)
        return state["reason"]

    def run_single_epoch(self, iterator, training, prefix, step_fn, **_):
        self._set_training(True)
        start, records, first = time.perf_counter(), [], self.step_
        try:
            for _ in range(min(iterator.steps_per_epoch, self.max_steps - self.step_)):
                batch = iterator.draw(self.step_ / self.max_steps)
                self.notify_batch("on_batch_begin", batch=batch, training=True)
                parts = step_fn(batch)
                records.append(parts)
                self.step_ += 1
                self.notify_batch("on_batch_end", batch=batch, training=True, **parts)
        finally:  # an interrupted epoch leaves its record too
            self._record(records, first, start)

    def notify_batch(self, name, **kwargs):
        """`notify` for callbacks alone: skorch would also keep a record of every batch."""
        for _, callback in self.callbacks_:
            getattr(callback, name)(self, **kwargs)

    def train_step(self, batch, **_):
        factor = self.lr_schedule(batch.t)
        for group in self.optimizer_.param_groups:
            group["lr"] = group["base_lr"] * factor
        for layer, momentum in self._slow:
            layer.momentum = max(momentum, 1 / (2 + self.earlier_steps_ + self.step_))
        self.optimizer_.zero_grad(set_to_none=True)
        if self.ema_decay is not None:
            batch = batch._replace(average=self.ema_module_)
        with self._autocast():
            loss, parts = self.criterion_(self.module_, batch)
        loss.backward()
        if self.callbacks_:
            named = list(self.get_all_learnable_params())
            self.notify_batch("on_grad_computed", named_parameters=named, batch=batch)
        self.optimizer_.step()
        self._average()
        return {"loss": loss.detach(), **parts}

    def _on_cuda(self):
        return torch.device(self.device).type == "cuda"

    def _autocast(self):
        device = torch.device(self.device).type
        return torch.autocast(device, self.precision, enabled=self.precision != torch.float32)

    def _slow_statistics(self):
        """BatchNorm layers of low momentum, warmed up like the averages: mean of what they saw."""
        layers = [m for m in self.module_.modules() if isinstance(m, _BatchNorm)]
        return [(m, m.momentum) for m in layers if m.momentum is not None and m.momentum < 0.1]

    def _averaged_pairs(self):
        """(averages, sources) of what is averaged, and of what is copied."""
        if self.ema_decay is None:
            return [], [], [], []
        new, old = self.module_.state_dict(), self.ema_module_.state_dict()
        floating = [k for k, v in new.items() if v.is_floating_point()]
        rest = [k for k in new if k not in set(floating)]
        return tuple([state[k] for k in keys] for keys in (floating, rest) for state in (old, new))

    @torch.no_grad()
    def _average(self):
        averages, sources, copies, originals = self._averaged
        if averages:
            decay = warmed_ema_decay(self.earlier_steps_ + self.step_, self.ema_decay)
            get_ema_multi_avg_fn(decay)(averages, sources, None)
            for copied, original in zip(copies, originals, strict=True):
                copied.copy_(original)

    def _record(self, records, first, start):
        """One read from the device for all losses of the epoch."""
        self.first_step_, self.first_bad_step_ = first, None
        record = {"step": self.step_, "lr": self.optimizer_.param_groups[0]["lr"]}
        if records:
            names = list(records[0])
            values = torch.stack(
                [torch.cat([r[name].float().reshape(-1) for name in names]) for r in records]
            )
            ends = np.cumsum([records[0][name].numel() for name in names])[:-1]
            columns = np.split(values.cpu().double().numpy(), ends, axis=1)
            bad = np.flatnonzero(~np.isfinite(columns[names.index("loss")][:, 0]))
            self.first_bad_step_ = first + int(bad[0]) if len(bad) else None
            for name, column in zip(names, columns, strict=True):
                mean = column.mean(0).tolist()
                record[name] = mean if records[0][name].ndim else mean[0]
        record["seconds"] = time.perf_counter() - start  # the device has caught up
        for name, value in record.items():
            self.history.record(name, value)

    def _stateful(self):
        averaged = [self.ema_module_] if self.ema_decay is not None else []
        return [self.module_, self.criterion_, *averaged]

    def _weights(self):
        return [{k: v.clone() for k, v in m.state_dict().items()} for m in self._stateful()]

    def _restore(self, weights):
        for module, state in zip(self._stateful(), weights, strict=True):
            module.load_state_dict(state)

    def _check_finite(self, good):
        """Return the weights if all is finite, else restore ``good`` and raise."""
        weights = self._weights()
        finite = all(v.isfinite().all() for state in weights for v in state.values())
        if self.first_bad_step_ is None and finite:
            return weights
        self._restore(good)
        step = self.step_ if self.first_bad_step_ is None else self.first_bad_step_
        raise FloatingPointError(
            f"The loss or a weight became NaN or infinite at step {step} of {self.max_steps} "
            f"(learning rate {self.history[-1, 'lr']:.3g}). The estimator keeps the weights of "
            f"step {self.first_step_}. Try a smaller lr, scaled features, or "
            "callbacks=[skorch.callbacks.GradientNormClipping(1.0)]."
        )

    def _valid_set(self):
        return None if self.valid is None else self.get_dataset(*self.valid)

    def _validate(self):
        if self.valid is None:
            return
        X, y = self.valid
        outputs = torch.from_numpy(self.collect(X)).float()
        for name, value in self.valid_scores(outputs, torch.from_numpy(y)).items():
            self.history.record(name, value)

    # ------------------------------------------------------------ prediction

    @property
    def predicting_module_(self):
        """The averaged module where there is one, else the trained one."""
        return self.module_ if self.ema_decay is None else self.ema_module_

    def _set_training(self, training=True):
        super()._set_training(training)
        if self.ema_decay is not None:
            self.ema_module_.eval()

    def forward_iter(self, X, training=False, device="cpu", call=None):
        """Yield outputs of ``call`` (default: the predicting module) for slices of X."""
        X = getattr(X, "X", X)  # a skorch Dataset holds its rows as X
        call = self.predicting_module_ if call is None else call
        self._set_training(False)
        size = max(self.batch_size, 1024 if X.ndim == 2 else 256)
        for start in range(0, X.shape[0], size):
            x = rows_to_tensor(X[start : start + size]).to(self.device, copy=True)
            x = to_float(x)  # of a copy: a module that works in place leaves the user's rows alone
            with torch.no_grad(), self._autocast():
                yield call(x).float().to(device)

    def collect(self, X, call=None):
        """Outputs of `forward_iter` as one float64 ndarray (n, ...).

        It is allocated once: with a list of small outputs between large temporaries, the memory
        of a prediction grew with the size of X.
        """
        outputs, start = None, 0
        for part in self.forward_iter(X, call=call):
            if outputs is None:
                outputs = np.empty((X.shape[0], *part.shape[1:]))
            outputs[start : start + len(part)] = part.numpy()
            start += len(part)
        return outputs

    def predict_proba(self, X):
        """Rows (n, ...) -> class probabilities (n, K), float64."""
        logits = torch.from_numpy(self.collect(X))
        return self.predict_nonlinearity(logits).numpy()
