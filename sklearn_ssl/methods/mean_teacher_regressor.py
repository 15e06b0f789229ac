"""Mean Teacher for numbers: the average of the student's past weights gives the targets.

Antti Tarvainen, Harri Valpola: "Mean teachers are better role models: Weight-averaged consistency
targets improve semi-supervised deep learning results", NeurIPS 2017, arXiv 1703.01780, equations 1
and 2.
"""

import torch
from scipy.stats import loguniform, uniform
from sklearn.utils._param_validation import Interval, Real, StrOptions
from torch import nn

from ..augment import noisy_view
from ..inputs.targets import masked_mse
from ..networks import still_statistics
from ..regressor import SSLRegressor
from ..schedules import sigmoid_ramp
from .mean_teacher import teach

__all__ = ["MeanTeacherRegressionLoss", "MeanTeacherRegressor"]


class MeanTeacherRegressionLoss(nn.Module):
    """Squared error on labels + w(t) * mean of (f(x, theta) - f(x, theta'))^2 on unlabeled rows.

    Labeled rows are a batch of their own, and BatchNorm's running statistics are theirs, as in the
    supervised net: with noisy targets, what few rows have in common steadies the fit.
    """

    def __init__(self, *, view, unlabeled_weight, ramp_length):
        super().__init__()
        self.view, self.lambda_u, self.ramp_length = view, unlabeled_weight, ramp_length

    def forward(self, model, batch):
        x, g, B = torch.cat([batch.x_l, batch.x_u]), batch.generator, len(batch.x_l)
        seen = self.view(x, g)
        labeled = masked_mse(model(seen[:B]), batch.y_l)
        with still_statistics(model):
            student = model(seen[B:])
        teacher = teach(model, batch, self.view(x, g)[B:])  # labeled rows are donors of the view
        consistency = (student.float() - teacher.float()).square().mean()
        w = self.lambda_u * sigmoid_ramp(batch.t, self.ramp_length)
        parts = {"labeled_loss": labeled, "unlabeled_loss": consistency}
        return labeled + w * consistency, parts


class MeanTeacherRegressor(SSLRegressor):
    """Mean Teacher for numbers: NaN in y marks unlabeled rows, and y may have several columns.

    Tarvainen and Valpola 2017, "Mean teachers are better role models", arXiv 1703.01780, equations
    1 and 2, with squared errors of the outputs. The averaged weights predict.

    It helps where the targets vary smoothly along a surface on which the rows lie (a swiss roll) or
    where targets are noisy (diabetes). On Friedman's function of ten features it made no difference
    (``benchmarks/RESULTS_REGRESSION.md``). Compare with ``unlabeled_weight=0``.

    Parameters
    ----------
    ramp_length : float in [0, 1], default=0.27
        Share of training in which the weight grows.
    augment : "auto" or callable ``(x, generator) -> x``, default="auto"
        View of the rows; "auto": the strong view of `augment.default_views` on tables, the weak one
        on images.
    unlabeled_weight : float >= 0, default=2.0
        w_max of w(t) = w_max exp(-5 (1 - t)^2), where targets have variance 1.

    See Also
    --------
    RankUpRegressor : Learns the ranks of unlabeled rows too.
    MeanTeacherClassifier : The same for classes.
    compare_with_supervised : Tells whether the unlabeled rows helped.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_ssl import MeanTeacherRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> few = np.where(np.arange(len(y)) < 100, y, np.nan)
    >>> reg = MeanTeacherRegressor(max_steps=100, random_state=0).fit(X, few)
    >>> reg.score(X[100:], y[100:]) > 0.2
    True
    """

    ramp_length: float = 0.27
    augment: object = "auto"
    unlabeled_weight: float = 2.0
    ema_decay: float | None = 0.99
    optimizer: object = "adam"
    lr: float = 1e-3

    _parameter_constraints = {
        "ramp_length": [Interval(Real, 0, 1, closed="both")],
        "augment": [StrOptions({"auto"}), callable],
    }
    _search_space = {
        "lr": loguniform(1e-4, 1e-2),
        "ramp_length": uniform(0, 0.5),
        "ema_decay": [0.95, 0.99, 0.999],
    }

    def _make_view(self, rows):
        return noisy_view(rows.X, self.augment)

    def _make_loss(self, rows):
        return MeanTeacherRegressionLoss(
            view=self._make_view(rows),
            unlabeled_weight=self.unlabeled_weight,
            ramp_length=self.ramp_length,
        )
