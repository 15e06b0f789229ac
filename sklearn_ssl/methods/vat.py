"""Virtual adversarial training: smooth where a small step changes the prediction most.

Takeru Miyato, Shin-ichi Maeda, Masanori Koyama, Shin Ishii: "Virtual Adversarial Training: A
Regularization Method for Supervised and Semi-Supervised Learning", TPAMI 2018, arXiv 1704.03976,
equations 5 to 9 and algorithm 1; the entropy term is equation 18.
"""

import math

import torch
from scipy.stats import loguniform, uniform
from sklearn.utils._param_validation import Integral, Interval, Real, StrOptions
from torch import nn
from torch.nn.functional import cross_entropy

from ..augment import choose_views, relative_spacing
from ..classifier import SSLClassifier
from ..losses import entropy, kl_divergence
from ..networks import still_statistics

__all__ = ["VATClassifier", "VATLoss"]


class VATLoss(nn.Module):
    """CE on labels + lambda_u * mean KL(p(x) || p(x + r_vadv)) [+ mean entropy], over all rows."""

    def __init__(
        self,
        *,
        view,
        scale,
        unlabeled_weight,
        epsilon,
        xi=0.01,
        n_power=1,
        entropy_weight=0.0,
    ):
        super().__init__()
        self.view, self.lambda_u = view, unlabeled_weight
        self.epsilon, self.xi, self.n_power = epsilon, xi, n_power
        self.entropy_weight = entropy_weight
        self.register_buffer("scale", scale)

    def _unit(self, d):
        """Rows of Euclidean length 1."""
        return d / d.flatten(1).norm(dim=1).clamp_min(1e-12).reshape(-1, *[1] * (d.ndim - 1))

    def adversarial(self, model, x, logits, g):
        """r_vadv of eq. 6: ``n_power`` power iterations from a random direction, in units of x."""
        d = self._unit(torch.randn(x.shape, generator=g, device=x.device))
        for _ in range(self.n_power):
            d.requires_grad_()
            distance = kl_divergence(model(x + self.xi * d * self.scale), logits).mean()
            d = self._unit(torch.autograd.grad(distance, d)[0].detach().float())
        return self.epsilon * d * self.scale

    def forward(self, model, batch):
        x_l, y_l, g = batch.x_l, batch.y_l, batch.generator
        x, n = self.view(torch.cat([x_l, batch.x_u]), g), len(x_l)
        logits = model(x)
        labeled = cross_entropy(logits[:n], y_l)
        with still_statistics(model):
            target = logits.detach()
            mixed = torch.is_autocast_enabled(x.device.type)
            with torch.autocast(x.device.type, enabled=False):  # bfloat16 cannot resolve xi
                exact = model(x).detach() if mixed else target
                r = self.adversarial(model, x, exact, g)
            divergence = kl_divergence(model(x + r), target)
        unlabeled = batch.mean_over_rows(divergence)  # R_vadv, eq. 7
        if self.entropy_weight > 0:  # eq. 18
            unlabeled = unlabeled + self.entropy_weight * batch.mean_over_rows(entropy(logits))
        parts = {"labeled_loss": labeled, "unlabeled_loss": unlabeled}
        return labeled + self.lambda_u * unlabeled, parts


class VATClassifier(SSLClassifier):
    r"""Virtual adversarial training: the same prediction along the most sensitive direction.

    Miyato et al. 2018, "Virtual Adversarial Training", arXiv 1704.03976, equations 5 to 9. The
    unlabeled loss is

    .. math::

        l_u = \text{mean} \, KL(p(x) \,\|\, p(x + r)), \qquad
        r = \arg\max_{\|r\| \le \epsilon} KL(p(x) \,\|\, p(x + r))

    Power iteration finds the direction of r. The method needs neither labels nor strong views.

    The length epsilon alone says how large a step may be. Rows of different classes must be farther
    apart than that. On word counts, where all documents are about equally far from each other, the
    unlabeled rows lowered the accuracy (``docs/when_it_hurts.md``).

    Parameters
    ----------
    epsilon : float > 0 or "auto", default="auto"
        Length of r. The unit of each feature is its standard deviation over the training rows; for
        a column that mostly holds one value, it is the size of the other values. "auto": half of
        the median distance between neighbouring rows, which is `augment.relative_spacing` times the
        square root of the number of features.
    xi : float > 0, default=0.01
        Length of the step that finds the direction.
    n_power : int >= 1, default=1
        Power iterations.
    entropy_weight : float >= 0, default=0.0
        Weight of the conditional entropy of all rows (VAT+EntMin of the paper: 1).
    augment : "auto" or callable ``(x, generator) -> x``, default="auto"
        View of the rows, applied first. "auto": the weak view of `augment.default_views`.
    unlabeled_weight : float >= 0, default=1.0
        The paper's alpha.

    See Also
    --------
    MeanTeacherClassifier : Random views in place of adversarial ones.
    FixMatchClassifier : Strong views and confident targets.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import VATClassifier, hide_labels
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = VATClassifier(max_steps=100, random_state=0)
    >>> clf.fit(X, hide_labels(y, 100, random_state=0)).score(X, y) > 0.85
    True
    """

    epsilon: float | str = "auto"
    xi: float = 0.01
    n_power: int = 1
    entropy_weight: float = 0.0
    augment: object = "auto"

    _parameter_constraints = {
        "epsilon": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
        "xi": [Interval(Real, 0, None, closed="neither")],
        "n_power": [Interval(Integral, 1, None, closed="left")],
        "entropy_weight": [Interval(Real, 0, None, closed="left")],
        "augment": [StrOptions({"auto"}), callable],
    }
    _search_space = {"epsilon": loguniform(0.1, 10), "entropy_weight": uniform(0, 1)}

    def _make_view(self, rows):
        return choose_views(rows.X, self.augment)[0]

    def _make_loss(self, rows):
        epsilon, scale = self.epsilon, rows.summary.scale
        if isinstance(epsilon, str):
            features = (scale > 0).float().mean().item() * math.prod(rows.summary.input_shape)
            epsilon = 0.5 * relative_spacing(rows.X) * features**0.5
        return VATLoss(
            view=self._make_view(rows),
            scale=scale,
            unlabeled_weight=self.unlabeled_weight,
            epsilon=epsilon,
            xi=self.xi,
            n_power=self.n_power,
            entropy_weight=self.entropy_weight,
        )
