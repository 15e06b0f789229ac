"""Kinds of target: what y becomes for training, and what outputs become for users.

A kind has ``encode`` (y -> `EncodedTargets`), ``loss`` and ``scores`` (of outputs), ``calibrate``
and ``decode`` (outputs -> what users get), and ``n_outputs``.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import check_array, check_consistent_length
from torch import nn

from .._warnings import warn
from .class_prior import read_class_prior, shifted
from .classes import check_labels, warn_of_encoded
from .from_torch import to_numpy
from .labels import LABELS_FIRST, as_label_array, is_labeled
from .rows import EncodedTargets

__all__ = ["ClassTargets", "NumberTargets", "as_numbers", "masked_mse", "numbers_behind"]


def hold_out(labeled, strata, fraction, seed):
    """Choose labeled rows to validate on, by ``strata`` of those: ndarray of bool (n,)."""
    held_out = np.zeros(len(labeled), dtype=bool)
    if fraction is None:
        return held_out
    rows = np.flatnonzero(labeled)
    try:
        _, held = train_test_split(rows, test_size=fraction, stratify=strata, random_state=seed)
    except ValueError as error:
        raise ValueError(
            f"Holding out {fraction:g} of {len(rows)} labeled rows leaves too few of each class in "
            f"training or validation: {str(error).rstrip('.')}. Set another validation_fraction, "
            "give more labels, or train without validation_fraction, early_stopping and "
            "temperature_scaling."
        ) from None
    held_out[held] = True
    return held_out


@dataclass
class ClassTargets:
    """Classes of any kind as codes; outputs are logits, and users get probabilities.

    Parameters
    ----------
    unlabeled_label, class_weight, class_prior
        As in `SSLClassifier`.
    classes : ndarray or None
        All classes, where y alone does not say.
    earlier : ClassTargets or None
        Those of the fit that this one continues, which must have the same classes.

    Attributes
    ----------
    classes : ndarray of shape (K,), sorted
    temperature : float >= 1
        By which logits are divided.
    prior : ndarray of shape (K,)
        Shares of the classes: given, or those among the labels.
    shift : ndarray of shape (K,), or None
        What is added to log-probabilities, so that they have the shares that are given.
    learned : ndarray of shape (K,)
        Shares of the classes among what labeled batches draw.
    """

    unlabeled_label: object = -1
    class_weight: object = None
    class_prior: object = field(default="labels", repr=False)
    classes: np.ndarray | None = None
    earlier: "ClassTargets | None" = field(default=None, repr=False)
    temperature: float = 1.0
    prior: np.ndarray | None = None
    shift: np.ndarray | None = None
    learned: np.ndarray | None = field(default=None, repr=False)

    missing, needs_float64 = -1, False

    @property
    def n_outputs(self):
        """K."""
        return len(self.classes)

    def encode(self, y, weight, n_unlabeled=0, validation_fraction=None, seed=0):
        """Check y; return `EncodedTargets`, with codes (n,) and -1 for unlabeled.

        ``n_unlabeled`` rows without a label come behind.
        """
        self.classes, codes, weight = check_labels(
            y,
            weight,
            unlabeled_label=self.unlabeled_label,
            class_weight=self.class_weight,
            classes=self.classes,
        )
        if not n_unlabeled:
            warn_of_encoded(codes, self.classes)
        earlier, self.earlier = self.earlier, None
        if earlier is not None and not np.array_equal(self.classes, earlier.classes):
            raise ValueError(
                "warm_start=True, but the earlier fit had other classes: "
                f"{earlier.classes}, and now {self.classes}."
            )
        labeled = codes >= 0
        held_out = hold_out(labeled, codes[labeled], validation_fraction, seed)
        given = read_class_prior(self.class_prior, self.classes)
        self.prior = _shares(codes[labeled], None, self.n_outputs)
        self.learned = _shares(codes[labeled], weight[labeled], self.n_outputs)
        encoded = EncodedTargets(codes, labeled, weight, held_out, given)
        return encoded.with_unlabeled(n_unlabeled, self.missing)

    def match(self, p, pool):
        """Let predictions have the shares that are given; from now on `decode` does.

        Parameters
        ----------
        p : ndarray of shape (n, K)
            Distributions of rows.
        pool : ndarray of bool, shape (n,)
            Those whose mean is to be the prior.

        Returns
        -------
        ndarray of shape (n, K)
            Distributions with these shares.
        """
        given = read_class_prior(self.class_prior, self.classes)
        if given is None:
            return p
        self.prior, self.shift = given.shift(p[pool], self.learned)
        return self.matched(p)

    def matched(self, p):
        """Distributions (n, K) with the shift that `match` has found."""
        return p if self.shift is None else shifted(p, self.shift)

    @staticmethod
    def loss(logits, codes):
        """Mean cross-entropy: (n, K), (n,) -> ()."""
        return nn.functional.cross_entropy(logits, codes)

    def scores(self, logits, codes):
        """What validation records: loss and accuracy."""
        accuracy = (logits.argmax(1) == codes).float().mean()
        return {"valid_loss": float(self.loss(logits, codes)), "valid_acc": float(accuracy)}

    def calibrate(self, logits, codes):
        """Set the temperature from 1 on that minimises the loss of held-out rows.

        A few rows that are all right would ask for a temperature of 0, and certainty everywhere.
        """
        logits, codes = torch.from_numpy(logits), torch.from_numpy(codes)
        best = minimize_scalar(
            lambda log_temperature: float(self.loss(logits / np.exp(log_temperature), codes)),
            bounds=(0.0, 4.0),
            method="bounded",
        )
        self.temperature = float(np.exp(best.x))

    def check(self, summary):
        """Refuse values that no fit leaves, as a forged file may hold."""
        shape = (summary.n_classes,)
        ok = isinstance(self.classes, np.ndarray) and self.classes.shape == shape
        for values in (self.prior, self.shift):  # files of earlier versions have neither
            array = isinstance(values, np.ndarray) and values.shape == shape
            ok &= values is None or (array and bool(np.isfinite(values).all()))
        if not ok or not 1 <= self.temperature < np.inf:
            raise ValueError("classes, their shares or temperature are not those of a fit")

    @staticmethod
    def decide(probabilities):
        """Codes of the most probable classes: ndarray (n, K) -> (n,)."""
        return probabilities.argmax(1)

    def decode(self, logits):
        """Probabilities in float64: tensor (n, K) -> (n, K)."""
        logits = logits.double() / self.temperature
        if self.shift is not None:
            logits = logits + torch.from_numpy(self.shift)
        return torch.softmax(logits, dim=1)

    def told(self, logits):
        """What users get, in float32: tensor (n, K) -> (n, K)."""
        logits = logits / self.temperature
        if self.shift is not None:
            logits = logits + torch.as_tensor(self.shift, dtype=logits.dtype)
        return torch.softmax(logits, dim=1)


def _shares(codes, weight, n_classes):
    counts = np.bincount(codes, weight, n_classes)
    return counts / counts.sum()


def masked_mse(outputs, targets):
    """Mean squared error over targets that are no NaN: (n, T), (n, T) -> (), 0 without any."""
    known = targets.isfinite()
    error = (outputs.float() - targets.nan_to_num()).square() * known
    return error.sum() / known.sum().clamp_min(1)


def as_numbers(y):
    """Return numbers to predict as float64 (n,) or (n, T): NaN for whatever is missing in y."""
    y = to_numpy(y)
    masked = isinstance(y, np.ma.MaskedArray)
    values = as_label_array(y) if masked else np.asarray(y)
    text = [v for v in values.ravel().tolist() if isinstance(v, str)] if values.ndim else []
    if text:
        raise ValueError(
            f"y holds text ({text[0]!r}), and a regressor needs numbers; NaN or None marks an "
            "unlabeled row."
        )
    if values.dtype.kind == "O" and values.ndim:
        y = np.where(is_labeled(values, None).reshape(values.shape), values, np.nan)
    elif masked:
        y = values
    return check_array(
        y, dtype=np.float64, ensure_2d=False, ensure_all_finite="allow-nan", input_name="y"
    )


def numbers_behind(y, n):
    """Numbers (m,) or (m, T), and n unknown ones behind them."""
    y = as_numbers(y)
    return np.concatenate([y, np.full((n, *y.shape[1:]), np.nan)])


def _warn_of_minus_ones(y):
    """Tell of targets (n, T) of which so many are exactly -1 that it looks like a mark.

    That is a fifth of them and twice as many as any other number. Signs, -1 and 1, are none.
    """
    for column in y.T:
        values, counts = np.unique(column[np.isfinite(column)], return_counts=True)
        found, others = counts[values == -1].sum(), counts[values != -1]
        if np.isin(values, (-1, 1)).all() or found < max(5, 2 * others.max()):
            continue
        if found > 0.2 * counts.sum():
            warn(
                f"{found / counts.sum():.0%} of the targets are exactly -1. If -1 marks unlabeled "
                "rows, write NaN in its place: -1 is a number like any other here."
            )
            return


@dataclass
class NumberTargets:
    """Numbers in standard deviations of the labeled rows, NaN for unlabeled; users get their unit.

    Parameters
    ----------
    earlier : NumberTargets or None
        Those of the fit that this one continues, whose unit stays.

    Attributes
    ----------
    mean, scale : ndarray of shape (T,)
    is_flat : bool
        Whether y was 1-D.
    """

    earlier: "NumberTargets | None" = field(default=None, repr=False)
    mean: np.ndarray | None = None
    scale: np.ndarray | None = None
    is_flat: bool = True

    missing, needs_float64 = np.nan, True

    @property
    def n_outputs(self):
        """T."""
        return len(self.mean)

    def encode(self, y, weight, n_unlabeled=0, validation_fraction=None, seed=0):
        """Check y; return `EncodedTargets`, with numbers (n, T) and NaN for unlabeled.

        ``n_unlabeled`` rows without a target come behind.
        """
        y = as_numbers(y)
        check_consistent_length(weight, y)
        self.is_flat, y = y.ndim == 1, y.reshape(len(y), -1)
        labeled = np.isfinite(y).any(1) & (weight > 0)
        if not labeled.any():
            raise ValueError(f"No row is labeled: every y is NaN, or has weight 0. {LABELS_FIRST}")
        _warn_of_minus_ones(y[labeled])
        earlier, self.earlier = self.earlier, None
        if earlier is not None:
            if y.shape[1] != earlier.n_outputs:
                raise ValueError(f"y has {y.shape[1]} outputs, and had {earlier.n_outputs} before.")
            self.mean, self.scale, self.is_flat = earlier.mean, earlier.scale, earlier.is_flat
        else:
            self._set_unit(y[labeled])
        targets = self.in_own_units(y)
        targets[~labeled] = np.nan
        held_out = hold_out(labeled, None, validation_fraction, seed)
        encoded = EncodedTargets(targets, labeled, weight, held_out)
        return encoded.with_unlabeled(n_unlabeled, self.missing)

    def _set_unit(self, y):
        known = np.isfinite(y)
        if not known.any(0).all():
            missing = np.flatnonzero(~known.any(0)).tolist()
            raise ValueError(f"Outputs {missing} of y have no known target.")
        # in units of powers of two, which change no digit: 1e300 and 1e-300 cannot be squared
        unit = np.ldexp(1.0, np.frexp(np.nanmax(np.abs(y), axis=0))[1] - 1)
        self.mean, scale = np.nanmean(y / unit, axis=0) * unit, np.nanstd(y / unit, axis=0) * unit
        self.scale = np.where(scale > 0, scale, 1.0)

    loss = staticmethod(masked_mse)

    def scores(self, outputs, targets):
        """What validation records, in units of the variance of the labels."""
        return {"valid_loss": float(self.loss(outputs, targets))}

    def check(self, summary):
        """Refuse values that no fit leaves, as a forged file may hold."""
        for values in (self.mean, self.scale):
            ok = isinstance(values, np.ndarray) and values.shape == (summary.n_classes,)
            if not ok or not np.isfinite(values).all():
                raise ValueError("mean or scale of the targets are not those of a fit")

    @staticmethod
    def decide(outputs):
        """Outputs as they are: ndarray (n, T), or (n,) where T is 1."""
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    def decode(self, outputs):
        """Outputs as they are, in float64: tensor (n, T) -> (n, T)."""
        return outputs.double()

    def told(self, outputs):
        """What users get: tensor (n, T) -> (n,) or (n, T), in float64."""
        values = outputs.double() * torch.as_tensor(self.scale) + torch.as_tensor(self.mean)
        return values[:, 0] if self.is_flat else values

    def in_own_units(self, values):
        """Numbers in units of y (n, T) -> encoded (n, T)."""
        return (values - self.mean) / self.scale

    def in_units_of_y(self, targets):
        """Encoded targets or outputs (n, T) -> ndarray (n,) or (n, T), as y was."""
        values = targets * self.scale + self.mean
        return values[:, 0] if self.is_flat else values
