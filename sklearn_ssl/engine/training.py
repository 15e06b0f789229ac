"""One fit of one network, from checked rows to a net that predicts."""

import time
from contextlib import contextmanager

import numpy as np
import torch

from .._warnings import warn
from ..inputs.checks import check_device
from ..schedules import lr_factor
from .averaging import SlowStatistics, WeightAverage
from .batches import PairedBatches
from .callbacks import copies, noted_interrupts
from .checkpoint import Checkpoint, check_folder
from .fingerprint import fingerprint, shared_data
from .generators import derived_seeds, private_state
from .net import make_net
from .network import check_network, start_network
from .optimizer import set_learning_rate
from .progress import Progress
from .ranks import Exchange, Ranks
from .state import State
from .supervised import SupervisedLoss

__all__ = ["Training"]


class Training:
    """One fit of one network.

    Parameters
    ----------
    estimator : SSLEstimator
        Its parameters are read, and its hooks called; nothing is set.
    rows : TrainingRows
    pool : ndarray of int
        Row numbers that unlabeled batches are drawn from; without any the engine's own
        `SupervisedLoss` trains, unless the method says otherwise.
    targets : ClassTargets or NumberTargets
    seed, number : int
        Of the fit, and of the training where one fit has several.
    previous : SSLNet or None
        The net whose weights training goes on from.

    Attributes
    ----------
    net : SSLNet
    ranks : Ranks
        The processes that train together; mostly one.

    Notes
    -----
    Order of calls: `prepared` seeds the global generators, makes loss, network, optimizer and
    batches, takes over earlier weights and reads the checkpoint; whatever is to be refused is
    refused there. `run` trains, epoch by epoch: steps, one read of the losses, validation,
    callbacks, checkpoint. `calibrate` and `history` come last. Within a step: learning rate,
    batch, loss, gradients, exchange with other processes, callbacks, optimizer, averages.
    """

    def __init__(self, estimator, rows, pool, targets, seed, previous, number):
        self.estimator, self.rows, self.pool, self.targets = estimator, rows, pool, targets
        self.previous, self.number = previous, number
        self.device = check_device(estimator.device)
        self.ranks = Ranks.of_fit()
        seeds = derived_seeds(seed, number, self.ranks.rank).tolist()
        _, self._network_seed, self._batch_seed = seeds

    # ---------------------------------------------------------------- before

    @contextmanager
    def prepared(self, make_loss):
        """Have everything ready, and randomness of the fit's own, while the context lasts."""
        with private_state(self.device, self._network_seed):
            self.net = self._make_net(make_loss)
            self.batches = self._make_batches()
            if self.previous is not None:
                self._continue_from(self.previous)
            self.ranks.must_agree(lambda: shared_data(self.net, self.rows, self.pool))
            self._state = State(self.net, self.batches, self.ranks)
            self._state.begin_alike()
            check_network(
                self.net.module_,
                self.batches.peek(),
                self.targets.n_outputs,
                self.estimator.batch_size,
            )
            self._average = None
            if self.net.ema_decay is not None:
                self._average = WeightAverage(
                    self.net.ema_module_, self.net.module_, self.net.ema_decay
                )
            self._statistics = SlowStatistics(self.net.module_)
            self._exchange = Exchange(self.ranks, self.net)
            self._valid = None
            if len(self.rows.y_held_out):
                self._valid = self.rows.X[self.rows.held_out], self.rows.y_held_out
            self._best, self._waited, self._callback_data = None, 0, None
            self._checkpoint = self._make_checkpoint()
            self._held = self.ranks.same(self._checkpoint and self._checkpoint.load())
            yield

    def _make_net(self, make_loss):
        given, summary = self.estimator, self.rows.summary
        self._lr_factor = lr_factor(given.lr_schedule)
        if len(self.pool) or not given._supervised_without_pool:
            loss = make_loss(self.rows)
        else:
            loss = SupervisedLoss(given._make_view(self.rows), self.targets.loss)
        network = given._make_network(summary)
        if self.previous is None:
            start_network(network, self.rows)
        sgd = {"momentum": 0.9, "nesterov": True} if given.optimizer == "sgd" else {}
        settings = {**sgd, **given._optimizer_settings()}
        callbacks = copies(given.callbacks)
        if given.verbose and self.ranks.rank == 0:
            callbacks.append(Progress(given.max_steps))
        return make_net(
            given, network, loss, self.targets, self.device, settings, callbacks
        ).initialize()

    def _make_batches(self):
        given, rows = self.estimator, self.rows
        return PairedBatches(
            rows.X,
            rows.y,
            rows.labeled,
            self.pool,
            weight=rows.weight,
            batch_size=min(given.batch_size, max(1024, rows.X.shape[0])),
            unlabeled_ratio=given.unlabeled_ratio,
            max_steps=given.max_steps,
            device=self.device,
            seed=self._batch_seed,
            sparse=self.net.reads_sparse,
            n_processes=self.ranks.size,
        )

    def _continue_from(self, previous):
        net, state = self.net, previous.module_.state_dict()
        try:
            net.module_.load_state_dict(state)
        except RuntimeError as error:
            raise ValueError(
                f"warm_start=True, but the earlier fit had other classes, rows or module: {error}"
            ) from None
        net.take_running(previous)
        net.earlier_steps_ = previous.earlier_steps_ + previous.step_
        if net.ema_decay is not None:
            net.ema_module_.load_state_dict(previous.predicting_module_.state_dict())

    def _make_checkpoint(self):
        """Return the file of this training, which only an equal one may go on from."""
        given = self.estimator
        if given.checkpoint_dir is None or self.ranks.rank > 0:
            return None
        path = check_folder(given.checkpoint_dir) / f"{type(given).__name__}-{self.number}.pt"
        return Checkpoint(path, fingerprint(given, self.net, self.rows, self.pool, self.ranks.size))

    # ---------------------------------------------------------------- during

    def run(self):
        """Train to the end of the budget, to where validation or a callback says, or to Ctrl-C.

        Raises
        ------
        FloatingPointError
            If the loss or a weight is no longer finite; the last good weights are restored.
        """
        net = self.net
        net.notify("on_train_begin", X=self.batches, y=None)
        try:
            reason, good = self._resume(), self._state.weights()
            while reason is None:
                net.notify("on_epoch_begin", **self._datasets())
                self._epoch()
                good = self._check_finite(good)
                self._validate()
                reason = self._end_epoch(good)
            net.stop_reason_ = reason
        except KeyboardInterrupt:
            pass  # stop_reason_ is "interrupted" until the loop ends by itself
        finally:
            self._statistics.end()
            net._set_training(False)
        net.notify("on_train_end", X=self.batches, y=None)
        if net.stop_reason_ == "interrupted":
            warn(
                f"Training was interrupted after step {net.step_} of {net.max_steps}; the "
                "estimator predicts with the weights it had reached."
            )

    def _epoch(self):
        net, records = self.net, []
        net._set_training(True)
        self._start, self._first_step = time.perf_counter(), net.step_
        try:
            for _ in range(min(self.batches.steps_per_epoch, net.max_steps - net.step_)):
                self._step(records)
        except BaseException as error:
            self.ranks.tell(error)  # who waits for this process in the next step
            raise
        finally:  # an interrupted epoch leaves its record too
            self._record(records)

    def _step(self, records):
        net = self.net
        batch = self.batches.draw(net.step_ / net.max_steps)
        net.notify_batch("on_batch_begin", batch=batch, training=True)
        set_learning_rate(net.optimizer_, self._lr_factor(batch.t))
        self._statistics.update(net.earlier_steps_ + net.step_)
        net.optimizer_.zero_grad(set_to_none=True)
        if self._average is not None:
            batch = batch._replace(average=net.ema_module_)
        with net.autocast():
            loss, parts = net.criterion_(net.module_, batch)
        loss.backward()
        self._exchange.after_backward(batch.i_u)
        if net.callbacks_:
            named = list(net.get_all_learnable_params())
            net.notify_batch("on_grad_computed", named_parameters=named, batch=batch)
        net.optimizer_.step()
        if self._average is not None:
            self._average.update(net.earlier_steps_ + net.step_)
        net.step_ += 1
        records.append({k: v.detach() for k, v in {"loss": loss, **parts}.items()})
        net.notify_batch(  # there are no predictions of batches
            "on_batch_end", batch=batch, training=True, y_pred=None, **records[-1]
        )

    def _record(self, records):
        """One read from the device for all losses of the epoch."""
        net, self._first_bad_step = self.net, None
        record = {"step": net.step_, "lr": net.optimizer_.param_groups[0]["lr"]}
        if records:
            names = list(records[0])
            values = torch.stack(
                [torch.cat([r[name].float().reshape(-1) for name in names]) for r in records]
            )
            self.ranks.any(later=True)
            self.ranks.mean_([values])
            ends = np.cumsum([records[0][name].numel() for name in names])[:-1]
            columns = np.split(values.cpu().double().numpy(), ends, axis=1)
            bad = np.flatnonzero(~np.isfinite(columns[names.index("loss")][:, 0]))
            self._first_bad_step = self._first_step + int(bad[0]) if len(bad) else None
            for name, column in zip(names, columns, strict=True):
                mean = column.mean(0).tolist()
                record[name] = mean if records[0][name].ndim else mean[0]
        record["seconds"] = time.perf_counter() - self._start  # the device has caught up
        for name, value in self.ranks.same(record, later=True).items():
            net.history.record(name, value)
        if net.callbacks_:  # skorch's Checkpoint names files after the last batch
            net.history.new_batch()
            net.history.record_batch("step", net.step_)

    def _check_finite(self, good):
        """Return the weights if all is finite, else restore ``good`` and raise."""
        net, weights = self.net, self._state.weights()
        values = [v for state in weights for v in state.values()]
        # a finite sum has finite terms, and costs a fifth of asking for each
        finite = torch.stack([v.sum().float() for v in values]).isfinite().all()
        finite = bool(finite) or all(v.isfinite().all() for v in values)
        if self._first_bad_step is None and not self.ranks.any(not finite):
            return weights
        self._state.restore(good)
        step = net.step_ if self._first_bad_step is None else self._first_bad_step
        raise FloatingPointError(
            f"The loss or a weight became NaN or infinite at step {step} of {net.max_steps} "
            f"(learning rate {net.history[-1, 'lr']:.3g}). The estimator keeps the weights of "
            f"step {self._first_step}. Try a smaller lr, scaled features, or "
            "callbacks=[skorch.callbacks.GradientNormClipping(1.0)]."
        )

    def _validate(self):
        if self._valid is None:
            return
        X, y = self._valid
        outputs = torch.from_numpy(self.net.collect(X)).float()
        scores = self.targets.scores(outputs, torch.from_numpy(y))
        for name, value in self.ranks.same(scores).items():
            self.net.history.record(name, value)
        if self.net.callbacks_ or self.estimator.verbose:  # what skorch's Checkpoint looks for
            losses = self.net.history[:, "valid_loss"]
            self.net.history.record("valid_loss_best", losses[-1] <= min(losses))

    def _datasets(self):
        """What callbacks are given to score on: labeled rows, and held-out ones."""
        if not self.net.callbacks_:
            return {"dataset_train": None, "dataset_valid": None}
        if self._callback_data is None:
            labeled = self.rows.labeled
            train = self.net.get_dataset(self.rows.X[labeled], self.rows.y[labeled])
            valid = None if self._valid is None else self.net.get_dataset(*self._valid)
            self._callback_data = {"dataset_train": train, "dataset_valid": valid}
        return self._callback_data

    def _end_epoch(self, weights):
        """Callbacks, early stopping, checkpoint: say why training ends, if it does."""
        asked = False
        with noted_interrupts() as interrupts:
            try:
                self.net.notify("on_epoch_end", **self._datasets())
            except KeyboardInterrupt:
                if interrupts:  # Ctrl-C; else a callback of skorch asks for a stop
                    raise
                asked = True
        asked = "callback" if self.ranks.any(asked) else None
        reason = self._reason_to_stop(weights) or asked
        if reason and self._best is not None:
            self._state.restore(self._best[1])
        if self.estimator.checkpoint_dir is not None:
            state = self._state.taken(reason=reason, best=self._best, waited=self._waited)
            if self._checkpoint is not None:
                self._checkpoint.save(state)
        return reason

    def _reason_to_stop(self, weights):
        """Remember the best weights; say why training ends, if it does."""
        net = self.net
        begin = getattr(net.criterion_, "counts_from", 0.0) * net.max_steps
        if net.patience is not None and net.step_ > begin:
            loss = net.history[-1, "valid_loss"]
            if self._best is None or loss < self._best[0]:
                self._best, self._waited = (loss, weights), 0
            else:
                self._waited += 1
            if self._waited >= net.patience:
                return "early_stopping"
        return "max_steps" if net.step_ >= net.max_steps else None

    def _resume(self):
        """Take the state of the checkpoint, if any; return why its training ended, if it had."""
        state, self._held = self._held, None
        if state is None:
            return None
        self._best, self._waited = state["best"], state["waited"]
        self._state.put_back(state)
        return state["reason"]

    # ----------------------------------------------------------------- after

    def calibrate(self):
        """Fit what turns outputs into probabilities to the held-out rows."""
        X, y = self._valid
        self.targets.calibrate(self.net.collect(X), y)

    def history(self):
        """Records of the epochs, each a dict."""
        return [
            {k: v for k, v in record.items() if k != "batches"}
            for record in self.net.history
            if "step" in record  # not in an epoch that ended before its first step
        ]
