"""Mean Teacher: the average of the student's past weights gives the targets.

Antti Tarvainen, Harri Valpola: "Mean teachers are better role models: Weight-averaged consistency
targets improve semi-supervised deep learning results", NeurIPS 2017, arXiv 1703.01780, equations 1
and 2.
"""

import torch
from scipy.stats import loguniform, uniform
from sklearn.utils._param_validation import Interval, Real, StrOptions
from torch import nn
from torch.nn.functional import cross_entropy

from ..augment import noisy_view
from ..classifier import SSLClassifier
from ..losses import kl_divergence, squared_difference
from ..networks import still_statistics
from ..schedules import sigmoid_ramp

__all__ = ["MeanTeacherClassifier", "MeanTeacherLoss"]


def teach(model, batch, x):
    """Outputs of theta', the averaged weights (eq. 2), with its own dropout and batch statistics.

    Running statistics lag behind where BatchNorm is slow, and would teach noise.
    """
    teacher = model if batch.average is None else batch.average
    training = teacher.training
    with torch.no_grad(), still_statistics(teacher):
        outputs = teacher.train()(x)
    teacher.train(training)
    return outputs


class MeanTeacherLoss(nn.Module):
    """CE on labels + w(t) * mean of d(f(x, theta, eta), f(x, theta', eta')), eq. 1.

    The mean is that of the batch, as in the authors' code, which puts many labeled rows into it.
    """

    def __init__(self, *, view, unlabeled_weight, ramp_length, consistency="mse"):
        super().__init__()
        self.view, self.lambda_u, self.ramp_length = view, unlabeled_weight, ramp_length
        self.distance = squared_difference if consistency == "mse" else kl_divergence

    def forward(self, model, batch):
        x, g = torch.cat([batch.x_l, batch.x_u]), batch.generator
        student = model(self.view(x, g))
        labeled = cross_entropy(student[: len(batch.x_l)], batch.y_l)
        teacher = teach(model, batch, self.view(x, g))
        consistency = self.distance(student, teacher).mean()
        w = self.lambda_u * sigmoid_ramp(batch.t, self.ramp_length)
        parts = {"labeled_loss": labeled, "unlabeled_loss": consistency}
        return labeled + w * consistency, parts


class MeanTeacherClassifier(SSLClassifier):
    r"""Mean Teacher: the network learns to agree with the average of its own past weights.

    Tarvainen and Valpola 2017, "Mean teachers are better role models", arXiv 1703.01780, equations
    1 and 2. The teacher's weights theta' are the running mean of the student's weights theta:

    .. math::

        \theta'_t = d \, \theta'_{t-1} + (1 - d) \, \theta_t, \qquad
        l_u = \text{mean} \, (p(x; \theta) - p(x; \theta'))^2

    Student and teacher see different views, and the gradient reaches the student alone. The teacher
    predicts: d is ``ema_decay``, and BatchNorm's statistics are averaged too. With
    ``ema_decay=None`` the student is its own teacher.

    Parameters
    ----------
    consistency : {"mse", "kl"}, default="mse"
        Distance of probabilities: mean squared difference over rows and classes, or the mean
        Kullback-Leibler divergence from the teacher, in nats.
    ramp_length : float in [0, 1], default=0.27
        Share of training in which the weight grows.
    augment : "auto" or callable ``(x, generator) -> x``, default="auto"
        View of the rows; "auto": the strong view of `augment.default_views` on tables, the weak one
        on images.
    unlabeled_weight : float >= 0, default=30.0
        w_max of w(t) = w_max exp(-5 (1 - t)^2). The paper's is 100.

    See Also
    --------
    PiModelClassifier : Two passes of one network in place of a teacher.
    TemporalEnsemblingClassifier : Averages predictions in place of weights.
    VATClassifier : Finds the view that changes the prediction most.
    MeanTeacherRegressor : The same for numbers.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import MeanTeacherClassifier, hide_labels
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = MeanTeacherClassifier(max_steps=100, random_state=0)
    >>> clf.fit(X, hide_labels(y, 100, random_state=0)).score(X, y) > 0.85
    True
    """

    consistency: str = "mse"
    ramp_length: float = 0.27
    augment: object = "auto"
    unlabeled_weight: float = 30.0
    ema_decay: float | None = 0.99

    _parameter_constraints = {
        "consistency": [StrOptions({"mse", "kl"})],
        "ramp_length": [Interval(Real, 0, 1, closed="both")],
        "augment": [StrOptions({"auto"}), callable],
    }
    _search_space = {
        "unlabeled_weight": loguniform(1, 100),
        "ramp_length": uniform(0, 0.5),
        "ema_decay": [0.95, 0.99, 0.999],
    }

    def _make_view(self, rows):
        return noisy_view(rows.X, self.augment)

    def _make_loss(self, rows):
        return MeanTeacherLoss(
            view=self._make_view(rows),
            unlabeled_weight=self.unlabeled_weight,
            ramp_length=self.ramp_length,
            consistency=self.consistency,
        )
