"""The scikit-learn contract: parameters, validation, -1 for unlabeled, fit, predict, score."""

from __future__ import annotations

import inspect
import warnings
from dataclasses import dataclass
from numbers import Integral, Real
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import train_test_split
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_n_features, check_is_fitted, validate_data
from torch import nn
from torch.utils.data import Dataset

from .checkpoint import Checkpoint, digest
from .data import PairedBatches, has_target
from .lazy import LazyRows
from .moments import moments
from .net import OPTIMIZERS, _SSLNet
from .networks import CNN, MLP
from .progress import Progress, summary
from .schedules import cosine_7_16
from .sharing import save
from .validation import (
    check_callbacks,
    check_device,
    check_module,
    check_unit,
    check_weight,
    text_explained,
    to_float32,
    unchanged_if_refused,
    warn_of_channels_last,
)

__all__ = ["SSLEstimator"]

_NESTED = ("module", "optimizer")


@dataclass(kw_only=True, eq=False, repr=False)
class SSLEstimator(BaseEstimator):
    """Base of all estimators with a network: everything but the loss and the kind of target.

    A child is a dataclass, so that its signature is explicit and its ``__init__`` only assigns.
    It adds its own parameters as fields, changes a default by assigning the field again, and
    gives its loss in ``_make_loss``.

    Parameters
    ----------
    module : "auto", nn.Module class or instance, or callable, default="auto"
        The network: rows in float -> logits (n, K), or outputs (n, T) of a regressor. "auto" takes
        a multilayer perceptron for tables and a small convolutional network for images; both
        standardise inside. A class or function is called with ``module_params`` and, where its
        signature names them, with
        ``input_shape`` (tuple without the row axis), ``n_classes``, ``mean`` and ``scale``
        (tensors, of the training rows). An instance is copied, never changed.
    module_params : dict or None, default=None
        Keywords of the network; one of them is also spelt ``module__dropout=.1`` in ``set_params``
        and in grids. "auto" takes ``hidden_layer_sizes`` and ``dropout`` (tables), ``width`` and
        ``dropout`` (images).
    max_steps : int >= 1
        Optimizer steps of one fit, the budget in the papers' unit.
    batch_size : int >= 1, default=64
        Labeled rows a step, B; a row comes more than once where there are fewer. More than 1024 and
        than X has rows is cut to that.
    unlabeled_ratio : int >= 1
        Unlabeled rows a step for each labeled one, mu.
    unlabeled_weight : float >= 0, default=1.0
        Weight of the unlabeled loss, lambda_u. With 0 the unlabeled rows are left out altogether:
        the supervised net of the same network and budget.
    optimizer : {"sgd", "adam", "adamw"} or torch.optim.Optimizer class
        "sgd" runs with Nesterov momentum 0.9.
    lr : float > 0
        Learning rate at the first step.
    optimizer_params : dict or None, default=None
        More keywords of the optimizer, also spelt ``optimizer__weight_decay=...``. Weight decay
        leaves out biases and BatchNorm. ``param_groups=[("backbone.*", {"lr": 0.003})]`` gives
        the parameters whose names match a pattern settings of their own.
    ema_decay : float in [0, 1) or None
        Decay of the averaged weights, warmed up as min(ema_decay, (1 + step) / (10 + step)). The
        averages predict; BatchNorm's running statistics are averaged like weights. None: the
        weights of the last step predict.
    validation_fraction : float in (0, 1) or None, default=None
        Share of the labeled rows held out of training, stratified; their loss and accuracy are in
        ``history_``. With None and ``early_stopping``, 0.2.
    early_stopping : bool or int, default=False
        Stop when the validation loss has not fallen for this many epochs (True: 10), and go back
        to the best weights.
    callbacks : list of skorch callbacks or None, default=None
        Copied before use.
    device : str, default="auto"
        "auto" takes CUDA where there is one, else the CPU; or name any torch device.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        "auto" runs CUDA in bfloat16 autocast, all else in float32.
    warm_start : bool, default=False
        Start the next fit from the weights of the last one, with a new schedule and optimizer.
        The classes and the shape of the rows must be the same.
    verbose : int, default=0
        1 shows progress: a bar in a terminal or notebook if tqdm is installed, else, in a log for
        instance, a line for each tenth of the budget.
    random_state : int, RandomState or None, default=None
        Seeds everything. The same int on the same CPU gives the same weights, bit for bit. None
        takes fresh entropy. The global generators of torch and numpy are left as they were.
    checkpoint_dir : str, path or None, default=None
        Folder for the state of the fit, written after every epoch. A fit that was killed, repeated
        with the same data and parameters, goes on from there and ends with the same weights, bit
        for bit on a CPU; a finished one returns at once. Needs an int as ``random_state``. The
        state of ``callbacks`` is not kept.
    input_shape : tuple of int or None, default=None
        Shape in which the network sees each row, for images kept as 2-D rows: ``(1, 28, 28)``.
        Then all that wants 2-D X in scikit-learn works, and what comes back is 2-D too.
    compile : bool, default=False
        Train through ``torch.compile``, which takes a minute to start, pays in long fits, and needs
        a C++ compiler on a CPU. Results differ in the last digits.

    Attributes
    ----------
    n_features_in_, feature_names_in_
        As in scikit-learn; for images ``n_features_in_`` is the number of channels.
    n_iter_ : int
        Optimizer steps taken.
    history_ : list of dict
        One record an epoch (one pass over the unlabeled rows, or a hundredth of ``max_steps`` if
        that is longer): step, lr, loss and its parts, seconds, validation; with pseudo-labels
        ``pseudo_label_shares``, how many rows got one, by class, and their sum ``mask_rate``.
    net_ : skorch.NeuralNet
        The fitted net.
    """

    module: object = "auto"
    module_params: dict | None = None
    max_steps: int = 1000
    batch_size: int = 64
    unlabeled_ratio: int = 7
    unlabeled_weight: float = 1.0
    optimizer: object = "sgd"
    lr: float = 0.03
    optimizer_params: dict | None = None
    ema_decay: float | None = 0.999
    validation_fraction: float | None = None
    early_stopping: bool | int = False
    callbacks: list | None = None
    device: str = "auto"
    precision: str = "auto"
    warm_start: bool = False
    verbose: int = 0
    random_state: object = None
    checkpoint_dir: object = None
    input_shape: tuple | None = None
    compile: bool = False

    _labeled_rows_in_pool = False  # whether unlabeled batches are drawn from labeled rows too

    _parameter_constraints = {
        "module": [StrOptions({"auto"}), callable],
        "module_params": [dict, None],
        "max_steps": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "unlabeled_ratio": [Interval(Integral, 1, None, closed="left")],
        "unlabeled_weight": [Interval(Real, 0, None, closed="left")],
        "optimizer": [StrOptions(set(OPTIMIZERS)), callable],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "optimizer_params": [dict, None],
        "ema_decay": [Interval(Real, 0, 1, closed="left"), None],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither"), None],
        "early_stopping": ["boolean", Interval(Integral, 1, None, closed="left")],
        "callbacks": [list, None],
        "device": [str],
        "precision": [StrOptions({"auto", "float32", "bfloat16"})],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
        "checkpoint_dir": [str, PathLike, None],
        "input_shape": [tuple, list, None],
        "compile": ["boolean"],
    }
    _lr_schedule = staticmethod(cosine_7_16)

    # -------------------------------------- what a kind of target provides

    def _check_targets(self, X, y, weight, classes):
        """Check y, remember its classes or scale; return codes (n, ...) and weights (n,)."""
        raise NotImplementedError

    def _n_outputs(self):
        """Outputs of the network."""
        raise NotImplementedError

    def _strata(self, codes):
        """Return what held-out rows are stratified by, or None."""
        return None

    def _without_targets(self, codes, rows):
        """Return a copy of codes in which these rows are held out."""
        raise NotImplementedError

    def _transduce(self, X, codes, used):
        """Set what is known of all rows; ``used`` says which ones `_fit` was given."""
        raise NotImplementedError

    def _finish(self, net):
        """Make the net predict what users want, once it is trained."""
        self._prepare_to_predict(net)

    def _prepare_to_predict(self, net):
        """Set the net's last function."""

    # ------------------------------------------------- what a method provides

    def _make_loss(self, X, codes):
        """Return the method: an nn.Module with ``forward(model, batch) -> loss, parts``.

        X is an ndarray (n, ...); codes are the targets as `_check_targets` returns them, of a
        classifier int64 (n,) of 0..K-1, -1 for unlabeled and -2 for rows held out, not drawn.
        ``parts`` maps names to detached tensors for ``history_``: scalars, or vectors, which
        become lists.
        """
        raise NotImplementedError

    def _pool(self, codes):
        """Row numbers that unlabeled batches are drawn from; none where all rows are labeled."""
        unlabeled = ~has_target(codes)
        if self._labeled_rows_in_pool and unlabeled.any():
            return np.arange(len(codes))
        return np.flatnonzero(unlabeled)

    def _auto_module(self, input_shape):
        """Return the class that ``module="auto"`` stands for."""
        if len(input_shape) == 1:
            return MLP
        if len(input_shape) == 3:
            return CNN
        raise ValueError(
            f"module='auto' knows tables (n, features) and images (n, channels, height, width); "
            f"X has rows of shape {input_shape}. Give grey images a channel, X[:, None], or pass "
            "your own network as module."
        )

    # ----------------------------------------------------------- parameters

    def get_params(self, deep=True):
        """Get the parameters, with ``module__*`` and ``optimizer__*`` if deep.

        Parameters
        ----------
        deep : bool, default=True
            Whether to add the nested ones.

        Returns
        -------
        dict
            Names and values.
        """
        params = super().get_params(deep=deep)
        if deep:
            for prefix in _NESTED:
                nested = params[f"{prefix}_params"]
                nested = nested if isinstance(nested, dict) else {}
                params.update({f"{prefix}__{name}": value for name, value in nested.items()})
        return params

    def set_params(self, **params):
        """Set parameters; ``module__dropout=.1`` changes one entry of ``module_params``.

        Parameters
        ----------
        **params : dict
            Names and values; a misspelt name is an error.

        Returns
        -------
        self
            The estimator itself.

        Examples
        --------
        >>> from sklearn_ssl import FixMatchClassifier
        >>> FixMatchClassifier().set_params(module__dropout=0.1).module_params
        {'dropout': 0.1}
        """
        nested = {
            name: v for name, v in params.items() if name.split("__")[0] in _NESTED and "__" in name
        }
        super().set_params(**{name: v for name, v in params.items() if name not in nested})
        for name, value in nested.items():
            prefix, _, key = name.partition("__")
            setattr(
                self, f"{prefix}_params", {**(getattr(self, f"{prefix}_params") or {}), key: value}
            )
        return self

    # ----------------------------------------------------------------- fit

    @unchanged_if_refused
    def _checked_fit(self, X, y, sample_weight, classes=None, *, reset=True, warm):
        self._continues = warm and hasattr(self, "net_")
        X, codes, weight = self._check_fit_input(X, y, sample_weight, classes, reset)
        if warm and self.checkpoint_dir is not None and hasattr(self, "net_"):
            raise ValueError(
                "checkpoint_dir holds one fit from its start: go on from earlier weights "
                "(warm_start, partial_fit) with checkpoint_dir=None."
            )
        self._seed, self._warm = self._draw_seed(), warm
        used = weight > 0
        rows = slice(None) if used.all() else used  # a slice copies nothing
        labeled = has_target(codes[rows])
        trains = self.unlabeled_weight > 0
        self._n_rows = int(labeled.sum()), int((~labeled).sum()) if trains else 0
        self._n_held_out = 0  # of an earlier fit
        try:
            self._fit(X[rows], codes[rows], weight[rows])
        except BaseException:
            for name in ("transduction_", "label_distributions_"):  # of an earlier fit's rows
                vars(self).pop(name, None)
            raise
        self._transduce(X, codes, used)
        return self

    def _fit(self, X, codes, weight):
        """Fit on checked rows, class codes and weights; `_train` is the engine's one entrance."""
        if self.unlabeled_weight == 0:
            labeled = has_target(codes)
            X, weight, codes = X[labeled], weight[labeled], codes[labeled]
        self._train(X, codes, weight, self._pool(codes), self._make_loss, self._warm)

    def _train(self, X, codes, weight, pool, make_loss, warm, salt=0):
        """Train ``net_`` on labeled rows and a pool of row numbers.

        ``make_loss(X, codes)`` returns the method, of codes without those of held-out rows.
        ``warm`` starts from the weights of the present ``net_``; ``salt`` varies the seed.
        """
        seeds = self._seeds(salt)
        valid, codes, pool = self._hold_out(X, codes, pool, int(self._seeds(0)[0] % 2**32))
        self._n_held_out = 0 if valid is None else len(valid[1])
        device = check_device(self.device)
        cuda = [device] if device.type == "cuda" else []
        with torch.random.fork_rng(devices=cuda):
            torch.default_generator.manual_seed(int(seeds[1]))
            if cuda:  # torch.manual_seed would touch the generators of other devices too
                with torch.cuda.device(device):
                    torch.cuda.manual_seed(int(seeds[1]))
            elif device.type != "cpu":
                torch.manual_seed(int(seeds[1]))
            previous = self.__dict__.get("net_") if warm else None
            facts = self._module_facts(X)
            if previous is not None:
                facts.update({name: self._facts[name] for name in self._kept_facts()})
            self._facts = facts
            net = self._make_net(make_loss(X, codes), device, valid)
            batches = PairedBatches(
                X,
                codes,
                pool,
                weight=weight,
                batch_size=min(self.batch_size, max(1024, X.shape[0])),
                unlabeled_ratio=self.unlabeled_ratio,
                max_steps=self.max_steps,
                device=device,
                seed=int(seeds[2]),
            )
            net.max_epochs = -(-self.max_steps // batches.steps_per_epoch)
            net.initialize()
            if previous is not None:
                self._continue_from(net, previous)
            check_module(net.module_, batches.peek(), self._n_outputs(), self.batch_size)
            if self.checkpoint_dir is not None:
                net.checkpoint = self._checkpoint(net, salt, X, codes, weight, pool)
                net.resumed_state = net.checkpoint.load()  # refused while nothing is lost
            self.net_ = net  # from here on an interrupted or failed fit leaves an estimator
            self.history_ = []
            try:
                net.partial_fit(batches)
            finally:
                net._set_training(False)
                self._finish(net)
                net.valid = net.checkpoint = None  # rows of the user are not kept, nor pickled
                self.n_iter_ = net.step_
                self.history_ = [
                    {k: v for k, v in record.items() if k != "batches"}
                    for record in net.history
                    if "step" in record  # not in an epoch that ended before its first step
                ]
        if net.stop_reason_ == "interrupted":
            warnings.warn(
                f"Training was interrupted after step {net.step_} of {self.max_steps}; the "
                "estimator predicts with the weights it had reached.",
                stacklevel=3,
            )

    def _checkpoint(self, net, salt, X, codes, weight, pool):
        """Return the file of this training, which only an equal one may go on from."""
        skip = {"callbacks", "verbose", "checkpoint_dir"}
        params = {k: repr(v) for k, v in self.get_params(deep=False).items() if k not in skip}
        fingerprint = {
            "format": "2",
            "version of torch": str(torch.__version__),
            "device": str(net.device),
            "X": digest(X),
            "y or sample_weight": digest(codes, weight, pool),
            "method": digest(net.criterion_.state_dict()),
            "network": digest(net.module_.state_dict()),
            **{k: v if len(v) < 40 else digest(v) for k, v in params.items()},
        }
        return Checkpoint(
            Path(self.checkpoint_dir) / f"{type(self).__name__}-{salt}.pt", fingerprint
        )

    def _seeds(self, salt):
        """Three seeds of this fit, other ones for another salt."""
        return np.random.default_rng([self._seed, salt]).integers(2**63 - 1, size=3)

    def _draw_seed(self):
        """An int from random_state, leaving the global generators alone."""
        if self.random_state is None:
            return np.random.SeedSequence().entropy
        if isinstance(self.random_state, np.random.RandomState):
            return self.random_state.randint(2**31)
        return self.random_state

    def _wants_validation(self):
        return self.validation_fraction is not None or self.early_stopping is not False

    def _hold_out(self, X, codes, pool, seed):
        """Take validation rows out of the labels and out of the pool."""
        if not self._wants_validation():
            return None, codes, pool
        labeled = np.flatnonzero(has_target(codes))
        fraction = 0.2 if self.validation_fraction is None else self.validation_fraction
        strata = self._strata(codes[labeled])
        try:
            _, held = train_test_split(
                labeled, test_size=fraction, stratify=strata, random_state=seed
            )
        except ValueError as error:
            raise ValueError(
                f"validation_fraction={fraction} of {len(labeled)} labeled rows leaves too few "
                f"for each class in training or validation: {error} Give more labels, or train "
                "without validation_fraction, early_stopping and temperature_scaling."
            ) from None
        valid = (X[held], codes[held])
        return valid, self._without_targets(codes, held), pool[~np.isin(pool, held)]

    def _make_net(self, loss, device, valid=None):
        sgd = {"momentum": 0.9, "nesterov": True} if self.optimizer == "sgd" else {}
        optimizer_params = {**sgd, **(self.optimizer_params or {})}
        module, module_kwargs = self._network()
        precision = self.precision
        if precision == "auto":
            precision = "bfloat16" if device.type == "cuda" else "float32"
        patience = 10 if self.early_stopping is True else self.early_stopping or None
        callbacks = [clone(c, safe=False) for c in self.callbacks or []]
        if self.verbose:
            callbacks.append(Progress(self.max_steps))
        return _SSLNet(
            module,
            loss,
            max_steps=self.max_steps,
            lr_schedule=self._lr_schedule,
            ema_decay=self.ema_decay,
            precision=getattr(torch, precision),
            valid=valid,
            patience=patience,
            optimizer=OPTIMIZERS.get(self.optimizer, self.optimizer),
            lr=self.lr,
            batch_size=self.batch_size,
            train_split=None,
            callbacks=callbacks,
            valid_scores=self._valid_scores,
            predict_nonlinearity=self._nonlinearity,
            classes=np.arange(self._n_outputs()),
            device=str(device),
            compile=self.compile,
            verbose=0,
            **{f"module__{k}": v for k, v in module_kwargs.items()},
            **{f"optimizer__{k}": v for k, v in optimizer_params.items()},
        )

    def _network(self):
        """Return the network's class or instance, and its keywords."""
        module = self.module
        if isinstance(module, str):
            module = self._auto_module(self._facts["input_shape"])
        return module, self._module_kwargs(module)

    def _module_kwargs(self, module):
        """module_params, and what the data say as far as the network's signature asks for it."""
        params = self.module_params or {}
        if isinstance(module, nn.Module):
            if params:
                raise ValueError("module_params needs module to be a class, not an instance.")
            return {}
        named = inspect.signature(module).parameters
        known = {name: v for name, v in self._facts.items() if name in named}
        free = any(p.kind is p.VAR_KEYWORD for p in named.values())
        unknown = [name for name in params if name not in named and not free]
        if unknown:
            raise ValueError(
                f"{unknown} in module_params: not a parameter of {module.__name__}, which takes "
                f"{[name for name in named if name not in known]}."
            )
        return {**known, **params}

    def _module_facts(self, X):
        """What a network's signature may ask for by name."""
        mean, scale = moments(X)
        n_classes = self._n_outputs()
        return {"input_shape": X.shape[1:], "n_classes": n_classes, "mean": mean, "scale": scale}

    def _kept_facts(self):
        """Return which of them a continued fit takes from the first rows it saw."""
        return ["mean", "scale"]

    def _continue_from(self, net, previous):
        state = previous.module_.state_dict()
        try:
            net.module_.load_state_dict(state)
        except RuntimeError as error:
            raise ValueError(
                f"warm_start=True, but the earlier fit had other classes, rows or module: {error}"
            ) from None
        net.earlier_steps_ = previous.earlier_steps_ + previous.step_
        if net.ema_decay is not None:
            net.ema_module_.load_state_dict(previous.predicting_module_.state_dict())

    # ---------------------------------------------------------- validation

    def _check_fit_input(self, X, y, sample_weight, classes, reset):
        """Check all input and set what is known of it; return X, targets as codes, weights."""
        self._validate_params()
        check_device(self.device)
        check_callbacks(self.callbacks)
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None. Pass an array with -1 for unlabeled rows."
            )
        if self.checkpoint_dir is not None and not isinstance(self.random_state, Integral):
            raise ValueError(
                "checkpoint_dir needs an int as random_state, so that a repeated fit draws the "
                f"same batches; got {self.random_state!r}."
            )
        X = self._check_X(X, reset=reset)
        warn_of_channels_last(X)
        codes, weight = self._check_targets(X, y, check_weight(sample_weight, X), classes)
        return X, codes, weight

    def _check_X(self, X, reset):
        if isinstance(X, Dataset | LazyRows):
            X = X if isinstance(X, LazyRows) else LazyRows(X)
            if X.ndim < 2 or X.dtype.kind not in "buif":
                raise ValueError(f"Rows must be arrays of numbers, got {X!r} of dtype {X.dtype}.")
            _check_n_features(self, X, reset=reset)
        else:
            with text_explained():
                X = validate_data(
                    self, X, reset=reset, accept_sparse="csr", allow_nd=True, dtype="numeric"
                )
            X = to_float32(X)
        if self.input_shape is not None:
            shape = tuple(self.input_shape)
            if not isinstance(X, np.ndarray) or X.ndim != 2 or X.shape[1] != np.prod(shape):
                raise ValueError(
                    f"input_shape={shape} needs dense 2-D rows of {np.prod(shape)} columns, got "
                    f"{type(X).__name__} of shape {X.shape}."
                )
            X = X.reshape(len(X), *shape)
        continues = self.warm_start and hasattr(self, "net_")
        if reset and not continues:
            self.input_shape_, self._bytes = X.shape[1:], bool(X.dtype == np.uint8)
        if X.shape[1:] != self.input_shape_:
            raise ValueError(
                f"X has rows of shape {X.shape[1:]}, but {type(self).__name__} was fitted on rows "
                f"of shape {self.input_shape_}"
                + (", and warm_start=True continues that fit." if reset else ".")
            )
        check_unit(X, self._bytes)
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def __sklearn_is_fitted__(self):
        return hasattr(self, "net_")

    def _sk_visual_block_(self):
        """Return scikit-learn's own diagram, with a caption once there was a fit.

        Whatever fails here, scikit-learn shows the diagram without a caption.
        """
        from sklearn.pipeline import _VisualBlock  # whose own module moves between versions

        return _VisualBlock(
            "single",
            self,
            names=type(self).__name__,
            name_details=str(self),
            name_caption=summary(self),
        )

    # ---------------------------------------------------------- prediction

    def save(self, path):
        """Write the fitted estimator to one file that `sklearn_ssl.load` reads without executing.

        The training rows' labels, the state of the optimizer and callbacks are not in it. Needs
        safetensors.

        Parameters
        ----------
        path : str or path
            The file; one of that name is replaced.

        Examples
        --------
        >>> import tempfile
        >>> from sklearn.datasets import load_iris
        >>> from sklearn_ssl import FixMatchClassifier, load
        >>> X, y = load_iris(return_X_y=True)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     clf = FixMatchClassifier(max_steps=20, random_state=0).fit(X, y)
        ...     clf.save(f"{folder}/iris.safetensors")
        ...     same = load(f"{folder}/iris.safetensors")
        >>> bool((same.predict(X) == clf.predict(X)).all())
        True
        """
        save(self, path)

    def history_frame(self):
        """``history_`` as a pandas DataFrame, one row an epoch.

        Returns
        -------
        pandas.DataFrame
            Its columns are the keys of the records.

        Raises
        ------
        ImportError
            Without pandas.
        """
        check_is_fitted(self)
        try:
            import pandas
        except ImportError as error:
            raise ImportError("history_frame needs pandas: pip install pandas") from error
        return pandas.DataFrame(self.history_)
