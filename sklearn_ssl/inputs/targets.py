"""Kinds of target: what y becomes for training, and what outputs become for users.

A kind has ``encode`` (y -> codes, weights, which rows are held out), ``loss`` and ``scores`` (of
outputs), ``calibrate`` and ``decode`` (outputs -> what users get), and ``n_outputs``. Codes are
float or int; `has_target` says which rows have one.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import check_array, check_consistent_length
from torch import nn

from .._warnings import warn
from .checks import check_labels
from .summary import DataSummary
from .tensors import from_tensor

__all__ = ["ClassTargets", "NumberTargets", "TrainingRows", "has_target", "masked_mse"]


def has_target(y):
    """Which rows have a target: codes from 0 on, or any number among float targets (n, T)."""
    return np.isfinite(y).any(1) if y.dtype.kind == "f" else y >= 0


@dataclass(frozen=True)
class TrainingRows:
    """The rows of one fit, as methods see them.

    Attributes
    ----------
    X : ndarray of shape (n, ...), CSR matrix or LazyRows
        The rows, checked.
    y : ndarray of shape (n,) of int64, or (n, T) of float
        Class codes 0..K-1, and -1 where there is no label to train on; of a regressor targets in
        standard deviations, and NaN.
    weight : ndarray of shape (n,)
        Above 0.
    held_out : ndarray of bool, shape (n,)
        Rows set aside to validate on. They are neither labeled nor unlabeled.
    y_held_out : ndarray of shape (m, ...)
        Their targets.
    summary : DataSummary
    """

    X: object
    y: np.ndarray
    weight: np.ndarray
    held_out: np.ndarray
    y_held_out: np.ndarray
    summary: DataSummary

    @property
    def n_classes(self):
        """Outputs of the network."""
        return self.summary.n_classes

    @property
    def labeled(self):
        """Which rows have a target to train on: ndarray of bool (n,)."""
        return has_target(self.y)

    @property
    def unlabeled(self):
        """Which rows have none and may be used without: ndarray of bool (n,)."""
        return ~(self.labeled | self.held_out)

    @property
    def class_shares(self):
        """Shares of the classes among the labels: tensor (K,)."""
        counts = torch.from_numpy(np.bincount(self.y[self.labeled], minlength=self.n_classes))
        return counts.float() / len(self.y[self.labeled])


def hold_out(y, fraction, seed, stratify):
    """Choose labeled rows to validate on: ndarray of bool (n,)."""
    held_out = np.zeros(len(y), dtype=bool)
    if fraction is None:
        return held_out
    labeled = np.flatnonzero(has_target(y))
    strata = y[labeled] if stratify else None
    try:
        _, held = train_test_split(labeled, test_size=fraction, stratify=strata, random_state=seed)
    except ValueError as error:
        raise ValueError(
            f"validation_fraction={fraction} of {len(labeled)} labeled rows leaves too few "
            f"for each class in training or validation: {error} Give more labels, or train "
            "without validation_fraction, early_stopping and temperature_scaling."
        ) from None
    held_out[held] = True
    return held_out


@dataclass
class ClassTargets:
    """Classes of any kind as codes; outputs are logits, and users get probabilities.

    Parameters
    ----------
    unlabeled_label, class_weight
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
    """

    unlabeled_label: object = -1
    class_weight: object = None
    classes: np.ndarray | None = None
    earlier: "ClassTargets | None" = field(default=None, repr=False)
    temperature: float = 1.0

    missing = -1

    @property
    def n_outputs(self):
        """K."""
        return len(self.classes)

    def encode(self, X, y, weight, validation_fraction, seed):
        """Check y; return codes (n,), -1 for unlabeled, weights (n,), and who is held out (n,)."""
        self.classes, codes, weight = check_labels(
            X,
            y,
            weight,
            unlabeled_label=self.unlabeled_label,
            class_weight=self.class_weight,
            classes=self.classes,
        )
        earlier, self.earlier = self.earlier, None
        if earlier is not None and not np.array_equal(self.classes, earlier.classes):
            raise ValueError(
                "warm_start=True, but the earlier fit had other classes: "
                f"{earlier.classes}, and now {self.classes}."
            )
        return codes, weight, hold_out(codes, validation_fraction, seed, stratify=True)

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
        classes = self.classes
        ok = isinstance(classes, np.ndarray) and classes.shape == (summary.n_classes,)
        if not ok or not 1 <= self.temperature < np.inf:
            raise ValueError("classes or temperature are not those of a fit")

    @staticmethod
    def decide(probabilities):
        """Codes of the most probable classes: ndarray (n, K) -> (n,)."""
        return probabilities.argmax(1)

    def decode(self, logits):
        """Probabilities in float64: tensor (n, K) -> (n, K)."""
        return torch.softmax(logits.double() / self.temperature, dim=1)


def masked_mse(outputs, targets):
    """Mean squared error over targets that are no NaN: (n, T), (n, T) -> (), 0 without any."""
    known = targets.isfinite()
    error = (outputs.float() - targets.nan_to_num()).square() * known
    return error.sum() / known.sum().clamp_min(1)


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

    missing = np.nan

    @property
    def n_outputs(self):
        """T."""
        return len(self.mean)

    def encode(self, X, y, weight, validation_fraction, seed):
        """Check y; return targets (n, T), NaN for unlabeled, weights (n,), who is held out (n,)."""
        if isinstance(y, np.ma.MaskedArray):
            y = y.astype(np.float64).filled(np.nan)
        y = check_array(
            from_tensor(y),
            dtype=np.float64,
            ensure_2d=False,
            ensure_all_finite="allow-nan",
            input_name="y",
        )
        check_consistent_length(X, y)
        self.is_flat, y = y.ndim == 1, y.reshape(len(y), -1)
        labeled = has_target(y) & (weight > 0)
        if not labeled.any():
            raise ValueError("No row is labeled: every y is NaN, or has weight 0.")
        minus_ones = (y[labeled] == -1).mean()
        if minus_ones > 0.5 and (y[labeled] != -1).any():
            warn(
                f"{minus_ones:.0%} of the targets are exactly -1. If -1 marks unlabeled rows, "
                "write NaN in its place: -1 is a number like any other here."
            )
        earlier, self.earlier = self.earlier, None
        if earlier is not None:
            if y.shape[1] != earlier.n_outputs:
                raise ValueError(f"y has {y.shape[1]} outputs, and had {earlier.n_outputs} before.")
            self.mean, self.scale, self.is_flat = earlier.mean, earlier.scale, earlier.is_flat
        else:
            self._set_unit(y[labeled])
        targets = (y - self.mean) / self.scale
        targets[~labeled] = np.nan
        return targets, weight, hold_out(targets, validation_fraction, seed, stratify=False)

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

    def in_units_of_y(self, targets):
        """Encoded targets or outputs (n, T) -> ndarray (n,) or (n, T), as y was."""
        values = targets * self.scale + self.mean
        return values[:, 0] if self.is_flat else values
