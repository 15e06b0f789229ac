"""Everything that estimators with a network share: parameters, the way from fit to the engine."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral, Real
from os import PathLike

import numpy as np
from scipy.stats import loguniform, uniform
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ._parameters import NestedParametersMixin, ParameterTable
from .augment import unchanged
from .engine import (
    OPTIMIZERS,
    Diagram,
    Ranks,
    Training,
    build_network,
    check_callbacks,
    check_repeatable,
    derived_seeds,
    drawn_seed,
    few_threads,
    groups_within,
    seed_after,
    shared_parameters,
)
from .inputs.checks import (
    check_device,
    check_like_fitted,
    check_rows,
    check_weight,
    check_y_is_given,
    restored_if_refused,
    rows_for_network,
    warn_of_channels_last,
)
from .inputs.documents import are_documents, as_documents
from .inputs.lazy import LazyRows
from .inputs.offsets import find_offset
from .inputs.pool import forget_rows, pool_behind
from .inputs.rows import TrainingRows
from .inputs.summary import DataSummary
from .persistence import FilesMixin
from .schedules import LR_SCHEDULES

__all__ = ["SSLEstimator"]


class SSLEstimator(Diagram, FilesMixin, NestedParametersMixin, ParameterTable, BaseEstimator):
    """Base of all estimators with a network: everything but the loss and the kind of target.

    A child states its parameters as annotated fields with defaults, changes a default by assigning
    the name again, and adds its own ``_parameter_constraints``; ``ParameterTable`` does the rest.
    Of what follows it gives ``_make_loss``, and the others where it needs them:

    - ``_make_loss(rows)``: the method's loss, of ``TrainingRows``;
    - ``_make_view(rows)``: what labeled rows pass through in training; as they are;
    - ``_make_network(summary)``: the network, of a ``DataSummary``; that of ``module``;
    - ``_optimizer_settings(*parts)``: keywords of the optimizer; ``optimizer_params``;
    - ``_labeled_rows_in_pool``: whether unlabeled batches are drawn from labeled rows too; False;
    - ``_supervised_without_pool``: whether the engine's plain supervised loss trains where there
      are no unlabeled rows; True;
    - ``_train(rows, seed, previous)``: several rounds of training, see ``methods/rounds.py``; one;
    - ``_transduce(X, y, used)``: what is known of all rows after training.

    Parameters
    ----------
    module : "auto", nn.Module class or instance, or callable, default="auto"
        The network: rows in float -> logits (n, K), or outputs (n, T) of a regressor. "auto" takes
        a multilayer perceptron for tables, one for documents (word counts, tf-idf), and a small
        convolutional network for images; they standardise inside. A class or function is called
        with ``module_params`` and, where its signature names them, with ``input_shape`` (tuple
        without the row axis), ``n_classes``, ``mean`` and ``scale`` (tensors, of the training
        rows). An instance is copied, never changed.
    module_params : dict or None, default=None
        Keywords of the network. ``module__dropout=.1`` sets one of them in ``set_params`` and in
        grids. "auto" takes ``hidden_layer_sizes`` and ``dropout`` (tables), ``width`` and
        ``dropout`` (images).
    max_steps : int >= 1
        Optimizer steps of one fit, the budget in the papers' unit.
    batch_size : int >= 1, default=64
        Labeled rows in each step, B. Rows repeat if there are fewer labeled rows. A step never
        has more than max(1024, rows of X). Each of several processes draws B.
    unlabeled_ratio : int >= 1
        Unlabeled rows in each step for each labeled one, mu.
    unlabeled_weight : float >= 0, default=1.0
        Weight of the unlabeled loss, lambda_u. With 0 the unlabeled rows are left out altogether,
        which gives the supervised network of the same budget.
    optimizer : {"sgd", "adam", "adamw"} or torch.optim.Optimizer class
        "sgd" runs with Nesterov momentum 0.9.
    lr : float > 0
        Learning rate at the first step.
    lr_schedule : {"cosine", "linear", "constant"} or callable t -> factor, default="cosine"
        Factor of ``lr`` at progress t in [0, 1): cos(7 pi t / 16) as in FixMatch, 1 - t, 1, or
        your own function of a float.
    optimizer_params : dict or None, default=None
        More keywords of the optimizer, also written ``optimizer__weight_decay=...``. Weight decay
        leaves out biases and BatchNorm. ``param_groups=[("backbone.*", {"lr": 0.003})]`` gives
        their own settings to parameters whose names match a pattern.
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
        "auto" takes CUDA if it is available, else the CPU. Any torch device can be named.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        "auto" uses bfloat16 autocast on CUDA and float32 on other devices. On many images bfloat16
        is faster too on a CPU that multiplies in it (AMX), and far slower on others.
    warm_start : bool, default=False
        Start the next fit from the weights of the last one, with a new schedule and optimizer.
        The classes and the shape of the rows must be the same.
    verbose : int, default=0
        1 shows progress: a bar in a terminal or notebook if tqdm is installed, else a line for each
        tenth of the budget.
    random_state : int, RandomState or None, default=None
        Seeds everything. The same int on the same CPU, with the same number of torch threads, gives
        the same weights, bit for bit. None: fresh entropy. Global generators stay as they were.
    checkpoint_dir : str, path or None, default=None
        Folder for the state of the fit, written after every epoch. If a fit was killed, the same
        call continues from there and ends with the same weights, bit for bit on a CPU. If it was
        finished, the call returns at once. Needs an int as ``random_state``. The state of
        ``callbacks`` is not kept.
    input_shape : tuple of int or None, default=None
        Shape in which the network sees each row, for images kept as 2-D rows: ``(1, 28, 28)``.
        Tools of scikit-learn that need 2-D X then work, and returned rows are 2-D too.
    categorical_features : "from_dtype", array-like or None, default="from_dtype"
        Which columns of a table are categories: a mask, positions, or column names of a DataFrame.
        "from_dtype": columns of a DataFrame that hold text, booleans or categories. Numbers and
        categories may be missing. A value that ``fit`` has not seen is none of the known ones.
    documents : bool or "auto", default="auto"
        Whether rows are bags of words (counts or tf-idf weights), which have their own network and
        views. "auto" decides from the values, see ``docs/documents.md``.
    compile : bool, default=False
        Train through ``torch.compile``. It takes a minute to start, saves time in long fits, and
        needs a C++ compiler on a CPU. Results differ in the last digits.

    Attributes
    ----------
    n_features_in_, feature_names_in_
        As in scikit-learn; for images ``n_features_in_`` is the number of channels.
    input_kind_ : {"table", "mixed table", "documents", "images", "arrays"}
        Recognised kind of the rows. It determines the network and the views that are "auto".
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
    lr_schedule: object = "cosine"
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
    categorical_features: object = "from_dtype"
    documents: bool | str = "auto"
    compile: bool = False

    _parameter_constraints = {
        "module": [StrOptions({"auto"}), callable],
        "module_params": [dict, None],
        "max_steps": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "unlabeled_ratio": [Interval(Integral, 1, None, closed="left")],
        "unlabeled_weight": [Interval(Real, 0, None, closed="left")],
        "optimizer": [StrOptions(set(OPTIMIZERS)), callable],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "lr_schedule": [StrOptions(set(LR_SCHEDULES)), callable],
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
        "categorical_features": [StrOptions({"from_dtype"}), "array-like", None],
        "documents": ["boolean", StrOptions({"auto"})],
        "compile": ["boolean"],
    }
    _search_space = {
        "lr": loguniform(3e-3, 0.1),
        "unlabeled_weight": loguniform(0.1, 10),
        "optimizer__weight_decay": loguniform(1e-5, 1e-2),
        "module__dropout": uniform(0, 0.5),
    }
    __metadata_request__fit = __metadata_request__partial_fit = {"X_unlabeled": True}

    # ------------------------------------------------- what a method may say: see the class

    _labeled_rows_in_pool = False
    _supervised_without_pool = True

    def _make_loss(self, rows):
        """Return the method: an nn.Module with ``forward(model, batch) -> loss, parts``.

        ``parts`` maps names to tensors for ``history_``: scalars, or vectors, which become lists.
        """
        raise NotImplementedError

    def _make_view(self, rows):
        """Return the view of labeled rows: callable ``(x, generator) -> x``."""
        return unchanged

    def _make_network(self, summary, automatic=None, **told):
        """Return a new network: rows (n, ...) -> (n, summary.n_classes).

        ``automatic`` is the class that "auto" stands for, where it is not that for tables or
        images, and ``told`` more of what a network may ask for by name.
        """
        known = {**summary.for_signature(), **told}
        return build_network(self.module, self.module_params, known, automatic, summary.documents)

    def _optimizer_settings(self, *parts):
        """Return keywords of the optimizer, and ``param_groups``.

        ``parts`` name what holds the user's ``module`` in a network with more: its groups are
        for the parameters of those.
        """
        settings = dict(self.optimizer_params or {})
        groups = groups_within(parts, settings.get("param_groups", []))
        return {**settings, "param_groups": groups}

    def _transduce(self, X, y, used):
        """Set what is known of all rows X of codes y; ``used`` says which the fit has seen."""
        raise NotImplementedError

    # ----------------------------------------------------------------- fit

    def _fit(self, X, y, sample_weight, X_unlabeled, targets, previous, *, reset=True):
        """Check, encode, train, and say what is known of all rows.

        ``targets`` encode y; ``previous`` is the net that training continues from, or None.
        """
        stacked = pool_behind(self, X, X_unlabeled, apart=True)
        with few_threads(), restored_if_refused(self), stacked as (X, n_pool):
            self._check_parameters(previous)
            check_y_is_given(self, y is not None)
            known = None if previous is None else self._summary
            X = check_rows(self, X, reset, known)
            if known is not None:
                check_like_fitted(self, X, known, continues=reset)
            warn_of_channels_last(X)
            seed = Ranks.of_fit().same(drawn_seed(self.random_state))
            hold_out_seed = int(derived_seeds(seed)[0] % 2**32)
            if not reset:
                seed = seed_after(seed, previous.earlier_steps_ + previous.step_)
            encoded = targets.encode(
                y,
                check_weight(sample_weight, X.shape[0] - n_pool),
                n_pool,
                self._validation_share(),
                hold_out_seed,
            )
            used = encoded.weight > 0
            in_training = used if self.unlabeled_weight > 0 else used & encoded.labeled
            offset = find_offset(X, in_training) if known is None else known.offset
            X = rows_for_network(self, X, offset)
            rows = self._training_rows(X, encoded, in_training, targets, known, offset)
            self._targets, self._summary = targets, rows.summary
            self.input_kind_ = rows.summary.kind
            try:
                self._train(rows, seed, previous)
            except BaseException:
                forget_rows(self)
                raise
            codes = encoded.y
            del encoded, rows  # 80 MB of weights where rows are 10 million
            self._transduce(X, codes, used)
        return self

    def _training_rows(self, X, encoded, used, targets, known, offset):
        documents = are_documents(X, self.documents) if known is None else known.documents
        X = as_documents(X) if documents and not isinstance(X, LazyRows) else X
        X = X if used.all() else X[used]  # which copies
        known = known or DataSummary.of(X, targets.n_outputs, offset, documents)
        n_labeled = int(encoded.labeled[used].sum())
        summary = replace(
            known,
            n_labeled=n_labeled,
            n_unlabeled=int(used.sum()) - n_labeled,
            n_held_out=int(encoded.held_out[used].sum()),
        )
        return TrainingRows.of(X, encoded, used, targets.missing, summary)

    def _train(self, rows, seed, previous, *, make_loss=None, pool=None, number=0):
        """Train ``net_``: the engine's one entrance.

        ``make_loss`` stands for `_make_loss`; ``pool`` holds the row numbers that unlabeled
        batches are drawn from; ``number`` varies the seed, and names the checkpoint, of one of
        several trainings.
        """
        if pool is None:
            unlabeled = rows.unlabeled
            wide = self._labeled_rows_in_pool and unlabeled.any()
            pool = np.flatnonzero(~rows.held_out if wide else unlabeled)
        training = Training(self, rows, pool, self._targets, seed, previous, number)
        with training.prepared(make_loss or self._make_loss):
            self.net_ = (
                training.net
            )  # from here on an interrupted or failed fit leaves an estimator
            self.history_ = []
            try:
                training.run()
            finally:
                if getattr(self, "temperature_scaling", False):
                    training.calibrate()
                self.n_iter_, self.history_ = training.net.step_, training.history()

    def _validation_share(self):
        """Share of the labeled rows to hold out, or None."""
        wanted = self.early_stopping is not False or getattr(self, "temperature_scaling", False)
        return 0.2 if self.validation_fraction is None and wanted else self.validation_fraction

    # ---------------------------------------------------------- validation

    def _check_parameters(self, previous):
        Ranks.of_fit().must_agree(lambda: shared_parameters(self))
        self._validate_params()
        check_device(self.device)
        check_callbacks(self.callbacks, self._validation_share() is not None)
        check_repeatable(self, previous)

    def _check_X(self, X):
        """Check rows that come after `fit`; return them as the network gets them."""
        X = check_rows(self, X, False, self._summary)
        check_like_fitted(self, X, self._summary)
        return rows_for_network(self, X, self._summary.offset)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = tags.input_tags.allow_nan = tags.input_tags.categorical = True
        return tags

    def __sklearn_is_fitted__(self):
        return hasattr(self, "net_")

    # ------------------------------------------------------------- history

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
